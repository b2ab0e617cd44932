//! Where the origin keeps its things, where it listens and which database it uses.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use release::SlateEntry;
use serde::Deserialize;

use crate::assemble::{PlacedConfig, Slates};
use crate::database::Address;
use crate::gate::GateConfig;
use crate::limits::SIGNATURE_DAYS_MAX;
use crate::postgres::ClusterConfig;
use crate::qoe::RetentionConfig;

/// Why the configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML, or a key is unknown or of the wrong type.
    #[error("{path}: {message}")]
    Invalid {
        /// Which.
        path: PathBuf,
        /// With line and column.
        message: String,
    },
}

impl ConfigError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config-unreadable",
            Self::Invalid { .. } => "config-invalid",
        }
    }
}

/// The configuration file; each key has a default, an unknown one is an error.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where `serve` listens; loopback unless it is told otherwise.
    pub listen: SocketAddr,
    /// The private cluster; not used when `DATABASE_URL` names a server.
    pub postgres: PostgresConfig,
    /// For how long what is signed holds.
    pub signatures: SignaturesConfig,
    /// How the lists of every region are laid out.
    pub slate: SlateEntry,
    /// What is placed in one region, instead of what `slate` places in all.
    pub regions: BTreeMap<String, PlacedConfig>,
    /// What a release must hold against the one before.
    pub gate: GateConfig,
    /// For how long what nodes report is kept.
    pub retention: RetentionConfig,
}

/// For how long what is signed holds; nodes refuse what has expired. The timestamp, the snapshot and the
/// targets are signed anew in time by a serving origin that has their keys, and by every publication.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct SignaturesConfig {
    /// Of the root, by `keys init`: so that a lost root key does not rule for ever.
    pub root_days: u16,
    /// Of the list of files: so that an origin that was taken over is noticed.
    pub targets_days: u16,
    /// Of the snapshot: so that it cannot be replayed for long.
    pub snapshot_days: u16,
    /// Of the timestamp: so that nobody can hold nodes at an old release for longer.
    pub timestamp_hours: u16,
}

impl Default for SignaturesConfig {
    fn default() -> Self {
        Self { root_days: 365, targets_days: 90, snapshot_days: 7, timestamp_hours: 24 }
    }
}

impl SignaturesConfig {
    /// The first key that is outside its range.
    fn out_of_range(&self) -> Option<&'static str> {
        let Self { root_days, targets_days, snapshot_days, timestamp_hours } = *self;
        let hours = [
            ("root_days", u32::from(root_days) * 24),
            ("targets_days", u32::from(targets_days) * 24),
            ("snapshot_days", u32::from(snapshot_days) * 24),
            ("timestamp_hours", u32::from(timestamp_hours)),
        ];
        let is_out = |hours: u32| hours == 0 || hours > u32::from(SIGNATURE_DAYS_MAX) * 24;
        hours.into_iter().find(|&(_, hours)| is_out(hours)).map(|(key, _)| key)
    }
}

/// The private cluster.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresConfig {
    /// The folder of `initdb`, `pg_ctl` and `postgres`; looked for without it.
    pub programs: Option<PathBuf>,
    /// The account it runs as when the origin is started by root.
    pub account: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7080)),
            postgres: PostgresConfig::default(),
            signatures: SignaturesConfig::default(),
            slate: SlateEntry::default(),
            regions: BTreeMap::new(),
            gate: GateConfig::default(),
            retention: RetentionConfig::default(),
        }
    }
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self { programs: None, account: "postgres".to_owned() }
    }
}

impl Config {
    /// Reads a file; all defaults without one.
    pub fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_path_buf(), source })?;
        let invalid = |message| ConfigError::Invalid { path: path.to_path_buf(), message };
        let config: Self =
            toml::from_str(&text).map_err(|error| invalid(error.to_string().trim().to_owned()))?;
        if let Some(key) = config.signatures.out_of_range() {
            return Err(invalid(format!("signatures.{key} is not from 1 to {SIGNATURE_DAYS_MAX} days")));
        }
        if let Some((key, max)) = config.gate.out_of_range() {
            return Err(invalid(format!("gate.{key} is not from 0 to {max}")));
        }
        if let Some(key) = config.retention.out_of_range() {
            return Err(invalid(format!("retention.{key} is not above 0")));
        }
        Ok(config)
    }

    /// How lists are laid out, by region; checked against the catalogue when a release is made.
    pub fn slates(&self) -> Slates {
        Slates { all: self.slate.clone(), regions: self.regions.clone() }
    }

    /// The private cluster of a data folder.
    pub fn cluster(&self, data: &Path) -> ClusterConfig {
        ClusterConfig {
            home: data.join("postgres"),
            programs: self.postgres.programs.clone(),
            account: self.postgres.account.clone(),
        }
    }
}

