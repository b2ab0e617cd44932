//! `evaluate`: measures the models.

use std::fs::File;
use std::io::BufReader;

use serde::Serialize;

use crate::cli::{EvaluateArgs, EvaluateCommand, MeasuredModel};
use crate::error::OriginError;
use crate::evaluate;
use crate::train::Options;
use crate::train::sequences::Sequences;

/// Measures, and returns one JSON object.
pub async fn run(command: EvaluateCommand) -> Result<String, OriginError> {
    let EvaluateCommand::Recommend(args) = command;
    let measured = tokio::task::spawn_blocking(move || recommend(&args));
    measured.await.map_err(|_| OriginError::Panicked)?
}

fn recommend(args: &EvaluateArgs) -> Result<String, OriginError> {
    let path = &args.sequences;
    let file =
        File::open(path).map_err(|source| OriginError::File { what: "read", path: path.clone(), source })?;
    let sequences = Sequences::read(BufReader::new(file)).map_err(evaluate::EvaluateError::from)?;
    let mut options = Options { row_entries: usize::from(args.row_entries), ..Options::default() };
    if args.no_ranker {
        options.ranker = None;
    }
    match args.model {
        MeasuredModel::Ridge => json(&evaluate::recommend(&sequences, &options)?),
        MeasuredModel::Tower => json(&evaluate::tower::tower(&sequences, args.minutes)?),
        MeasuredModel::Blend => json(&evaluate::tower::blend(&sequences, &options, args.minutes)?),
    }
}

fn json(report: &impl Serialize) -> Result<String, OriginError> {
    Ok(serde_json::to_string(report).expect("numbers and names can be written as JSON"))
}
