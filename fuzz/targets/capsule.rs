//! Capsules: the sealed part is read or refused, and sealed and opened it is the same; no made-up text opens.
#![no_main]

use std::sync::LazyLock;

use capsule::{Capsule, CapsuleError, Keys, Secret, open, seal};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let secret = Secret::new(vec![7; 32].into()).expect("32 bytes are enough");
    Keys::derive(&secret, 1)
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(open(text, &KEYS, Default::default()).is_err());
    }
    let Some(capsule) = Capsule::from_body(bytes) else { return };
    assert_eq!(Capsule::from_body(&capsule.body()).as_ref(), Some(&capsule));
    // What was read can be sealed: both have the same limits.
    let text = seal(&capsule, &KEYS, [1; 12]).expect("it was read within the limits");
    assert_eq!(open(&text, &KEYS, capsule.issued_at), Ok(capsule.clone()));
    let cut = &text[..text.len() - 2];
    let error = open(cut, &KEYS, capsule.issued_at).unwrap_err();
    assert!(matches!(error, CapsuleError::Tampered | CapsuleError::Malformed), "{error:?}");
});
