//! The process: what it says, what it leaves behind, and how it comes back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::stage::{movietweetings, wait_until};

/// A data folder of one test's own; nothing of it may outlive the test.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow-origin"));
        command.env_remove("DATABASE_URL").arg("--data").arg(self.path("data")).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap().trim().to_owned()
    }

    /// Starts `serve` and waits until it listens.
    pub(crate) fn serve(&self) -> (Origin, String) {
        let ready = self.path("ready.json");
        let _ = fs::remove_file(&ready);
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--ready-file"];
        let child = self.command(&arguments).arg(&ready).stdout(Stdio::null()).spawn().unwrap();
        let origin = Origin { child };
        wait_until("the origin listens", || ready.exists());
        let ready: serde_json::Value = serde_json::from_str(&fs::read_to_string(ready).unwrap()).unwrap();
        (origin, ready["public"].as_str().unwrap().to_owned())
    }

    /// The processes that live in the database's folder: its server and the server's helpers.
    fn servers(&self) -> Vec<PathBuf> {
        let data = self.path("data/postgres/data").canonicalize().unwrap();
        let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let lives_here = |process: &PathBuf| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == data);
        processes.filter(lives_here).collect()
    }

    fn postmaster(&self) -> Option<String> {
        let text = fs::read_to_string(self.path("data/postgres/data/postmaster.pid")).ok()?;
        text.lines().next().map(str::to_owned)
    }
}

/// A running `serve`; a test that fails leaves none behind.
pub(crate) struct Origin {
    child: Child,
}

impl Origin {
    pub(crate) fn ask_to_stop(&mut self, name: &str) {
        signal(name, &Some(self.child.id().to_string()));
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(name: &str, pid: &Option<String>) {
    let pid = pid.as_deref().expect("a process");
    assert!(Command::new("kill").args([name, pid]).status().unwrap().success());
}

fn is_ready(address: &str) -> bool {
    use std::io::{Read, Write};
    let mut answer = String::new();
    let mut ask = || {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        stream.read_to_string(&mut answer)
    };
    ask().is_ok() && answer.starts_with("HTTP/1.1 200")
}

#[test]
fn it_stops_on_sigterm_and_leaves_no_server_behind() {
    let home = Home::new();
    let (mut origin, address) = home.serve();
    assert!(is_ready(&address));
    assert!(!home.servers().is_empty());
    origin.ask_to_stop("-TERM");
    assert_eq!(home.servers(), Vec::<PathBuf>::new());
}

#[test]
fn a_killed_origin_leaves_no_server_behind_and_comes_back_with_its_data() {
    let home = Home::new();
    let (mut origin, _) = home.serve();
    home.says(&["node", "add", "edge-1"]);
    origin.kill();
    wait_until("the keeper has stopped the server", || home.servers().is_empty());
    assert!(home.fails(&["node", "add", "edge-1"]).starts_with("error: node-exists:"));
    assert_eq!(home.servers(), Vec::<PathBuf>::new());
}

#[test]
fn a_database_server_that_dies_is_started_again_with_its_data() {
    let home = Home::new();
    let (mut origin, address) = home.serve();
    home.says(&["node", "add", "edge-1"]);
    let dead = home.postmaster();
    signal("-KILL", &dead);
    wait_until("there is another server", || home.postmaster().is_some_and(|alive| Some(alive) != dead));
    wait_until("the origin is ready again", || is_ready(&address));
    assert!(home.fails(&["node", "add", "edge-1"]).starts_with("error: node-exists:"));
    origin.ask_to_stop("-INT");
    assert_eq!(home.servers(), Vec::<PathBuf>::new());
}

#[test]
fn commands_at_once_share_one_server_and_the_last_stops_it() {
    let home = Home::new();
    home.says(&["init"]);
    let add = |name: &str| home.command(&["node", "add", name]).stdout(Stdio::null()).spawn().unwrap();
    let commands: Vec<Child> = (0..6).map(|number| add(&format!("edge-{number}"))).collect();
    for mut command in commands {
        assert!(command.wait().unwrap().success());
    }
    assert_eq!(home.servers(), Vec::<PathBuf>::new());
}

#[test]
fn a_path_too_long_for_a_socket_is_no_obstacle() {
    let home = Home::new();
    let long = home.path(&"a".repeat(120));
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow-origin"));
    command.env_remove("DATABASE_URL").arg("--data").arg(&long).args(["node", "add", "edge-1"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_import_says_what_it_did_and_what_it_left_out() {
    let home = Home::new();
    let folder = movietweetings(
        home.folder.path(),
        "0004936::The Bank (1915)::Comedy\n",
        "1::0004936::7::1364690142\nnonsense\n",
    );
    let output = home.run(&["import", &folder.to_string_lossy()]);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("1 titles, 1 viewers, 1 watch events (1 new), 1 bad lines left out"), "{stdout}");
    assert_eq!(stderr.trim(), "left out: ratings.dat:2: fields are missing");
    let again = home.says(&["import", &folder.to_string_lossy()]);
    assert!(again.contains("1 watch events (0 new)"), "{again}");
    let error = home.fails(&["import", "--generated"]);
    assert!(error.starts_with("error: import-other-catalogue:"), "{error}");
}

#[test]
fn a_token_is_shown_once_or_written_for_its_owner_only() {
    let home = Home::new();
    let printed = home.says(&["node", "add", "edge-1"]);
    assert!(printed.starts_with("edge-1.") && printed.len() == "edge-1.".len() + 64, "{printed}");
    let path = home.path("token");
    let shown = path.to_string_lossy().into_owned();
    let said = home.says(&["node", "add", "edge-2", "--token-file", &shown]);
    let token = fs::read_to_string(&path).unwrap();
    assert!(!said.contains(token.trim()), "{said}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // A file that is there is not overwritten, and no token is made.
    assert!(home.fails(&["node", "add", "edge-3", "--token-file", &shown]).starts_with("error: file:"));
    assert_eq!(fs::read_to_string(&path).unwrap(), token);
    assert!(home.fails(&["node", "add", "a/b"]).starts_with("error: node-name:"));
    assert!(home.says(&["node", "revoke", "edge-1"]).contains("revoked"));
    assert!(home.fails(&["node", "revoke", "edge-1"]).starts_with("error: node-unknown:"));
}

#[test]
fn what_sessions_saw_is_told_as_a_table_or_as_json() {
    let home = Home::new();
    assert!(home.says(&["qoe", "--refresh"]).starts_with("from"));
    let json: serde_json::Value =
        serde_json::from_str(&home.says(&["qoe", "--by", "title", "--json"])).unwrap();
    assert_eq!((&json["by"], &json["rows"]), (&"title".into(), &serde_json::json!([])));
    let error = home.fails(&["qoe", "--by", "colour"]);
    assert!(error.starts_with("error: qoe-by:"), "{error}");
}

#[test]
fn a_config_with_an_unknown_key_stops_the_start() {
    let home = Home::new();
    let config = home.path("origin.toml");
    fs::write(&config, "lissten = \"127.0.0.1:0\"\n").unwrap();
    let error = home.fails(&["init", "--config", &config.to_string_lossy()]);
    assert!(error.starts_with("error: config-invalid:") && error.contains("line 1"), "{error}");
    assert!(!Path::new(&home.path("data")).exists());
}

#[test]
fn an_address_that_is_taken_is_told() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = home.fails(&["serve", "--listen", &address]);
    assert!(error.starts_with("error: listen:"), "{error}");
    assert_eq!(home.servers(), Vec::<PathBuf>::new());
}
