//! The flagship: the rung whose expected worth is greatest over the paths the network may take.
//!
//! A finite-horizon Markov decision process, solved backwards in every decision. Its state is the level
//! of the buffer, the rung of the chunk before and the drift of the throughput; a chunk brings the
//! utility of its rung less the costs of change and stall ([`Weights`](crate::Weights)); the throughput
//! of a chunk is one of five outcomes of the [`forecast`], and their mean follows the outcome, so that a plan knows that bad luck lasts and that it will see it coming. The plan reaches to
//! the end of the title: the first chunks one by one, later ones in growing groups, so that a buffer is
//! saved as long as it has a use and spent before the end. Exact sizes are used where they are known.
//!
//! Idea: Yin et al., SIGCOMM 2015 (planning over chunks); Yan et al., Fugu, NSDI 2020 (expectation over
//! a distribution of the download time). All sums have a fixed order.
//!
//! A plan believes that a link stays what it is, give or take its outcomes. Two terms stand for what it cannot foresee.
//! A link may be lost for some seconds, the likelier the worse its views were: each chunk costs what the buffer would not
//! cover of a loss whose length is exponentially distributed, so that a reserve has a worth before the outcomes call for
//! it. And on a calm link that is too slow for the rung below the top a plan would save for most of a title, since later is as
//! good as now; but of the links that were learnt from more such rose than fell, and then a reserve has no use. There
//! each chunk is worth a little less than the one before it.

use alloc::vec;
use alloc::vec::Vec;

use crate::forecast::Forecast;
use crate::perceptron::OUTCOMES;
use crate::{Input, Settings, forecast, real};

/// Points of the buffer's level, equally far apart from empty to full; more gave no better rungs.
const POINTS: usize = 16;

/// Drifts of the mean: one step down, none, one step up. More gave no better rungs.
const DRIFTS: usize = 3;

/// Decisions that a plan consists of: the first chunks are planned one by one, then two, three, four and so on
/// together.
const STAGES_MAX: usize = 14;
const SINGLES: usize = 6;

/// Media that a plan looks at; a larger buffer counts as this large.
const LEVEL_S_MAX: f64 = 120.0;

/// A download longer than this is as good as endless.
const DOWNLOAD_S_MAX: f64 = 3_600.0;

/// Media in which the worth of a reserve grows to 63 % of its limit.
const RESERVE_S: f64 = 20.0;

/// Chunks beyond the plan that a reserve is good for.
const RESERVE_CHUNKS: f64 = 20.0;

/// The values of one rung at one drift, by buffer level.
type Row = [f32; POINTS];

/// A [`Row`] by the level that a download leaves, before its chunk is added: `POINTS` of them below empty (a
/// stall), and as many above full.
type Shifted = [f32; 3 * POINTS];

/// A first step of a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Index into the ladder.
    pub(crate) rung: usize,
    /// To be received.
    pub(crate) bits: f64,
    /// Before the first of them.
    pub(crate) wait_s: f64,
}

/// Returns the best rung of `rungs`, which is not empty and rising; none when the history is empty or the
/// numbers allow no comparison.
pub(crate) fn rung(input: &Input, rungs: &[usize], settings: &Settings) -> Option<usize> {
    let forecast = forecast::forecast(&input.history, None, settings)?;
    let chunk_s = input.buffer.segment_s();
    let step = |rung: &usize| Step {
        rung: *rung,
        bits: input.ahead.bits(&input.ladder, 0, *rung, chunk_s),
        wait_s: forecast.wait_s,
    };
    let steps: Vec<Step> = rungs.iter().map(step).collect();
    best(input, rungs, &steps, &forecast, settings)
}

/// Returns the rung of the best of `steps`, the first of equals, when later ones are of `rungs`.
pub(crate) fn best(
    input: &Input,
    rungs: &[usize],
    steps: &[Step],
    forecast: &Forecast,
    settings: &Settings,
) -> Option<usize> {
    let plan = Plan::new(input, rungs, forecast, settings);
    let values = plan.solve();
    let mut best = None;
    for step in steps {
        let worth = plan.worth(step, &values);
        if worth.is_finite() && best.is_none_or(|(_, most)| worth > most) {
            best = Some((step.rung, worth));
        }
    }
    best.map(|(rung, _)| rung)
}

