//! Drops the days that nobody asks for any more.

use serde::Deserialize;

use crate::database::{ByDay, Database, DatabaseError, Day, Moment};

/// For how long what nodes report is kept. Whole days of UTC.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Single events: what a complaint is looked into by.
    pub events_days: u16,
    /// Ended sessions.
    pub sessions_days: u16,
    /// Windows, of which hours and days are added up.
    pub windows_days: u16,
    /// What was shown and at which bit rate it was played.
    pub decisions_days: u16,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { events_days: 30, sessions_days: 400, windows_days: 400, decisions_days: 90 }
    }
}

impl RetentionConfig {
    /// The first key that is 0: it would drop what is being written.
    pub(crate) fn out_of_range(&self) -> Option<&'static str> {
        let Self { events_days, sessions_days, windows_days, decisions_days } = *self;
        let days = [
            ("events_days", events_days),
            ("sessions_days", sessions_days),
            ("windows_days", windows_days),
            ("decisions_days", decisions_days),
        ];
        days.into_iter().find(|(_, days)| *days == 0).map(|(key, _)| key)
    }

    /// Watch histories are what models learn from: they stay.
    fn tables(&self) -> [(ByDay, u16); 5] {
        [
            (ByDay::Events, self.events_days),
            (ByDay::Sessions, self.sessions_days),
            (ByDay::Windows, self.windows_days),
            (ByDay::Exposures, self.decisions_days),
            (ByDay::BitrateDecisions, self.decisions_days),
        ]
    }
}

impl Database {
    /// Drops the partitions that hold only older days; returns how many.
    ///
    /// # Errors
    ///
    /// When the database fails; what was dropped until then is gone.
    pub async fn drop_old_days(&self, kept: &RetentionConfig, now: Moment) -> Result<usize, DatabaseError> {
        let mut dropped = 0;
        for (table, days) in kept.tables() {
            let first_kept = Moment::from_unix_s(now.unix_s().saturating_sub(u64::from(days) * 86_400));
            dropped += self.drop_partitions(table, Day::of(first_kept)).await?;
        }
        Ok(dropped)
    }
}
