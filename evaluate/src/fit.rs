//! `frontrow-evaluate fit`: the flagship's settings from traces.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bitrate::{Perceptron, Policy, SETTINGS_LEN, Settings};
use rayon::prelude::*;

use crate::bootstrap::paired;
use crate::error::{InputError, Result};
use crate::evolution::Evolution;
use crate::learn::Example;
use crate::player::Protocol;
use crate::session::{self, Mode};
use crate::trace::{self, Trace};
use crate::video::{self, Video};
use crate::{learn, optimum, score, settings};

/// What `frontrow-evaluate fit` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Traces to fit to: `TRACES,VIDEO[,SCALE[,EVERY[,WEIGHT[,STARTS[,LEAST]]]]]`; again for more.
    ///
    /// SCALE multiplies the speed of the links, only every EVERY-th trace is used, WEIGHT is that of the
    /// set, and each trace is begun at STARTS points of it, equally far apart. Traces at even places in the
    /// order of their names are fitted to, those at odd places only judged. Where RobustMPC reaches less
    /// than LEAST of the optimum, a trace is learnt from but not judged by: chance decides there.
    #[arg(long = "set", value_name = "SET", required = true)]
    sets: Vec<SetSpec>,
    /// Generations of 14 trials.
    #[arg(long, default_value_t = 40)]
    generations: usize,
    /// Where the drawing begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the search begins: settings as this command prints them; those that ship without it.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Where to write what was learnt: the other source file of the crate. Without it nothing is learnt, and
    /// what ships is kept.
    #[arg(long, value_name = "FILE")]
    perceptron: Option<PathBuf>,
    /// What to write above the settings.
    #[arg(long, value_name = "TEXT", default_value = "frontrow-evaluate fit …")]
    command: String,
}

/// A set as the command line names it.
#[derive(Clone, Debug)]
struct SetSpec {
    traces: PathBuf,
    video: PathBuf,
    scale: f64,
    every: usize,
    weight: f64,
    starts: usize,
    least: Option<f64>,
}

impl FromStr for SetSpec {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let fields: Vec<&str> = text.split(',').collect();
        let [traces, video, numbers @ ..] = &fields[..] else { return Err("not TRACES,VIDEO".to_owned()) };
        let number = |index: usize| -> std::result::Result<f64, String> {
            let Some(field) = numbers.get(index) else { return Ok(1.0) };
            let number = field.parse().ok().filter(|number: &f64| *number > 0.0 && number.is_finite());
            number.ok_or_else(|| format!("{field} is no number above 0"))
        };
        if numbers.len() > 5 {
            return Err("more than seven parts".to_owned());
        }
        let (scale, weight) = (number(0)?, number(2)?);
        let [every, starts] = [number(1)?, number(3)?].map(|number| number.max(1.0) as usize);
        let least = (numbers.len() > 4).then(|| number(4)).transpose()?;
        Ok(Self { traces: traces.into(), video: video.into(), scale, every, weight, starts, least })
    }
}

struct Set {
    name: String,
    video: Video,
    /// What is learnt from, and what is judged by.
    all: Vec<Trace>,
    traces: Vec<Trace>,
    weight: f64,
    optimum: f64,
}

/// The usual protocol.
const PROTOCOL: Protocol = Protocol { buffer_max_ms: 60_000.0, rtt_ms: 80.0, mode: Mode::OnDemand };

/// Fine enough to compare sets by.
const OPTIMUM_CELL_MS: f64 = 1_000.0;

/// Fits and prints.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut start = args.from.as_deref().map_or(Ok(Settings::SHIPPED), settings::read)?;
    let read_half = |half| args.sets.iter().map(|spec| read(spec, half)).collect::<Result<Vec<Set>>>();
    let (train, validation) = (read_half(0)?, read_half(1)?);
    if let Some(file) = &args.perceptron {
        start.perceptron = learnt(&train, &validation, &start, args.seed);
        let source = learn::source(&start.perceptron, &args.command);
        fs::write(file, source).map_err(|source| InputError::unreadable(file, source))?;
    }
    let mut evolution = Evolution::new(SETTINGS_LEN, STEP, args.seed);
    let mut best = (worth(&validation, &start), start);
    eprintln!("before: {:.5} train, {:.5} validation", worth(&train, &start), best.0);
    for generation in 1..=args.generations {
        let points = evolution.ask();
        let values: Vec<f64> = points.iter().map(|point| worth(&train, &at(&start, point))).collect();
        evolution.tell(&points, &values);
        if generation % LOOKED_AT == 0 {
            let settings = at(&start, &evolution.mean);
            let (fitted, judged) = (worth(&train, &settings), worth(&validation, &settings));
            eprintln!("generation {generation}: {fitted:.5} train, {judged:.5} validation");
            best = if judged > best.0 { (judged, settings) } else { best };
        }
    }
    let settings = best.1;
    for (what, sets) in [("train", &train), ("validation", &validation)] {
        sets.iter().for_each(|set| judge(what, set, &settings));
    }
    print!("{}", settings::source(&settings, &args.command));
    Ok(())
}

/// Generations after which the middle of the search is judged: of these, the best on validation is the result, for
/// a search goes on to learn what is peculiar to its own traces.
const LOOKED_AT: usize = 5;

/// Step of the search: a sixth of a factor e for most numbers. Twice that began by losing what earlier ones had found.
const STEP: f64 = 0.15;

