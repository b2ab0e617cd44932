//! `evaluate`: measures the models.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::Serialize;

use crate::cli::{EvaluateArgs, EvaluateCommand, MeasuredModel, SplitArgs};
use crate::error::OriginError;
use crate::evaluate::{self, EvaluateError, split};
use crate::train::Options;
use crate::train::sequences::Sequences;

/// Measures, and returns one JSON object.
pub async fn run(command: EvaluateCommand) -> Result<String, OriginError> {
    let measured = tokio::task::spawn_blocking(move || match command {
        EvaluateCommand::Recommend(args) => recommend(&args),
        EvaluateCommand::Split(args) => split(&args),
    });
    measured.await.map_err(|_| OriginError::Panicked)?
}

fn recommend(args: &EvaluateArgs) -> Result<String, OriginError> {
    let sequences = read(&args.sequences)?;
    let mut options = Options { row_entries: args.row_entries.map(usize::from), ..Options::default() };
    if args.no_ranker {
        options.ranker = false;
    }
    match args.model {
        MeasuredModel::Ridge => json(&evaluate::ridge(&sequences, &options)?),
        MeasuredModel::Mf => json(&evaluate::factors(&sequences)?),
        MeasuredModel::Tower => json(&evaluate::tower(&sequences, args.minutes)?),
        MeasuredModel::Blend => json(&evaluate::blend(&sequences, &options, args.minutes)?),
    }
}

fn split(args: &SplitArgs) -> Result<String, OriginError> {
    json(&split::split(&read(&args.train)?, &read(&args.test)?)?)
}

fn read(path: &Path) -> Result<Sequences, OriginError> {
    let failed = |source| OriginError::File { what: "read", path: path.to_path_buf(), source };
    let file = File::open(path).map_err(failed)?;
    Ok(Sequences::read(BufReader::new(file)).map_err(EvaluateError::from)?)
}

fn json(report: &impl Serialize) -> Result<String, OriginError> {
    Ok(serde_json::to_string(report).expect("numbers and names can be written as JSON"))
}
