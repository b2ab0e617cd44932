//! A point in time as PostgreSQL keeps it.

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

/// A point in time to the microsecond; `timestamptz` in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    unix_us: i64,
}

/// From 1970-01-01 to 2000-01-01, where PostgreSQL begins to count.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// The last microsecond of the year 9999, so that no sum overflows.
const UNIX_US_MAX: u64 = 253_402_300_799_999_999;

impl Moment {
    /// From unix seconds; a time after the year 9999 becomes its end.
    pub fn from_unix_s(unix_s: u64) -> Self {
        Self::from_unix_us(unix_s.saturating_mul(1_000_000))
    }

    /// From unix milliseconds; a time after the year 9999 becomes its end.
    pub fn from_unix_ms(unix_ms: u64) -> Self {
        Self::from_unix_us(unix_ms.saturating_mul(1_000))
    }

    fn from_unix_us(unix_us: u64) -> Self {
        let unix_us = i64::try_from(unix_us.min(UNIX_US_MAX)).expect("the year 9999 fits");
        Self { unix_us }
    }

    /// The system's clock; for the edge of the process only.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_unix_us(u64::try_from(since.as_micros()).unwrap_or(UNIX_US_MAX))
    }

    /// As the database writes it down.
    pub(crate) fn postgres_us(self) -> i64 {
        self.unix_us - POSTGRES_EPOCH_US
    }

    /// Unix seconds, rounded down; 0 for a time before 1970.
    pub fn unix_s(self) -> u64 {
        u64::try_from(self.unix_us / 1_000_000).unwrap_or(0)
    }
}

impl ToSql for Moment {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.postgres_us());
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Moment {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let postgres_us = i64::from_be_bytes(raw.try_into()?);
        let unix_us = postgres_us.checked_add(POSTGRES_EPOCH_US).ok_or("an infinite time")?;
        Ok(Self { unix_us })
    }

    accepts!(TIMESTAMPTZ);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_postgres_counts() {
        let mut out = BytesMut::new();
        // select extract(epoch from timestamptz '2013-02-28 12:00:00+00' - timestamptz '2000-01-01') * 1e6
        Moment::from_unix_s(1_362_052_800).to_sql(&Type::TIMESTAMPTZ, &mut out).unwrap();
        assert_eq!(out.as_ref(), 415_368_000_000_000_i64.to_be_bytes());
    }

    #[test]
    fn a_time_after_the_year_9999_becomes_its_end() {
        assert_eq!(Moment::from_unix_s(u64::MAX).unix_s(), 253_402_300_799);
        assert_eq!(Moment::from_unix_ms(u64::MAX), Moment::from_unix_s(u64::MAX));
    }
}
