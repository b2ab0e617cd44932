//! CMSD: any text is read or refused, and a hop can be appended to whatever an upstream sends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::cmsd::{self, Dynamic, Hop, Static};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(read) = Static::read(text) {
        let written = read.write().unwrap_or_default();
        assert_eq!(Static::read(&written), Ok(Static { passed_over: 0, ..read }));
    }
    if let Ok(read) = Dynamic::read(text) {
        assert_eq!(Dynamic::read(&read.write().unwrap_or_default()), Ok(read));
    }
    let appended = cmsd::append(Some(text), &Hop::named("edge"));
    assert_eq!(Dynamic::read(&appended.field).unwrap().last(), Some(&Hop::named("edge")));
});