struct Plan<'a> {
    input: &'a Input,
    rungs: &'a [usize],
    /// Of all rungs of the ladder.
    utilities: Vec<f64>,
    odds: [f64; OUTCOMES],
    /// Seconds for a kilobit of the first chunk, by outcome.
    first: [f64; OUTCOMES],
    /// The same of a later one, by drift and outcome.
    paces: [[f64; OUTCOMES]; DRIFTS],
    wait_s: f64,
    chunk_s: f64,
    level_s_max: f64,
    /// Between two points.
    point_s: f64,
    stall: f64,
    /// Cost of a stall as long as a point.
    stall_point: f64,
    change: f64,
    reserve: f64,
    /// Worth of a chunk, as a share of that of the chunk before it; 0 to 1.
    patience: f64,
    /// What an outage while a chunk is fetched costs in the mean, by level; not above zero.
    outages: Row,
    stages: Vec<Stage>,
    /// Chunks beyond the last stage.
    beyond: usize,
}

/// A decision for one or more chunks.
#[derive(Clone, Copy)]
struct Stage {
    first: usize,
    chunks: usize,
}

/// The downloads of a stage, in points of the buffer's level.
#[derive(Clone, Copy)]
struct Load {
    /// Whatever the throughput.
    fixed: f64,
    /// For every second that a kilobit takes.
    paced: f64,
    /// Where an endless stall ends.
    most: f64,
}

impl<'a> Plan<'a> {
    fn new(input: &'a Input, rungs: &'a [usize], forecast: &Forecast, settings: &Settings) -> Self {
        let odds_sum: f64 = settings.odds.iter().sum();
        let later = forecast.later.map(|log_kbps| real::exp(-log_kbps));
        let drift = |drift: usize| real::exp(-forecast.drift * (drift as f64 - 1.0));
        let latency_s = input.latency.map_or(f64::INFINITY, crate::buffer::seconds);
        let chunk_s = input.buffer.segment_s();
        let level_s_max = input.buffer.max_s().min(LEVEL_S_MAX).min(latency_s).max(chunk_s);
        let point_s = level_s_max / (POINTS - 1) as f64;
        let stall = input.weights.stall() * settings.caution;
        let left = input.ahead.left().map_or(usize::MAX, |left| left as usize);
        let stages = stages(left);
        // A rise of a link that carries the rung below the top brings one rung.
        let below_top = rungs[rungs.len().saturating_sub(2)];
        let enough_kbps = f64::from(input.ladder.rungs()[below_top].rate.get());
        let carried = 1.0 / (later[OUTCOMES / 2] * enough_kbps);
        let mut lost = forecast.outage * chunk_s * stall * settings.outage_s;
        let kept = real::exp(-point_s / settings.outage_s);
        let outages = core::array::from_fn(|_| {
            let cost = -lost as f32;
            lost *= kept;
            cost
        });
        let planned = stages.last().map_or(0, |stage| stage.first + stage.chunks);
        Self {
            input,
            rungs,
            utilities: input.utilities(),
            odds: settings.odds.map(|odds| odds / odds_sum),
            first: forecast.first.map(|log_kbps| real::exp(-log_kbps)),
            paces: core::array::from_fn(|index| later.map(|pace| pace * drift(index))),
            wait_s: forecast.wait_s,
            chunk_s,
            level_s_max,
            point_s,
            stall,
            stall_point: stall * point_s,
            change: input.weights.change(),
            reserve: settings.reserve,
            patience: 1.0 - forecast.impatience * (1.0 - carried).max(0.0),
            outages,
            stages,
            beyond: left - planned.min(left),
        }
    }

