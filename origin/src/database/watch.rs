//! Who watched what, when.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::binary_copy::BinaryCopyOutStream;
use tokio_postgres::types::Type;

use super::{Database, DatabaseError, Moment, narrow};

/// A viewer watched a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchEvent {
    /// When, in unix seconds.
    pub at_unix_s: u64,
    /// Who.
    pub viewer: u32,
    /// What.
    pub title: u32,
}

impl Database {
    /// All watch events in the order of time, then viewer, then title; 16 bytes each in memory.
    pub async fn watch_events(&self) -> Result<Vec<WatchEvent>, DatabaseError> {
        let failed = || DatabaseError::statement("read the watch events");
        let client = self.client().await?;
        let stream = client
            .copy_out("copy (select viewer, title, at from watch_events) to stdout binary")
            .await
            .map_err(failed())?;
        let types = [Type::INT8, Type::INT8, Type::TIMESTAMPTZ];
        let mut rows = pin!(BinaryCopyOutStream::new(stream, &types));
        let mut events = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(failed())? {
            let at: Moment = row.try_get(2).map_err(failed())?;
            events.push(WatchEvent {
                at_unix_s: at.unix_s(),
                viewer: narrow("viewer", row.try_get(0).map_err(failed())?)?,
                title: narrow("title", row.try_get(1).map_err(failed())?)?,
            });
        }
        events.sort_unstable();
        Ok(events)
    }

    /// All ratings as (viewer, title, rating), by viewer and title; events without one are left out.
    pub async fn ratings(&self) -> Result<Vec<(u32, u32, f32)>, DatabaseError> {
        let failed = || DatabaseError::statement("read the ratings");
        let client = self.client().await?;
        let stream = client
            .copy_out(
                "copy (select viewer, title, rating from watch_events where rating is not null
                       order by viewer, title, at) to stdout binary",
            )
            .await
            .map_err(failed())?;
        let types = [Type::INT8, Type::INT8, Type::FLOAT4];
        let mut rows = pin!(BinaryCopyOutStream::new(stream, &types));
        let mut ratings = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(failed())? {
            ratings.push((
                narrow("viewer", row.try_get(0).map_err(failed())?)?,
                narrow("title", row.try_get(1).map_err(failed())?)?,
                row.try_get(2).map_err(failed())?,
            ));
        }
        Ok(ratings)
    }
}
