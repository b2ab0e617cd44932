//! The command line. A subcommand is a variant here and a module in `commands/`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::qoe::Asked;
use crate::retrieval::RECALL_AT_10_DEFAULT;

/// Trains models, publishes signed releases and takes in what the nodes saw.
#[derive(Clone, Debug, Parser)]
#[command(name = "frontrow-origin", version)]
pub struct Cli {
    /// The folder of the database, the keys and the published releases
    #[arg(long, global = true, default_value = "frontrow-data", value_name = "FOLDER")]
    pub data: PathBuf,
    /// A configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Create the data folder and the database; every other command does so by itself
    Init,
    /// Serve published releases and take the nodes' batches, until SIGTERM or SIGINT
    Serve(ServeArgs),
    /// Import titles and watch histories
    Import(ImportArgs),
    /// Train the models on all watch histories
    Train(TrainArgs),
    /// Write the histories that a tower of your own may learn from
    ///
    /// A line a viewer, `viewer title title …`, oldest first; what releases are chosen and measured by is left out.
    Export(ExportArgs),
    /// Measure the models on held-out views; prints one JSON object
    #[command(subcommand)]
    Evaluate(EvaluateCommand),
    /// Say when and where a title may be shown
    #[command(subcommand)]
    Licence(LicenceCommand),
    /// Assemble, sign and publish releases
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Manage the keys that sign releases
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Manage the nodes that may report
    #[command(subcommand)]
    Node(NodeCommand),
    /// Show what sessions saw, of all nodes together
    Qoe(QoeArgs),
    /// Show what a viewer would be recommended, and why
    Preview(PreviewArgs),
}

/// How to serve.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:7080, or the configuration's]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Where to write `{"public":"address:port"}` once it listens
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

/// What to show of what sessions saw.
#[derive(Args, Clone, Debug)]
pub struct QoeArgs {
    /// Which of it.
    #[command(flatten)]
    pub asked: Asked,
    /// Add the hours up first, as a serving origin does every minute
    #[arg(long)]
    pub refresh: bool,
    /// Print one JSON object, as GET /v1/qoe answers
    #[arg(long)]
    pub json: bool,
}

/// What to import.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// A folder of MovieTweetings (ratings.dat, movies.dat) or MovieLens (also ratings.csv, movies.csv)
    #[arg(required_unless_present = "generated", conflicts_with = "generated", value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Invent a catalogue and viewers with tastes and habits; equal arguments give equal data
    #[arg(long)]
    pub generated: bool,
    /// Titles to invent
    #[arg(long, requires = "generated", default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    pub titles: u32,
    /// Viewers to invent
    #[arg(long, requires = "generated", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub viewers: u32,
    /// Another seed invents another catalogue
    #[arg(long, requires = "generated", default_value_t = 1)]
    pub seed: u64,
}

/// Where to write histories.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// How to train.
#[derive(Args, Clone, Debug)]
pub struct TrainArgs {
    /// What to train
    #[arg(long, value_enum, default_value_t = TrainedModel::Ridge)]
    pub model: TrainedModel,
    /// Training with a tower may take so long, all searches for settings included
    #[arg(long, default_value_t = 30.0, value_parser = minutes)]
    pub minutes: f64,
    /// A tower of your own instead of one that is learned here: ONNX, one input i64[1, n] or i32[1, n] (items, oldest
    /// first), one output f32[1, width], the vectors of items inside (README.md). Train it on what `export` writes, and give it at every training:
    /// one without it ships without it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "minutes"])]
    pub tower: Option<PathBuf>,
    /// Of which title each of its items is: a line an item, empty where it is of none [default: item 7 is title 7]
    #[arg(long, value_name = "FILE", requires = "tower")]
    pub tower_titles: Option<PathBuf>,
    /// Titles with fewer views have no row of their own: they are shown by popularity
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub events_min: u32,
    /// Entries kept per row, on average: fewer make a smaller release. Without it as many as take 4 MB
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    pub row_entries: Option<u16>,
    /// Choose every row anew; without it rows stay as they were where that makes no difference, and deltas are short
    #[arg(long)]
    pub fresh: bool,
    /// Share of the ten nearest titles that retrieval must find; 1 keeps it exact
    #[arg(long, default_value_t = RECALL_AT_10_DEFAULT, value_parser = share)]
    pub recall: f64,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("not from 0 to 1".to_owned()) }
}

/// A model that can be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrainedModel {
    /// Item-to-item rows, the ranker where it helps, and factors
    Ridge,
    /// The same, a transformer, and a ranker that sees its vectors, each shipped where it helps
    Tower,
    /// Factors alone: everything else stays as it was trained before, with one of the others
    Mf,
}

/// What to measure.
#[derive(Clone, Debug, Subcommand)]
pub enum EvaluateCommand {
    /// Leave one out: each viewer's last view is looked for among all titles, settings are chosen on the second last
    Recommend(EvaluateArgs),
    /// A split made by somebody else: Recall@20 and NDCG@20 of EASE, of factors (implicit ALS) and of
    /// both together, which know no order in time; settings are chosen on a tenth of the training file
    Split(SplitArgs),
}