    /// The values after the first stage, by drift and rung of `rungs`.
    fn solve(&self) -> Vec<Row> {
        let count = self.rungs.len();
        let mut values = self.at_the_end();
        let mut shifted: Vec<Shifted> = vec![[0.0; 3 * POINTS]; DRIFTS * count];
        let mut chosen: Vec<Row> = vec![[0.0; POINTS]; count];
        let mut loads: Vec<Load> = Vec::with_capacity(count);
        for stage in self.stages.iter().skip(1).rev() {
            loads.clear();
            loads.extend(self.rungs.iter().map(|rung| self.load(*rung, stage)));
            let outages = self.outages.map(|outage| outage * stage.chunks as f32);
            let discount = (0..stage.chunks).fold(1.0, |discount, _| discount * self.patience) as f32;
            for (row, shifted) in values.iter().zip(&mut shifted) {
                self.shift(row, discount, shifted);
            }
            for drift in 0..DRIFTS {
                for (index, (row, load)) in chosen.iter_mut().zip(&loads).enumerate() {
                    let worth = self.utilities[self.rungs[index]] * stage.chunks as f64;
                    *row = self.expected(
                        &outages,
                        worth,
                        load,
                        drift,
                        core::array::from_fn(|drift| &shifted[drift * count + index]),
                    );
                }
                self.choose(&chosen, &mut values[drift * count..(drift + 1) * count]);
            }
        }
        values
    }

    /// What is left is worth nothing at the end of a title; a reserve is worth what it can be turned into
    /// while there are chunks beyond the plan.
    fn at_the_end(&self) -> Vec<Row> {
        let top = self.utilities[self.rungs[self.rungs.len() - 1]];
        let lowest = self.utilities[self.rungs[0]];
        let chunks = (self.beyond as f64).min(RESERVE_CHUNKS) / RESERVE_CHUNKS;
        if chunks == 0.0 {
            return vec![[0.0; POINTS]; DRIFTS * self.rungs.len()];
        }
        let mut values = Vec::with_capacity(DRIFTS * self.rungs.len());
        for paces in &self.paces {
            let mbps = (1.0 / paces[OUTCOMES / 2] / 1e3).min(top.max(lowest));
            let limit = chunks * self.reserve * mbps * RESERVE_S / self.chunk_s;
            let worth = |point: usize| limit * (1.0 - real::exp(-(point as f64) * self.point_s / RESERVE_S));
            let row: Row = core::array::from_fn(|point| worth(point) as f32);
            values.extend(self.rungs.iter().map(|_| row));
        }
        values
    }

    /// What the downloads of a stage take from the buffer, less the chunks they bring but the last: in a
    /// group, each chunk but the last has been added when the last one arrives.
    fn load(&self, rung: usize, stage: &Stage) -> Load {
        let Input { ahead, ladder, .. } = self.input;
        let chunks = stage.first..stage.first + stage.chunks;
        let bits = chunks.fold(0.0, |sum, chunk| sum + ahead.bits(ladder, chunk, rung, self.chunk_s));
        let chunks = stage.chunks as f64;
        Load {
            fixed: (chunks * self.wait_s - (chunks - 1.0) * self.chunk_s) / self.point_s,
            paced: bits / 1e3 / self.point_s,
            most: chunks * DOWNLOAD_S_MAX / self.point_s,
        }
    }

    /// Values by the level a download leaves: its chunk is added, every second below empty was a stall, and what is
    /// later is worth `discount` of what it will be.
    fn shift(&self, row: &Row, discount: f32, shifted: &mut Shifted) {
        // A level above full is full.
        let mut filled = [row[POINTS - 1]; 3 * POINTS + 1];
        filled[..POINTS].copy_from_slice(row);
        let added = (self.chunk_s / self.point_s) as f32;
        let whole = (added as usize).min(POINTS);
        let far = added - whole as f32;
        let (near, far) = (discount * (1.0 - far), discount * far);
        let values = &filled[whole..whole + 2 * POINTS + 1];
        for (point, value) in shifted[POINTS..].iter_mut().enumerate() {
            *value = near * values[point] + far * values[point + 1];
        }
        let empty = shifted[POINTS];
        let slope = self.stall_point as f32;
        for (point, value) in shifted[..POINTS].iter_mut().enumerate() {
            *value = empty - slope * (POINTS - point) as f32;
        }
    }

