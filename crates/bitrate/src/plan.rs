//! research
use alloc::vec;
use alloc::vec::Vec;

use crate::{Input, real};
use crate::settings::Settings;

pub(crate) struct Prediction { pub(crate) mean: f64, pub(crate) spread: f64, pub(crate) gain: f64, slow: f64 }

pub(crate) fn predict(input: &Input, s: &Settings) -> Option<Prediction> {
    let half = [s.v[0], s.v[1], s.v[2], s.v[3]];
    let prior_w = [s.v[4], s.v[5], s.v[6], s.v[7]];
    let nu = s.v[8]; let s0 = s.v[9]; let s1 = s.v[10]; let smax = s.v[11]; let disp_half = s.v[12];
    let prior = s.get("prior_disp"); let prior_n = s.get("prior_n");
    let samples = input.history.samples();
    let first = samples.len().saturating_sub(48);
    let samples = &samples[first..];
    if samples.is_empty() { return None }
    let mut mu = [0.0; 4]; let mut w = [0.0; 4];
    let mut loss = [0.0; 4]; let mut n = 0.0;
    let keep = real::exp(-core::f64::consts::LN_2 / disp_half);
    let mut d_mean = 0.0; let mut d_n = 0.0;
    for (i, sample) in samples.iter().enumerate() {
        let took = sample.took.get() as f64; let waited = sample.waited.get() as f64;
        let net = (took - waited).max(1.0);
        let (rate, d) = if took > 0.0 { (sample.kbps * took / net, net / 1e3) } else { (sample.kbps, 4.0) };
        let x = real::ln(rate.max(1.0));
        if i > 0 {
            n = keep * n + 1.0;
            for e in 0..4 { loss[e] = keep * loss[e] + (x - mu[e] / w[e]).abs(); }
        }
        let d = d.max(0.2).min(20.0);
        d_mean = 0.8 * d_mean + 0.2 * d; d_n = 0.8 * d_n + 0.2;
        for e in 0..4 {
            let k = real::exp(-core::f64::consts::LN_2 * d / half[e]);
            mu[e] = k * mu[e] + (1.0 - k) * x; w[e] = k * w[e] + 1.0 - k;
        }
    }
    let (mut total, mut mean, mut disp, mut gain) = (0.0, 0.0, 0.0, 0.0);
    for e in 0..4 {
        let dev = (loss[e] + prior * prior_n) / (n + prior_n);
        let weight = prior_w[e] * real::exp(-nu * real::ln(dev.max(0.01)));
        total += weight; mean += weight * mu[e] / w[e]; disp += weight * dev;
        gain += weight * (1.0 - real::exp(-core::f64::consts::LN_2 * (d_mean / d_n) / half[e])) / w[e].min(1.0);
    }
    let disp = disp / total;
    Some(Prediction { mean: mean / total + s.get("bias") * disp, spread: (s0 + s1 * disp).min(smax), gain: (s.get("gain0") + s.get("gain") * gain / total).min(1.0), slow: mu[3] / w[3] })
}

const K: usize = 5;
type F = f32;

struct Stage { at: usize, chunks: usize }

fn stages(left: usize, singles: usize, max: usize, growth: usize) -> Vec<Stage> {
    let mut at = 0; let mut out = Vec::new();
    while at < left && out.len() < max {
        let i = out.len();
        let c = if i < singles { 1 } else { 2 + (i - singles) / growth };
        let c = c.min(left - at);
        out.push(Stage { at, chunks: c });
        at += c;
    }
    out
}

