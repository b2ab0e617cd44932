//! Bit rate decisions: a fresh instance each, one instance for all, no wasm.

use std::time::Duration;

use anyhow::{Result, anyhow};
use frontrow_edge::runtime::{Generation, bitrate};
use serde::Serialize;
use wire::{BitrateInput, Policy, Rung};

use crate::measure::{rates, rounded};
use crate::release_files::Dice;

const ROUND_TIME: Duration = Duration::from_millis(300);
const INPUTS: usize = 256;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) fresh_per_s: f64,
    pub(crate) fresh_us: f64,
    pub(crate) warm_per_s: f64,
    pub(crate) native_per_s: f64,
    pub(crate) fresh_over_warm: f64,
}

pub(crate) fn measure(generation: &Generation, rounds: u32) -> Result<Figures> {
    let native = inputs();
    let inputs: Vec<bitrate::Input> = native.iter().map(component_input).collect();
    let mut held = generation.hold_bitrate()?;
    let [fresh_per_s, warm_per_s, native_per_s] = rates(
        rounds,
        ROUND_TIME,
        [
            &mut |call| Ok(drop(std::hint::black_box(generation.decide(&inputs[call % INPUTS])?))),
            &mut |call| Ok(drop(std::hint::black_box(held.decide(&inputs[call % INPUTS])?))),
            &mut |call| {
                let decision = native[call % INPUTS].decide().map_err(|refusal| anyhow!("{refusal:?}"))?;
                Ok(drop(std::hint::black_box(decision)))
            },
        ],
    )?;
    Ok(Figures {
        fresh_per_s,
        fresh_us: rounded(1e6 / fresh_per_s),
        warm_per_s,
        native_per_s,
        fresh_over_warm: rounded(fresh_per_s / warm_per_s),
    })
}

/// The ladder that the nodes of the demo have, more or less.
pub(crate) fn ladder() -> Vec<Rung> {
    [(240, 400), (360, 800), (480, 1_400), (720, 2_800), (1080, 5_000), (1440, 9_000), (2160, 16_000)]
        .map(|(height, kbps)| Rung { id: format!("{height}p"), height, kbps })
        .to_vec()
}

fn inputs() -> Vec<BitrateInput> {
    let mut dice = Dice(13);
    let mut input = || BitrateInput {
        policy: Policy::Bola,
        ladder: ladder(),
        rules: Vec::new(),
        samples_kbps: (0..5).map(|_| f64::from(500 + dice.below(12_000))).collect(),
        buffer_ms: dice.below(60_000),
        buffer_max_ms: 60_000,
        segment_ms: 4_000,
        height_max: None,
        player: None,
    };
    (0..INPUTS).map(|_| input()).collect()
}

fn component_input(input: &BitrateInput) -> bitrate::Input {
    bitrate::Input {
        policy: bitrate::Policy::Bola,
        ladder: input
            .ladder
            .iter()
            .map(|rung| bitrate::Rung { id: rung.id.clone(), height: rung.height, kbps: rung.kbps })
            .collect(),
        rules: Vec::new(),
        samples: input
            .samples_kbps
            .iter()
            .map(|&kbps| bitrate::Sample { kbps, took_ms: 0, waited_ms: 0 })
            .collect(),
        buffer_ms: input.buffer_ms,
        buffer_max_ms: input.buffer_max_ms,
        segment_ms: input.segment_ms,
        height_max: input.height_max,
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
