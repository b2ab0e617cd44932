//! One runtime and one generation of the shipped components for all tests: compiling tract takes seconds.

use std::sync::OnceLock;

use frontrow_edge::runtime::{
    Components, Generation, Inference, PrepareError, RegionFiles, ReleaseFiles, Runtime, RuntimeConfig,
    ranking,
};
use release::{CandidateFile, RulesEntry};

use crate::built::component;

/// The region of the golden candidate set.
pub(crate) fn region() -> String {
    CandidateFile::decode(golden::candidates()).unwrap().region
}

/// The components with the golden files, without a ranker.
pub(crate) fn generation() -> &'static Generation {
    static GENERATION: OnceLock<Generation> = OnceLock::new();
    GENERATION.get_or_init(|| prepare(None, 0))
}

/// The same with lists laid out as the golden cases say.
pub(crate) fn laid_out() -> &'static Generation {
    static GENERATION: OnceLock<Generation> = OnceLock::new();
    GENERATION.get_or_init(|| {
        let rules: RulesEntry = serde_json::from_str(golden::slate_rules()).unwrap();
        prepare_with(runtime(), golden::candidates(), None, [None, None], rules_of(rules)).unwrap()
    })
}

/// Rules as the host is given them.
pub(crate) fn rules_of(entry: RulesEntry) -> ranking::Rules {
    let RulesEntry { recency_tau, history_window, ranker_pool, blend, slate } = entry;
    let pin = |pin: &release::PinEntry| ranking::Pin { place: pin.place, title: pin.title };
    let slate = ranking::Slate {
        lambda: slate.lambda,
        trending_share: slate.trending_share,
        new_share: slate.new_share,
        genre_picks_max: slate.genre_picks_max,
        promoted_max: slate.promoted_max,
        exploration_place: slate.exploration_place,
        pinned: slate.pinned.iter().map(pin).collect(),
        promoted: slate.promoted,
    };
    let blend = blend.map(|blend| ranking::Blend { weight: blend.weight, floor: blend.floor });
    ranking::Rules { recency_tau, history_window, ranker_pool, blend, slate }
}

/// The same with this ranker, for the best `pool` candidates.
pub(crate) fn prepare(ranker: Option<&[u8]>, pool: u32) -> Generation {
    try_prepare(golden::candidates(), golden::factors(), ranker, pool).unwrap()
}

/// Any files with the shipped components.
pub(crate) fn try_prepare(
    candidates: &[u8],
    factors: &[u8],
    ranker: Option<&[u8]>,
    pool: u32,
) -> Result<Generation, PrepareError> {
    let rules: RulesEntry = serde_json::from_str(golden::rules()).unwrap();
    let rules = ranking::Rules {
        recency_tau: rules.recency_tau,
        history_window: rules.history_window,
        ranker_pool: pool,
        blend: None,
        slate: ranking::Slate::default(),
    };
    prepare_with(runtime(), candidates, Some(factors), [ranker, None], rules)
}

/// Prepares a release of this set and this tower, its rows blended with weight 0.7 and floor 0.01.
pub(crate) fn try_prepare_tower(candidates: &[u8], tower: &[u8]) -> Result<Generation, PrepareError> {
    try_prepare_models(runtime(), candidates, [None, Some(tower)], 0)
}

/// The same with a ranker for the best `pool` candidates, too, wherever models run.
pub(crate) fn try_prepare_models(
    runtime: &Runtime,
    candidates: &[u8],
    models: [Option<&[u8]>; 2],
    pool: u32,
) -> Result<Generation, PrepareError> {
    let blend = Some(ranking::Blend { weight: 0.7, floor: 0.01 });
    let rules = ranking::Rules {
        recency_tau: 5.0,
        history_window: 30,
        ranker_pool: pool,
        blend,
        slate: ranking::Slate::default(),
    };
    prepare_with(runtime, candidates, None, models, rules)
}

pub(crate) fn prepare_with(
    runtime: &Runtime,
    candidates: &[u8],
    factors: Option<&[u8]>,
    [ranker, tower]: [Option<&[u8]>; 2],
    rules: ranking::Rules,
) -> Result<Generation, PrepareError> {
    let region = region();
    let wasm = ["ranking", "inference", "bitrate", "qoe"].map(component);
    runtime.prepare(&ReleaseFiles {
        generation: 1,
        components: Components { ranking: &wasm[0], inference: &wasm[1], bitrate: &wasm[2], qoe: &wasm[3] },
        regions: &[RegionFiles { name: &region, candidates, slate: None }],
        factors,
        ranker,
        tower,
        rules,
    })
}

/// As a node is set up by default.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| runtime_with(|_| {}))
}

/// Models run in the process of the node.
pub(crate) fn native_runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| runtime_with(|config| config.inference = Inference::Native))
}

/// Every history is encoded anew.
pub(crate) fn forgetful_runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| runtime_with(|config| config.encoder_states_bytes_max = 0))
}

fn runtime_with(change: impl FnOnce(&mut RuntimeConfig)) -> Runtime {
    // In the target folder, kept between runs: only the first one compiles tract.
    let mut config = RuntimeConfig::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/component-cache"));
    // A busy machine must not make a test of answers fail.
    config.deadline = std::time::Duration::from_secs(10);
    change(&mut config);
    Runtime::new(&config).unwrap()
}
