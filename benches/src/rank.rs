//! The best 200 put in order by a ranker of 264 numbers a candidate, 256 and 128 units, beside onnxruntime.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use inference::Shortlist;
use ranking::features::COLUMNS;
use serde::Serialize;
use serde_json::json;

use crate::measure::{Latency, latency, rounded};
use crate::release_files::Dice;
use crate::tower::{CALLS, Latencies, NEAREST, Scene, TITLES, done, told};

/// Numbers in a vector.
const WIDTH: usize = 128;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    candidates: u32,
    columns: usize,
    /// What the items add to the first layer is computed before, what the viewer adds once a call.
    ours: Latencies,
    /// One thread, all rows ready made.
    onnxruntime_f32: Option<Latency>,
    /// The same with weights of eight bits, quantised by its own tool.
    onnxruntime_int8: Option<Latency>,
    fresh_over_onnxruntime_f32: Option<f64>,
    warm_over_onnxruntime_f32: Option<f64>,
}

pub(crate) fn measure(components: &Path, rounds: u32) -> Result<Figures> {
    let mut scene = Scene::new(components, WIDTH, 0)?;
    let viewers = scene.viewers()?;
    let mut dice = Dice(23);
    let mut of_a_call =
        |count: usize, below: u32| -> Vec<u32> { (0..count).map(|_| dice.below(below)).collect() };
    let items: Vec<Vec<u32>> = (0..CALLS).map(|_| of_a_call(NEAREST as usize, TITLES)).collect();
    let mut share =
        || of_a_call(NEAREST as usize * COLUMNS, 1_000).iter().map(|&n| n as f32 / 1_000.0).collect();
    let features: Vec<Vec<f32>> = (0..CALLS).map(|_| share()).collect();
    let shortlist =
        |call: usize| Shortlist { viewer: &viewers[call], items: &items[call], features: &features[call] };
    let (generation, models) = (&scene.generation, &scene.models);
    let mut held = generation.hold_models()?;
    let ours = Latencies {
        fresh: latency(rounds, CALLS, |call| done(generation.infer(&shortlist(call))))?,
        warm: latency(rounds, CALLS, |call| done(held.infer(&shortlist(call))))?,
        native: latency(rounds, CALLS, |call| done(models.score(&shortlist(call))))?,
    };
    drop(held);
    let ask = |form: &str| json!({"do": "rank", "form": form, "viewers": viewers, "items": items, "features": features});
    let (f32_form, int8_form) = (ask("f32"), ask("int8"));
    let onnxruntime_f32 = scene.ask(rounds, &f32_form)?;
    let onnxruntime_int8 = scene.ask(rounds, &int8_form)?;
    let over = |ours: Latency| onnxruntime_f32.map(|peer| rounded(ours.p50_us / peer.p50_us));
    Ok(Figures {
        candidates: NEAREST,
        columns: crate::deep_ranker::columns(WIDTH),
        fresh_over_onnxruntime_f32: over(ours.fresh),
        warm_over_onnxruntime_f32: over(ours.warm),
        ours,
        onnxruntime_f32,
        onnxruntime_int8,
    })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rank {} candidates, {}-256-128-1", self.candidates, self.columns)?;
        writeln!(f, "  ours              {}", self.ours)?;
        let of = |peer: Option<Latency>| told(peer.map(|peer| peer.p50_us), " µs");
        writeln!(f, "  onnxruntime f32   {}", of(self.onnxruntime_f32))?;
        writeln!(f, "  onnxruntime int8  {}", of(self.onnxruntime_int8))?;
        write!(
            f,
            "  over onnxruntime f32: fresh {}, warm {}",
            told(self.fresh_over_onnxruntime_f32, ""),
            told(self.warm_over_onnxruntime_f32, "")
        )
    }
}
