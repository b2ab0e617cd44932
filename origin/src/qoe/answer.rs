//! The rows of an answer, from the database.

use tokio_postgres::Row;
use wire::{QoeAnswer, QoeRow};

use super::{Question, Step};
use crate::database::{Database, DatabaseError, Moment};
use crate::limits;

/// `$1` to `$5` are the arguments of the function, `$6` is how many lines.
const FROM_WINDOWS: &str = "from qoe_of_windows($1::text::interval, $2, $3, $4, $5)";
const FROM_HOURS: &str = "from qoe_of_hours($1::text::interval, $2, $3, $4, $5)";
const COLUMNS: &str = "select start_at, value, viewers, started, ended, failed, played_ms, stalled_ms, stalls, errors,
    switches, dropped_frames, rate_sum, rated_ms, buffer_sum_ms, buffers, completion_ppm_sum, completions, completed,
    session_v1_milli_sum, session_v1s, mos_milli_sum, moses, startup_sum_ms,
    (select sum(n)::double precision from unnest(startup_counts) n), window_v1_sum, window_v1_ms,
    sketch_quantiles(startup_buckets, startup_counts, startup_min_ms, startup_max_ms, '{500,950,990}'),
    sketch_quantiles(rebuffer_buckets, rebuffer_counts, rebuffer_min_ppm, rebuffer_max_ppm, '{500,950,990}'),
    sketch_quantiles(bitrate_buckets, bitrate_counts, bitrate_min_kbps, bitrate_max_kbps, '{500,50,10}'),
    sketch_quantiles(mos_buckets, mos_counts, mos_min_milli, mos_max_milli, '{500,50,10}')";
const ORDER: &str = "order by start_at, sessions desc, value limit $6";

impl Database {
    /// Answers a question about what sessions saw.
    ///
    /// # Errors
    ///
    /// When the database cannot say, or takes too long for a question.
    pub async fn qoe(&self, question: &Question) -> Result<QoeAnswer, DatabaseError> {
        let failed = || DatabaseError::statement("read what sessions saw");
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(failed())?;
        let timeout = format!("set local statement_timeout = {}", limits::QOE_TIMEOUT.as_millis());
        transaction.batch_execute(&timeout).await.map_err(failed())?;
        let from = if question.step == Step::FiveMinutes { FROM_WINDOWS } else { FROM_HOURS };
        let step = format!("{} seconds", question.step.seconds());
        let begin = Moment::from_unix_s(question.from_unix_s);
        let end = Moment::from_unix_s(question.to_unix_s);
        // One more shows that there is more.
        let rows = i64::try_from(question.rows_max + 1).unwrap_or(i64::MAX);
        let asked = transaction
            .query(
                &format!("{COLUMNS} {from} {ORDER}"),
                &[&step, &begin, &end, &question.by.name(), &question.value, &rows],
            )
            .await
            .map_err(failed())?;
        let is_cut = asked.len() > question.rows_max;
        let rows =
            asked.iter().take(question.rows_max).map(row).collect::<Result<_, _>>().map_err(failed())?;
        transaction.commit().await.map_err(failed())?;
        Ok(QoeAnswer {
            by: question.by,
            step_s: question.step.seconds(),
            from_unix_s: question.from_unix_s,
            to_unix_s: question.to_unix_s,
            is_cut,
            rows,
        })
    }
}

fn row(row: &Row) -> Result<QoeRow, tokio_postgres::Error> {
    let number = |at: usize| row.try_get::<_, i64>(at).map(|number| u64::try_from(number).unwrap_or(0));
    let quantiles = |at: usize| {
        let found: Option<Vec<i64>> = row.try_get(at)?;
        let found = found.and_then(|found| <[i64; 3]>::try_from(found).ok());
        Ok(found.map(|found| found.map(|number| u64::try_from(number).unwrap_or(0))))
    };
    let start: Moment = row.try_get(0)?;
    let (played, stalled) = (number(6)?, number(7)?);
    let startups: Option<f64> = row.try_get(24)?;
    let (window_v1_sum, window_v1_ms): (f64, f64) = (row.try_get(25)?, row.try_get(26)?);
    let startup = quantiles(27)?;
    let in_units =
        |found: Option<[u64; 3]>, unit: f64| found.map(|found| found.map(|number| number as f64 / unit));
    let (rebuffer, bitrate) = (in_units(quantiles(28)?, 1e6), in_units(quantiles(29)?, 1.0));
    let mos = in_units(quantiles(30)?, 1e3);
    Ok(QoeRow {
        start_unix_s: start.unix_s(),
        value: row.try_get(1)?,
        viewers: number(2)?,
        sessions_started: number(3)?,
        sessions_ended: number(4)?,
        sessions_failed: number(5)?,
        played_ms: played,
        playback_stall_duration_ms: stalled,
        playback_stall_count: number(8)?,
        rebuffer_ratio: share(stalled as f64, played as f64 + stalled as f64),
        rebuffer_ratio_p50: rebuffer.map(|found| found[0]),
        rebuffer_ratio_p95: rebuffer.map(|found| found[1]),
        rebuffer_ratio_p99: rebuffer.map(|found| found[2]),
        initial_startup_time_p50_ms: startup.map(|found| found[0]),
        initial_startup_time_p95_ms: startup.map(|found| found[1]),
        initial_startup_time_p99_ms: startup.map(|found| found[2]),
        average_initial_startup_time_ms: share(number(23)? as f64, startups.unwrap_or(0.0)),
        bits_played: number(12)?,
        average_playback_bitrate_kbps: share(number(12)? as f64, number(13)? as f64),
        playback_bitrate_p50_kbps: bitrate.map(|found| found[0]),
        playback_bitrate_p5_kbps: bitrate.map(|found| found[1]),
        playback_bitrate_p1_kbps: bitrate.map(|found| found[2]),
        average_buffer_ms: share(number(14)? as f64, number(15)? as f64),
        bitrate_switches: number(10)?,
        bitrate_switches_per_minute: share(number(10)? as f64 * 60_000.0, played as f64),
        dropped_frames: number(11)?,
        errors: number(9)?,
        completion: share(number(16)? as f64 / 1e6, number(17)? as f64),
        completed_share: share(number(18)? as f64, number(17)? as f64),
        session_v1: share(number(19)? as f64 / 1e3, number(20)? as f64),
        window_v1: share(window_v1_sum, window_v1_ms),
        mos_v1: share(number(21)? as f64 / 1e3, number(22)? as f64),
        mos_v1_p50: mos.map(|found| found[0]),
        mos_v1_p5: mos.map(|found| found[1]),
        mos_v1_p1: mos.map(|found| found[2]),
    })
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}
