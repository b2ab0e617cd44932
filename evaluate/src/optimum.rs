//! The ceiling: the best rungs for one who knows the whole trace.
//!
//! A beam search over chunks. Of the sequences that end on one rung with buffers in one cell of
//! `cell_ms`, only the best is extended: what it leaves out differs from what it keeps by less than a
//! cell of buffer. Every sequence is played by the simulator itself, so that the result is a value that
//! can be had, never above the true optimum.

use std::collections::HashMap;

use crate::player::{Player, Protocol};
use crate::score;
use crate::session::FIRST_RUNG;
use crate::trace::Trace;
use crate::video::Video;

/// The mean QoE-lin of the best sequence found.
pub(crate) fn qoe_lin(video: &Video, trace: &Trace, protocol: Protocol, cell_ms: f64) -> f64 {
    let mut first = Player::new(video, trace, protocol);
    first.fetch(FIRST_RUNG);
    let mut beam = vec![Held { player: first, rung: FIRST_RUNG, worth: 0.0 }];
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
}

fn extended<'a>(video: &Video, beam: &[Held<'a>], cell_ms: f64) -> Vec<Held<'a>> {
    let mut best: Vec<Held<'a>> = Vec::with_capacity(beam.len() * 2);
    let mut cells: HashMap<(usize, u64), usize> = HashMap::with_capacity(beam.len() * 2);
    for held in beam {
        for rung in 0..video.rungs() {
            let mut player = held.player;
            let stall_ms = player.fetch(rung).stall_ms;
            let worth = held.worth + score::linear(video.mbps(held.rung), video.mbps(rung), stall_ms);
            let next = Held { player, rung, worth };
            let cell = (rung, (player.level_ms() / cell_ms) as u64);
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
    best
}
