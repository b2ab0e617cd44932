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
    sketch_quantile(startup_buckets, startup_counts, startup_min_ms, startup_max_ms, 500),
    sketch_quantile(startup_buckets, startup_counts, startup_min_ms, startup_max_ms, 950),
    sketch_quantile(startup_buckets, startup_counts, startup_min_ms, startup_max_ms, 990)";
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
    let maybe = |at: usize| {
        let number = row.try_get::<_, Option<i64>>(at);
        number.map(|number| number.and_then(|number| u64::try_from(number).ok()))
    };
    let start: Moment = row.try_get(0)?;
    let (played, stalled) = (number(6)?, number(7)?);
    let startups: Option<f64> = row.try_get(24)?;
    let (window_v1_sum, window_v1_ms): (f64, f64) = (row.try_get(25)?, row.try_get(26)?);
    Ok(QoeRow {
        start_unix_s: start.unix_s(),
        value: row.try_get(1)?,
        viewers: number(2)?,
        sessions_started: number(3)?,
        sessions_ended: number(4)?,
        sessions_failed: number(5)?,
        play_time_ms: played,
        rebuffering_duration_ms: stalled,
        rebuffering_count: number(8)?,
        rebuffering_ratio: share(stalled as f64, played as f64 + stalled as f64),
        startup_time_p50_ms: maybe(27)?,
        startup_time_p95_ms: maybe(28)?,
        startup_time_p99_ms: maybe(29)?,
        startup_time_mean_ms: share(number(23)? as f64, startups.unwrap_or(0.0)),
        average_bitrate_kbps: share(number(12)? as f64, number(13)? as f64),
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
    })
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}
