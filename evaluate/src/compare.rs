//! `frontrow-evaluate bitrate`: policies over traces.

use std::fs;
use std::path::{Path, PathBuf};

use bitrate::{Policy, Settings};
use clap::{ArgGroup, builder::PossibleValuesParser};
use rayon::prelude::*;
use serde::Serialize;

use crate::bootstrap::{Paired, paired};
use crate::choices::{self, Choices};
use crate::error::{InputError, Result};
use crate::player::Protocol;
use crate::policies::{POLICIES, named};
use crate::progress::Progress;
use crate::score::{self, Figures, Played};
use crate::session::{self, Mode};
use crate::trace::{self, Trace};
use crate::video::{self, Video};
use crate::{optimum, plot, settings};

/// What `frontrow-evaluate bitrate` takes.
#[derive(clap::Args)]
#[command(group = ArgGroup::new("buffer").args(["max_buffer", "live"]))]
pub(crate) struct Args {
    /// Folder of traces: `seconds Mbit/s` a line, or a JSON list of {duration_ms, bandwidth_kbps}.
    #[arg(long, value_name = "FOLDER")]
    traces: PathBuf,
    /// A video: a folder with `video_size_0` … (bytes a line), or a JSON file with segment_sizes_bits.
    #[arg(long, value_name = "FOLDER")]
    video: PathBuf,
    /// A policy to play; again for another; all without it.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(POLICIES.map(|(name, _)| name)))]
    policy: Vec<String>,
    /// Media a player holds at most, in seconds.
    #[arg(long, value_name = "S", default_value_t = 60.0)]
    max_buffer: f64,
    /// Play live, this many seconds behind: no more than that can be buffered, the sizes of chunks that
    /// do not exist yet are not known, and there is no end in sight.
    #[arg(long, value_name = "S")]
    live: Option<f64>,
    /// From a request to its first byte.
    #[arg(long, value_name = "MS", default_value_t = 80.0)]
    rtt_ms: f64,
    /// Score somebody else's rungs as the policy `choices`: a line is the name of a trace and its rung per
    /// chunk, apart by spaces or commas.
    #[arg(long, value_name = "FILE")]
    choices: Option<PathBuf>,
    /// Write the rungs of the one policy played, in the form of `--choices`.
    #[arg(long, value_name = "FILE")]
    rungs: Option<PathBuf>,
    /// Settings of the flagship, as `fit` prints them; those that ship without it.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Cells of buffer in the search for the optimum, in milliseconds; smaller is nearer and slower.
    #[arg(long, value_name = "MS", default_value_t = 100.0)]
    optimum_cell_ms: f64,
    /// Draw this trace …
    #[arg(long, value_name = "TRACE", requires = "svg")]
    plot: Option<String>,
    /// … into this file.
    #[arg(long, value_name = "FILE", requires = "plot")]
    svg: Option<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// What is printed.
#[derive(Serialize)]
struct Report {
    policies: Vec<PolicyReport>,
    /// Every policy with every later one.
    paired: Vec<Paired>,
    optimum: OptimumReport,
}

#[derive(Serialize)]
struct PolicyReport {
    name: String,
    mean: Figures,
    traces: Vec<TraceReport>,
}

#[derive(Serialize)]
struct TraceReport {
    name: String,
    #[serde(flatten)]
    figures: Figures,
}

/// The ceiling for one who knows the whole trace. Its distance to the search with cells twice as large
/// says how tight it is.
#[derive(Serialize)]
struct OptimumReport {
    qoe_lin: f64,
    cell_ms: f64,
    qoe_lin_at_twice_the_cell: f64,
}

/// Plays, scores and prints.
pub(crate) fn run(args: &Args) -> Result<()> {
    let video = video::read(&args.video)?;
    let traces = trace::read_folder(&args.traces)?;
    let protocol = protocol(args, &video)?;
    let players = players(args, &video, &traces)?;
    if let (Some(name), Some(file)) = (&args.plot, &args.svg) {
        let trace = traces.iter().find(|trace| trace.name == *name);
        let trace = trace.ok_or_else(|| InputError::Usage(format!("no trace is called {name}")))?;
        draw(&video, trace, protocol, &players, file)?;
    }
    if let Some(file) = &args.rungs {
        let [(_, player)] = &players[..] else {
            return Err(InputError::Usage("--rungs writes the rungs of one policy; name one".to_owned()));
        };
        let lines: String =
            traces.iter().map(|trace| choices::line(trace, &player.play(&video, trace, protocol))).collect();
        fs::write(file, lines).map_err(|source| InputError::unreadable(file, source))?;
    }
    let report = report(&video, &traces, protocol, &players, args.optimum_cell_ms);
    if args.json {
        let json = serde_json::to_string(&report).expect("figures are plain data");
        println!("{json}");
    } else {
        print_table(&report, traces.len());
    }
    Ok(())
}

fn protocol(args: &Args, video: &Video) -> Result<Protocol> {
    let buffer_s = args.live.unwrap_or(args.max_buffer);
    let chunk_s = f64::from(video.chunk_ms) / 1e3;
    if !(chunk_s..=BUFFER_S_MAX).contains(&buffer_s) {
        let usage =
            format!("a buffer of {buffer_s} s is not from one chunk ({chunk_s} s) to {BUFFER_S_MAX} s");
        return Err(InputError::Usage(usage));
    }
    if !(0.0..=RTT_MS_MAX).contains(&args.rtt_ms) {
        return Err(InputError::Usage(format!(
            "a round trip of {} ms is not from 0 to {RTT_MS_MAX}",
            args.rtt_ms
        )));
    }
    if !(OPTIMUM_CELL_MS_MIN..=BUFFER_S_MAX).contains(&args.optimum_cell_ms) {
        return Err(InputError::Usage(format!("cells of less than {OPTIMUM_CELL_MS_MIN} ms take too long")));
    }
    let mode = if args.live.is_some() { Mode::Live } else { Mode::OnDemand };
    Ok(Protocol { buffer_max_ms: buffer_s * 1e3, rtt_ms: args.rtt_ms, mode })
}

/// A longer buffer is none that a player has, and the optimum's cells grow with it.
const BUFFER_S_MAX: f64 = 3_600.0;

/// A longer round trip is a typing error.
const RTT_MS_MAX: f64 = 60_000.0;

/// Smaller cells find nothing more and fill the memory.
const OPTIMUM_CELL_MS_MIN: f64 = 5.0;

/// Whoever chooses rungs.
enum Chooser {
    Policy(Policy, Box<Settings>),
    Choices(Choices),
}

impl Chooser {
    fn play(&self, video: &Video, trace: &Trace, protocol: Protocol) -> Vec<Played> {
        match self {
            Self::Policy(policy, settings) => session::play(video, trace, protocol, *policy, settings),
            Self::Choices(choices) => choices.play(video, trace, protocol),
        }
    }
}

fn players(args: &Args, video: &Video, traces: &[Trace]) -> Result<Vec<(String, Chooser)>> {
    let settings = args.settings.as_deref().map_or(Ok(Settings::SHIPPED), settings::read)?;
    let all: Vec<&str> = POLICIES.iter().map(|(name, _)| *name).collect();
    let asked: Vec<&str> = args.policy.iter().map(String::as_str).collect();
    // Choices alone are scored alone.
    let is_all = asked.is_empty() && args.choices.is_none();
    let mut players = Vec::new();
    for name in if is_all { all } else { asked } {
        if players.iter().any(|(known, _)| known == name) {
            return Err(InputError::Usage(format!("{name} is asked for twice")));
        }
        players.push((name.to_owned(), Chooser::Policy(named(name), Box::new(settings))));
    }
    if let Some(file) = &args.choices {
        players.push(("choices".to_owned(), Chooser::Choices(Choices::read(file, video, traces)?)));
    }
    Ok(players)
}

fn report(
    video: &Video,
    traces: &[Trace],
    protocol: Protocol,
    players: &[(String, Chooser)],
    cell_ms: f64,
) -> Report {
    let policies: Vec<PolicyReport> =
        players.iter().map(|player| policy_report(video, traces, protocol, player)).collect();
    let qoe: Vec<Vec<f64>> = policies
        .iter()
        .map(|policy| policy.traces.iter().map(|trace| trace.figures.qoe_lin).collect())
        .collect();
    let mut pairs = Vec::new();
    for a in 0..policies.len() {
        for b in a + 1..policies.len() {
            // The one asked for later is usually the better one; the sign says which it is.
            pairs.push(paired((&policies[b].name, &qoe[b]), (&policies[a].name, &qoe[a])));
        }
    }
    let [near, far] = [cell_ms, 2.0 * cell_ms].map(|cell_ms| optimum_of(video, traces, protocol, cell_ms));
    let optimum = OptimumReport { qoe_lin: near, cell_ms, qoe_lin_at_twice_the_cell: far };
    Report { policies, paired: pairs, optimum }
}

fn policy_report(
    video: &Video,
    traces: &[Trace],
    protocol: Protocol,
    player: &(String, Chooser),
) -> PolicyReport {
    let (name, chooser) = player;
    let progress = Progress::new(name, traces.len());
    let play = |trace: &Trace| {
        let figures = score::of_session(video, &chooser.play(video, trace, protocol));
        progress.step();
        TraceReport { name: trace.name.clone(), figures }
    };
    let traces: Vec<TraceReport> = traces.par_iter().map(play).collect();
    let figures: Vec<Figures> = traces.iter().map(|trace| trace.figures).collect();
    PolicyReport { name: name.clone(), mean: score::mean(&figures), traces }
}

fn optimum_of(video: &Video, traces: &[Trace], protocol: Protocol, cell_ms: f64) -> f64 {
    let progress = Progress::new(&format!("optimum, {cell_ms} ms"), traces.len());
    let best = |trace: &Trace| {
        let qoe_lin = optimum::qoe_lin(video, trace, protocol, cell_ms);
        progress.step();
        qoe_lin
    };
    let best: Vec<f64> = traces.par_iter().map(best).collect();
    best.iter().sum::<f64>() / best.len() as f64
}

fn draw(
    video: &Video,
    trace: &Trace,
    protocol: Protocol,
    players: &[(String, Chooser)],
    file: &Path,
) -> Result<()> {
    let play = |(name, chooser): &(String, Chooser)| (name.clone(), chooser.play(video, trace, protocol));
    let svg = plot::svg(video, trace, &players.iter().map(play).collect::<Vec<_>>());
    fs::write(file, svg).map_err(|source| InputError::unreadable(file, source))
}

fn print_table(report: &Report, traces: usize) {
    println!("{traces} traces");
    println!("policy         QoE-lin  of optimum  QoE-log  stall %  kbit/s  switches  startup s  p5 QoE-lin");
    for PolicyReport { name, mean, .. } in &report.policies {
        println!(
            "{name:<13} {:>8.4} {:>9.1} % {:>8.4} {:>8.3} {:>7.0} {:>9.1} {:>10.2} {:>11.4}",
            mean.qoe_lin,
            100.0 * mean.qoe_lin / report.optimum.qoe_lin,
            mean.qoe_log,
            mean.stall_percent,
            mean.kbps,
            mean.switches,
            mean.startup_s,
            mean.p5_qoe_lin
        );
    }
    let OptimumReport { qoe_lin, cell_ms, qoe_lin_at_twice_the_cell } = &report.optimum;
    println!(
        "optimum       {qoe_lin:>8.4}  (cells of {cell_ms} ms; of twice that: {qoe_lin_at_twice_the_cell:.4})"
    );
    for Paired { a, b, mean_difference, low95, high95 } in &report.paired {
        println!("{a} − {b}: {mean_difference:+.4}, 95 % from {low95:+.4} to {high95:+.4}");
    }
}
