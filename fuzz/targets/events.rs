//! A packed batch of sessions and events: any bytes are folded or refused, and every state that comes back can be
//! read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::{Session, packed};

fuzz_target!(|batch: &[u8]| {
    let Ok(answer) = packed::fold_batch(batch) else { return };
    for folded in packed::folded(&answer).unwrap() {
        let Ok(folded) = folded.unwrap() else { continue };
        let session = Session::restore_any(folded.state).unwrap();
        let mut again = Vec::new();
        session.pack_into(&mut again);
        assert_eq!(again, folded.state);
        assert_eq!(Session::restore(&session.save()).unwrap(), session);
    }
});
