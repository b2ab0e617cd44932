//! A packed batch of sessions and events: any bytes are folded or refused, and every state that comes back can be
//! read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::{Session, packed};

fuzz_target!(|batch: &[u8]| {
    let Ok(answer) = packed::fold_batch(batch) else { return };
    for folded in packed::folded(&answer).unwrap() {
        let Ok(folded) = folded.unwrap() else { continue };
        assert_eq!(Session::restore(folded.state).unwrap().save(), folded.state);
    }
});
