//! The tower at the edge: encoding a history, finding the nearest candidates, and both in one cold answer; beside
//! onnxruntime and FAISS on the same model and the same vectors.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use frontrow_edge::runtime::{
    Generation, RegionFiles, ReleaseFiles, Runtime, RuntimeConfig, ranking as edge,
};
use frontrow_origin::train::tower::{Learner, Settings, Shape};
use inference::{Models, Tower};
use kernels::ByteMatrix;
use ranking::{Candidates, Columns, Request, Vectors};
use release::CandidateFile;
use serde::Serialize;
use serde_json::json;

use crate::deep_ranker;
use crate::measure::{Latency, latency, percentiles, rounded};
use crate::peers::Peer;
use crate::release_files::{Dice, REGION, Wasm, candidates};

/// Candidates, as many as a streaming service has titles.
pub(crate) const TITLES: u32 = 27_000;
/// Watched titles of a viewer.
const HISTORY: usize = 50;
/// Nearest titles asked for.
pub(crate) const NEAREST: u32 = 200;
/// Calls of a round.
pub(crate) const CALLS: usize = 300;

/// What was measured of the encoder.
#[derive(Debug, Serialize)]
pub(crate) struct Encode {
    items: usize,
    width: usize,
    history: Latencies,
    /// A whole history by onnxruntime, one thread.
    onnxruntime_f32: Option<Latency>,
    /// The same with weights of eight bits, quantised by its own tool.
    onnxruntime_int8: Option<Latency>,
    fresh_over_onnxruntime_f32: Option<f64>,
    /// The last of the history, going on from the state of those before it.
    one_more: Latencies,
}

/// What was measured of the retrieval.
#[derive(Debug, Serialize)]
pub(crate) struct Retrieval {
    candidates: u32,
    width: usize,
    count: u32,
    nearest: Latencies,
    /// The same with every fifth title excluded.
    filtered: Latencies,
    filtered_over_unfiltered: f64,
    faiss_flat: Option<Latency>,
    faiss_sq8: Option<Latency>,
    fresh_over_faiss_sq8: Option<f64>,
    warm_over_faiss_sq8: Option<f64>,
}

/// What was measured of a whole answer.
#[derive(Debug, Serialize)]
pub(crate) struct Recommend {
    candidates: u32,
    width: usize,
    history: usize,
    row_entries: u32,
    ranked: u32,
    /// Encode, compare with all candidates, add the rows, filter, rank the best 200, choose twenty with reasons; nothing
    /// is kept of a viewer from call to call.
    cold: Latencies,
    /// onnxruntime encodes, FAISS finds as many, onnxruntime ranks them; no rows, no filters, no reasons.
    onnxruntime_f32_and_faiss_flat: Option<Latency>,
    /// The same with weights and vectors of eight bits.
    onnxruntime_int8_and_faiss_sq8: Option<Latency>,
    fresh_over_f32_and_flat: Option<f64>,
}

/// A fresh instance a call, one instance for all, no wasm.
#[derive(Debug, Serialize)]
pub(crate) struct Latencies {
    pub(crate) fresh: Latency,
    pub(crate) warm: Latency,
    pub(crate) native: Latency,
}

/// A release with a tower, and what asks it.
pub(crate) struct Scene {
    // Holds the compiled components for as long as they are used.
    _folder: tempfile::TempDir,
    pub(crate) generation: Generation,
    /// The same models in this process.
    pub(crate) models: Models,
    candidates: Candidates,
    width: usize,
    peer: Option<Peer>,
}

