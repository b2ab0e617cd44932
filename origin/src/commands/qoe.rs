//! `qoe`: what sessions saw, as a table or as JSON.

use jiff::Timestamp;
use wire::{QoeAnswer, QoeRow};

use crate::cli::QoeArgs;
use crate::context::Context;
use crate::database::Moment;
use crate::error::OriginError;

pub(super) async fn run(context: &Context, args: QoeArgs) -> Result<String, OriginError> {
    let question = args.asked.check(Moment::now().unix_s())?;
    let database = context.database().await?;
    if args.refresh {
        database.refresh_qoe().await?;
    }
    let answer = database.qoe(&question).await?;
    if args.json {
        return Ok(String::from_utf8_lossy(&wire::encode_json(&answer)).into_owned());
    }
    Ok(table(&answer))
}

const HEADS: [&str; 15] = [
    "from",
    "value",
    "viewers",
    "started",
    "played h",
    "stalled %",
    "p95 %",
    "start p50",
    "p95",
    "p99",
    "kbit/s",
    "p5",
    "session-v1",
    "mos-v1",
    "p5",
];

/// Columns as wide as their widest cell.
fn table(answer: &QoeAnswer) -> String {
    let mut lines = vec![HEADS.map(str::to_owned)];
    lines.extend(answer.rows.iter().map(cells));
    let widths: Vec<usize> = (0..HEADS.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            // Names to the left, numbers to the right.
            .map(|(column, (cell, width))| match column {
                0 | 1 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    if answer.is_cut {
        text.push_str("there is more: --limit shows up to 10,000 lines\n");
    }
    text.trim_end().to_owned()
}

fn cells(row: &QoeRow) -> [String; 15] {
    let start = i64::try_from(row.start_unix_s).ok().and_then(|start| Timestamp::from_second(start).ok());
    let figure = |figure: Option<f64>, digits: usize| {
        figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
    };
    let time = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
    [
        start.map_or_else(|| row.start_unix_s.to_string(), |start| start.to_string()),
        row.value.clone(),
        row.viewers.to_string(),
        row.sessions_started.to_string(),
        figure(Some(row.played_ms as f64 / 3_600_000.0), 1),
        figure(row.rebuffer_ratio.map(|ratio| ratio * 100.0), 2),
        figure(row.rebuffer_ratio_p95.map(|ratio| ratio * 100.0), 2),
        time(row.initial_startup_time_p50_ms),
        time(row.initial_startup_time_p95_ms),
        time(row.initial_startup_time_p99_ms),
        figure(row.average_playback_bitrate_kbps, 0),
        figure(row.playback_bitrate_p5_kbps, 0),
        figure(row.session_v1, 1),
        figure(row.mos_v1, 2),
        figure(row.mos_v1_p5, 2),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_and_says_what_is_not_known() {
        let row = |value: &str, viewers| QoeRow {
            start_unix_s: 1_800_000_000,
            value: value.to_owned(),
            viewers,
            ..QoeRow::default()
        };
        let answer = QoeAnswer {
            by: wire::Dimension::Region,
            step_s: 3_600,
            from_unix_s: 0,
            to_unix_s: 1,
            is_cut: true,
            rows: vec![row("eu", 12_345), row("us", 7)],
        };
        let text = table(&answer);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[1].starts_with("2027-01-15T08:00:00Z  eu       12345"), "{text}");
        assert!(lines[2].starts_with("2027-01-15T08:00:00Z  us           7"), "{text}");
        assert!(lines[1].ends_with('-'));
    }
}