    /// The expected worth of a stage at one rung, by level; `values` are those after it at this rung, by drift.
    fn expected(
        &self,
        outages: &Row,
        worth: f64,
        load: &Load,
        drift: usize,
        values: [&Shifted; DRIFTS],
    ) -> Row {
        let mut constant = worth;
        let mut row = *outages;
        for (outcome, odds) in self.odds.iter().enumerate() {
            let drained = load.fixed + load.paced * self.paces[drift][outcome];
            // Levels further down are on the same line, those further up are full.
            let kept = within(drained, 1.0 - POINTS as f64, POINTS as f64 - 1.0);
            constant -= odds * within(drained - kept, 0.0, load.most) * self.stall_point;
            let start = POINTS as f64 - kept;
            // Above 0 and below 2 × POINTS; a conversion to 32 bits is the quick one.
            let whole = start as i32;
            let rest = (start - f64::from(whole)) as f32;
            let whole = whole as usize;
            let values = values[next_drift(drift, outcome)][whole..].first_chunk();
            let values: &[f32; POINTS + 1] = values.expect("it starts below 2 × POINTS");
            let odds = *odds as f32;
            let (near, far) = (odds * (1.0 - rest), odds * rest);
            for (point, value) in row.iter_mut().enumerate() {
                *value += near * values[point] + far * values[point + 1];
            }
        }
        row.map(|value| value + constant as f32)
    }

    /// The best rung after each: `max over q of chosen[q] − change × |u[q] − u[last]|`, in two sweeps.
    fn choose(&self, chosen: &[Row], values: &mut [Row]) {
        let cost = |index: usize| (self.change * self.utilities[self.rungs[index]]) as f32;
        let mut most = [f32::NEG_INFINITY; POINTS];
        for (index, (row, best)) in chosen.iter().zip(values.iter_mut()).enumerate() {
            let cost = cost(index);
            most = core::array::from_fn(|point| greater(most[point], row[point] + cost));
            *best = most.map(|most| most - cost);
        }
        let mut most = [f32::NEG_INFINITY; POINTS];
        for (index, (row, best)) in chosen.iter().zip(values.iter_mut()).enumerate().rev() {
            let cost = cost(index);
            most = core::array::from_fn(|point| greater(most[point], row[point] - cost));
            *best = core::array::from_fn(|point| greater(best[point], most[point] + cost));
        }
    }

    /// The worth of a first step from the very level of the buffer.
    fn worth(&self, step: &Step, values: &[Row]) -> f64 {
        let level_s = self.input.buffer.level_s().min(self.level_s_max);
        let utility = self.utilities[step.rung];
        let mut worth = utility - self.change * (utility - self.utilities[self.input.last_rung()]).abs();
        // A rung that is not of `rungs` (its download is under way) is followed as by the nearest below.
        let index = self.rungs.iter().rposition(|rung| *rung <= step.rung).unwrap_or(0);
        for outcome in 0..OUTCOMES {
            let pace = self.first[outcome];
            let download_s = (step.wait_s + step.bits / 1e3 * pace).min(DOWNLOAD_S_MAX);
            let after_s = ((level_s - download_s).max(0.0) + self.chunk_s).min(self.level_s_max);
            let at = after_s / self.point_s;
            let point = (at as usize).min(POINTS - 2);
            let rest = at - point as f64;
            let row = &values[next_drift(DRIFTS / 2, outcome) * self.rungs.len() + index];
            let value = f64::from(row[point]) * (1.0 - rest) + f64::from(row[point + 1]) * rest;
            worth +=
                self.odds[outcome] * (self.patience * value - self.stall * (download_s - level_s).max(0.0));
        }
        worth
    }
}

fn next_drift(drift: usize, outcome: usize) -> usize {
    (drift + outcome).saturating_sub(OUTCOMES / 2).min(DRIFTS - 1)
}

/// Not `f64::clamp`, which has to treat what is no number.
fn within(value: f64, low: f64, high: f64) -> f64 {
    let value = if value > low { value } else { low };
    if value < high { value } else { high }
}

