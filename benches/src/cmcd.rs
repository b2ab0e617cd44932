//! Lines of CMCD into sessions, and scores of sessions: native code and the component; beside the library that web
//! players use.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use frontrow_edge::runtime::{Generation, RegionFiles, Runtime, RuntimeConfig};
use serde::{Deserialize, Serialize};
use units::UnixMillis;
use wire::Summary;
use wire::cmcd::{Mode, Reader, Received};
use wire::packed::{FoldBatch, ScoreBatch};

use crate::measure::{rates, rounded};
use crate::release_files::{Dice, REGION, ROW_ENTRIES, TITLES, Wasm, candidates};

const ROUND_TIME: Duration = Duration::from_millis(300);

/// Lines of a body, each of another session.
const LINES: usize = 100;

/// Sessions scored in a call.
const SCORED: usize = 10_000;

/// Where `cargo xtask` says that the players' libraries are; see `benches/peers`.
const NODE_VARIABLE: &str = "FRONTROW_PEERS_NODE";

/// What was measured, a second and on one thread.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    rounds: u32,
    line_bytes: usize,
    parsed: f64,
    /// Parsed, and folded into sessions that are there, states read and written; a hundred a call.
    folded_native: f64,
    /// The same as a node does it: parsed by the host, folded by the component in a fresh instance.
    folded_component: f64,
    /// Scores of sessions in one call: `session-v1` and `window-v1`, and all of them.
    pairs_native: f64,
    pairs_component: f64,
    scores_native: f64,
    scores_component: f64,
    /// `@svta/cml-cmcd` in Node.js, decoding alone; none where it is not installed.
    library: Option<Library>,
}

#[derive(Debug, Serialize)]
struct Library {
    decoded: f64,
    parsed_over_library: f64,
    folded_native_over_library: f64,
    folded_component_over_library: f64,
}

#[derive(Deserialize)]
struct Decoded {
    lines_per_second: f64,
}

pub(crate) fn measure(components: &Path, rounds: u32) -> Result<Figures> {
    let wasm = Wasm::read(components)?;
    let candidates = candidates(TITLES, ROW_ENTRIES)?;
    let cache = tempfile::tempdir()?;
    let runtime = Runtime::new(&RuntimeConfig::new(cache.path()))?;
    let regions = [RegionFiles { name: REGION, candidates: &candidates, slate: None }];
    let generation = runtime.prepare(&wasm.release(&regions, None))?;
    let lines = lines(&mut Dice(7));
    let states = states(&lines)?;
    let [parsed, folded_native, folded_component] = rates(
        rounds,
        ROUND_TIME,
        [
            &mut |_| {
                for line in &lines {
                    std::hint::black_box(Reader::EVENTS.line(line)?);
                }
                Ok(())
            },
            &mut |_| {
                let batch = batch(&lines, &states)?;
                let answer =
                    session::packed::fold_batch(batch.bytes()).map_err(|error| anyhow!("{error}"))?;
                Ok(drop(std::hint::black_box(answer)))
            },
            &mut |_| {
                let answer = generation.fold_batch(batch(&lines, &states)?.bytes())?;
                Ok(drop(std::hint::black_box(answer)))
            },
        ],
    )?
    .map(|bodies| bodies * LINES as f64);
    let [pairs_native, pairs_component] = scored(&generation, rounds, ScoreBatch::of_pairs())?;
    let [scores_native, scores_component] = scored(&generation, rounds, ScoreBatch::default())?;
    let library = library(&lines)?.map(|decoded| Library {
        decoded,
        parsed_over_library: rounded(parsed / decoded),
        folded_native_over_library: rounded(folded_native / decoded),
        folded_component_over_library: rounded(folded_component / decoded),
    });
    let line_bytes = lines.iter().map(String::len).sum::<usize>() / LINES;
    Ok(Figures {
        rounds,
        line_bytes,
        parsed,
        folded_native,
        folded_component,
        pairs_native,
        pairs_component,
        scores_native,
        scores_component,
        library,
    })
}

/// Interval reports of version 2, as long as those of the library's own examples.
fn lines(dice: &mut Dice) -> Vec<String> {
    let line = |session: usize| {
        let (buffer, speed) = (100 * (40 + dice.below(260)), 100 * (30 + dice.below(400)));
        format!(
            "bl=({buffer};v),br=(3200;v),bsa=(1;v),bsda=(1400;v),cid=\"4936\",dfa=12,e=t,ltc=2100,mtp=({speed}),pr=1.08,\
             pt=184200,sf=d,sid=\"6e2fb550-c457-11e9-bb97-{session:012}\",sn=41,st=l,sta=p,tb=(8000;v),\
             ts=1800000041000,v=2"
        )
    };
    (0..LINES).map(line).collect()
}

