//! The saved form of a session: any bytes are a session or refused, and a session is saved as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::Session;

fuzz_target!(|saved: &[u8]| {
    let Ok(session) = Session::restore(saved) else { return };
    assert_eq!(Session::restore(&session.save()), Ok(session.clone()));
    _ = qoe::score(&session.summary());
});