impl Scene {
    pub(crate) fn new(components: &Path, width: usize, row_entries: u32) -> Result<Self> {
        let folder = tempfile::tempdir().context("a folder for compiled components")?;
        let shape = Shape { width, ..Shape::standard(TITLES as usize) };
        // Numbers as they are drawn: what they are does not change what it costs.
        let learned = Learner::new(shape, Settings::default(), [&[0_u32, 1][..]].into_iter()).tower();
        let (onnx, ranker) = (learned.to_onnx(), deep_ranker::onnx(width));
        let models = Models::load(Some(&ranker), Some(&onnx))?;
        let plain =
            CandidateFile::decode(&candidates(TITLES, row_entries)?).map_err(|error| anyhow!("{error}"))?;
        let vectors = Vectors {
            matrix: ByteMatrix::quantise(width, learned.item_vectors())
                .map_err(|error| anyhow!("{error}"))?,
            items: (0..TITLES).collect(),
        };
        let columns = Columns { vectors: Some(vectors), ..plain.candidates.columns().clone() };
        let candidates = Candidates::new(columns).map_err(|error| anyhow!("{error}"))?;
        let file = CandidateFile { candidates: candidates.clone(), ..plain }.encode();
        let wasm = Wasm::read(components)?;
        // Nothing is kept from call to call: the same viewers ask in every round.
        let config = RuntimeConfig { encoder_states_bytes_max: 0, ..RuntimeConfig::new(folder.path()) };
        let runtime = Runtime::new(&config)?;
        let regions = [RegionFiles { name: REGION, candidates: &file, slate: None }];
        let files = wasm.release(&regions, Some((&ranker, NEAREST)));
        let rules =
            edge::Rules { blend: Some(edge::Blend { weight: 0.7, floor: 0.01 }), ..files.rules.clone() };
        let generation = runtime.prepare(&ReleaseFiles { tower: Some(&onnx), rules, ..files })?;
        let mut peer = Peer::start(include_str!("../peers/onnx.py"))?;
        if let Some(peer) = &mut peer {
            let path = |name: &str| folder.path().join(name);
            let (model, ranks, vectors) = (path("tower.onnx"), path("ranker.onnx"), path("vectors.f32"));
            std::fs::write(&model, &onnx)?;
            std::fs::write(&ranks, &ranker)?;
            let bytes = learned.item_vectors().iter().flat_map(|value| value.to_le_bytes());
            std::fs::write(&vectors, bytes.collect::<Vec<u8>>())?;
            peer.times_s(&json!({"do": "load", "tower": model, "ranker": ranks}))?;
            peer.times_s(&json!({"do": "index", "path": vectors, "width": width}))?;
        }
        Ok(Self { _folder: folder, generation, models, candidates, width, peer })
    }

    /// The tower in this process.
    fn tower(&self) -> Result<&Tower> {
        self.models.tower().context("the release has a tower")
    }

    /// Titles by their places in the set, which are the tower's numbers.
    fn histories(&self) -> Vec<Vec<u32>> {
        let mut dice = Dice(17);
        (0..CALLS).map(|_| (0..HISTORY).map(|_| dice.below(TITLES)).collect()).collect()
    }

    pub(crate) fn viewers(&self) -> Result<Vec<Vec<f32>>> {
        let tower = self.tower()?;
        let encode = |history: &Vec<u32>| tower.encode(history).map_err(|error| anyhow!("{error}"));
        self.histories().iter().map(encode).collect()
    }

    pub(crate) fn ask(&mut self, rounds: u32, ask: &serde_json::Value) -> Result<Option<Latency>> {
        let Some(peer) = &mut self.peer else { return Ok(None) };
        let rounds = (0..=rounds).map(|_| peer.times_s(ask)).collect::<Result<Vec<_>>>()?;
        let rounds = rounds.into_iter().skip(1);
        Ok(Some(percentiles(rounds.map(|times| times.iter().map(|time_s| time_s * 1e6).collect()))))
    }
}

/// Encoding 50 items by a tower of 64 numbers, and one more.
pub(crate) fn encode(components: &Path, rounds: u32) -> Result<Encode> {
    let mut scene = Scene::new(components, 64, 0)?;
    let histories = scene.histories();
    let tower = scene.tower()?;
    let states: Vec<Vec<f32>> = histories
        .iter()
        .map(|history| tower.encode_from(&[], &history[..HISTORY - 1]).map(|step| step.state))
        .collect::<Result<_, _>>()
        .map_err(|error| anyhow!("{error}"))?;
    let last = |call: usize| &histories[call][HISTORY - 1..];
    let generation = &scene.generation;
    let mut held = generation.hold_models()?;
    let history = Latencies {
        fresh: latency(rounds, CALLS, |call| done(generation.encode(&histories[call])))?,
        warm: latency(rounds, CALLS, |call| done(held.encode(&histories[call])))?,
        native: latency(rounds, CALLS, |call| done(tower.encode(&histories[call])))?,
    };
    let one_more = Latencies {
        fresh: latency(rounds, CALLS, |call| done(generation.encode_from(&states[call], last(call))))?,
        warm: latency(rounds, CALLS, |call| done(held.encode_from(&states[call], last(call))))?,
        native: latency(rounds, CALLS, |call| done(tower.encode_from(&states[call], last(call))))?,
    };
    drop(held);
    let (items, width) = (tower.shape().items, tower.shape().width);
    let ask = |form: &str| json!({"do": "encode", "form": form, "histories": histories});
    let onnxruntime_f32 = scene.ask(rounds, &ask("f32"))?;
    let onnxruntime_int8 = scene.ask(rounds, &ask("int8"))?;
    let fresh_over_onnxruntime_f32 = onnxruntime_f32.map(|peer| rounded(history.fresh.p50_us / peer.p50_us));
    Ok(Encode {
        items,
        width,
        history,
        onnxruntime_f32,
        onnxruntime_int8,
        fresh_over_onnxruntime_f32,
        one_more,
    })
}

