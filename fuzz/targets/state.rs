//! The saved state of a session.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::{Event, EventKind, Session};
use units::UnixMillis;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut session) = Session::restore(bytes) else { return };
    if !bytes.is_empty() {
        assert_eq!(session.save(), bytes, "a state has one form");
    }
    let next = session.newest_at().map_or(0, UnixMillis::get).saturating_add(1_000);
    for kind in [EventKind::Heartbeat, EventKind::Stop] {
        session.fold(vec![Event::new(kind, UnixMillis::new(next))]).expect("one event");
    }
    assert_eq!(Session::restore(&session.save()).as_ref(), Ok(&session));
    let mos = qoe::score(&session.summary()).mos_v1;
    assert!(mos.is_none_or(|mos| (1.0..=5.0).contains(&mos)), "{mos:?}");
});
