//! The component of the world `bitrate-component`: a mapping and a call.
//!
//! Without `std`, so that it imports nothing: a host can run it with an empty linker.
#![no_std]
extern crate alloc;

mod convert;
mod wit;

use alloc::vec::Vec;

use guest as _;
use heap::{Arena, Heap};
use wit::exports::frontrow::edge::bitrate::{Decision, Error, Guest, Input};

/// Enough for a question and its answer.
static ARENA: Arena<{ 128 << 10 }> = Arena::new();

#[global_allocator]
static HEAP: Heap = Heap::new(&ARENA);

struct Component;

impl Guest for Component {
    fn decide(input: Input) -> Result<Decision, Error> {
        let question = convert::input(&input).map_err(convert::error)?;
        Ok(convert::decision(bitrate::decide(&question), &input))
    }

    fn decide_batch(inputs: Vec<Input>) -> Vec<Result<Decision, Error>> {
        inputs.into_iter().map(Self::decide).collect()
    }

    fn decide_packed(questions: Vec<u8>) -> Result<Vec<u8>, Error> {
        bitrate::packed::decide_packed(&questions).map_err(convert::packed_error)
    }
}