/// The nearest 200 of 27,000 vectors of 128 numbers.
pub(crate) fn retrieval(components: &Path, rounds: u32) -> Result<Retrieval> {
    let mut scene = Scene::new(components, 128, 0)?;
    let viewers = scene.viewers()?;
    let question = |exclude: Vec<u32>| edge::Request {
        history: Vec::new(),
        exclude,
        k: 1,
        at_unix_ms: 1_800_000_000_000,
        maturity_max: 18,
        seed: None,
    };
    let fifth = scene.candidates.columns().title_ids.iter().copied().step_by(5).collect();
    let (all, filtered) = (question(Vec::new()), question(fifth));
    let nearest = measure_nearest(&scene, &viewers, &all, rounds)?;
    let filtered = measure_nearest(&scene, &viewers, &filtered, rounds)?;
    let search = |index: &str| json!({"do": "search", "index": index, "queries": viewers, "count": NEAREST});
    let faiss_flat = scene.ask(rounds, &search("flat"))?;
    let faiss_sq8 = scene.ask(rounds, &search("sq8"))?;
    let over = |ours: Latency| faiss_sq8.map(|peer| rounded(ours.p50_us / peer.p50_us));
    Ok(Retrieval {
        candidates: TITLES,
        width: scene.width,
        count: NEAREST,
        filtered_over_unfiltered: rounded(filtered.warm.p50_us / nearest.warm.p50_us),
        fresh_over_faiss_sq8: over(nearest.fresh),
        warm_over_faiss_sq8: over(nearest.warm),
        nearest,
        filtered,
        faiss_flat,
        faiss_sq8,
    })
}

fn measure_nearest(
    scene: &Scene,
    viewers: &[Vec<f32>],
    question: &edge::Request,
    rounds: u32,
) -> Result<Latencies> {
    let native = Request {
        exclude: question.exclude.clone(),
        k: question.k,
        at_unix_ms: question.at_unix_ms,
        maturity_max_years: question.maturity_max,
        ..Request::default()
    };
    let generation = &scene.generation;
    let mut held = generation.hold_ranking()?;
    Ok(Latencies {
        fresh: latency(rounds, CALLS, |call| {
            done(generation.nearest(REGION, &viewers[call], NEAREST, question))
        })?,
        warm: latency(rounds, CALLS, |call| done(held.nearest(&viewers[call], NEAREST, question)))?,
        native: latency(rounds, CALLS, |call| {
            done(ranking::nearest(&scene.candidates, &viewers[call], NEAREST, &native))
        })?,
    })
}

/// A whole answer for a viewer never seen before.
pub(crate) fn recommend(components: &Path, rounds: u32) -> Result<Recommend> {
    const ROW_ENTRIES: u32 = 50;
    let mut scene = Scene::new(components, 128, ROW_ENTRIES)?;
    let histories = scene.histories();
    let title_ids = &scene.candidates.columns().title_ids;
    let question = |history: &Vec<u32>| edge::Request {
        history: history.iter().map(|&place| title_ids[place as usize]).collect(),
        exclude: Vec::new(),
        k: 20,
        at_unix_ms: 1_800_000_000_000,
        maturity_max: 18,
        seed: None,
    };
    let questions: Vec<edge::Request> = histories.iter().map(question).collect();
    let fresh = latency(rounds, CALLS, |call| done(scene.generation.recommend(REGION, &questions[call])))?;
    let mut held = scene.generation.hold_ranking()?;
    let warm = latency(rounds, CALLS, |call| done(held.recommend(&questions[call])))?;
    drop(held);
    let blend = ranking::Blend::new(0.7, 0.01).map_err(|error| anyhow!("{error}"))?;
    let rules = ranking::Rules::new(8.0, 50, NEAREST).map_err(|error| anyhow!("{error}"))?;
    let rules = rules.with_blend(Some(blend));
    let native = latency(rounds, CALLS, |call| {
        let question = &questions[call];
        let own = Request {
            history: question.history.clone(),
            k: question.k,
            at_unix_ms: question.at_unix_ms,
            maturity_max_years: question.maturity_max,
            ..Request::default()
        };
        done(ranking::recommend(&scene.candidates, &rules, &own, Some(&mut InProcess(&scene.models))))
    })?;
    let ask = |index: &str, form: &str| json!({"do": "cold", "index": index, "form": form, "histories": histories, "count": NEAREST});
    let peers = scene.ask(rounds, &ask("flat", "f32"))?;
    let smaller_peers = scene.ask(rounds, &ask("sq8", "int8"))?;
    Ok(Recommend {
        candidates: TITLES,
        width: scene.width,
        history: HISTORY,
        row_entries: ROW_ENTRIES,
        ranked: NEAREST,
        cold: Latencies { fresh, warm, native },
        onnxruntime_f32_and_faiss_flat: peers,
        onnxruntime_int8_and_faiss_sq8: smaller_peers,
        fresh_over_f32_and_flat: peers.map(|peers| rounded(fresh.p50_us / peers.p50_us)),
    })
}

