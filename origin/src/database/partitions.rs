//! A partition a day, made when the first line of the day comes.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use bytes::{BufMut, BytesMut};
use jiff::civil::Date;
use jiff::{ToSpan, Unit};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use super::{Database, DatabaseError, Moment};
use crate::limits;

/// A day of UTC; `date` in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// Days since 1970-01-01.
    unix_d: i32,
}

/// From 1970-01-01 to 2000-01-01, where PostgreSQL begins to count.
const POSTGRES_EPOCH_D: i32 = 10_957;

const DAY_S: u64 = 86_400;

impl Day {
    /// The day of a point in time.
    pub fn of(moment: Moment) -> Self {
        let unix_d = i32::try_from(moment.unix_s() / DAY_S).expect("a moment is not after the year 9999");
        Self { unix_d }
    }

    /// As the database writes it down.
    pub(crate) fn postgres_d(self) -> i32 {
        self.unix_d - POSTGRES_EPOCH_D
    }

    fn next(self) -> Self {
        Self { unix_d: self.unix_d + 1 }
    }

    /// The first day of its month and that of the month after.
    fn month(self) -> (Self, Self) {
        let first = self.date().first_of_month();
        (Self::from(first), Self::from(first.saturating_add(1.month())))
    }

    fn date(self) -> Date {
        Date::constant(1970, 1, 1).saturating_add(self.unix_d.days())
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        let since =
            date.since((Unit::Day, Date::constant(1970, 1, 1))).expect("days between dates are exact");
        Self { unix_d: since.get_days() }
    }
}

impl ToSql for Day {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i32(self.postgres_d());
        Ok(IsNull::No)
    }

    accepts!(DATE);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Day {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let postgres_d = i32::from_be_bytes(raw.try_into()?);
        let unix_d = postgres_d.checked_add(POSTGRES_EPOCH_D).ok_or("an infinite day")?;
        Ok(Self { unix_d })
    }

    accepts!(DATE);
}

/// A table that is kept in partitions by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ByDay {
    WatchEvents,
    Events,
    Sessions,
    Windows,
    Exposures,
    BitrateDecisions,
}

impl ByDay {
    pub(crate) const ALL: [Self; 6] = [
        Self::WatchEvents,
        Self::Events,
        Self::Sessions,
        Self::Windows,
        Self::Exposures,
        Self::BitrateDecisions,
    ];

    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::WatchEvents => "watch_events",
            Self::Events => "events",
            Self::Sessions => "sessions",
            Self::Windows => "windows",
            Self::Exposures => "exposures",
            Self::BitrateDecisions => "bitrate_decisions",
        }
    }
}

impl Database {
    /// Makes the partitions that these days lack, in a transaction of its own; returns how many.
    ///
    /// Apart from the transaction that writes to them, so that no writer waits for a maker's commit.
    pub(crate) async fn make_partitions(
        &self,
        of: ByDay,
        days: &BTreeSet<Day>,
    ) -> Result<usize, DatabaseError> {
        let client = self.client().await?;
        let rows = client
            .query("select lower, upper from partitioned_ranges($1)", &[&of.table()])
            .await
            .map_err(DatabaseError::statement("list the partitions"))?;
        let there: Vec<(Day, Day)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let (lower, upper): (Vec<Day>, Vec<Day>) =
            missing(days, &there, limits::DAY_PARTITIONS_MAX).into_iter().unzip();
        if lower.is_empty() {
            return Ok(0);
        }
        client
            .query(
                "select make_partition($1, lower, upper) from unnest($2::date[], $3::date[]) as d (lower, upper)",
                &[&of.table(), &lower, &upper],
            )
            .await
            .map_err(DatabaseError::statement("make the partitions"))?;
        Ok(lower.len())
    }
}

impl Database {
    /// Drops the partitions that end on or before `first_kept`; returns how many.
    pub(crate) async fn drop_partitions(&self, of: ByDay, first_kept: Day) -> Result<usize, DatabaseError> {
        let failed = || DatabaseError::statement("drop old partitions");
        let client = self.client().await?;
        let dropped = client
            .query_one("select drop_partitions($1, $2)", &[&of.table(), &first_kept])
            .await
            .map_err(failed())?;
        super::narrow("count of partitions", i64::from(dropped.get::<_, i32>(0)))
    }
}

/// The ranges to make so that every day has a place: days, or months where there are too many days.
fn missing(days: &BTreeSet<Day>, there: &[(Day, Day)], days_max: usize) -> Vec<(Day, Day)> {
    let lacking: Vec<Day> = days
        .iter()
        .copied()
        .filter(|day| !there.iter().any(|(lower, upper)| lower <= day && day < upper))
        .collect();
    let singly = |days: &[Day]| days.iter().map(|day| (*day, day.next())).collect::<Vec<_>>();
    if lacking.len() <= days_max {
        return singly(&lacking);
    }
    let mut months: BTreeMap<(Day, Day), Vec<Day>> = BTreeMap::new();
    for day in lacking {
        months.entry(day.month()).or_default().push(day);
    }
    let mut made = Vec::new();
    for ((first, after), days) in months {
        // Ranges must not overlap: a month that has a day's partition already goes on by days.
        if there.iter().any(|(lower, upper)| *lower < after && first < *upper) {
            made.extend(singly(&days));
        } else {
            made.push((first, after));
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i16, month: i8, day: i8) -> Day {
        Day::from(Date::new(year, month, day).unwrap())
    }

    #[test]
    fn a_day_is_what_postgres_counts() {
        let mut out = BytesMut::new();
        // select date '2013-02-28' - date '2000-01-01'
        day(2013, 2, 28).to_sql(&Type::DATE, &mut out).unwrap();
        assert_eq!(out.as_ref(), 4_807_i32.to_be_bytes());
        assert_eq!(Day::of(Moment::from_unix_s(1_362_052_800)), day(2013, 2, 28));
    }

    #[test]
    fn a_short_history_gets_a_partition_a_day_and_no_second_one() {
        let days = BTreeSet::from([day(2013, 2, 27), day(2013, 2, 28)]);
        let there = [(day(2013, 2, 27), day(2013, 2, 28))];
        assert_eq!(missing(&days, &there, 400), [(day(2013, 2, 28), day(2013, 3, 1))]);
    }

    #[test]
    fn a_long_history_gets_a_partition_a_month_but_where_days_are() {
        let days = BTreeSet::from([day(2012, 12, 30), day(2012, 12, 31), day(2013, 2, 28)]);
        let there = [(day(2013, 2, 1), day(2013, 2, 2))];
        let expected = [(day(2012, 12, 1), day(2013, 1, 1)), (day(2013, 2, 28), day(2013, 3, 1))];
        assert_eq!(missing(&days, &there, 2), expected);
    }
}
