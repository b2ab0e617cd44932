//! Runs the components of a release: compiled once, snapshotted after `load`, a fresh instance a call.
//!
//! All calls block the calling thread: `prepare` for seconds (call it off the async threads),
//! `recommend`, `home`, `infer`, `predict` and `top_rated` for up to a few milliseconds, `decide` and `fold`
//! for some ten microseconds. None waits for a free instance: a full pool is [`InvokeError::Overloaded`].

mod artifacts;
mod bindings;
mod checks;
mod engine;
mod error;
mod functions;
mod generation;
mod images;
mod imports;
mod linked;
mod models;
mod native;
mod prepare;
mod sandbox;
mod seal;
mod snapshot;
mod states;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use wasmtime::component::Component;

pub use engine::Allocation;
pub use error::{InvokeError, Nonsense, Part, PrepareError, RuntimeError};
pub use generation::{Generation, HeldBitrate};

use artifacts::Artifacts;
use engine::{Clock, Compiler};
use functions::FunctionCache;
use prepare::Workshop;
use sandbox::Sandboxes;
use seal::NodeKey;

use crate::limits;

/// Types of `wit/ranking.wit`.
pub mod ranking {
    pub use super::bindings::ranking_world::exports::frontrow::edge::ranking::{
        Answer, Blend, Error, HomeRequest, LoadError, Loaded, Page, Pick, Pin, Progress, Reason, Request,
        Row, Rules, Scored, Slate,
    };
}

/// Lists in the order of their scores.
impl Default for ranking::Slate {
    fn default() -> Self {
        Self {
            lambda: 1.0,
            trending_share: 0.0,
            new_share: 0.0,
            genre_picks_max: 0,
            promoted_max: 0,
            exploration_place: 0,
            pinned: Vec::new(),
            promoted: Vec::new(),
        }
    }
}

/// Types of `wit/inference.wit`.
pub mod inference {
    pub use super::bindings::inference_world::exports::frontrow::edge::inference::{
        Error, LoadError, Loaded, Step,
    };
}

/// Types of `wit/bitrate.wit`.
pub mod bitrate {
    pub use super::bindings::bitrate_world::exports::frontrow::edge::bitrate::{
        Decision, Error, Input, Policy, Rung, Running, Sample, SpeedRule, Utility, Weights, Why,
    };
}

/// Types of `wit/qoe.wit`.
pub mod qoe {
    pub use super::bindings::qoe_world::exports::frontrow::edge::qoe::{
        Codec, Error, Event, EventKind, Folded, Pictures, Scores, Screen, SpiVerdict, Summary, Upscaling,
    };
}

/// How a node runs components.
#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    /// Where compiled components are kept; made private (0700). May be shared by nodes of one user.
    pub cache_dir: PathBuf,
    /// Invocations at once, 1 to 4,096; one more is [`InvokeError::Overloaded`].
    pub invocations_max: u32,
    /// How long an invocation may take, the ranker included; 1 ms to 60 s.
    pub deadline: Duration,
    /// How long a component may take to read its files, 1 ms to 60 s.
    pub load_deadline: Duration,
    /// Memory of an instance in bytes, 1 MiB to 1 GiB.
    pub memory_bytes_max: usize,
    /// Who runs a release's models.
    pub inference: Inference,
    /// What was computed for histories that may go on, in bytes of each release; 0 keeps nothing.
    pub encoder_states_bytes_max: usize,
}

/// Who runs a release's models; the decisions are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Inference {
    /// The inference component, in memory of its own and with a deadline.
    #[default]
    Wasm,
    /// This process: faster, and for models that the operator vouches for.
    Native,
}

impl RuntimeConfig {
    /// The defaults, with this cache folder.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            invocations_max: limits::INVOCATIONS_DEFAULT,
            deadline: limits::DEADLINE_DEFAULT,
            load_deadline: limits::LOAD_DEADLINE_DEFAULT,
            memory_bytes_max: limits::MEMORY_BYTES_DEFAULT,
            inference: Inference::Wasm,
            encoder_states_bytes_max: limits::ENCODER_STATES_BYTES_DEFAULT,
        }
    }

    fn check(&self) -> Result<(), RuntimeError> {
        let refuse = |name, expected| Err(RuntimeError::SettingOutOfRange { name, expected });
        if !(1..=limits::INVOCATIONS_MAX).contains(&self.invocations_max) {
            return refuse("invocations_max", "1 to 4096");
        }
        for (name, deadline) in [("deadline", self.deadline), ("load_deadline", self.load_deadline)] {
            if !(limits::DEADLINE_MIN..=limits::DEADLINE_MAX).contains(&deadline) {
                return refuse(name, "1 ms to 60 s");
            }
        }
        if !(limits::MEMORY_BYTES_MIN..=limits::MEMORY_BYTES_MAX).contains(&self.memory_bytes_max) {
            return refuse("memory_bytes_max", "1 MiB to 1 GiB");
        }
        Ok(())
    }
}

