//! Titles, regions, licence windows, and where viewers are.

use std::collections::BTreeMap;

use super::{Database, DatabaseError, Moment, narrow};

/// Something to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title {
    /// Its number in the catalogue.
    pub id: u32,
    /// Its name, without the year.
    pub name: String,
    /// When it was made.
    pub year: Option<u16>,
    /// Youngest age it is meant for, in years.
    pub maturity: u8,
    /// In the order of the source.
    pub genres: Vec<String>,
}

/// When a title may be shown in a region: from ≤ t < until.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LicenceWindow {
    /// Begin, unix seconds.
    pub from_s: u64,
    /// End, unix seconds; [`u64::MAX`] is without end.
    pub until_s: u64,
}

impl LicenceWindow {
    /// What holds for a title without a line: always.
    pub const OPEN: Self = Self { from_s: 0, until_s: u64::MAX };
    /// Never; candidate sets write it as two zeros.
    pub const NEVER: Self = Self { from_s: 0, until_s: 0 };
}

impl Database {
    /// All titles by rising id.
    pub async fn titles(&self) -> Result<Vec<Title>, DatabaseError> {
        let client = self.client().await?;
        let rows = client
            .query("select title, name, year, maturity, genres from titles order by title", &[])
            .await
            .map_err(DatabaseError::statement("read the titles"))?;
        let title = |row: &tokio_postgres::Row| {
            let year: Option<i16> = row.get(2);
            Ok(Title {
                id: narrow("title", row.get(0))?,
                name: row.get(1),
                year: year.map(|year| narrow("year", i64::from(year))).transpose()?,
                maturity: narrow("maturity", i64::from(row.get::<_, i16>(3)))?,
                genres: row.get(4),
            })
        };
        rows.iter().map(title).collect()
    }

    /// All regions in the order of their names.
    pub async fn regions(&self) -> Result<Vec<String>, DatabaseError> {
        let client = self.client().await?;
        let rows = client
            .query("select region from regions order by region collate \"C\"", &[])
            .await
            .map_err(DatabaseError::statement("read the regions"))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The titles that may not always be shown in a region; for all others [`LicenceWindow::OPEN`] holds.
    pub async fn licence_windows(&self, region: &str) -> Result<BTreeMap<u32, LicenceWindow>, DatabaseError> {
        let client = self.client().await?;
        let rows = client
            .query("select title, shown_from, shown_until from licence_windows where region = $1", &[&region])
            .await
            .map_err(DatabaseError::statement("read the licence windows"))?;
        let window = |row: &tokio_postgres::Row| {
            let from_s = row.get::<_, Moment>(1).unix_s();
            let until_s = row.get::<_, Option<Moment>>(2).map_or(u64::MAX, Moment::unix_s);
            let is_empty = until_s <= from_s;
            let window = if is_empty { LicenceWindow::NEVER } else { LicenceWindow { from_s, until_s } };
            Ok((narrow("title", row.get(0))?, window))
        };
        rows.iter().map(window).collect()
    }

    /// Says when a title may be shown in a region; replaces what was said before.
    pub async fn set_licence_window(
        &self,
        title: u32,
        region: &str,
        window: LicenceWindow,
    ) -> Result<(), DatabaseError> {
        let LicenceWindow { from_s, until_s } = window;
        if until_s < from_s {
            return Err(DatabaseError::WindowReversed { from_s, until_s });
        }
        self.check_title_and_region(title, region).await?;
        let until = (until_s != u64::MAX).then(|| Moment::from_unix_s(until_s));
        let client = self.client().await?;
        client
            .execute(
                "insert into licence_windows (title, region, shown_from, shown_until) values ($1, $2, $3, $4)
                 on conflict (title, region) do update
                 set shown_from = excluded.shown_from, shown_until = excluded.shown_until",
                &[&i64::from(title), &region, &Moment::from_unix_s(from_s), &until],
            )
            .await
            .map_err(DatabaseError::statement("set a licence window"))?;
        Ok(())
    }

    async fn check_title_and_region(&self, title: u32, region: &str) -> Result<(), DatabaseError> {
        let client = self.client().await?;
        let row = client
            .query_one(
                "select exists (select from titles where title = $1),
                        exists (select from regions where region = $2)",
                &[&i64::from(title), &region],
            )
            .await
            .map_err(DatabaseError::statement("look up a title and a region"))?;
        if !row.get::<_, bool>(0) {
            return Err(DatabaseError::TitleUnknown(title));
        }
        if !row.get::<_, bool>(1) {
            return Err(DatabaseError::RegionUnknown(region.to_owned()));
        }
        Ok(())
    }

    /// All viewers and their regions, by rising id.
    pub async fn viewer_regions(&self) -> Result<Vec<(u32, String)>, DatabaseError> {
        let client = self.client().await?;
        let rows = client
            .query("select viewer, region from viewers order by viewer", &[])
            .await
            .map_err(DatabaseError::statement("read the viewers"))?;
        rows.iter().map(|row| Ok((narrow("viewer", row.get(0))?, row.get(1)))).collect()
    }
}
