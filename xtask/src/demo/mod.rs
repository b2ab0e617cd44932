//! `cargo xtask demo`: an origin, two nodes and the page, and the story of a release told with them.

mod http;
mod load;
mod players;
mod process;
mod report;
mod stage;
mod story;

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use self::report::Report;
use self::stage::Stage;
use crate::{build, setup, shell, www};

/// Where the story's data comes from, and when it ends.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A folder in MovieTweetings' or MovieLens' format; without it the one beside the project, else
    /// a generated catalogue.
    #[arg(long, value_name = "FOLDER", conflicts_with = "generated")]
    data: Option<PathBuf>,
    /// Use the generated catalogue, whatever lies beside the project.
    #[arg(long)]
    generated: bool,
    /// End after the story instead of waiting for Ctrl-C.
    #[arg(long)]
    once: bool,
    /// Also train a tower, for so many minutes; it is shipped if it is better than rows alone.
    #[arg(long, value_name = "MINUTES")]
    tower: Option<f64>,
    /// Run the page's tests on a node of the story.
    #[arg(skip)]
    in_browser: bool,
}

impl Args {
    /// The story as CI tells it: on data that every machine has.
    pub(crate) fn once_on_generated_data() -> Self {
        Self { data: None, generated: true, once: true, tower: None, in_browser: true }
    }

    fn source(&self) -> Result<Source> {
        if self.generated {
            return Ok(Source::Generated);
        }
        if let Some(folder) = &self.data {
            let folder = folder.canonicalize().with_context(|| format!("no data at {}", folder.display()))?;
            return Ok(Source::Folder(folder));
        }
        let shared = std::env::var_os("FRONTROW_DATA").map(PathBuf::from);
        let beside =
            shared.unwrap_or_else(|| shell::root().join("../shared/data")).join("movietweetings-100k");
        Ok(beside.canonicalize().map_or(Source::Generated, Source::Folder))
    }
}

/// What the origin imports.
pub(crate) enum Source {
    Folder(PathBuf),
    Generated,
}

/// Tells the story; fails when a step failed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let source = args.source()?;
    let folder = shell::root().join("target/demo");
    // A report of an earlier run would be taken for this one's if this one ended before its own.
    let path = folder.join("report.json");
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", path.display()));
        }
        _ => {}
    }
    match &source {
        Source::Folder(folder) => shell::say(&format!("the data is {}", folder.display())),
        Source::Generated => shell::say("the data is the generated catalogue"),
    }
    setup::for_components()?;
    setup::for_native()?;
    setup::for_page()?;
    build::native()?;
    let components = build::components()?;
    www::build()?;

    let (interrupted, interruption) = channel();
    // Children share our terminal's Ctrl-C; catching it lets us stop them in order.
    let catch = move || {
        // The receiver lives as long as the demo; without it there is nothing left to interrupt.
        let _ = interrupted.send(());
    };
    ctrlc::set_handler(catch).context("cannot catch Ctrl-C")?;
    let mut report = Report::default();
    let mut stage = Stage::new(&folder, &components)?;
    story::tell(&mut stage, &source, args, &mut report, &|| interruption.try_recv().is_ok());
    report.write(&path)?;
    shell::say(&format!("report: {}", path.display()));
    if !args.once && report.ok() {
        // The newest release was tampered with.
        stage.origin_says(&["release", "rollback", "--to", "1"])?;
        let pages = stage.pages().join("  ");
        shell::say(&format!("the page is at {}", shell::paint("1;4", &pages)));
        shell::note("Ctrl-C ends everything");
        // An error means that the handler is gone, which ends the demo just as well.
        let _ = interruption.recv();
    }
    stage.stop()?;
    if !report.ok() {
        bail!("steps failed: {}", report.failed().join(", "));
    }
    Ok(())
}

fn unix_ms() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}
