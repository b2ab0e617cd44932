//! A session's capsule: any bytes are a body or refused, a body is written as it was read, and no text that this
//! node did not seal opens.
#![no_main]

use std::sync::LazyLock;

use capsule::{Capsule, Keys, Secret};
use libfuzzer_sys::fuzz_target;
use units::UnixMillis;

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let secret = Secret::new(vec![7; capsule::limits::SECRET_BYTES_MIN].into()).expect("long enough");
    Keys::derive(&secret, 1)
});

fuzz_target!(|bytes: &[u8]| {
    if let Some(read) = Capsule::from_body(bytes) {
        assert_eq!(Capsule::from_body(&read.body()), Some(read));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(capsule::open(text, &KEYS, UnixMillis::new(1_764_000_000_000)).is_err());
    }
});