/// Which database a process uses.
#[derive(Clone, Debug)]
pub enum DatabaseChoice {
    /// The cluster in the data folder, started when it is first needed.
    Private(ClusterConfig),
    /// The operator's server.
    Server(Address),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("origin.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(Some(&path))
    }

    #[test]
    fn an_empty_file_listens_on_loopback() {
        let config = read("").unwrap();
        assert!(config.listen.ip().is_loopback());
        assert_eq!(config, Config::default());
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = read("listen = \"127.0.0.1:0\"\n[postgres]\nbin = \"/usr\"\n").unwrap_err();
        assert_eq!(error.code(), "config-invalid");
        let message = error.to_string();
        assert!(message.contains("line 3") && message.contains("bin"), "{message}");
    }

    #[test]
    fn a_signature_that_never_holds_is_refused() {
        for key in ["root_days = 0", "targets_days = 65535", "snapshot_days = 0", "timestamp_hours = 0"] {
            let error = read(&format!("[signatures]\n{key}\n")).unwrap_err();
            assert_eq!(error.code(), "config-invalid");
            assert!(error.to_string().contains(key.split(' ').next().unwrap()), "{error}");
        }
        assert_eq!(read("[signatures]\ntimestamp_hours = 1\n").unwrap().signatures.timestamp_hours, 1);
    }

    #[test]
    fn the_shipped_file_explains_every_key_and_says_what_holds_without_it() {
        let text = include_str!("../../cdn-config/origin.toml");
        assert_eq!(read(text).unwrap(), Config::default());
        let region = text.lines().skip_while(|line| !line.starts_with("# [regions"));
        let example: String = region.map(|line| format!("{}\n", line.trim_start_matches("# "))).collect();
        assert_eq!(read(&example).unwrap().regions["eu"].promoted, [7, 8]);
    }

    #[test]
    fn lists_are_laid_out_by_region() {
        let text = "[slate]\nlambda = 0.8\nexploration_place = 9\n\n\
                    [regions.eu]\npinned = [{ place = 1, title = 42 }]\npromoted = [7]\n";
        let slates = read(text).unwrap().slates();
        assert_eq!((slates.all.lambda, slates.all.exploration_place, slates.all.promoted_max), (0.8, 9, 0));
        assert_eq!(slates.regions["eu"].pinned[0].title, 42);
        assert_eq!(read("[slate]\nlamda = 0.8\n").unwrap_err().code(), "config-invalid");
        assert_eq!(read("[regions.eu]\nlambda = 0.8\n").unwrap_err().code(), "config-invalid");
    }

    #[test]
    fn a_gate_that_nothing_or_everything_passes_is_refused() {
        for key in ["fall_max = 1.1", "overlap_min = -0.1", "standard_errors = nan", "coverage_fall_max = 2"]
        {
            let error = read(&format!("[gate]\n{key}\n")).unwrap_err();
            assert!(
                error.to_string().contains(&format!("gate.{}", key.split(' ').next().unwrap())),
                "{error}"
            );
        }
        assert_eq!(read("[gate]\nfall_max = 0.05\n").unwrap().gate.fall_max, 0.05);
    }

    #[test]
    fn days_that_are_dropped_while_they_are_written_are_refused() {
        let error = read("[retention]\nwindows_days = 0\n").unwrap_err();
        assert!(error.to_string().contains("retention.windows_days"), "{error}");
        assert_eq!(read("[retention]\nevents_days = 1\n").unwrap().retention.events_days, 1);
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let error = Config::read(Some(Path::new("/nowhere/origin.toml"))).unwrap_err();
        assert_eq!(error.code(), "config-unreadable");
    }
}
