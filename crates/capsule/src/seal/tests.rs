//! Tests of sealing and opening, beside it for their length.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quickcheck::{Arbitrary, Gen, quickcheck};
use units::{Millis, UnixMillis};
use zeroize::Zeroizing;

use super::{CapsuleError, SealError, claimed_events, open, open_for, seal};
use crate::{Capsule, Keys, Secret, SecretError, limits};

const NOW: UnixMillis = UnixMillis::new(1_795_000_000_000);

fn secret(byte: u8) -> Secret {
    Secret::new(Zeroizing::new(vec![byte; 32])).unwrap()
}

fn keys() -> Keys {
    Keys::derive(&secret(1), 42)
}

fn capsule() -> Capsule {
    Capsule {
        session: String::from("s-1"),
        node: String::from("edge-eu-1"),
        generation: 42,
        issued_at: NOW,
        began_at: UnixMillis::new(NOW.get() - 60_000),
        viewer: Some(String::from("ada")),
        title: Some(String::from("heat")),
        region: Some(String::from("eu")),
        device: None,
        events: 1_234,
        state: (0..200).collect(),
    }
}

/// By the Python package `cryptography`: see crates/golden/scripts/capsule.py.
const SEALED_ELSEWHERE: &str = concat!(
    "Ag-uuyjaVrp-AAAE0gcHBwcHBwcHBwcHBwvNXhW2kahEedAkHwe0FKKXjP6DTUchZJmo37KHJjbasWJJJOptqPNzUH",
    "QQmCWw6iKddNEgUtykRpT2Jweoj9WLBH9W5haRmFHmcQgBL_KLNjUeT3_0x1Ok0ureDWvHWZmAiUuXrnjdsGciAQsU",
    "sYJLIwKdkw-7zx3ppMXdRbIphGDLDeCy71QdEjkK1SYFtmd8w1b2aZuJcl24Q1BS6lUSofo4bRMHMOVMCIUjq59Rb1",
    "SNw5e3-NNePDk6qyQQ6YQHk77iYJjzIXfnMwwJjPb275rokVGILNQrf3Pfhn-vMeTQxIb_WkjVDw80XoiYpwDabt4I",
    "-zCKzEa2MXE5dLh9xNbAl8KajuhY",
);

fn after(time: Millis) -> UnixMillis {
    UnixMillis::new(NOW.get() + time.get())
}

/// Any capsule that can be sealed.
#[derive(Clone, Debug)]
struct Sealable(Capsule, [u8; 12]);

impl Arbitrary for Sealable {
    fn arbitrary(g: &mut Gen) -> Self {
        let name = |g: &mut Gen| {
            let mut name = String::arbitrary(g);
            while name.len() > limits::NAME_BYTES_MAX {
                name.pop();
            }
            name
        };
        let label = |g: &mut Gen| bool::arbitrary(g).then(|| name(g));
        let capsule = Capsule {
            session: name(g),
            node: name(g),
            generation: u64::arbitrary(g),
            issued_at: NOW,
            began_at: UnixMillis::new(u64::arbitrary(g)),
            viewer: label(g),
            title: label(g),
            region: label(g),
            device: label(g),
            events: u32::arbitrary(g),
            state: (0..usize::arbitrary(g) % (limits::STATE_BYTES_MAX + 1))
                .map(|_| u8::arbitrary(g))
                .collect(),
        };
        Self(capsule, std::array::from_fn(|_| u8::arbitrary(g)))
    }
}

