//! Sessions that come with their viewer from another node, and go on with them to the next.
//!
//! A player sends the header `Frontrow-Capsule` with its events, at first with anything in it, and is answered with a
//! capsule; it sends that along the next time, wherever it comes to. A node goes on from the capsule of a session that it
//! does not know, or knows less of, for its viewer was elsewhere since; how many events a capsule knows of stands in it
//! in the clear, so that a node opens only those that it needs. One that was changed, is too old or of another session
//! is refused and counted; the events count all the same.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use capsule::{Capsule, CapsuleError, Keys, Secret, limits};
use tracing::warn;
use units::UnixMillis;
use zeroize::Zeroizing;

use crate::config::ConfigError;
use crate::sessions::Carried;

/// Seals and opens capsules with the secret that the operator's nodes share.
#[derive(Debug)]
pub struct Capsules {
    secret: Secret,
    /// Of the generation that served last.
    keys: Mutex<Option<(u64, Arc<Keys>)>>,
}

impl Capsules {
    /// With the secret in this file, at least 32 random bytes.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_path_buf(), source };
        let bytes = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
        let secret = Secret::new(bytes).map_err(|error| ConfigError::NotRising {
            path: path.to_path_buf(),
            message: error.to_string(),
        })?;
        Ok(Self { secret, keys: Mutex::default() })
    }

    /// A session for its viewer to take along; none if it is too large to be one.
    pub fn seal(
        &self,
        node: &str,
        session_id: &str,
        carried: &Carried,
        (generation, now): (u64, UnixMillis),
        nonce: [u8; 12],
    ) -> Option<String> {
        let number = |number: Option<u32>| number.map(|number| number.to_string());
        let capsule = Capsule {
            session: session_id.to_owned(),
            node: node.to_owned(),
            generation: carried.generation,
            issued_at: now,
            began_at: UnixMillis::new(carried.began_unix_ms),
            viewer: number(carried.viewer),
            title: number(carried.title),
            region: carried.region.clone(),
            device: carried.device.clone(),
            events: carried.events,
            state: carried.state.clone(),
        };
        capsule::seal(&capsule, &self.keys(generation, now), nonce)
            .inspect_err(|error| warn!(%error, "a session does not fit a capsule"))
            .ok()
    }

    /// What a viewer brought along.
    pub fn open(
        &self,
        text: &str,
        session_id: &str,
        viewer: Option<u32>,
        (generation, now): (u64, UnixMillis),
    ) -> Result<Carried, CapsuleError> {
        let viewer = viewer.map(|viewer| viewer.to_string());
        let keys = self.keys(generation, now);
        let capsule = capsule::open_for(text, &keys, now, session_id, viewer.as_deref())?;
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        Ok(Carried {
            generation: capsule.generation,
            began_unix_ms: capsule.began_at.get(),
            viewer: number(capsule.viewer),
            title: number(capsule.title),
            region: capsule.region,
            device: capsule.device,
            events: capsule.events,
            state: capsule.state,
        })
    }

    /// The key of the generation that serves seals; those of the ones beside it open as well, since nodes do not
    /// change releases in one moment.
    fn keys(&self, generation: u64, now: UnixMillis) -> Arc<Keys> {
        let mut kept = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, keys)) = &*kept
            && *of == generation
        {
            return Arc::clone(keys);
        }
        let mut keys = Keys::derive(&self.secret, generation);
        let until = UnixMillis::new(now.get().saturating_add(KEYS_OPEN_MS));
        for beside in
            [generation.saturating_add(1), generation.saturating_sub(2), generation.saturating_sub(1)]
        {
            keys.admit(&self.secret, beside, until);
        }
        let keys = Arc::new(keys);
        *kept = Some((generation, Arc::clone(&keys)));
        keys
    }
}

/// As long as this generation may serve: a capsule's own age is what ends it.
const KEYS_OPEN_MS: u64 = 365 * limits::AGE_MAX.get();
