//! What the database knows, as far as a release needs it.

use std::collections::BTreeMap;

use super::Catalogue;
use crate::database::{Database, DatabaseError};

impl Catalogue {
    /// Reads the catalogue as it is now.
    ///
    /// # Errors
    ///
    /// When the database cannot answer.
    pub async fn read(database: &Database) -> Result<Self, DatabaseError> {
        let mut regions = BTreeMap::new();
        for region in database.regions().await? {
            let windows = database.licence_windows(&region).await?;
            regions.insert(region, windows);
        }
        let mut events = database.watch_events().await?;
        // By time; what came at one second keeps an order of its own, so that equal data give equal bytes.
        events.sort_unstable_by_key(|event| (event.at_unix_s, event.viewer, event.title));
        let viewer_regions = database.viewer_regions().await?.into_iter().collect();
        Ok(Self { titles: database.titles().await?, regions, viewer_regions, events })
    }
}
