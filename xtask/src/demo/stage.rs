//! What the story plays on: one origin and two nodes in `target/demo`, all on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Source;
use super::http::Client;
use super::players::ID_PREFIX;
use super::process::{Process, wait_for};
use crate::shell;

/// A cluster that a crash left behind recovers first.
const ORIGIN_DEADLINE: Duration = Duration::from_secs(60);

/// To listening, not to serving a generation.
const NODE_DEADLINE: Duration = Duration::from_secs(20);

/// The servers and where they live.
pub(crate) struct Stage {
    folder: PathBuf,
    components: PathBuf,
    client: Client,
    origin: Option<Process>,
    /// Kept over a restart, so that the nodes find the origin again.
    origin_address: String,
    nodes: [Node; 2],
}

/// How many events there are.
pub(crate) struct EventsStored {
    /// Rows.
    pub(crate) all: u64,
    /// Ids.
    pub(crate) distinct: u64,
}

/// A node and its addresses.
struct Node {
    name: &'static str,
    process: Option<Process>,
    public: String,
    admin: String,
}

impl Stage {
    /// An empty stage; what an earlier demo left is removed, but for what the nodes compiled.
    pub(crate) fn new(folder: &Path, components: &Path) -> Result<Self> {
        for name in ["origin", "edge-1", "edge-2", "logs", "run"] {
            let path = folder.join(name);
            if path.exists() {
                fs::remove_dir_all(&path).with_context(|| format!("cannot empty {}", path.display()))?;
            }
        }
        for name in ["logs", "run"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let node = |name| Node { name, process: None, public: String::new(), admin: String::new() };
        Ok(Self {
            folder: folder.to_path_buf(),
            components: components.to_path_buf(),
            client: Client::new(),
            origin: None,
            origin_address: "127.0.0.1:0".to_owned(),
            nodes: [node("edge-1"), node("edge-2")],
        })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn name(&self, node: usize) -> &'static str {
        self.nodes[node].name
    }

    /// `http://…` of a node's public listener.
    pub(crate) fn url(&self, node: usize) -> String {
        format!("http://{}", self.nodes[node].public)
    }

    /// The page, as each node serves it.
    pub(crate) fn pages(&self) -> Vec<String> {
        let running = self.nodes.iter().filter(|node| node.process.is_some());
        running.map(|node| format!("http://{}/", node.public)).collect()
    }

    /// Starts the origin; the first time with new keys and a token for each node.
    pub(crate) fn start_origin(&mut self) -> Result<String> {
        if !self.folder.join("origin").exists() {
            self.origin_says(&["keys", "init"])?;
        }
        let ready_file = self.folder.join("run/origin.json");
        let mut serve = self.origin()?;
        serve.args(["serve", "--listen", &self.origin_address, "--ready-file"]).arg(&ready_file);
        let log = self.folder.join("logs/origin.log");
        let (process, ready) = Process::start("the origin", &mut serve, &ready_file, &log, ORIGIN_DEADLINE)?;
        self.origin = Some(process);
        self.origin_address = text(&ready, "public")?;
        for node in &self.nodes {
            let token = self.token_file(node.name);
            if !token.exists() {
                let token = token.to_string_lossy().into_owned();
                self.origin_says(&["node", "add", node.name, "--token-file", &token])?;
            }
        }
        Ok(format!("http://{}", self.origin_address))
    }

    pub(crate) fn stop_origin(&mut self) -> Result<()> {
        if let Some(mut origin) = self.origin.take() {
            let status = origin.stop()?;
            ensure!(status.success(), "the origin ended with {status}");
        }
        Ok(())
    }

    pub(crate) fn import(&self, source: &Source) -> Result<String> {
        match source {
            Source::Folder(folder) => self.origin_says(&["import", &folder.to_string_lossy()]),
            Source::Generated => self.origin_says(&["import", "--generated"]),
        }
    }

    /// Assembles, signs and publishes the next generation on the channel `stable`.
    pub(crate) fn push(&self) -> Result<String> {
        self.origin_says(&["release", "push", "--components", &self.components.to_string_lossy()])
    }

    /// Runs an operator's command and returns what it prints.
    pub(crate) fn origin_says(&self, arguments: &[&str]) -> Result<String> {
        Ok(shell::output(self.origin()?.args(arguments))?.trim().to_owned())
    }

    fn origin(&self) -> Result<Command> {
        let mut command = shell::program("frontrow-origin")?;
        command.arg("--data").arg(self.folder.join("origin"));
        Ok(command)
    }

    fn token_file(&self, node: &str) -> PathBuf {
        self.folder.join("run").join(format!("{node}.token"))
    }

    /// Starts a node and waits until it listens.
    pub(crate) fn start_node(&mut self, node: usize) -> Result<()> {
        let name = self.nodes[node].name;
        let config = self.folder.join("run").join(format!("{name}.toml"));
        fs::write(&config, self.node_config(name)?)?;
        let ready_file = self.folder.join("run").join(format!("{name}.json"));
        let mut command = shell::program("frontrow-edge")?;
        command.arg("--config").arg(&config).arg("--ready-file").arg(&ready_file);
        let log = self.folder.join("logs").join(format!("{name}.log"));
        let (process, ready) = Process::start(name, &mut command, &ready_file, &log, NODE_DEADLINE)?;
        let node = &mut self.nodes[node];
        node.process = Some(process);
        node.public = text(&ready, "public")?;
        node.admin = text(&ready, "admin")?;
        Ok(())
    }

    /// The configuration that operators start from, with this machine's folders and ports.
    fn node_config(&self, name: &str) -> Result<String> {
        let path = shell::root().join("cdn-config/edge.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut config: toml::Table =
            text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
        let path = |path: PathBuf| path.display().to_string();
        let beside = shell::root().join("cdn-config");
        let settings: [(&str, &str, toml::Value); 15] = [
            ("", "node", name.into()),
            ("", "data_dir", path(self.folder.join(name)).into()),
            ("", "cache_dir", path(self.folder.join("cache")).into()),
            ("", "ladder", path(beside.join("ladder.toml")).into()),
            ("", "rules", path(beside.join("bitrate-rules.toml")).into()),
            ("", "alerts", path(beside.join("alerts.toml")).into()),
            ("", "steering", path(beside.join("steering.toml")).into()),
            ("public", "listen", "127.0.0.1:0".into()),
            ("admin", "listen", "127.0.0.1:0".into()),
            ("origin", "url", format!("http://{}", self.origin_address).into()),
            ("origin", "root", path(self.folder.join("origin/root.json")).into()),
            ("origin", "token_file", path(self.token_file(name)).into()),
            // A story is told in seconds, not in polls of a real fleet.
            ("origin", "poll_s", 1.into()),
            ("origin", "stale_after_s", 5.into()),
            ("www", "root", path(shell::root().join("www/dist")).into()),
        ];
        for (section, key, value) in settings {
            let table = if section.is_empty() {
                &mut config
            } else {
                let table = config.get_mut(section).and_then(toml::Value::as_table_mut);
                table.with_context(|| format!("cdn-config/edge.toml has no [{section}]"))?
            };
            table.insert(key.to_owned(), value);
        }
        Ok(config.to_string())
    }

    /// Ends a node without warning.
    pub(crate) fn kill_node(&mut self, node: usize) -> Result<()> {
        match self.nodes[node].process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    /// Starts a node again; returns the time from its start to readiness.
    pub(crate) fn restart_node(&mut self, node: usize) -> Result<Duration> {
        let started = Instant::now();
        self.start_node(node)?;
        self.wait_until_ready(node, NODE_DEADLINE)?;
        Ok(started.elapsed())
    }

    pub(crate) fn wait_until_ready(&self, node: usize, deadline: Duration) -> Result<()> {
        let url = format!("http://{}/readyz", self.nodes[node].admin);
        wait_for(deadline, &format!("{} to be ready", self.name(node)), || {
            Ok((self.client.status(&url) == Some(200)).then_some(()))
        })
    }

    pub(crate) fn wait_until_generation(
        &self,
        node: usize,
        generation: u64,
        deadline: Duration,
    ) -> Result<()> {
        wait_for(deadline, &format!("{} to serve generation {generation}", self.name(node)), || {
            Ok((self.generation(node)? == generation).then_some(()))
        })
    }

    /// What a node's admin listener tells of it.
    pub(crate) fn status(&self, node: usize) -> Result<Value> {
        self.client.get(&format!("http://{}/status", self.nodes[node].admin))
    }

    pub(crate) fn generation(&self, node: usize) -> Result<u64> {
        self.status(node)?["generation"].as_u64().context("a node's status names no generation")
    }

    /// Releases a node has refused since it started.
    pub(crate) fn refused(&self, node: usize) -> Result<u64> {
        self.status(node)?["sync"]["refused"].as_u64().context("a node's status counts no refusals")
    }

    pub(crate) fn recommend(&self, node: usize, question: &Value) -> Result<Value> {
        self.client.post(&format!("{}/v1/recommend", self.url(node)), question)
    }

    pub(crate) fn home(&self, node: usize, question: &Value) -> Result<Value> {
        self.client.post(&format!("{}/v1/home", self.url(node)), question)
    }

    /// Events of players in the origin's database, as `psql` counts them.
    pub(crate) fn events_stored(&self) -> Result<EventsStored> {
        // The fifth line of PostgreSQL's lock file is the folder of its socket.
        let lock = fs::read_to_string(self.folder.join("origin/postgres/data/postmaster.pid"))?;
        let socket = lock.lines().nth(4).context("postmaster.pid names no socket")?;
        let question = format!(
            "select count(*), count(distinct event_id) from events where event_id like '{ID_PREFIX}%'"
        );
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator", " "]);
        psql.args([
            "--host",
            socket,
            "--username",
            "frontrow",
            "--dbname",
            "postgres",
            "--command",
            &question,
        ]);
        psql.env("PGCONNECT_TIMEOUT", "10").env("PGOPTIONS", "-c statement_timeout=10s");
        let counts = shell::output(&mut psql)?;
        let counts: Vec<u64> = counts.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [all, distinct] = counts[..] else { anyhow::bail!("psql prints {counts:?}") };
        Ok(EventsStored { all, distinct })
    }

    /// Flips one bit of the newest published file that is not metadata; returns its name.
    pub(crate) fn tamper_with_newest_release(&self) -> Result<String> {
        let folder = self.folder.join("origin/tuf/targets");
        let mut newest = None;
        for entry in fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))? {
            let entry = entry?;
            let modified = entry.metadata()?.modified()?;
            let is_manifest = entry.file_name().to_string_lossy().contains("manifest-");
            if is_manifest && newest.as_ref().is_none_or(|(time, _)| modified > *time) {
                newest = Some((modified, entry.path()));
            }
        }
        let (_, path) = newest.context("no manifest has been published")?;
        let mut bytes = fs::read(&path)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes)?;
        Ok(path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
    }

    /// Stops everything; also what `drop` does, but with the errors told.
    pub(crate) fn stop(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            if let Some(mut process) = node.process.take() {
                process.stop()?;
            }
        }
        self.stop_origin()
    }
}

fn text(ready: &Value, field: &str) -> Result<String> {
    ready[field].as_str().map(str::to_owned).with_context(|| format!("the ready file names no {field}"))
}
