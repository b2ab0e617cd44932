//! The nodes that may report, and the digests of their tokens.

use super::{AuditEntry, Database, DatabaseError, releases};

impl Database {
    /// Writes down a node's token, with its line in the audit.
    pub async fn add_node(
        &self,
        node: &str,
        token_sha256: &[u8; 32],
        entry: &AuditEntry,
    ) -> Result<(), DatabaseError> {
        let failed = || DatabaseError::statement("add a node");
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(failed())?;
        let added = transaction
            .execute(
                "insert into nodes (node, token_sha256) values ($1, $2)
                 on conflict (node) do update
                 set token_sha256 = excluded.token_sha256, created_at = now(), revoked_at = null
                 where nodes.revoked_at is not null",
                &[&node, &token_sha256.as_slice()],
            )
            .await
            .map_err(failed())?;
        if added == 0 {
            return Err(DatabaseError::NodeExists(node.to_owned()));
        }
        releases::append(&*transaction, entry).await?;
        transaction.commit().await.map_err(failed())
    }

    /// Takes a node's token back; false when it had none.
    pub async fn revoke_node(&self, node: &str, entry: &AuditEntry) -> Result<bool, DatabaseError> {
        let failed = || DatabaseError::statement("revoke a node");
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(failed())?;
        let revoked = transaction
            .execute("update nodes set revoked_at = now() where node = $1 and revoked_at is null", &[&node])
            .await
            .map_err(failed())?;
        if revoked == 0 {
            return Ok(false);
        }
        releases::append(&*transaction, entry).await?;
        transaction.commit().await.map_err(failed())?;
        Ok(true)
    }

    /// The digest of a node's token, if it has one that was not revoked.
    pub async fn node_token_sha256(&self, node: &str) -> Result<Option<[u8; 32]>, DatabaseError> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("select token_sha256 from nodes where node = $1 and revoked_at is null")
            .await
            .map_err(DatabaseError::statement("look up a node"))?;
        let row = client
            .query_opt(&statement, &[&node])
            .await
            .map_err(DatabaseError::statement("look up a node"))?;
        // The table's check holds the length to 32.
        Ok(row.and_then(|row| row.get::<_, &[u8]>(0).try_into().ok()))
    }
}
