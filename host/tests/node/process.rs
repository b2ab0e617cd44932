//! The program itself: what it says when it does not start, its signals, its exit codes, its disk.

use std::path::Path;
use std::process::Stdio;

use jiff::SignedDuration;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::catalogue::{Release, VIEWER};
use crate::client::{get, post, wait_for};
use crate::origin::Origin;
use crate::publisher::Publisher;
use crate::scene::config_text;

struct Program {
    child: Child,
    public: String,
    admin: String,
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow-edge"));
    command.arg("--config").arg(folder.join("edge.toml")).stdin(Stdio::null()).kill_on_drop(true);
    // A machine without certificate authorities runs a node too.
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
    command
}

impl Program {
    /// Starts the program in a folder and waits until it listens.
    async fn start(folder: &Path) -> Self {
        let ready_file = folder.join("ready.json");
        let _ = std::fs::remove_file(&ready_file);
        let child = command(folder)
            .arg("--ready-file")
            .arg(&ready_file)
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let ready: Value = wait_for("the ready file", || async {
            Some(serde_json::from_slice(&std::fs::read(&ready_file).ok()?).expect("whole"))
        })
        .await;
        let text = |field: &str| ready[field].as_str().expect("an address").to_owned();
        Self { child, public: text("public"), admin: text("admin") }
    }

    async fn until_ready(&self) {
        let url = format!("http://{}/readyz", self.admin);
        wait_for("readiness", || async { (get(&url).await.status == 200).then_some(()) }).await;
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([name, &pid]).status().await.expect("kill");
        assert!(sent.success());
    }

    async fn recommend(&self) -> Value {
        let url = format!("http://{}/v1/recommend", self.public);
        post(&url, "application/json", format!(r#"{{"viewer":{VIEWER},"k":3}}"#)).await.json()
    }
}

#[tokio::test]
async fn an_unknown_key_stops_the_start_with_file_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = config_text(folder.path(), "http://127.0.0.1:1", "colour = \"blue\"");
    let line = text.lines().position(|line| line.starts_with("colour")).expect("a line") + 1;
    std::fs::write(folder.path().join("edge.toml"), &text).expect("a file");
    for arguments in [&[][..], &["--check"][..]] {
        let output = command(folder.path()).args(arguments).output().await.expect("it ends");
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = format!("edge.toml:{line}: unknown field `colour`");
        assert!(
            said.starts_with("frontrow-edge: config-unknown-key: ") && said.contains(&expected),
            "{said}"
        );
    }
}

#[tokio::test]
async fn what_is_missing_stops_the_start_with_its_code() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("edge.toml"), config_text(folder.path(), "http://127.0.0.1:1", ""))
        .expect("a file");
    let said = async || {
        let output = command(folder.path()).output().await.expect("it ends");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said().await.contains("frontrow-edge: root-unreadable: "));
    std::fs::create_dir(folder.path().join("tuf")).expect("a folder");
    std::fs::write(folder.path().join("tuf/root.json"), "{}").expect("a file");
    assert!(said().await.contains("frontrow-edge: root-malformed: "));
    std::fs::remove_file(folder.path().join("edge.toml")).expect("removed");
    assert!(said().await.contains("frontrow-edge: config-unreadable: "));
}

#[tokio::test]
async fn a_killed_node_comes_back_from_disk_without_its_origin_and_ends_when_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut publisher = Publisher::new(&folder.path().join("tuf")).await;
    publisher.publish(&Release::of(1)).await;
    publisher.sign(SignedDuration::from_hours(1)).await;
    let origin = Origin::start(&folder.path().join("tuf")).await;
    let text = config_text(folder.path(), &format!("http://{}", origin.address), "");
    std::fs::write(folder.path().join("edge.toml"), &text).expect("a file");

    let mut first = Program::start(folder.path()).await;
    first.until_ready().await;
    let answer = first.recommend().await;
    assert_eq!(answer["generation"], 1);
    first.child.kill().await.expect("killed");
    drop(origin);

    let mut second = Program::start(folder.path()).await;
    second.until_ready().await;
    let again = second.recommend().await;
    assert_eq!((&again["picks"], &again["stale"]), (&answer["picks"], &Value::Bool(true)));

    // SIGHUP loads the configuration again.
    let us = text.replace("region = \"eu\"", "region = \"us\"");
    std::fs::write(folder.path().join("edge.toml"), us).expect("a file");
    second.signal("-HUP").await;
    wait_for("the other region", || async { (second.recommend().await["region"] == "us").then_some(()) })
        .await;

    second.signal("-TERM").await;
    let ended = second.child.wait().await.expect("it ends");
    assert_eq!(ended.code(), Some(0));
}
