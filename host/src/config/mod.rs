//! The node's configuration file: what it may say, checked whole before anything is used.
//!
//! Paths are relative to the folder of the file. An unknown key, a wrong type or a number outside its
//! range is refused with file and line.

mod ranges;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use crate::limits;
use crate::runtime::{Inference, RuntimeConfig};
use ranges::{label, origin_url, within};

/// A node's configuration.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who the node is to its origin. 1 to 32 ASCII letters, digits, `-`, `_`.
    #[serde(deserialize_with = "label")]
    pub node: String,
    /// The region of requests that name none.
    #[serde(deserialize_with = "label")]
    pub region: String,
    /// Where verified releases and the trust in the origin are kept. Of this node alone.
    pub data_dir: PathBuf,
    /// Where compiled components are kept; nodes of one machine may share it.
    pub cache_dir: PathBuf,
    /// The renditions offered to a player that names none.
    pub ladder: PathBuf,
    /// The tables of network speed to picture height, by region.
    pub rules: PathBuf,
    /// The table of alerts; without it none is raised.
    #[serde(default)]
    pub alerts: Option<PathBuf>,
    /// The table of pathways for content steering; without it players are not steered.
    #[serde(default)]
    pub steering: Option<PathBuf>,
    /// The secret that the operator's nodes share, so that a session can go from one to another with its viewer;
    /// without it none does.
    #[serde(default)]
    pub capsule_secret_file: Option<PathBuf>,
    /// A second one whose sessions are taken as well: the one to come, or the one of before.
    #[serde(default)]
    pub capsule_secret_beside_file: Option<PathBuf>,
    /// Who runs the models of a release: `"wasm"` or `"native"`.
    #[serde(default)]
    pub inference: Inference,
    /// The listener of players and pages.
    pub public: Public,
    /// The listener of operators.
    pub admin: Admin,
    /// Where releases come from and events go to.
    pub origin: Origin,
    /// How much of anything.
    #[serde(default)]
    pub limits: Limits,
    /// Files served beside the decisions.
    #[serde(default)]
    pub www: Option<Www>,
}

/// The listener of players and pages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Public {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Pages of other hosts that may ask, as `https://example.org`; `*` for all.
    #[serde(default)]
    pub cors_origins: Vec<String>,
    /// What answers about bit rates say in `CMSD-Dynamic`.
    #[serde(default)]
    pub cmsd: CmsdKeys,
}

/// Keys of `CMSD-Dynamic` (CTA-5006) that a node writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CmsdKeys {
    /// The throughput that the node reckons with.
    pub etp: bool,
    /// The shortest wait for a first byte that the player told.
    pub rtt: bool,
    /// The chosen rung as the highest to play. Some players obey it without being asked, so it is off unless wanted.
    pub mb: bool,
}

impl Default for CmsdKeys {
    fn default() -> Self {
        Self { etp: true, rtt: true, mb: false }
    }
}

/// The listener of operators.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
}

/// Where releases come from and events go to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// `http://` or `https://`; the origin's `/tuf/…` and `/v1/batches` lie below it.
    #[serde(deserialize_with = "origin_url")]
    pub url: Url,
    /// The trusted `root.json`, brought here out of band; read at every start.
    pub root: PathBuf,
    /// The node's token; without it events are scored here and not sent.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// The channel to follow.
    #[serde(default = "stable", deserialize_with = "label")]
    pub channel: String,
    /// Pause between two looks at the origin, in seconds; each is varied by a tenth.
    #[serde(default = "poll_s", deserialize_with = "within::<1, { limits::POLL_S_MAX }, _>")]
    pub poll_s: u64,
    /// Without a good look for so long the answers are marked stale, in seconds.
    #[serde(default = "stale_after_s", deserialize_with = "within::<1, { limits::STALE_AFTER_S_MAX }, _>")]
    pub stale_after_s: u64,
}

impl Origin {
    /// An address below the origin's.
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", url.path()));
        url
    }
}

