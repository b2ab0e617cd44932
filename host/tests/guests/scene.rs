//! A release of harmless guests, of which a test replaces one by a hostile one.

use std::time::Duration;

use frontrow_edge::runtime::{
    Components, Generation, PrepareError, RegionFiles, ReleaseFiles, Runtime, RuntimeConfig, bitrate, ranking,
};

use crate::candidates;
use crate::forge::component;

/// What a release of this test consists of.
pub(crate) struct Scene {
    pub(crate) ranking: Vec<u8>,
    pub(crate) inference: Vec<u8>,
    pub(crate) bitrate: Vec<u8>,
    pub(crate) qoe: Vec<u8>,
    pub(crate) ranker: Option<Vec<u8>>,
    pub(crate) config: RuntimeConfig,
    // Removed with the scene.
    _cache: tempfile::TempDir,
}

impl Scene {
    /// Guests that behave; deadlines short enough that a test of them is quick.
    pub(crate) fn new() -> Self {
        let cache = tempfile::tempdir().unwrap();
        let mut config = RuntimeConfig::new(cache.path().join("cache"));
        config.invocations_max = 4;
        config.deadline = Duration::from_millis(50);
        config.load_deadline = Duration::from_millis(500);
        config.memory_bytes_max = 16 << 20;
        Self {
            ranking: component("ranking-component", RANKING_LOADS),
            inference: component("inference-component", INFERENCE_LOADS),
            bitrate: component("bitrate-component", DECIDES_RUNG_0),
            qoe: component("qoe-component", ""),
            ranker: None,
            config,
            _cache: cache,
        }
    }

    pub(crate) fn prepare(&self) -> Result<Generation, PrepareError> {
        Runtime::new(&self.config).unwrap().prepare(&self.files(&regions(&candidates::three_titles())))
    }

    pub(crate) fn generation(&self) -> Generation {
        self.prepare().unwrap()
    }

    pub(crate) fn files<'a>(&'a self, regions: &'a [RegionFiles<'a>]) -> ReleaseFiles<'a> {
        ReleaseFiles {
            generation: 7,
            components: Components {
                ranking: &self.ranking,
                inference: &self.inference,
                bitrate: &self.bitrate,
                qoe: &self.qoe,
            },
            regions,
            factors: None,
            ranker: self.ranker.as_deref(),
            tower: None,
            rules: ranking::Rules {
                recency_tau: 8.0,
                history_window: 50,
                ranker_pool: 100,
                blend: None,
                slate: ranking::Slate::default(),
            },
        }
    }
}

pub(crate) fn regions(candidates: &[u8]) -> [RegionFiles<'_>; 1] {
    [RegionFiles { name: "eu", candidates, slate: None }]
}

/// Asks for `k` titles.
pub(crate) fn request(k: u32) -> ranking::Request {
    ranking::Request {
        history: Vec::new(),
        exclude: Vec::new(),
        k,
        at_unix_ms: 1_000,
        maturity_max: 18,
        seed: None,
    }
}

/// A ladder of two rungs; `segment_ms` is what some guests look at.
pub(crate) fn input(segment_ms: u32) -> bitrate::Input {
    let rung = |id: &str, height, kbps| bitrate::Rung { id: id.to_owned(), height, kbps };
    bitrate::Input {
        policy: bitrate::Policy::Throughput,
        ladder: vec![rung("low", 360, 800), rung("high", 1080, 4_500)],
        rules: Vec::new(),
        samples: vec![bitrate::Sample { kbps: 3_000.0, took_ms: 0, waited_ms: 0 }],
        buffer_ms: 10_000,
        buffer_max_ms: 60_000,
        segment_ms,
        height_max: None,
        kbps_max: None,
        bytes_left: None,
        last_rung: None,
        chunk_bytes: Vec::new(),
        chunks_left: None,
        latency_ms: None,
        running: None,
        weights: None,
    }
}

/// Takes any files: three titles, two rows.
pub(crate) const RANKING_LOADS: &str = r#"
(func (export "frontrow:edge/ranking@0.1.0#load") (param i32) (result i32)
  (i32.store8 (i32.const 0) (i32.const 0))
  (i32.store (i32.const 4) (i32.const 3))
  (i32.store (i32.const 8) (i32.const 2))
  (i32.store (i32.const 12) (i32.const 0))
  (i32.const 0))
"#;

/// Takes any model: eight features a row.
pub(crate) const INFERENCE_LOADS: &str = r#"
(func (export "frontrow:edge/inference@0.1.0#load") (param i32 i32 i32 i32 i32 i32) (result i32)
  (i32.store8 (i32.const 0) (i32.const 0))
  (i32.store (i32.const 8) (i32.const 8))
  (i32.const 0))
"#;

const DECIDES_RUNG_0: &str = r#"
(func (export "frontrow:edge/bitrate@0.1.0#decide")
  (param i32) (result i32)
  (i32.const 0))
"#;
