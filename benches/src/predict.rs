//! Matrix factorisation: training, one prediction, ten thousand, the best twenty of five thousand titles.
//!
//! The work is that of the seed system's benchmarks: 50,000 ratings drawn from 1,000 viewers and 5,000
//! titles, 50 factors, 20 epochs.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use frontrow_edge::runtime::{Generation, RegionFiles, ReleaseFiles, Runtime, RuntimeConfig};
use frontrow_origin::train::factors::{Rating, Settings, train};
use rand_mt::Mt;
use release::{decode_factors, encode_factors};
use serde::Serialize;
use serde_json::json;

use crate::measure::{Latency, latency, median, percentiles, rounded};
use crate::peers::Peer;
use crate::release_files::{Dice, REGION, Wasm, candidates};

const VIEWERS: u32 = 1_000;
const TITLES: u32 = 5_000;
const DRAWS: usize = 50_000;
const BATCH: usize = 10_000;
const BEST: u32 = 20;
/// Calls of a round.
const CALLS: usize = 1_000;

/// What was measured; ids in the work count from 1.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    rows: usize,
    model_bytes: usize,
    train: Train,
    predict: Latencies,
    batch: Rates,
    top20_of_5000: Latencies,
}

/// Whole fits.
#[derive(Debug, Serialize)]
struct Train {
    ours_s: f64,
    rmse: f64,
    numpy_s: Option<f64>,
    ours_over_numpy: Option<f64>,
}

/// One call: a fresh instance each, one instance for all, no wasm, numpy.
#[derive(Debug, Serialize)]
struct Latencies {
    fresh: Latency,
    warm: Latency,
    native: Latency,
    numpy: Option<Latency>,
}

/// Pairs per second in calls of ten thousand.
#[derive(Debug, Serialize)]
struct Rates {
    pairs: usize,
    fresh_per_s: f64,
    warm_per_s: f64,
    native_per_s: f64,
    numpy_per_s: Option<f64>,
}

/// The ratings of the work.
struct Work {
    ratings: Vec<Rating>,
    seen: BTreeMap<u32, Vec<u32>>,
}

impl Work {
    /// As numpy draws it after `seed(42)`: all viewers, all titles, all ratings. Of a pair that comes again the first
    /// counts, which leaves 49,756 rows.
    fn draw() -> Self {
        let mut numbers = Mt::new(42);
        let viewers = drawn(|| from_one(&mut numbers, VIEWERS));
        let titles = drawn(|| from_one(&mut numbers, TITLES));
        let stars = drawn(|| match share(&mut numbers) {
            low if low < 0.2 => 3.0,
            middle if middle < 0.5 => 4.0,
            _ => 5.0,
        });
        let (mut ratings, mut known) = (Vec::new(), HashSet::new());
        let mut seen: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for ((viewer, title), rating) in viewers.into_iter().zip(titles).zip(stars) {
            if known.insert((viewer, title)) {
                ratings.push(Rating { viewer, title, rating });
                seen.entry(viewer).or_default().push(title);
            }
        }
        Self { ratings, seen }
    }
}

fn drawn<T>(one: impl FnMut() -> T) -> Vec<T> {
    std::iter::repeat_with(one).take(DRAWS).collect()
}

/// `numpy.random.randint(1, most + 1)`: numbers of as many bits until one is low enough.
fn from_one(numbers: &mut Mt, most: u32) -> u32 {
    let mask = (most - 1).next_power_of_two() - 1;
    loop {
        let number = numbers.next_u32() & mask;
        if number < most {
            return 1 + number;
        }
    }
}