/// How much of anything; each key has a default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Lists and pages computed at once, on as many processors.
    #[serde(deserialize_with = "within::<1, { limits::INVOCATIONS_MAX as u64 }, _>")]
    pub invocations: u64,
    /// Time of an invocation in milliseconds.
    #[serde(deserialize_with = "within::<1, 60_000, _>")]
    pub invocation_ms: u64,
    /// Memory of an instance in MiB.
    #[serde(deserialize_with = "within::<1, 1_024, _>")]
    pub instance_mib: u64,
    /// How long they wait for their turn in milliseconds; then 503.
    #[serde(deserialize_with = "within::<0, { limits::WAIT_MS_MAX }, _>")]
    pub queue_ms: u64,
    /// Connections at once, each listener.
    #[serde(deserialize_with = "within::<1, { limits::CONNECTIONS_MAX }, _>")]
    pub connections: u64,
    /// Time for a request's headers in milliseconds.
    #[serde(deserialize_with = "within::<1, { limits::WAIT_MS_MAX }, _>")]
    pub headers_ms: u64,
    /// Time for a request's body in milliseconds.
    #[serde(deserialize_with = "within::<1, { limits::WAIT_MS_MAX }, _>")]
    pub body_ms: u64,
    /// Time for what is in flight at the end, in milliseconds.
    #[serde(deserialize_with = "within::<0, { limits::WAIT_MS_MAX }, _>")]
    pub drain_ms: u64,
    /// Lists kept, and as many pages; 0 keeps none.
    #[serde(deserialize_with = "within::<0, { limits::ANSWERS_MAX }, _>")]
    pub answers: u64,
    /// Life of a kept answer in seconds.
    #[serde(deserialize_with = "within::<1, { limits::ANSWER_TTL_S_MAX }, _>")]
    pub answer_ttl_s: u64,
    /// What was computed for histories that may go on, in MiB; 0 keeps nothing.
    #[serde(deserialize_with = "within::<0, { limits::ENCODER_STATES_MIB_MAX }, _>")]
    pub encoder_states_mib: u64,
    /// Sessions at once.
    #[serde(deserialize_with = "within::<1, { limits::SESSIONS_MAX }, _>")]
    pub sessions: u64,
    /// A session without events for so long is closed, in seconds.
    #[serde(deserialize_with = "within::<1, { limits::SESSION_IDLE_S_MAX }, _>")]
    pub session_idle_s: u64,
    /// What waits for the origin on the disk, in MiB; the oldest goes first.
    #[serde(deserialize_with = "within::<{ limits::SPOOL_MIB_MIN }, { limits::SPOOL_MIB_MAX }, _>")]
    pub spool_mib: u64,
    /// What has waited longer goes, in hours.
    #[serde(deserialize_with = "within::<1, { limits::SPOOL_AGE_H_MAX }, _>")]
    pub spool_age_h: u64,
    /// Decisions logged at the origin, a second; 0 logs none.
    #[serde(deserialize_with = "within::<0, { limits::DECISIONS_PER_S_MAX }, _>")]
    pub decisions_per_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            invocations: u64::from(limits::INVOCATIONS_DEFAULT),
            invocation_ms: 100,
            instance_mib: 256,
            queue_ms: limits::QUEUE_MS_DEFAULT,
            connections: limits::CONNECTIONS_DEFAULT,
            headers_ms: limits::HEADERS_MS_DEFAULT,
            body_ms: limits::BODY_MS_DEFAULT,
            drain_ms: limits::DRAIN_MS_DEFAULT,
            answers: limits::ANSWERS_DEFAULT,
            answer_ttl_s: limits::ANSWER_TTL_S_DEFAULT,
            encoder_states_mib: (limits::ENCODER_STATES_BYTES_DEFAULT >> 20) as u64,
            sessions: limits::SESSIONS_DEFAULT,
            session_idle_s: limits::SESSION_IDLE_S_DEFAULT,
            spool_mib: limits::SPOOL_MIB_DEFAULT,
            spool_age_h: limits::SPOOL_AGE_H_DEFAULT,
            decisions_per_s: limits::DECISIONS_PER_S_DEFAULT,
        }
    }
}

/// Files served beside the decisions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Www {
    /// The folder behind `/`.
    pub root: PathBuf,
}

fn stable() -> String {
    "stable".to_owned()
}

fn poll_s() -> u64 {
    limits::POLL_S_DEFAULT
}

fn stale_after_s() -> u64 {
    limits::STALE_AFTER_S_DEFAULT
}

