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

use crate::config::{Config, ConfigError};
use crate::sessions::Carried;

/// Seals and opens capsules with the secret that the operator's nodes share.
#[derive(Debug)]
pub struct Capsules {
    secret: Secret,
    /// Its capsules open, too.
    beside: Option<Secret>,
    /// Of the generation that served last.
    keys: Mutex<Option<(u64, Arc<Keys>)>>,
}

impl Capsules {
    /// With the secrets of a configuration, at least 32 random bytes each; none where it names none to seal with.
    pub fn of(config: &Config) -> Result<Option<Self>, ConfigError> {
        let Some(path) = &config.capsule_secret_file else { return Ok(None) };
        let beside = config.capsule_secret_beside_file.as_deref().map(secret).transpose()?;
        Ok(Some(Self { secret: secret(path)?, beside, keys: Mutex::default() }))
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
        let near = [generation.saturating_add(1), generation.saturating_sub(2), generation.saturating_sub(1)];
        if let Some(secret) = &self.beside {
            near.into_iter().chain([generation]).for_each(|generation| keys.admit(secret, generation, until));
        }
        near.into_iter().for_each(|generation| keys.admit(&self.secret, generation, until));
        let keys = Arc::new(keys);
        *kept = Some((generation, Arc::clone(&keys)));
        keys
    }
}

fn secret(path: &Path) -> Result<Secret, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_path_buf(), source };
    let bytes = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
    Secret::new(bytes)
        .map_err(|error| ConfigError::NotRising { path: path.to_path_buf(), message: error.to_string() })
}

/// As long as this generation may serve: a capsule's own age is what ends it.
const KEYS_OPEN_MS: u64 = 365 * limits::AGE_MAX.get();

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_700_000_000_000);

    fn capsules(sealing: u8, beside: Option<u8>) -> Capsules {
        let secret = |byte: u8| Secret::new(Zeroizing::new(vec![byte; 32])).expect("long enough");
        Capsules { secret: secret(sealing), beside: beside.map(secret), keys: Mutex::default() }
    }

    fn sealed(capsules: &Capsules, generation: u64) -> String {
        let carried = Carried {
            generation,
            began_unix_ms: NOW.get() - 5_000,
            viewer: Some(7),
            title: None,
            region: None,
            device: None,
            events: 3,
            state: vec![1, 2, 3],
        };
        capsules.seal("edge-1", "s", &carried, (generation, NOW), [9; 12]).expect("it is small")
    }

    fn opened(capsules: &Capsules, text: &str, generation: u64) -> Result<u32, &'static str> {
        let carried = capsules.open(text, "s", Some(7), (generation, NOW));
        carried.map(|carried| carried.events).map_err(|error| error.code())
    }

    #[test]
    fn nodes_that_serve_neighbouring_releases_open_each_others_capsules() {
        let node = capsules(1, None);
        for (sealing, opening) in [(5, 5), (5, 6), (5, 7), (6, 5)] {
            assert_eq!(opened(&node, &sealed(&node, sealing), opening), Ok(3), "{sealing} {opening}");
        }
        assert_eq!(opened(&node, &sealed(&node, 5), 8), Err("capsule-key-unknown"));
    }

    #[test]
    fn a_secret_is_changed_node_by_node_without_losing_a_session() {
        let before = capsules(1, None);
        let admits = capsules(1, Some(2));
        let changed = capsules(2, Some(1));
        let after = capsules(2, None);
        for (one, other) in [(&before, &admits), (&admits, &changed), (&changed, &after)] {
            for generation in [5, 6] {
                assert_eq!(opened(other, &sealed(one, 5), generation), Ok(3));
                assert_eq!(opened(one, &sealed(other, 5), generation), Ok(3));
            }
        }
        assert_eq!(opened(&after, &sealed(&before, 5), 5), Err("capsule-key-unknown"));
    }
}