/// The verified files of a release that the runtime needs.
#[derive(Clone, Debug)]
pub struct ReleaseFiles<'a> {
    /// The release's number.
    pub generation: u64,
    /// Its components.
    pub components: Components<'a>,
    /// The candidate set of each region; not empty, each name once.
    pub regions: &'a [RegionFiles<'a>],
    /// `factors.safetensors`, for `predict` and `top_rated`.
    pub factors: Option<&'a [u8]>,
    /// `ranker.onnx`, if the release has one.
    pub ranker: Option<&'a [u8]>,
    /// `tower.onnx`, if the release has one.
    pub tower: Option<&'a [u8]>,
    /// How the sources are weighed and lists laid out.
    pub rules: ranking::Rules,
}

/// The `.wasm` files of a release.
#[derive(Clone, Copy, Debug)]
pub struct Components<'a> {
    /// `ranking.wasm`.
    pub ranking: &'a [u8],
    /// `inference.wasm`; compiled only when there is a model.
    pub inference: &'a [u8],
    /// `bitrate.wasm`.
    pub bitrate: &'a [u8],
    /// `qoe.wasm`.
    pub qoe: &'a [u8],
}

/// The candidate set of a region.
#[derive(Clone, Copy, Debug)]
pub struct RegionFiles<'a> {
    /// The region's name.
    pub name: &'a str,
    /// `candidates-<region>.safetensors`.
    pub candidates: &'a [u8],
    /// How lists are laid out there, if otherwise than the rules of the release say.
    pub slate: Option<&'a ranking::Slate>,
}

/// The engine of the process; one is enough, and cheap to clone.
#[derive(Clone, Debug)]
pub struct Runtime {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sandboxes: Sandboxes,
    artifacts: Artifacts,
    functions: Arc<FunctionCache>,
    compiling: wasmtime::Config,
    allocation: Allocation,
    inference: Inference,
    encoder_states_bytes_max: usize,
}

impl Runtime {
    /// Starts the engine. Call it once a process.
    pub fn new(config: &RuntimeConfig) -> Result<Self, RuntimeError> {
        config.check()?;
        let key = NodeKey::open(&config.cache_dir)?;
        let functions = Arc::new(FunctionCache::new(config.cache_dir.join("functions.pack"), key.clone()));
        let (engine, compiling, allocation) = engine::build(config, &functions)?;
        let clock = Clock::start(&engine, engine::tick_for(config.deadline))?;
        let sandboxes = Sandboxes {
            engine,
            clock: Arc::new(clock),
            memory_bytes_max: config.memory_bytes_max,
            deadline: config.deadline,
            load_deadline: config.load_deadline,
        };
        let artifacts = Artifacts::open(config.cache_dir.join("components"), key)?;
        let RuntimeConfig { inference, encoder_states_bytes_max, .. } = *config;
        Ok(Self {
            shared: Arc::new(Shared {
                sandboxes,
                artifacts,
                functions,
                compiling,
                allocation,
                inference,
                encoder_states_bytes_max,
            }),
        })
    }

    /// Compiles, loads and snapshots the components of a release, or finds them in the cache folder.
    ///
    /// Takes about 10 s for components never seen and some milliseconds for known ones; blocks.
    pub fn prepare(&self, files: &ReleaseFiles<'_>) -> Result<Generation, PrepareError> {
        let Shared { sandboxes, artifacts, inference, encoder_states_bytes_max, .. } = &*self.shared;
        let (inference, encoder_states_bytes_max) = (*inference, *encoder_states_bytes_max);
        let compiler = Compiler::new(self.shared.compiling.clone());
        let workshop = Workshop { sandboxes, artifacts, compiler, inference, encoder_states_bytes_max };
        let generation = workshop.generation(files);
        self.shared.functions.flush();
        generation
    }

    /// Where the memory of instances comes from.
    pub fn allocation(&self) -> Allocation {
        self.shared.allocation
    }

    /// The interfaces a component imports, in order of name.
    pub fn imports(&self, component: &[u8]) -> Result<Vec<String>, wasmtime::Error> {
        let engine = &self.shared.sandboxes.engine;
        Ok(imports::names(engine, &Component::new(engine, component)?))
    }
}
