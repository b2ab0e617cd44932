//! `frontrow-evaluate qoe`: scores of sessions told as rows of a table.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use csv::StringRecord;
use qoe::{Scores, SpiVerdict};
use serde_json::{Map, Value, json};

use crate::error::{InputError, Result};
use crate::qoe_rating::{Agreement, agreement};
use crate::qoe_row::{CellError, Columns};
use crate::{files, limits, qoe_events};

/// What `frontrow-evaluate qoe` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A table with a line of column names; commas, or tabs, between cells.
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// The column with what people said, to be held against each score.
    #[arg(long, value_name = "COLUMN")]
    rating: Option<String>,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// The scores of a row, in the order in which they are printed.
const SCORES: [(&str, fn(&Scores) -> Option<f64>); 8] = [
    ("session_v1", |scores| Some(scores.session_v1)),
    ("window_v1", |scores| Some(scores.window_v1)),
    ("rebuffer_ratio", |scores| Some(scores.rebuffer_ratio)),
    ("qoe_lin_v1", |scores| scores.qoe_lin_v1),
    ("qoe_log_v1", |scores| scores.qoe_log_v1),
    ("mux_style_v1", |scores| Some(scores.mux_style_v1)),
    ("spi_style_v1_good", |scores| {
        scores.spi_style_v1.map(|verdict| f64::from(u8::from(verdict == SpiVerdict::Good)))
    }),
    ("mos_v1", |scores| scores.mos_v1),
];

/// A row of the table and what came of it.
struct Row {
    line: usize,
    cells: StringRecord,
    scored: std::result::Result<Scores, CellError>,
}

/// Scores the table; a row that cannot be read is named, the rest is scored, and the exit code says so.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let text = files::text(&args.csv)?;
    let (names, rows) = score(&args.csv, &text)?;
    let rating = match &args.rating {
        Some(name) => {
            let place = names.iter().position(|found| found == name);
            let missing = || InputError::Usage(format!("there is no column {name}"));
            Some(place.ok_or_else(missing)?)
        }
        None => None,
    };
    let agreements = rating.map(|rating| agreements(&rows, rating));
    let printed = if args.json {
        print_json(&names, &rows, agreements.as_deref())
    } else {
        print_table(&names, &rows, agreements.as_deref()).map_err(std::io::Error::from)
    };
    match printed {
        // Who reads no further wants no more of it.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            return Err(InputError::Usage(format!("standard output: {error}")));
        }
        _ => {}
    }
    let mut code = ExitCode::SUCCESS;
    for Row { line, scored, .. } in &rows {
        if let Err(CellError { column, reason }) = scored {
            eprintln!("error: {}:{line}: {column}: {reason}", args.csv.display());
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

fn score(path: &Path, text: &str) -> Result<(StringRecord, Vec<Row>)> {
    let head = text.lines().next().unwrap_or_default();
    let delimiter = if head.contains('\t') { b'\t' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let broken = |error: csv::Error| InputError::file(path, &error.to_string());
    let names = reader.headers().map_err(broken)?.clone();
    let columns = Columns::of(&names).map_err(|reason| InputError::line(path, 1, reason))?;
    let mut rows = Vec::new();
    for cells in reader.records() {
        let cells = cells.map_err(broken)?;
        let line = cells.position().map_or(0, |position| position.line() as usize);
        if rows.len() == limits::ROWS_MAX {
            return Err(InputError::line(path, line, "more rows than a table may have"));
        }
        let scored = columns.read(&cells).map(|told| qoe_events::score(&told));
        rows.push(Row { line, cells, scored });
    }
    Ok((names, rows))
}

/// What people said against each score, over the rows that have both.
fn agreements(rows: &[Row], rating: usize) -> Vec<(&'static str, Agreement)> {
    let of = |read: fn(&Scores) -> Option<f64>| {
        let pairs: Vec<(f64, f64)> = rows
            .iter()
            .filter_map(|row| {
                let score = read(row.scored.as_ref().ok()?)?;
                let said: f64 = row.cells.get(rating)?.parse().ok()?;
                said.is_finite().then_some((score, said))
            })
            .collect();
        agreement(&pairs)
    };
    SCORES.iter().map(|(name, read)| (*name, of(*read))).collect()
}

fn print_table(
    names: &StringRecord,
    rows: &[Row],
    agreements: Option<&[(&'static str, Agreement)]>,
) -> csv::Result<()> {
    let mut out = csv::WriterBuilder::new().flexible(true).from_writer(std::io::stdout().lock());
    out.write_record(names.iter().chain(SCORES.iter().map(|(name, _)| *name)).chain(["spi_style_v1"]))?;
    for row in rows {
        // Every row has all columns, so that the scores are where their names are.
        let cells = (0..names.len()).map(|index| row.cells.get(index).unwrap_or_default().to_owned());
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let scores = SCORES.iter().map(|(_, read)| number(row.scored.as_ref().ok().and_then(read)));
        let verdict = row.scored.as_ref().ok().and_then(|scores| scores.spi_style_v1).map_or("", verdict);
        out.write_record(cells.chain(scores).chain([verdict.to_owned()]))?;
    }
    out.flush()?;
    for (name, agreement) in agreements.unwrap_or_default() {
        let Agreement { rows, pcc, srcc, rmse } = agreement;
        let number =
            |value: &Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        let (pcc, srcc, rmse) = (number(pcc), number(srcc), number(rmse));
        eprintln!("{name:<18} rows {rows}  PCC {pcc}  SRCC {srcc}  RMSE {rmse}");
    }
    Ok(())
}

fn print_json(
    names: &StringRecord,
    rows: &[Row],
    agreements: Option<&[(&'static str, Agreement)]>,
) -> std::io::Result<()> {
    let object = |row: &Row| {
        let cells = names.iter().zip(&row.cells).map(|(name, cell)| (name.to_owned(), json!(cell)));
        let mut object: Map<String, Value> = cells.collect();
        match &row.scored {
            Ok(scores) => {
                object.extend(SCORES.iter().map(|(name, read)| ((*name).to_owned(), json!(read(scores)))));
                object.insert("spi_style_v1".to_owned(), json!(scores.spi_style_v1.map(verdict)));
            }
            Err(CellError { column, reason }) => {
                let error = json!({"line": row.line, "column": column, "reason": reason});
                object.insert("error".to_owned(), error);
            }
        }
        Value::Object(object)
    };
    let mut report = json!({"rows": rows.iter().map(object).collect::<Vec<Value>>()});
    if let Some(agreements) = agreements {
        let entry = |(name, agreement): &(&str, Agreement)| ((*name).to_owned(), json!(agreement));
        report["ratings"] = Value::Object(agreements.iter().map(entry).collect());
    }
    writeln!(std::io::stdout().lock(), "{report}")
}

fn verdict(verdict: SpiVerdict) -> &'static str {
    match verdict {
        SpiVerdict::Good => "good",
        SpiVerdict::FailedToStart => "failed-to-start",
        SpiVerdict::LeftBeforeStart => "left-before-start",
        SpiVerdict::SlowStart => "slow-start",
        SpiVerdict::Failed => "failed",
        SpiVerdict::Stalled => "stalled",
        SpiVerdict::LowQuality => "low-quality",
    }
}
