//! What was published, what each channel points to, and the audit.

use deadpool_postgres::{Client, Object};
use tokio_postgres::GenericClient;

use super::{Database, DatabaseError, Moment, narrow};

/// A release to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRelease {
    /// Its number, from [`Database::next_generation`].
    pub generation: u64,
    /// The release it was made from.
    pub parent: Option<u64>,
    /// Digest of the manifest, 64 hexadecimal digits.
    pub manifest_sha256: String,
    /// The manifest, JSON.
    pub manifest: String,
}

/// A published release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its number.
    pub generation: u64,
    /// The release it was made from.
    pub parent: Option<u64>,
    /// When it was published, unix seconds.
    pub created_unix_s: u64,
    /// Digest of the manifest, 64 hexadecimal digits.
    pub manifest_sha256: String,
    /// The manifest, JSON (the same content, not the same bytes).
    pub manifest: String,
}

/// A named pointer to a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub channel: String,
    /// Where it points.
    pub generation: u64,
    /// Since when, unix seconds.
    pub changed_unix_s: u64,
}

/// A line of the audit; none is ever changed.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Who did it: the account of the operating system, or a node.
    pub actor: String,
    /// What was done, as `release-push`.
    pub action: String,
    /// To what, as `generation 3`.
    pub subject: String,
    /// The particulars.
    pub detail: serde_json::Value,
}

/// Held by the one process that publishes; let go when dropped.
#[derive(Debug)]
pub struct PublishLock {
    client: Option<Client>,
}

impl Drop for PublishLock {
    fn drop(&mut self) {
        // The lock belongs to the connection, so the connection must not go back to the pool.
        drop(self.client.take().map(Object::take));
    }
}

/// One number for all origins of a database; any would do, but that of the migrations.
const PUBLISH_LOCK: i64 = 0x5075_626c_6973_6800;

impl Database {
    /// Waits until nobody else publishes.
    pub async fn lock_publishing(&self) -> Result<PublishLock, DatabaseError> {
        let client = self.client().await?;
        client
            .execute("select pg_advisory_lock($1)", &[&PUBLISH_LOCK])
            .await
            .map_err(DatabaseError::statement("wait for other publishers"))?;
        Ok(PublishLock { client: Some(client) })
    }

    /// The number of the next release, 1 for the first; certain while the [`PublishLock`] is held.
    pub async fn next_generation(&self) -> Result<u64, DatabaseError> {
        let client = self.client().await?;
        let row = client
            .query_one("select coalesce(max(generation), 0) + 1 from releases", &[])
            .await
            .map_err(DatabaseError::statement("number a release"))?;
        narrow("generation", row.get(0))
    }

    /// Writes a release down, with its line in the audit; the channel, if one is named, points to it.
    pub async fn record_release(
        &self,
        release: &NewRelease,
        channel: Option<&str>,
        entry: &AuditEntry,
    ) -> Result<(), DatabaseError> {
        let failed = || DatabaseError::statement("record a release");
        let generation = generation_sql(release.generation)?;
        let parent = release.parent.map(generation_sql).transpose()?;
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(failed())?;
        transaction
            .execute(
                "insert into releases (generation, parent, manifest_sha256, manifest)
                 values ($1, $2, $3, $4::text::jsonb)",
                &[&generation, &parent, &release.manifest_sha256, &release.manifest],
            )
            .await
            .map_err(failed())?;
        if let Some(channel) = channel {
            point(&*transaction, channel, generation).await?;
        }
        append(&*transaction, entry).await?;
        transaction.commit().await.map_err(failed())
    }

    /// Lets a channel point to a release, with its line in the audit.
    pub async fn set_channel(
        &self,
        channel: &str,
        generation: u64,
        entry: &AuditEntry,
    ) -> Result<(), DatabaseError> {
        let failed = || DatabaseError::statement("set a channel");
        self.release(generation).await?;
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(failed())?;
        point(&*transaction, channel, generation_sql(generation)?).await?;
        append(&*transaction, entry).await?;
        transaction.commit().await.map_err(failed())
    }

    /// All channels in the order of their names.
    pub async fn channels(&self) -> Result<Vec<Channel>, DatabaseError> {
        let client = self.client().await?;
        let rows = client
            .query("select channel, generation, changed_at from channels order by channel collate \"C\"", &[])
            .await
            .map_err(DatabaseError::statement("read the channels"))?;
        let channel = |row: &tokio_postgres::Row| {
            Ok(Channel {
                channel: row.get(0),
                generation: narrow("generation", row.get(1))?,
                changed_unix_s: row.get::<_, Moment>(2).unix_s(),
            })
        };
        rows.iter().map(channel).collect()
    }

    /// All releases, newest first.
    pub async fn releases(&self) -> Result<Vec<Release>, DatabaseError> {
        let client = self.client().await?;
        let rows = client
            .query(&format!("{SELECT_RELEASE} order by generation desc"), &[])
            .await
            .map_err(DatabaseError::statement("read the releases"))?;
        rows.iter().map(release).collect()
    }

    /// One release.
    pub async fn release(&self, generation: u64) -> Result<Release, DatabaseError> {
        let client = self.client().await?;
        let row = client
            .query_opt(&format!("{SELECT_RELEASE} where generation = $1"), &[&generation_sql(generation)?])
            .await
            .map_err(DatabaseError::statement("read a release"))?;
        release(&row.ok_or(DatabaseError::ReleaseUnknown(generation))?)
    }

    /// Adds a line to the audit.
    pub async fn append_audit(&self, entry: &AuditEntry) -> Result<(), DatabaseError> {
        append(&**self.client().await?, entry).await
    }
}

const SELECT_RELEASE: &str =
    "select generation, parent, created_at, manifest_sha256, manifest::text from releases";

fn release(row: &tokio_postgres::Row) -> Result<Release, DatabaseError> {
    let parent: Option<i64> = row.get(1);
    Ok(Release {
        generation: narrow("generation", row.get(0))?,
        parent: parent.map(|parent| narrow("generation", parent)).transpose()?,
        created_unix_s: row.get::<_, Moment>(2).unix_s(),
        manifest_sha256: row.get(3),
        manifest: row.get(4),
    })
}

fn generation_sql(generation: u64) -> Result<i64, DatabaseError> {
    i64::try_from(generation).map_err(|_| DatabaseError::ReleaseUnknown(generation))
}

async fn point<C: GenericClient>(client: &C, channel: &str, generation: i64) -> Result<(), DatabaseError> {
    client
        .execute(
            "insert into channels (channel, generation) values ($1, $2)
             on conflict (channel) do update set generation = excluded.generation, changed_at = now()",
            &[&channel, &generation],
        )
        .await
        .map_err(DatabaseError::statement("set a channel"))?;
    Ok(())
}

pub(super) async fn append<C: GenericClient>(client: &C, entry: &AuditEntry) -> Result<(), DatabaseError> {
    client
        .execute(
            "insert into audit (actor, action, subject, detail) values ($1, $2, $3, $4::text::jsonb)",
            &[&entry.actor, &entry.action, &entry.subject, &entry.detail.to_string()],
        )
        .await
        .map_err(DatabaseError::statement("write the audit"))?;
    Ok(())
}