/// `numpy.random.random_sample()`: 53 bits of two numbers, from 0 to below 1.
fn share(numbers: &mut Mt) -> f64 {
    let (high, low) = (numbers.next_u32() >> 5, numbers.next_u32() >> 6);
    (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
}

/// Trains the model, puts it into a release and measures.
pub(crate) fn measure(components: &Path, rounds: u32) -> Result<Figures> {
    let work = Work::draw();
    let model = encode_factors(&train(&work.ratings, &Settings::default())?.factors);
    let wasm = Wasm::read(components)?;
    // The titles of the work, without rows: what is measured is the factor model.
    let candidates = candidates(TITLES, 0)?;
    let cache = tempfile::tempdir().context("a folder for compiled components")?;
    let runtime = Runtime::new(&RuntimeConfig::new(cache.path()))?;
    let regions = [RegionFiles { name: REGION, candidates: &candidates, slate: None }];
    let files = ReleaseFiles { factors: Some(&model), ..wasm.release(&regions, None) };
    measure_on(&runtime.prepare(&files)?, &work, &model, rounds)
}

fn measure_on(generation: &Generation, work: &Work, model: &[u8], rounds: u32) -> Result<Figures> {
    let mut peer = Peer::start(include_str!("../peers/mf.py"))?;
    let native = decode_factors(model).map_err(|error| anyhow!("{error}"))?;
    let mut dice = Dice(5);
    let pairs: Vec<(u32, u32)> =
        (0..BATCH).map(|_| (1 + dice.below(VIEWERS), 1 + dice.below(TITLES))).collect();
    let (asked_viewers, asked_titles): (Vec<u32>, Vec<u32>) = pairs.iter().copied().unzip();
    let one = |call: usize| (&asked_viewers[call..=call], &asked_titles[call..=call]);
    let viewers: Vec<u32> = (0..CALLS).map(|_| 1 + dice.below(VIEWERS)).collect();
    let seen = |call: usize| work.seen.get(&viewers[call]).map(Vec::as_slice).unwrap_or_default();
    let train = training(work, peer.as_mut(), rounds)?;
    let mut held = generation.hold_ranking()?;

    let predict = Latencies {
        fresh: latency(rounds, CALLS, |call| done(generation.predict(one(call).0, one(call).1)))?,
        warm: latency(rounds, CALLS, |call| done(held.predict(one(call).0, one(call).1)))?,
        native: latency(rounds, CALLS, |call| done(native.predict(&pairs[call..=call])))?,
        numpy: peer.as_mut().map(|peer| numpy(peer, rounds, &predict_ask(&pairs[..CALLS]))).transpose()?,
    };
    let top20_of_5000 = Latencies {
        fresh: latency(rounds, CALLS, |call| done(generation.top_rated(viewers[call], BEST, seen(call))))?,
        warm: latency(rounds, CALLS, |call| done(held.top_rated(viewers[call], BEST, seen(call))))?,
        native: latency(rounds, CALLS, |call| {
            std::hint::black_box(native.top_rated(viewers[call], BEST as usize, seen(call)));
            Ok(())
        })?,
        numpy: peer
            .as_mut()
            .map(|peer| {
                let from_0 = |ids: &[u32]| ids.iter().map(|id| id - 1).collect::<Vec<_>>();
                let seen: Vec<_> = (0..CALLS).map(|call| from_0(seen(call))).collect();
                let ask = json!({"do": "top", "viewers": from_0(&viewers), "seen": seen, "count": BEST});
                numpy(peer, rounds, &ask)
            })
            .transpose()?,
    };
    let per_s = |latency: Latency| (BATCH as f64 / latency.p50_us * 1e6).round();
    let batch = Rates {
        pairs: BATCH,
        fresh_per_s: per_s(latency(rounds, BATCHES, |_| {
            done(generation.predict(&asked_viewers, &asked_titles))
        })?),
        warm_per_s: per_s(latency(rounds, BATCHES, |_| done(held.predict(&asked_viewers, &asked_titles)))?),
        native_per_s: per_s(latency(rounds, BATCHES, |_| done(native.predict(&pairs)))?),
        numpy_per_s: peer
            .as_mut()
            .map(|peer| {
                let mut ask = predict_ask(&pairs);
                ask["do"] = json!("batch");
                ask["times"] = json!(BATCHES);
                numpy(peer, rounds, &ask).map(per_s)
            })
            .transpose()?,
    };
    Ok(Figures { rows: work.ratings.len(), model_bytes: model.len(), train, predict, batch, top20_of_5000 })
}

const BATCHES: usize = 50;

/// A fit by numpy takes ten seconds and is made once.
fn training(work: &Work, peer: Option<&mut Peer>, rounds: u32) -> Result<Train> {
    let settings = Settings::default();
    let mut times = Vec::new();
    let mut rmse = 0.0;
    for _ in 0..rounds {
        let started = Instant::now();
        let trained = train(&work.ratings, &settings)?;
        times.push(started.elapsed().as_secs_f64());
        rmse = trained.rmse.last().copied().unwrap_or_default();
    }
    let rows: Vec<_> = work.ratings.iter().map(|r| json!([r.viewer - 1, r.title - 1, r.rating])).collect();
    let ask = json!({
        "do": "train", "rows": rows, "viewers": VIEWERS, "titles": TITLES, "factors": settings.factors,
        "epochs": settings.epochs, "rate": settings.learning_rate, "pull": settings.regularisation,
    });
    let numpy_s = peer.map(|peer| Ok::<_, anyhow::Error>(median(peer.times_s(&ask)?))).transpose()?;
    let ours_s = rounded(median(times));
    let ours_over_numpy = numpy_s.map(|numpy_s| rounded(ours_s / numpy_s));
    Ok(Train { ours_s, rmse: rounded(rmse), numpy_s: numpy_s.map(rounded), ours_over_numpy })
}

fn predict_ask(pairs: &[(u32, u32)]) -> serde_json::Value {
    let pairs: Vec<_> = pairs.iter().map(|(viewer, title)| [viewer - 1, title - 1]).collect();
    json!({"do": "predict", "pairs": pairs})
}

fn numpy(peer: &mut Peer, rounds: u32, ask: &serde_json::Value) -> Result<Latency> {
    let rounds = (0..=rounds).map(|_| peer.times_s(ask)).collect::<Result<Vec<_>>>()?;
    let rounds = rounds.into_iter().skip(1);
    Ok(percentiles(rounds.map(|times_s| times_s.iter().map(|time_s| time_s * 1e6).collect())))
}

fn done<T, E: std::fmt::Debug>(result: Result<T, E>) -> Result<()> {
    match result {
        Ok(value) => {
            std::hint::black_box(value);
            Ok(())
        }
        Err(error) => Err(anyhow!("{error:?}")),
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, model_bytes, train, predict, batch, top20_of_5000 } = self;
        writeln!(f, "{rows} ratings, a model of {model_bytes} bytes")?;
        write!(f, "train       {:>12.3} s, RMSE {:.3}", train.ours_s, train.rmse)?;
        match (train.numpy_s, train.ours_over_numpy) {
            (Some(numpy_s), Some(ratio)) => writeln!(f, "; numpy {numpy_s:.2} s ({ratio:.3} ×)")?,
            _ => writeln!(f)?,
        }
        for (name, figures) in [("predict", predict), ("top 20", top20_of_5000)] {
            let ways = [
                ("fresh", Some(figures.fresh)),
                ("warm", Some(figures.warm)),
                ("native", Some(figures.native)),
                ("numpy", figures.numpy),
            ];
            for (way, latency) in ways {
                let Some(Latency { p50_us, p99_us }) = latency else { continue };
                writeln!(f, "{name:<8}{way:<8}{p50_us:>8.2} µs p50, {p99_us:.2} µs p99")?;
            }
        }
        let Rates { pairs, fresh_per_s, warm_per_s, native_per_s, numpy_per_s } = batch;
        for (way, per_s) in [
            ("fresh", Some(*fresh_per_s)),
            ("warm", Some(*warm_per_s)),
            ("native", Some(*native_per_s)),
            ("numpy", *numpy_per_s),
        ] {
            let Some(per_s) = per_s else { continue };
            writeln!(f, "batch   {way:<8}{:>8.2} M/s in calls of {pairs}", per_s / 1e6)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_is_that_of_the_seed() {
        let work = Work::draw();
        let mean = work.ratings.iter().map(|rating| f64::from(rating.rating)).sum::<f64>() / 49_756.0;
        assert_eq!((work.ratings.len(), work.seen.len()), (49_756, 1_000));
        assert!((mean - 4.301_330_492_804_888).abs() < 1e-12, "{mean}");
        let titles: HashSet<u32> = work.ratings.iter().map(|rating| rating.title).collect();
        assert_eq!(titles.len(), 5_000);
        let views: Vec<usize> = work.seen.values().map(Vec::len).collect();
        assert_eq!((views.iter().min(), views.iter().max()), (Some(&29), Some(&73)));
    }
}