/// Sessions that have seen a report before.
fn states(lines: &[String]) -> Result<Vec<Vec<u8>>> {
    let begun: Vec<Vec<u8>> = vec![Vec::new(); lines.len()];
    let earlier: Vec<String> = lines
        .iter()
        .map(|line| line.replace("sn=41", "sn=40").replace("1800000041000", "1800000011000"))
        .collect();
    let answer =
        session::packed::fold_batch(batch(&earlier, &begun)?.bytes()).map_err(|error| anyhow!("{error}"))?;
    let folded = wire::packed::folded(&answer)?;
    folded.into_iter().map(|folded| Ok(folded?.state.to_vec())).collect()
}

fn batch(lines: &[String], states: &[Vec<u8>]) -> Result<FoldBatch> {
    let received = Received { mode: Mode::Event, at: UnixMillis::new(1_800_000_041_000), has_events: false };
    let mut batch = FoldBatch::with_capacity(lines.len());
    let mut records = Vec::new();
    for (line, state) in lines.iter().zip(states) {
        let reading = Reader::EVENTS.line(line)?;
        records.clear();
        reading.report.facts(received).pack(&mut records);
        batch.add_packed(state, &records)?;
    }
    Ok(batch)
}

fn scored(generation: &Generation, rounds: u32, empty: ScoreBatch) -> Result<[f64; 2]> {
    let mut dice = Dice(9);
    let mut batch = empty;
    for _ in 0..SCORED {
        // The ranges of the seed's bench 0.8.
        let played_ms = 60_000 + u64::from(dice.below(3_600_000));
        batch.add(&Summary {
            initial_startup_time_ms: Some(200 + dice.below(4_801)),
            played_ms,
            playback_stall_duration_ms: played_ms * u64::from(dice.below(51)) / 1_000,
            playback_stall_count: dice.below(4),
            mean_kbps: Some(f64::from(2_000 + dice.below(6_001))),
            mean_buffer_ms: Some(f64::from(5_000 + dice.below(15_001))),
            ..Summary::default()
        });
    }
    let rates = rates(
        rounds,
        ROUND_TIME,
        [
            &mut |_| {
                let scores = qoe::packed::score_batch(batch.bytes()).map_err(|error| anyhow!("{error}"))?;
                Ok(drop(std::hint::black_box(scores)))
            },
            &mut |_| Ok(drop(std::hint::black_box(generation.score_batch(batch.bytes())?))),
        ],
    )?;
    Ok(rates.map(|calls| calls * SCORED as f64))
}

/// How many lines a second the players' library decodes.
fn library(lines: &[String]) -> Result<Option<f64>> {
    let Some(folder) = std::env::var_os(NODE_VARIABLE).map(PathBuf::from) else {
        eprintln!("no peer: `cargo xtask bench cmcd` installs it and sets {NODE_VARIABLE}");
        return Ok(None);
    };
    let script = tempfile::Builder::new().suffix(".mjs").tempfile()?;
    std::fs::write(script.path(), include_str!("../peers/cmcd.mjs"))?;
    let mut node = Command::new("node")
        .arg(script.path())
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start node")?;
    node.stdin.take().context("a pipe to node")?.write_all(lines.join("\n").as_bytes())?;
    let output = node.wait_with_output()?;
    let decoded: Decoded = serde_json::from_slice(&output.stdout).context("the library gave no answer")?;
    Ok(Some(decoded.lines_per_second))
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousands = |rate: f64| format!("{:>10.0} k/s", rate / 1_000.0);
        writeln!(f, "CMCD lines of {} bytes, each of another session", self.line_bytes)?;
        writeln!(f, "  parsed, native                    {}", thousands(self.parsed))?;
        writeln!(f, "  parsed and folded, native         {}", thousands(self.folded_native))?;
        writeln!(f, "  parsed natively, folded in wasm   {}", thousands(self.folded_component))?;
        if let Some(library) = &self.library {
            writeln!(f, "  @svta/cml-cmcd, decoded           {}", thousands(library.decoded))?;
            writeln!(
                f,
                "  over the library                  parsed {} ×, folded {} ×, folded in wasm {} ×",
                library.parsed_over_library,
                library.folded_native_over_library,
                library.folded_component_over_library
            )?;
        }
        writeln!(f, "scores, {SCORED} sessions a call")?;
        writeln!(f, "  session-v1 and window-v1, native  {}", thousands(self.pairs_native))?;
        writeln!(f, "  the same in wasm, fresh           {}", thousands(self.pairs_component))?;
        writeln!(f, "  all scores, native                {}", thousands(self.scores_native))?;
        writeln!(f, "  the same in wasm, fresh           {}", thousands(self.scores_component))
    }
}
