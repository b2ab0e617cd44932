//! The ceiling: the best rungs for one who knows the whole trace.
//!
//! A beam search over chunks. Of the sequences that end on one rung with buffers in one cell of `cell_ms`
//! and stalls in one of [`STALL_CELLS`] of them, only the best is extended: without a stall, two that have
//! the same buffer are at the same point of the trace, and with one the stall tells where they are. Every
//! sequence is played by the simulator itself, so that the result is a value that can be had, never above
//! the true optimum.

use std::collections::HashMap;

use crate::player::{Player, Protocol};
use crate::score;
use crate::session::FIRST_RUNG;
use crate::trace::Trace;
use crate::video::Video;

/// Stalls are told apart this much more coarsely than buffers: they are rare where they are dear.
const STALL_CELLS: f64 = 100.0;

/// Sequences that are extended: the best so many of a chunk, so that a ladder on which stalls are cheap
/// does not fill the memory.
const BEAM_MAX: usize = 5_000;

/// The mean QoE-lin of the best sequence found.
pub(crate) fn qoe_lin(video: &Video, trace: &Trace, protocol: Protocol, cell_ms: f64) -> f64 {
    let mut first = Player::new(video, trace, protocol);
    first.fetch(FIRST_RUNG);
    let mut beam = vec![Held { player: first, rung: FIRST_RUNG, worth: 0.0, stalled_ms: 0.0 }];
    for _ in 1..video.chunks() {
        beam = extended(video, &beam, cell_ms);
    }
    let best = beam.iter().map(|held| held.worth).fold(f64::NEG_INFINITY, f64::max);
    best / (video.chunks() - 1) as f64
}

#[derive(Clone, Copy)]
struct Held<'a> {
    player: Player<'a>,
    rung: usize,
    worth: f64,
    stalled_ms: f64,
}

fn extended<'a>(video: &Video, beam: &[Held<'a>], cell_ms: f64) -> Vec<Held<'a>> {
    let mut best: Vec<Held<'a>> = Vec::with_capacity(beam.len() * 2);
    let mut cells: HashMap<(usize, u64, u64), usize> = HashMap::with_capacity(beam.len() * 2);
    for held in beam {
        for rung in 0..video.rungs() {
            let mut player = held.player;
            let stall_ms = player.fetch(rung).stall_ms;
            let worth = held.worth + score::linear(video.mbps(held.rung), video.mbps(rung), stall_ms);
            let stalled_ms = held.stalled_ms + stall_ms;
            let next = Held { player, rung, worth, stalled_ms };
            let stall_cell = (stalled_ms / (cell_ms * STALL_CELLS)) as u64;
            let cell = (rung, (player.level_ms() / cell_ms) as u64, stall_cell);
            match cells.get(&cell) {
                None => {
                    cells.insert(cell, best.len());
                    best.push(next);
                }
                Some(&at) if best[at].worth < worth => best[at] = next,
                Some(_) => {}
            }
        }
    }
    if best.len() > BEAM_MAX {
        best.sort_by(|a, b| b.worth.total_cmp(&a.worth));
        best.truncate(BEAM_MAX);
    }
    best
}
