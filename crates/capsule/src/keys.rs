//! The keys of capsules.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use units::UnixMillis;
use zeroize::Zeroizing;

use crate::limits;

/// What all nodes share. Wiped when dropped, and never shown.
pub struct Secret(Zeroizing<Vec<u8>>);

/// Why a secret was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretError {
    /// It has fewer than [`limits::SECRET_BYTES_MIN`] bytes.
    TooShort {
        /// Bytes it has.
        bytes: usize,
    },
}

impl SecretError {
    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "capsule-secret-short",
        }
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { bytes } => {
                write!(f, "a secret of {bytes} bytes is shorter than {}", limits::SECRET_BYTES_MIN)
            }
        }
    }
}

impl std::error::Error for SecretError {}

impl Secret {
    /// Takes the bytes over; they should be random, not a password.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self, SecretError> {
        if bytes.len() < limits::SECRET_BYTES_MIN {
            return Err(SecretError::TooShort { bytes: bytes.len() });
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The keys of a node: one that seals, and a few more that open.
pub struct Keys {
    // Invariant: not empty, at most `KEYS_MAX`; the first one seals.
    keys: Vec<Key>,
}

pub(crate) struct Key {
    pub(crate) id: [u8; KEY_ID_BYTES],
    pub(crate) sealing: LessSafeKey,
    /// The generation it is of.
    generation: u64,
    /// When it stops to open; none for the one that seals.
    pub(crate) opens_until: Option<UnixMillis>,
}

pub(crate) const KEY_ID_BYTES: usize = 8;

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only.
        f.debug_list().entries(self.keys.iter().map(|key| key.generation)).finish()
    }
}

impl Keys {
    /// The key of this generation, which seals.
    pub fn derive(secret: &Secret, generation: u64) -> Self {
        Self { keys: vec![Key::derive(secret, generation, None)] }
    }

    /// Seals with the key of this generation from now on; the one that did so opens until `opens_until`,
    /// which should be [`limits::AGE_MAX`] from now. A new secret is brought in the same way.
    pub fn rotate(&mut self, secret: &Secret, generation: u64, opens_until: UnixMillis) {
        let key = Key::derive(secret, generation, None);
        if self.keys[0].id == key.id {
            return;
        }
        self.keys.retain(|known| known.id != key.id);
        for key in &mut self.keys {
            // Only the first one has none.
            key.opens_until.get_or_insert(opens_until);
        }
        self.keys.insert(0, key);
        self.keys.truncate(limits::KEYS_MAX);
    }

    /// Also opens what a node seals that is one release ahead or behind, until `opens_until`. Changes
    /// nothing for the key that seals; with [`limits::KEYS_MAX`] keys the one admitted first is let go.
    pub fn admit(&mut self, secret: &Secret, generation: u64, opens_until: UnixMillis) {
        let key = Key::derive(secret, generation, Some(opens_until));
        if self.keys[0].id == key.id {
            return;
        }
        self.keys.retain(|known| known.id != key.id);
        self.keys.insert(1, key);
        self.keys.truncate(limits::KEYS_MAX);
    }

    /// Lets go of the keys that do not open any more.
    pub fn forget(&mut self, now: UnixMillis) {
        self.keys.retain(|key| key.opens_until.is_none_or(|until| now <= until));
    }

    /// The generations whose capsules are opened, the one that seals first.
    pub fn generations(&self) -> impl Iterator<Item = u64> {
        self.keys.iter().map(|key| key.generation)
    }

    pub(crate) fn sealing(&self) -> &Key {
        &self.keys[0]
    }

    pub(crate) fn find(&self, id: &[u8]) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl Key {
    /// HKDF (RFC 5869). The name of the key comes from the same secret, so that two secrets of one
    /// generation are two keys.
    fn derive(secret: &Secret, generation: u64, opens_until: Option<UnixMillis>) -> Self {
        let prk = Salt::new(HKDF_SHA256, b"frontrow capsule 1").extract(&secret.0);
        Self { id: id(&prk, generation), sealing: sealing(&prk, generation), generation, opens_until }
    }
}

fn sealing(prk: &Prk, generation: u64) -> LessSafeKey {
    let info = [b"seal".as_slice(), &generation.to_be_bytes()];
    let key = prk.expand(&info, &AES_256_GCM_SIV).expect("32 bytes are less than HKDF can give");
    LessSafeKey::new(UnboundKey::from(key))
}

fn id(prk: &Prk, generation: u64) -> [u8; KEY_ID_BYTES] {
    let info = [b"name".as_slice(), &generation.to_be_bytes()];
    let mut bytes = [0; 32];
    let name = prk.expand(&info, HKDF_SHA256).expect("32 bytes are less than HKDF can give");
    name.fill(&mut bytes).expect("the length of SHA-256 was asked for");
    let mut id = [0; KEY_ID_BYTES];
    id.copy_from_slice(&bytes[..KEY_ID_BYTES]);
    id
}