quickcheck! {
    fn what_was_sealed_is_opened(sealable: Sealable) -> bool {
        let text = seal(&sealable.0, &keys(), sealable.1).unwrap();
        let is_safe = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        is_safe
            && text.len() <= limits::TEXT_BYTES_MAX
            && claimed_events(&text) == Some(sealable.0.events)
            && open(&text, &keys(), NOW) == Ok(sealable.0)
    }

    fn any_flipped_bit_is_refused(sealable: Sealable, bit: usize) -> bool {
        let text = seal(&sealable.0, &keys(), sealable.1).unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0 => CapsuleError::Malformed,
            1..9 => CapsuleError::UnknownKey,
            _ => CapsuleError::Tampered,
        };
        open(&URL_SAFE_NO_PAD.encode(&bytes), &keys(), NOW) == Err(expected)
    }

    fn any_other_character_is_refused(sealable: Sealable, place: usize, other: u8) -> bool {
        let mut text = seal(&sealable.0, &keys(), sealable.1).unwrap().into_bytes();
        let place = place % text.len();
        let other = other % 128;
        if text[place] == other {
            return true;
        }
        text[place] = other;
        open(std::str::from_utf8(&text).unwrap(), &keys(), NOW).is_err()
    }

    fn a_capsule_cut_short_is_refused(sealable: Sealable, length: usize) -> bool {
        let text = seal(&sealable.0, &keys(), sealable.1).unwrap();
        open(&text[..length % text.len()], &keys(), NOW).is_err()
    }

    fn any_text_is_refused(text: String) -> bool {
        claimed_events(&text).is_none() && open(&text, &keys(), NOW).is_err()
    }

    fn any_bytes_are_refused(bytes: Vec<u8>) -> bool {
        let mut headed = vec![2];
        headed.extend(keys().sealing().id);
        headed.extend(&bytes);
        open(&URL_SAFE_NO_PAD.encode(&bytes), &keys(), NOW).is_err()
            && open(&URL_SAFE_NO_PAD.encode(&headed), &keys(), NOW).is_err()
    }

    fn a_body_is_read_whole_or_not_at_all(sealable: Sealable, place: usize, byte: u8, length: usize) -> bool {
        let body = sealable.0.body();
        let mut other = body.clone();
        let place = place % other.len();
        other[place] = byte;
        // A changed byte may still be a capsule, but never one that is not what it reads as.
        let reads_as_it_is = Capsule::from_body(&other).is_none_or(|capsule| {
            Capsule::from_body(&capsule.body()) == Some(capsule)
        });
        reads_as_it_is && Capsule::from_body(&body[..length % body.len()]).is_none()
    }
}

#[test]
fn agrees_with_a_capsule_sealed_elsewhere() {
    assert_eq!(seal(&capsule(), &keys(), [7; 12]).as_deref(), Ok(SEALED_ELSEWHERE));
    assert_eq!(open(SEALED_ELSEWHERE, &keys(), NOW), Ok(capsule()));
}

#[test]
fn not_one_bit_can_be_flipped() {
    let bytes = URL_SAFE_NO_PAD.decode(SEALED_ELSEWHERE).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&URL_SAFE_NO_PAD.encode(&flipped), &keys(), NOW).is_err(), "bit {bit}");
    }
}

#[test]
fn a_capsule_is_short_enough_for_a_header() {
    let text = seal(&capsule(), &keys(), [7; 12]).unwrap();
    assert!(text.len() < 400, "{}", text.len());
    let name = "x".repeat(limits::NAME_BYTES_MAX);
    let longest = Capsule {
        session: name.clone(),
        node: name.clone(),
        generation: u64::MAX,
        issued_at: UnixMillis::new(u64::MAX),
        began_at: UnixMillis::new(u64::MAX),
        viewer: Some(name.clone()),
        title: Some(name.clone()),
        region: Some(name.clone()),
        device: Some(name),
        events: u32::MAX,
        state: vec![0; limits::STATE_BYTES_MAX],
    };
    assert!(seal(&longest, &keys(), [7; 12]).unwrap().len() <= limits::TEXT_BYTES_MAX);
    assert_eq!(Capsule::from_body(&longest.body()), Some(Capsule { events: 0, ..longest }));
}

#[test]
fn the_fuzzer_begins_with_bodies_that_are_read() {
    for seed in [
        include_bytes!("../../../../fuzz/seeds/capsule/viewer").as_slice(),
        include_bytes!("../../../../fuzz/seeds/capsule/nobody"),
    ] {
        let capsule = Capsule::from_body(seed).expect("a sound body");
        assert_eq!(capsule.body(), seed);
    }
}

#[test]
fn what_is_too_long_is_not_sealed() {
    let long = Capsule { title: Some("x".repeat(129)), ..capsule() };
    let error = SealError::NameTooLong { field: "title", bytes: 129 };
    assert_eq!(seal(&long, &keys(), [7; 12]), Err(error));
    let large = Capsule { state: vec![0; 2_049], ..capsule() };
    assert_eq!(seal(&large, &keys(), [7; 12]), Err(SealError::StateTooLarge { bytes: 2_049 }));
    let text = "A".repeat(limits::TEXT_BYTES_MAX + 1);
    assert_eq!(open(&text, &keys(), NOW), Err(CapsuleError::TooLarge { bytes: 4_097 }));
}