/// The settings at a point of the search: each number is multiplied by the exponential of its coordinate,
/// which keeps it above 0; the bias is moved.
fn at(start: &Settings, point: &[f64]) -> Settings {
    let mut values = start.values();
    let keep = start.values();
    for (index, (value, coordinate)) in values.iter_mut().zip(point).enumerate() {
        let is_signed = index == BIAS || index == LEARNT_PER_ERROR;
        *value = match index {
            BIAS | LEARNT_PER_ERROR => *value + 0.2 * coordinate,
            // What was learnt was learnt from what these tell.
            index if TOLD_BY.contains(&index) => keep[index],
            // Four digits say all there is to say.
            _ => *value * coordinate.clamp(-4.0, 4.0).exp(),
        };
        let highest = if index == IMPATIENCE { 1.0 } else { 1e3 };
        *value = ((*value * 1e4).round() / 1e4).clamp(if is_signed { -1e3 } else { 1e-4 }, highest);
    }
    let settings = Settings::from_values(values).expect("clamped to the range");
    Settings { perceptron: start.perceptron, ..settings }
}

/// Places among the settings: those that may be below zero, the one that is a share, and the half-lives.
const BIAS: usize = 12;
const LEARNT_PER_ERROR: usize = 23;
const IMPATIENCE: usize = 29;
const TOLD_BY: [usize; 5] = [0, 1, 2, 3, 9];

/// Learns from all traces of the sets, each set by its weight.
fn learnt(train: &[Set], validation: &[Set], settings: &Settings, seed: u64) -> Perceptron {
    let examples = |sets: &[Set]| {
        let of_set = |set: &Set| {
            let of_trace = |trace: &Trace| learn::examples(&set.video, trace, PROTOCOL, settings);
            let downloads: usize = set.all.iter().map(|_| set.video.chunks()).sum();
            let weight = set.weight * DOWNLOADS_OF_A_SET / downloads as f64;
            let found: Vec<Vec<Example>> = set.all.par_iter().map(of_trace).collect();
            found.into_iter().flatten().map(|example| example.weighing(weight)).collect::<Vec<_>>()
        };
        sets.iter().flat_map(of_set).collect::<Vec<_>>()
    };
    let (train, validation) = (examples(train), examples(validation));
    let perceptron = learn::train(&train, seed);
    let [fitted, judged] = [&train, &validation].map(|examples| learn::loss(&perceptron, examples));
    eprintln!("learnt from {} downloads: loss {fitted:.4} train, {judged:.4} validation", train.len());
    perceptron
}

/// A set counts as if it had so many downloads.
const DOWNLOADS_OF_A_SET: f64 = 20_000.0;

fn read(spec: &SetSpec, half: usize) -> Result<Set> {
    let video = video::read(&spec.video)?;
    let traces = trace::read_folder(&spec.traces)?.into_iter().enumerate();
    let chosen = traces.filter(|(index, _)| index % 2 == half && index / 2 % spec.every == 0);
    let begun = |(_, trace): (usize, Trace)| {
        let trace = trace.scaled(spec.scale);
        let starts = 0..spec.starts;
        starts.map(|start| trace.clone().begun_at(start as f64 / spec.starts as f64)).collect::<Vec<_>>()
    };
    let all = chosen.flat_map(begun).collect::<Vec<_>>();
    if all.is_empty() {
        return Err(InputError::NoTraces { folder: spec.traces.clone() });
    }
    let optimum = |trace: &Trace| optimum::qoe_lin(&video, trace, PROTOCOL, OPTIMUM_CELL_MS);
    let optima = all.par_iter().map(optimum).collect::<Vec<_>>();
    let theirs = qoe_over(&video, &all, Policy::RobustMpc, &Settings::SHIPPED);
    let is_judged = |index: usize| spec.least.is_none_or(|least| theirs[index] >= least * optima[index]);
    let judged: Vec<usize> = (0..all.len()).filter(|index| is_judged(*index)).collect();
    if judged.is_empty() {
        return Err(InputError::NoTraces { folder: spec.traces.clone() });
    }
    let optimum = judged.iter().map(|index| optima[*index]).sum::<f64>() / judged.len() as f64;
    let traces = judged.iter().map(|index| all[*index].clone()).collect();
    let last = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("{} × {} on {}", last(&spec.traces), spec.scale, last(&spec.video));
    Ok(Set { name, video, all, traces, weight: spec.weight, optimum })
}

/// Mean over sets of the share of the optimum.
fn worth(sets: &[Set], settings: &Settings) -> f64 {
    let shares = sets.iter().map(|set| {
        let qoe = qoe(set, Policy::Flagship, settings);
        set.weight * qoe.iter().sum::<f64>() / qoe.len() as f64 / set.optimum
    });
    shares.sum::<f64>() / sets.iter().map(|set| set.weight).sum::<f64>()
}

fn qoe(set: &Set, policy: Policy, settings: &Settings) -> Vec<f64> {
    qoe_over(&set.video, &set.traces, policy, settings)
}

fn qoe_over(video: &Video, traces: &[Trace], policy: Policy, settings: &Settings) -> Vec<f64> {
    let play = |trace: &Trace| {
        let played = session::play(video, trace, PROTOCOL, policy, settings);
        score::of_session(video, &played).qoe_lin
    };
    traces.par_iter().map(play).collect()
}

fn judge(what: &str, set: &Set, settings: &Settings) {
    let ours = qoe(set, Policy::Flagship, settings);
    let theirs = qoe(set, Policy::RobustMpc, settings);
    let found = paired(("flagship", &ours), ("robust-mpc", &theirs));
    let mean = |qoe: &[f64]| qoe.iter().sum::<f64>() / qoe.len() as f64;
    eprintln!(
        "{what}: {} ({} traces): flagship {:.4}, robust-mpc {:.4}, {:+.4} (95 % from {:+.4} to {:+.4}); {:.1} % of \
         the optimum {:.4}",
        set.name,
        set.traces.len(),
        mean(&ours),
        mean(&theirs),
        found.mean_difference,
        found.low95,
        found.high95,
        100.0 * mean(&ours) / set.optimum,
        set.optimum
    );
}
