//! The component of the world `qoe-component`: a mapping and a call.
//!
//! Without `std`, so that it imports nothing: a host can run it with an empty linker.
#![no_std]
extern crate alloc;

mod convert;
mod wit;

use alloc::vec::Vec;

use guest as _;
use heap::{Arena, Heap};
use session::Session;
use wit::exports::frontrow::edge::qoe::{Error, Event, Folded, Guest, Scores, Summary};

/// Enough for a question and its answer.
static ARENA: Arena<{ 128 << 10 }> = Arena::new();

#[global_allocator]
static HEAP: Heap = Heap::new(&ARENA);

struct Component;

impl Guest for Component {
    fn fold(state: Vec<u8>, events: Vec<Event>) -> Result<Folded, Error> {
        let mut session = Session::restore_any(&state).map_err(convert::saved_error)?;
        session.fold(events.into_iter().map(convert::event).collect()).map_err(convert::fold_error)?;
        let summary = session.summary();
        Ok(Folded {
            state: session.save(),
            summary: convert::summary(&summary),
            scores: convert::scores(qoe::score(&summary)),
        })
    }

    fn score(summary: Summary) -> Scores {
        convert::scores(qoe::score(&convert::seen(&summary)))
    }

    fn fold_batch(batch: Vec<u8>) -> Result<Vec<u8>, Error> {
        session::packed::fold_batch(&batch).map_err(convert::packed_error)
    }

    fn score_batch(figures: Vec<u8>) -> Result<Vec<u8>, Error> {
        qoe::packed::score_batch(&figures).map_err(convert::packed_error)
    }
}