/// The models without wasm.
struct InProcess<'a>(&'a Models);

impl ranking::Models for InProcess<'_> {
    fn score(&mut self, shortlist: &ranking::Shortlist<'_>) -> Result<Vec<f32>, ranking::ModelError> {
        let ranking::Shortlist { viewer, items, features } = *shortlist;
        let scored = self.0.score(&inference::Shortlist { viewer, items, features });
        scored.map_err(|error| ranking::ModelError { code: error.code().to_owned() })
    }

    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, ranking::ModelError> {
        let tower = self.0.tower().ok_or_else(|| ranking::ModelError { code: "not-loaded".to_owned() })?;
        tower.encode(items).map_err(|error| ranking::ModelError { code: error.code().to_owned() })
    }
}

pub(crate) fn done<T, E: fmt::Debug>(result: Result<T, E>) -> Result<()> {
    match result {
        Ok(value) => {
            std::hint::black_box(value);
            Ok(())
        }
        Err(error) => Err(anyhow!("{error:?}")),
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fresh, warm, native } = self;
        write!(
            f,
            "fresh {} µs (p99 {}), warm {} µs, native {} µs",
            fresh.p50_us, fresh.p99_us, warm.p50_us, native.p50_us
        )
    }
}

/// A figure that there may be, with its unit.
pub(crate) fn told(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| "not measured".to_owned(), |value| format!("{value}{unit}"))
}

impl fmt::Display for Encode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "encode {HISTORY} items, width {}, of {} items", self.width, self.items)?;
        writeln!(f, "  ours         {}", self.history)?;
        let of = |peer: Option<Latency>| told(peer.map(|peer| peer.p50_us), " µs");
        writeln!(f, "  onnxruntime f32   {}", of(self.onnxruntime_f32))?;
        writeln!(f, "  onnxruntime int8  {}", of(self.onnxruntime_int8))?;
        writeln!(f, "  fresh over onnxruntime f32 {}", told(self.fresh_over_onnxruntime_f32, ""))?;
        write!(f, "one more item  {}", self.one_more)
    }
}

impl fmt::Display for Retrieval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the nearest {} of {} × {}", self.count, self.candidates, self.width)?;
        writeln!(f, "  ours        {}", self.nearest)?;
        writeln!(f, "  filtered    {}", self.filtered)?;
        writeln!(f, "  FAISS Flat  {}", told(self.faiss_flat.map(|peer| peer.p50_us), " µs"))?;
        writeln!(f, "  FAISS SQ8   {}", told(self.faiss_sq8.map(|peer| peer.p50_us), " µs"))?;
        write!(
            f,
            "  over FAISS SQ8: fresh {}, warm {}; filtered over unfiltered {}",
            told(self.fresh_over_faiss_sq8, ""),
            told(self.warm_over_faiss_sq8, ""),
            self.filtered_over_unfiltered
        )
    }
}

impl fmt::Display for Recommend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "a cold answer: {} items, {} × {}, {} ranked",
            self.history, self.candidates, self.width, self.ranked
        )?;
        let of = |peer: Option<Latency>| told(peer.map(|peer| peer.p50_us), " µs");
        writeln!(f, "  ours                           {}", self.cold)?;
        writeln!(f, "  onnxruntime f32 and FAISS Flat  {}", of(self.onnxruntime_f32_and_faiss_flat))?;
        writeln!(f, "  onnxruntime int8 and FAISS SQ8  {}", of(self.onnxruntime_int8_and_faiss_sq8))?;
        write!(f, "  fresh over f32 and Flat {}", told(self.fresh_over_f32_and_flat, ""))
    }
}
