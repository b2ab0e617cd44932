//! A node and its origin, on free ports, in folders that go with the test.

use std::path::{Path, PathBuf};

use frontrow_edge::config::Config;
use frontrow_edge::edge::{Edge, StartError};
use frontrow_edge::sync::Sync;
use serde_json::Value;
use tempfile::TempDir;

use crate::catalogue::Release;
use crate::client::{Answer, get, post, provide_cryptography, wait_for};
use crate::origin::Origin;
use crate::publisher::Publisher;

/// A node that looks at its origin when it is told to.
pub(crate) struct Scene {
    pub(crate) publisher: Publisher,
    pub(crate) origin: Origin,
    pub(crate) edge: Edge,
    pub(crate) sync: Sync,
    pub(crate) folder: TempDir,
}

impl Scene {
    /// Nothing is published yet.
    pub(crate) async fn empty() -> Self {
        Self::with("").await
    }

    /// Generation 1 serves.
    pub(crate) async fn serving() -> Self {
        Self::serving_with("").await
    }

    /// The same, with these lines in `[limits]`.
    pub(crate) async fn serving_with(limits: &str) -> Self {
        Self::with(limits).await.publishing(&Release::of(1)).await
    }

    /// This release serves, as generation 1.
    pub(crate) async fn of(release: &Release) -> Self {
        Self::with("").await.publishing(release).await
    }

    /// The same, models running in the process of the node.
    pub(crate) async fn of_native(release: &Release) -> Self {
        let native = |text: String| format!("inference = \"native\"\n{text}");
        Self::with_text("", native).await.publishing(release).await
    }

    async fn publishing(self, release: &Release) -> Self {
        let mut scene = self;
        scene.publisher.publish(release).await;
        scene.sync.look().await;
        assert_eq!(scene.generation(), Some(1), "{:?}", scene.edge.node.sync.status());
        scene
    }

    async fn with(limits: &str) -> Self {
        Self::with_text(limits, |text| text).await
    }

    async fn with_text(limits: &str, change: impl FnOnce(String) -> String) -> Self {
        provide_cryptography();
        let folder = tempfile::tempdir().expect("a folder");
        let publisher = Publisher::new(&folder.path().join("tuf")).await;
        let origin = Origin::start(&folder.path().join("tuf")).await;
        let text = change(config_text(folder.path(), &format!("http://{}", origin.address), limits));
        let config = sound(&text, folder.path());
        let (edge, sync) = Edge::start_without_sync(config).await.expect("a node");
        Self { publisher, origin, edge, sync, folder }
    }

    /// Stops the node and starts it again from its folder.
    pub(crate) async fn restart(self) -> Self {
        let Self { publisher, origin, edge, sync, folder } = self;
        edge.drain().await;
        drop(sync);
        let config = config(folder.path(), &origin, "");
        // What was in flight lets the folder go a moment after the drain.
        let start = || async {
            match Edge::start_without_sync(config.clone()).await {
                Err(StartError::Spool(error)) if error.code() == "spool-locked" => None,
                started => Some(started.expect("a node")),
            }
        };
        let (edge, mut sync) = wait_for("the folder", start).await;
        sync.resume();
        Self { publisher, origin, edge, sync, folder }
    }

    /// Where the node keeps what must survive it.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn generation(&self) -> Option<u64> {
        self.edge.node.serving.load().as_ref().map(|serving| serving.generation.number())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.edge.public)
    }

    pub(crate) fn admin(&self, path: &str) -> String {
        format!("http://{}{path}", self.edge.admin)
    }

    /// Posts JSON.
    pub(crate) async fn ask(&self, path: &str, body: &Value) -> Answer {
        post(&self.url(path), "application/json", body.to_string()).await
    }

    pub(crate) async fn status(&self) -> Value {
        get(&self.admin("/status")).await.json()
    }

    /// The value of a metric, 0 if it has none yet.
    pub(crate) async fn metric(&self, sample: &str) -> f64 {
        let text = get(&self.admin("/metrics")).await.text();
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().expect("a number"))
    }
}

/// The configuration of a test's node.
pub(crate) fn config(folder: &Path, origin: &Origin, limits: &str) -> Config {
    sound(&config_text(folder, &format!("http://{}", origin.address), limits), folder)
}

fn sound(text: &str, folder: &Path) -> Config {
    Config::parse(text, &folder.join("edge.toml")).expect("a sound configuration")
}

/// The same as text; writes the token.
pub(crate) fn config_text(folder: &Path, origin: &str, limits: &str) -> String {
    std::fs::write(folder.join("token"), "secret\n").expect("a file");
    // All nodes of these tests share it.
    std::fs::write(folder.join("capsule.key"), [7; 32]).expect("a file");
    // Tests run in the folder of their package.
    let shipped = Path::new("../cdn-config").canonicalize().expect("the folder");
    // What is compiled is shared by all tests and all runs of them.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("edge-cache");
    // A machine that builds at the same time is slow; a test of the wait itself says its own.
    let patience = if limits.contains("queue_ms") { "" } else { "queue_ms = 10000" };
    let deadline = if limits.contains("invocation_ms") { "" } else { "invocation_ms = 10000" };
    format!(
        r#"
node = "edge-test"
region = "eu"
data_dir = "data"
cache_dir = "{cache}"
ladder = "{shipped}/ladder.toml"
rules = "{shipped}/bitrate-rules.toml"
alerts = "{shipped}/alerts.toml"
steering = "{shipped}/steering.toml"
capsule_secret_file = "capsule.key"

[public]
listen = "127.0.0.1:0"
cors_origins = ["https://page.example"]

[admin]
listen = "127.0.0.1:0"

[origin]
url = "{origin}"
root = "tuf/root.json"
token_file = "token"
poll_s = 1
stale_after_s = 60

[limits]
invocations = 4
{deadline}
{patience}
{limits}
"#,
        cache = cache.display(),
        shipped = shipped.display(),
    )
}