pub(crate) fn rung(input: &Input, rungs: &[usize], s: &Settings) -> usize {
    let Some(p) = predict(input, s) else { return rungs[0] };
    let gain = p.gain;
    let odds = [s.get("odd0"), s.get("odd1"), s.get("odd2"), s.get("odd3"), s.get("odd4")];
    let total: f64 = odds.iter().sum();
    let odds = odds.map(|o| o / total);
    let left = input.ahead.left().unwrap_or(1000) as usize;
    let chunk_s = input.buffer.segment_s();
    let stages = stages(left, s.get("singles") as usize, s.get("horizon") as usize, (s.get("growth") as usize).max(1));
    let max_s = input.buffer.max_s();
    let cells = ((max_s / s.get("cell_s")) as usize).max(2);
    let cell_s = max_s / cells as f64;
    let n = cells + 1;
    let levels = s.get("levels") as i32;
    let m_count = (2 * levels + 1) as usize;
    let h = s.get("h") * p.spread;
    let stall_w = input.weights.stall() * s.get("stall_mul");
    let change = input.weights.change();
    let utilities = input.utilities();
    let u: Vec<f64> = rungs.iter().map(|r| utilities[*r]).collect();
    let q_count = rungs.len();
    let rtt = input.history.samples().last().map_or(0.0, |x| x.waited.get() as f64 / 1e3);
    let kbps = |m: i32, k: i32| real::exp(p.mean + h * (gain * f64::from(m) + f64::from(k)));
    let slow: Vec<[f64; K]> = (-levels..=levels).map(|m| core::array::from_fn(|k| 1.0 / kbps(m, k as i32 - 2))).collect();
    let u_last = utilities[input.last_rung()];
    let mut next: Vec<F> = vec![0.0; m_count * q_count * n];
    let last = &stages[stages.len() - 1];
    let rest = left - last.at - last.chunks;
    if rest > 0 {
        let term = s.get("term"); let scale = s.get("term_b");
        for m in 0..m_count { 
            let mbps = (real::exp(p.mean + h * gain * (m as f64 - f64::from(levels))) / 1e3).min(u[q_count - 1]);
            let rest = (rest as f64).min(20.0) / 20.0;
            for q in 0..q_count { for i in 0..n {
            let b = i as f64 * cell_s;
            next[(m * q_count + q) * n + i] = (rest * term * mbps * scale / chunk_s * (1.0 - real::exp(-b / scale))) as F;
        } } }
    }
    let mut g: Vec<F> = vec![0.0; q_count * n];
    let mut now: Vec<F> = vec![0.0; m_count * q_count * n];
    let mut run: Vec<F> = vec![0.0; n];
    for (t, stage) in stages.iter().enumerate().skip(1).rev() {
        let reach = (2 * t as i32).min(levels);
        let c = stage.chunks as f64;
        for q in 0..q_count { }
        let kbits: Vec<f64> = rungs.iter().map(|r| { let mut sum = 0.0; for i in 0..stage.chunks { sum += input.ahead.bits(&input.ladder, stage.at + i, *r, chunk_s); } sum / c / 1e3 }).collect();
        for m in -reach..=reach {
            let mi = (m + levels) as usize;
            for q in 0..q_count {
                let row = &mut g[q * n..(q + 1) * n];
                row.fill((u[q] * c) as F);
                for k in 0..K {
                    let d = rtt + kbits[q] * slow[mi][k];
                    let to = (m + k as i32 - 2).clamp(-levels, levels);
                    let to = ((to + levels) as usize * q_count + q) * n;
                    let dry = d.max(c * d - (c - 1.0) * chunk_s);
                    add(row, &next[to..to + n], odds[k] as F, (dry / cell_s) as F, (c * (chunk_s - d) / cell_s) as F, (stall_w * cell_s) as F);
                }
            }
            let block = &mut now[mi * q_count * n..(mi + 1) * q_count * n];
            run.fill(F::NEG_INFINITY);
            for l in 0..q_count {
                let c = (change * u[l]) as F;
                for ((o, x), r) in block[l * n..(l + 1) * n].iter_mut().zip(&g[l * n..(l + 1) * n]).zip(&mut run) {
                    let v = x + c; *r = if v > *r { v } else { *r }; *o = *r - c;
                }
            }
            run.fill(F::NEG_INFINITY);
            for l in (0..q_count).rev() {
                let c = (change * u[l]) as F;
                for ((o, x), r) in block[l * n..(l + 1) * n].iter_mut().zip(&g[l * n..(l + 1) * n]).zip(&mut run) {
                    let v = x - c; *r = if v > *r { v } else { *r }; let z = *r + c; *o = if z > *o { z } else { *o };
                }
            }
        }
        core::mem::swap(&mut next, &mut now);
    }
    let b = input.buffer.level_s();
    let mut best = 0; let mut best_v = f64::NEG_INFINITY;
    for q in 0..q_count {
        let bits = input.ahead.bits(&input.ladder, 0, rungs[q], chunk_s) / 1e3;
        let mut v = u[q] - change * (u[q] - u_last).abs();
        for k in 0..K {
            let d = rtt + bits * slow[levels as usize][k];
            let to = (k as i32 - 2).clamp(-levels, levels);
            let to = ((to + levels) as usize * q_count + q) * n;
            let after = ((b - d).max(0.0) + chunk_s).min(max_s) / cell_s;
            let i = (after as usize).min(n - 2); let f = after - i as f64;
            let w = f64::from(next[to + i]) * (1.0 - f) + f64::from(next[to + i + 1]) * f;
            v += odds[k] * (w - stall_w * (d - b).max(0.0));
        }
        if v > best_v { best_v = v; best = q; }
    }
    rungs[best]
}

/// dry, shift in cells
fn add(row: &mut [F], next: &[F], p: F, dry: F, shift: F, stall_w: F) {
    let n = row.len();
    let first = (dry as usize).saturating_add(1).min(n);
    let at = (dry + shift).min((n - 1) as F).max(0.0);
    let i = (at as usize).min(n - 2); let f = at - i as F;
    let v = next[i] * (1.0 - f) + next[i + 1] * f;
    for (i, r) in row[..first].iter_mut().enumerate() { *r += p * (v - stall_w * (dry - i as F)); }
    if first == n { return }
    let s0 = shift as isize - isize::from(shift < 0.0); let f = shift - s0 as F;
    let end = (n as isize - 1 - s0).clamp(first as isize, n as isize) as usize;
    let (a, b) = (p * (1.0 - f), p * f);
    let base = (first as isize + s0).max(0) as usize;
    let len = end - first;
    if len > 0 {
    let lo = &next[base..base + len]; let hi = &next[base + 1..base + 1 + len];
    for ((r, x), y) in row[first..end].iter_mut().zip(lo).zip(hi) { *r += a * x + b * y; }
    }
    let full = p * next[n - 1];
    for r in &mut row[end..] { *r += full; }
}