impl Config {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read_text(path)?;
        Self::parse(&text, path)
    }

    /// Checks the text of a file; `path` is what messages name and what relative paths start from.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = parse_toml(text, path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let Self {
            data_dir,
            cache_dir,
            ladder,
            rules,
            alerts,
            steering,
            capsule_secret_file,
            capsule_secret_beside_file,
            origin,
            www,
            ..
        } = &mut config;
        let fixed = [data_dir, cache_dir, ladder, rules, &mut origin.root].into_iter();
        for path in fixed
            .chain(alerts)
            .chain(steering)
            .chain(capsule_secret_file)
            .chain(capsule_secret_beside_file)
            .chain(&mut origin.token_file)
            .chain(www.as_mut().map(|www| &mut www.root))
        {
            *path = folder.join(&*path);
        }
        Ok(config)
    }

    /// The keys, as `[table] key`, that differ and that a running node cannot change.
    pub fn fixed_differences(&self, other: &Self) -> Vec<&'static str> {
        let (a, b) = (&self.limits, &other.limits);
        let (from, to) = (&self.origin, &other.origin);
        [
            ("node", self.node != other.node),
            ("data_dir", self.data_dir != other.data_dir),
            ("cache_dir", self.cache_dir != other.cache_dir),
            ("alerts", self.alerts != other.alerts),
            ("capsule_secret_file", self.capsule_secret_file != other.capsule_secret_file),
            (
                "capsule_secret_beside_file",
                self.capsule_secret_beside_file != other.capsule_secret_beside_file,
            ),
            ("inference", self.inference != other.inference),
            ("[public] listen", self.public.listen != other.public.listen),
            ("[admin] listen", self.admin != other.admin),
            ("[origin] url", from.url != to.url),
            ("[origin] root", from.root != to.root),
            ("[origin] token_file", from.token_file != to.token_file),
            ("[origin] channel", from.channel != to.channel),
            ("[limits] invocations", a.invocations != b.invocations),
            ("[limits] invocation_ms", a.invocation_ms != b.invocation_ms),
            ("[limits] instance_mib", a.instance_mib != b.instance_mib),
            ("[limits] connections", a.connections != b.connections),
            ("[limits] headers_ms", a.headers_ms != b.headers_ms),
            ("[limits] answers", a.answers != b.answers),
            ("[limits] encoder_states_mib", a.encoder_states_mib != b.encoder_states_mib),
            ("[limits] sessions", a.sessions != b.sessions),
            ("[limits] spool_mib", a.spool_mib != b.spool_mib),
            ("[limits] spool_age_h", a.spool_age_h != b.spool_age_h),
            ("[www] root", self.www != other.www),
        ]
        .into_iter()
        .filter_map(|(key, differs)| differs.then_some(key))
        .collect()
    }

    /// How this node runs components.
    pub fn runtime(&self) -> RuntimeConfig {
        let bytes = |mebibytes| usize::try_from(mebibytes).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        // Those on threads of their own, and what a processor's own thread does meanwhile. A larger pool would be divided
        // among threads, and each part map the same images again.
        let processors = available_parallelism().map_or(1, usize::from) as u64;
        let invocations = self.limits.invocations.min(processors) + processors;
        RuntimeConfig {
            invocations_max: u32::try_from(invocations).unwrap_or(u32::MAX).min(limits::INVOCATIONS_MAX),
            deadline: Duration::from_millis(self.limits.invocation_ms),
            memory_bytes_max: bytes(self.limits.instance_mib),
            inference: self.inference,
            encoder_states_bytes_max: bytes(self.limits.encoder_states_mib),
            ..RuntimeConfig::new(&self.cache_dir)
        }
    }
}

/// Reads a file that an operator wrote.
pub(crate) fn read_text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_path_buf(), source };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > limits::CONFIG_BYTES_MAX {
        return Err(unreadable(std::io::Error::other(format!("{bytes} bytes are too many"))));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Parses a file of settings; an error names its line.
pub(crate) fn parse_toml<T: serde::de::DeserializeOwned>(text: &str, path: &Path) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
        ConfigError::Malformed {
            path: path.to_path_buf(),
            line: before.matches('\n').count() + 1,
            message: error.message().to_owned(),
        }
    })
}

/// Why the settings were refused; none of them is used then.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, an unknown or missing key, a wrong type, or a number outside its range.
    #[error("{path}:{line}: {message}", path = path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The ladder or the rules do not rise, or are empty.
    #[error("{path}: {message}", path = path.display())]
    NotRising {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A running node cannot change these; carries the keys.
    #[error("a restart is needed to change {}", .0.join(", "))]
    RestartNeeded(Vec<&'static str>),
}

impl ConfigError {
    /// A stable name for the line on stderr and the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config-unreadable",
            Self::Malformed { message, .. } if message.starts_with("unknown field") => "config-unknown-key",
            Self::Malformed { .. } => "config-malformed",
            Self::NotRising { .. } => "config-not-rising",
            Self::RestartNeeded(_) => "config-restart-needed",
        }
    }
}