#[test]
fn an_old_capsule_and_one_from_the_future_are_refused() {
    let text = seal(&capsule(), &keys(), [7; 12]).unwrap();
    assert!(open(&text, &keys(), after(limits::AGE_MAX)).is_ok());
    let late = after(limits::AGE_MAX.saturating_add(Millis::new(1)));
    assert_eq!(open(&text, &keys(), late), Err(CapsuleError::Expired));
    let early = UnixMillis::new(NOW.get() - limits::AHEAD_MAX.get());
    assert!(open(&text, &keys(), early).is_ok());
    let ahead = Millis::new(limits::AHEAD_MAX.get() + 1);
    let early = UnixMillis::new(early.get() - 1);
    assert_eq!(open(&text, &keys(), early), Err(CapsuleError::Early { ahead }));
}

#[test]
fn a_capsule_of_another_session_or_viewer_is_foreign() {
    let text = seal(&capsule(), &keys(), [7; 12]).unwrap();
    let open = |session, viewer| open_for(&text, &keys(), NOW, session, viewer).map(|_| ());
    assert_eq!(open("s-1", Some("ada")), Ok(()));
    assert_eq!(open("s-2", Some("ada")), Err(CapsuleError::Foreign));
    assert_eq!(open("s-1", Some("eve")), Err(CapsuleError::Foreign));
    assert_eq!(open("s-1", None), Err(CapsuleError::Foreign));
    let nobody = seal(&Capsule { viewer: None, ..capsule() }, &keys(), [8; 12]).unwrap();
    assert!(open_for(&nobody, &keys(), NOW, "s-1", Some("ada")).is_ok());
}

#[test]
fn a_rotated_key_opens_until_it_is_over() {
    let mut keys = keys();
    let old = seal(&capsule(), &keys, [7; 12]).unwrap();
    let until = after(Millis::new(3_600_000));
    keys.rotate(&secret(1), 43, until);
    let new = seal(&capsule(), &keys, [7; 12]).unwrap();
    assert_ne!(old, new);
    assert!(open(&old, &keys, until).is_ok() && open(&new, &keys, until).is_ok());
    let over = UnixMillis::new(until.get() + 1);
    assert_eq!(open(&old, &keys, over), Err(CapsuleError::Expired));
    keys.forget(over);
    assert_eq!(open(&old, &keys, over), Err(CapsuleError::UnknownKey));
    assert!(open(&new, &keys, over).is_ok());
    assert_eq!(keys.generations().collect::<Vec<_>>(), [43]);
}

#[test]
fn a_node_opens_what_a_node_of_another_release_sealed_if_it_was_told() {
    let (ahead, mut behind) = (Keys::derive(&secret(1), 43), keys());
    let text = seal(&capsule(), &ahead, [7; 12]).unwrap();
    assert_eq!(open(&text, &behind, NOW), Err(CapsuleError::UnknownKey));
    behind.admit(&secret(1), 43, after(limits::AGE_MAX));
    assert!(open(&text, &behind, NOW).is_ok());
    assert_eq!(behind.generations().collect::<Vec<_>>(), [42, 43]);
    // The same generation under another secret is another key.
    let stranger = seal(&capsule(), &Keys::derive(&secret(2), 43), [7; 12]).unwrap();
    assert_eq!(open(&stranger, &behind, NOW), Err(CapsuleError::UnknownKey));
}

#[test]
fn the_number_of_keys_is_bounded_and_the_one_that_seals_stays() {
    let mut keys = keys();
    for generation in 100..120 {
        keys.admit(&secret(1), generation, NOW);
    }
    assert_eq!(keys.generations().collect::<Vec<_>>(), [42, 119, 118, 117, 116, 115, 114, 113]);
    keys.admit(&secret(1), 42, NOW);
    keys.rotate(&secret(1), 42, NOW);
    assert_eq!(keys.generations().count(), 8);
    assert!(open(&seal(&capsule(), &keys, [7; 12]).unwrap(), &keys, after(Millis::new(9))).is_ok());
    for generation in 200..220 {
        keys.rotate(&secret(1), generation, NOW);
    }
    assert_eq!(keys.generations().count(), 8);
    assert_eq!(keys.generations().next(), Some(219));
}

#[test]
fn secrets_are_long_and_never_shown() {
    let short = Secret::new(Zeroizing::new(vec![1; 31]));
    assert_eq!(short.unwrap_err(), SecretError::TooShort { bytes: 31 });
    assert_eq!(format!("{:?} {:?}", secret(1), keys()), "Secret(…) [42]");
}