/// What to measure on, and with what.
#[derive(Args, Clone, Debug)]
pub struct EvaluateArgs {
    /// A line a viewer: `viewer title title …`, oldest first
    #[arg(long, value_name = "FILE")]
    pub sequences: PathBuf,
    /// What to measure
    #[arg(long, value_enum, default_value_t = MeasuredModel::Ridge)]
    pub model: MeasuredModel,
    /// Training with a tower may take so long, all searches for settings included
    #[arg(long, default_value_t = 30.0, value_parser = minutes)]
    pub minutes: f64,
    /// Leave the ranker out
    #[arg(long)]
    pub no_ranker: bool,
    /// Entries kept per row, on average: fewer make a smaller release. Without it as many as take 4 MB
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    pub row_entries: Option<u16>,
}

/// A split made by somebody else.
#[derive(Args, Clone, Debug)]
pub struct SplitArgs {
    /// What is learned from: a line a viewer, `viewer title title …`, in any order
    #[arg(long, value_name = "FILE")]
    pub train: PathBuf,
    /// What is looked for, in the same form
    #[arg(long, value_name = "FILE")]
    pub test: PathBuf,
}

/// A model that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MeasuredModel {
    /// Item-to-item rows, and the ranker where it helps
    Ridge,
    /// Biased matrix factorisation
    Mf,
    /// The transformer
    Tower,
    /// Rows and transformer on one scale, and the ranker where it helps
    Blend,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    // A week: whoever means more has mistaken the unit.
    if (0.01..=10_080.0).contains(&minutes) { Ok(minutes) } else { Err("not from 0.01 to 10080".to_owned()) }
}

/// What to say about licences.
#[derive(Clone, Debug, Subcommand)]
pub enum LicenceCommand {
    /// Let a title be shown in a region from one time until another; replaces what was said before
    Set {
        /// The title's number
        #[arg(long)]
        title: u32,
        /// The region, as `eu`
        #[arg(long)]
        region: String,
        /// Begin, as 2026-01-31T00:00:00Z [default: always]
        #[arg(long, value_name = "RFC 3339")]
        from: Option<jiff::Timestamp>,
        /// End (not shown at this very time any more) [default: never]
        #[arg(long, value_name = "RFC 3339")]
        until: Option<jiff::Timestamp>,
    },
    /// Never show a title in a region
    Block {
        /// The title's number
        #[arg(long)]
        title: u32,
        /// The region, as `eu`
        #[arg(long)]
        region: String,
    },
}

/// What to do with releases.
#[derive(Clone, Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Assemble a release of the models as trained, measure it, sign it and publish it on a channel
    ///
    /// It is measured with its own files, on views that the models have not learned from. One that is clearly worse
    /// than what is on the channel `stable`, or than its own rows, is refused with all figures, and the exit code is
    /// 3; `[gate]` of the configuration says what is clear.
    Push(PushArgs),
    /// Let a channel point to a published release
    Promote {
        /// The release
        #[arg(long, value_name = "GENERATION")]
        generation: u64,
        /// The channel
        #[arg(long, default_value = "stable")]
        channel: String,
    },
    /// Let a channel point to an older release
    Rollback {
        /// The release [default: the parent of the one it points to]
        #[arg(long, value_name = "GENERATION")]
        to: Option<u64>,
        /// The channel
        #[arg(long, default_value = "stable")]
        channel: String,
    },
    /// List the releases and the channels
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show what a release is made of
    Show {
        /// The release
        generation: u64,
        /// Print its manifest, JSON
        #[arg(long)]
        json: bool,
    },
}

/// What to push.
#[derive(Args, Clone, Debug)]
pub struct PushArgs {
    /// The folder of ranking.wasm, inference.wasm, bitrate.wasm and qoe.wasm
    #[arg(long, value_name = "FOLDER")]
    pub components: PathBuf,
    /// The channel that points to it afterwards
    #[arg(long, default_value = "stable")]
    pub channel: String,
    /// A ranker of your own instead of the trained one, for this release: ONNX, one input f32[n, 8] (the features of
    /// a candidate, README.md) or, beside a tower of width w, f32[n, 2w + 8] (both vectors before them), one output f32[n, 1], any number of rows n, operators of ai.onnx up to opset 21
    #[arg(long, value_name = "FILE")]
    pub ranker: Option<PathBuf>,
    /// Publish it although figures fell; the reason is signed with the release
    #[arg(long, value_name = "REASON")]
    pub accept_worse: Option<String>,
    /// Print one JSON object, also when it is refused
    #[arg(long)]
    pub json: bool,
}

/// What to do with keys.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Make new keys and the root that nodes trust
    Init,
}

/// What to do with nodes.
#[derive(Clone, Debug, Subcommand)]
pub enum NodeCommand {
    /// Make a node's token; it is shown once and stored as a digest only
    Add {
        /// The node's name, as in its configuration
        name: String,
        /// Write the token to this file, readable by its owner only, instead of printing it
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
    /// Take a node's token back
    Revoke {
        /// The node's name
        name: String,
    },
}

/// Whom to preview.
#[derive(Args, Clone, Debug)]
pub struct PreviewArgs {
    /// The viewer [default: the one who watched most]
    #[arg(long)]
    pub viewer: Option<u32>,
    /// The region
    #[arg(long, default_value = "eu")]
    pub region: String,
    /// A published release [default: the catalogue as it is and the models as trained]
    #[arg(long)]
    pub generation: Option<u64>,
    /// Picks wanted
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub k: u32,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