/// Not `f32::max`: it has to treat what is no number, in a way that differs from machine to machine.
fn greater(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// The stages of `left` chunks, as far as [`STAGES_MAX`] go.
fn stages(left: usize) -> Vec<Stage> {
    let mut stages = Vec::with_capacity(STAGES_MAX);
    let mut first = 0;
    while first < left.max(1) && stages.len() < STAGES_MAX {
        let group = stages.len().checked_sub(SINGLES).map_or(1, |later| 2 + later);
        let chunks = group.min(left.max(1) - first);
        stages.push(Stage { first, chunks });
        first += chunks;
    }
    stages
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use quickcheck::quickcheck;

    use units::Millis;

    use super::{POINTS, Plan, stages};
    use crate::ladder::tests::five_rungs;
    use crate::{Ahead, Buffer, History, Input, Policy, Settings, forecast};

    quickcheck! {
        fn two_sweeps_choose_as_every_pair_does(input: Input, seeds: Vec<u16>) -> bool {
            let Some(forecast) = forecast::forecast(&input.history, None, &Settings::SHIPPED) else { return true };
            let rungs: Vec<usize> = (0..input.ladder.rungs().len()).collect();
            let plan = Plan::new(&input, &rungs, &forecast, &Settings::SHIPPED);
            let value = |index: usize| f32::from(seeds.get(index % seeds.len().max(1)).copied().unwrap_or(0));
            let chosen: Vec<_> = rungs.iter().map(|rung| [value(*rung); POINTS]).collect();
            let mut swept = vec![[0.0; POINTS]; rungs.len()];
            plan.choose(&chosen, &mut swept);
            rungs.iter().all(|last| {
                let cost = |rung: usize| plan.change * (plan.utilities[rung] - plan.utilities[*last]).abs();
                let worth = |rung: &usize| f64::from(chosen[*rung][0]) - cost(*rung);
                let best = rungs.iter().map(worth).fold(f64::NEG_INFINITY, f64::max);
                // Single precision, of sums as large as the largest cost.
                let scale = plan.change * plan.utilities[rungs.len() - 1] + 1e5;
                (f64::from(swept[*last][0]) - best).abs() <= scale * 1e-6
            })
        }

        fn an_outage_costs_less_the_fuller_the_buffer(input: Input) -> bool {
            let Some(forecast) = forecast::forecast(&input.history, None, &Settings::SHIPPED) else { return true };
            let plan = Plan::new(&input, &[0], &forecast, &Settings::SHIPPED);
            plan.outages.is_sorted() && plan.outages.iter().all(|cost| cost.is_finite() && *cost <= 0.0)
        }
    }

    #[test]
    fn where_links_are_lost_a_small_buffer_is_filled_first() {
        let history = History::of_speeds(&[2_400.0, 3_600.0].repeat(8)).unwrap();
        let rung = |level_ms: u64, left: u32, outage: f64| {
            let buffer = Buffer::new(Millis::new(level_ms), Millis::new(60_000), Millis::new(4_000)).unwrap();
            let input = Input {
                last: Some(2),
                ahead: Ahead::new(&five_rungs(), Vec::new(), Some(left)).unwrap(),
                ..Input::new(Policy::Flagship, five_rungs(), history.clone(), buffer)
            };
            super::rung(&input, &[0, 1, 2, 3, 4], &Settings { outage, ..Settings::SHIPPED }).unwrap()
        };
        assert!(rung(12_000, 30, 0.0) > rung(12_000, 30, 0.5));
        // The rest of the title is in the buffer.
        assert_eq!(rung(60_000, 3, 0.0), rung(60_000, 3, 0.5));
    }

    #[test]
    fn stages_cover_a_title_without_a_gap_and_the_usual_one_to_its_end() {
        for left in [0, 1, 2, 6, 7, 30, 50, 51, 10_000, usize::MAX] {
            let stages = stages(left);
            let mut next = 0;
            for stage in &stages {
                assert!(stage.first == next && stage.chunks > 0);
                next += stage.chunks;
            }
            assert_eq!(next, left.clamp(1, 50), "{left}");
        }
    }
}
