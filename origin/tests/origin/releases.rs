//! From keys to a roll-back on the command line: what each command prints, and how each refuses.

use std::fs;

use ranking::{Candidates, Columns};
use release::{CandidateFile, Manifest};
use serde_json::Value;

use crate::process::{Home, Origin};

/// A running origin with keys, a small catalogue and models. It holds the database for the commands.
struct Workshop {
    origin: Origin,
    address: String,
    home: Home,
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // A test that has failed need not fail twice; the origin is killed then.
        if !std::thread::panicking() {
            self.origin.ask_to_stop("-TERM");
        }
    }
}

impl Workshop {
    fn new() -> Self {
        let home = Home::new();
        let (origin, address) = home.serve();
        assert!(home.says(&["keys", "init"]).starts_with("made four keys; give "));
        let imported = home.says(&["import", "--generated", "--titles", "60", "--viewers", "120"]);
        assert!(imported.contains(": 60 titles, 120 viewers, "), "{imported}");
        let trained = home.says(&["train"]);
        assert!(trained.starts_with("item-to-item rows of "), "{trained}");
        Self { origin, address, home }
    }

    /// Files that begin like components; a push runs none of them.
    fn components(&self) -> String {
        let folder = self.home.path("components");
        fs::create_dir_all(&folder).unwrap();
        for name in ["ranking.wasm", "inference.wasm", "bitrate.wasm", "qoe.wasm"] {
            let bytes = [b"\0asm\x0d\0\x01\0", name.as_bytes()].concat();
            fs::write(folder.join(name), bytes).unwrap();
        }
        folder.to_string_lossy().into_owned()
    }

    fn push(&self) -> String {
        self.home.says(&["release", "push", "--components", &self.components()])
    }

    /// The code of the one line that a failed command prints; nothing goes to stdout, and it exits with 1.
    fn refusal(&self, arguments: &[&str]) -> String {
        let output = self.home.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{arguments:?}: {stderr}");
        let code = stderr.strip_prefix("error: ").and_then(|rest| rest.split(": ").next());
        code.unwrap_or_else(|| panic!("{arguments:?}: {stderr}")).to_owned()
    }

    fn list(&self) -> Value {
        serde_json::from_str(&self.home.says(&["release", "list", "--json"])).unwrap()
    }

    /// The release that a channel points to.
    fn stable(&self) -> Option<u64> {
        let list = self.list();
        let channels = list["channels"].as_array().unwrap();
        channels.iter().find(|known| known["channel"] == "stable")?["generation"].as_u64()
    }

    fn generations(&self) -> Vec<u64> {
        let list = self.list();
        let releases = list["releases"].as_array().unwrap();
        let mut numbers: Vec<u64> =
            releases.iter().map(|release| release["generation"].as_u64().unwrap()).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The version of the signed state that the running origin hands out.
    fn served_version(&self) -> u64 {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        stream
            .write_all(b"GET /tuf/metadata/timestamp.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let timestamp: Value = serde_json::from_str(body).unwrap();
        timestamp["signed"]["version"].as_u64().unwrap()
    }
}

#[test]
fn releases_are_pushed_listed_shown_promoted_and_rolled_back() {
    let workshop = Workshop::new();
    let home = &workshop.home;
    for generation in 1..=3_u64 {
        let said = workshop.push();
        let start = format!("generation {generation} on channel stable: ");
        assert!(said.starts_with(&start) && said.contains(" files, "), "{said}");
        assert!(said.contains("HR@10 0."), "{said}");
        assert_eq!((workshop.stable(), workshop.served_version()), (Some(generation), generation));
    }
    assert_eq!(workshop.generations(), [1, 2, 3]);

    let table = home.says(&["release", "list"]);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["generation", "parent", "created", "HR@10", "channels"]);
    let two = lines.iter().find(|line| line[0] == "2").unwrap();
    assert_eq!((two[1], two.len()), ("1", 4), "its parent is 1 and no channel points to it: {table}");
    let three = lines.iter().find(|line| line[0] == "3").unwrap();
    assert_eq!((three[1], three[4]), ("2", "stable"), "{table}");

    let shown = home.says(&["release", "show", "2"]);
    assert!(shown.starts_with("generation  2\nparent      1\n"), "{shown}");
    for part in ["ranking.wasm", "titles.json", "hr_at_10", "golden"] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    let manifest: Value = serde_json::from_str(&home.says(&["release", "show", "2", "--json"])).unwrap();
    assert_eq!((&manifest["generation"], &manifest["parent"]), (&2.into(), &1.into()));

    // Without --to it goes back to the parent, each time one further, under a newer signature.
    let back = "channel stable points to generation";
    assert_eq!(home.says(&["release", "rollback"]), format!("{back} 2"));
    assert_eq!((workshop.stable(), workshop.served_version()), (Some(2), 4));
    assert_eq!(home.says(&["release", "rollback"]), format!("{back} 1"));
    assert_eq!(workshop.refusal(&["release", "rollback"]), "release-nothing-before");
    assert_eq!((workshop.stable(), workshop.served_version()), (Some(1), 5));

    assert_eq!(home.says(&["release", "promote", "--generation", "3"]), format!("{back} 3"));
    assert_eq!(home.says(&["release", "rollback", "--to", "1"]), format!("{back} 1"));
    let canary = home.says(&["release", "promote", "--generation", "2", "--channel", "canary"]);
    assert_eq!(canary, "channel canary points to generation 2");
    assert_eq!((workshop.stable(), workshop.served_version()), (Some(1), 8));
    // What is pushed after a roll-back comes from what the channel points to, under a new number.
    assert!(workshop.push().starts_with("generation 4 "));
    assert!(home.says(&["release", "show", "4"]).contains("parent      1\n"));
}

#[test]
fn a_generation_that_does_not_exist_is_refused_and_the_channel_stays() {
    let workshop = Workshop::new();
    assert_eq!(workshop.refusal(&["release", "rollback"]), "release-nothing-before");
    workshop.push();
    for arguments in [
        ["release", "promote", "--generation", "99"].as_slice(),
        &["release", "rollback", "--to", "99"],
        &["release", "show", "99"],
        &["release", "show", "99", "--json"],
    ] {
        assert_eq!(workshop.refusal(arguments), "release-unknown", "{arguments:?}");
    }
    assert_eq!((workshop.stable(), workshop.served_version()), (Some(1), 1));
    // What is no number is a mistake on the command line.
    let output = workshop.home.run(&["release", "promote", "--generation", "newest"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_release_that_finds_clearly_less_is_refused_with_its_figures_and_the_one_before_stays() {
    let workshop = Workshop::new();
    workshop.push();
    let shown: Value =
        serde_json::from_str(&workshop.home.says(&["release", "show", "1", "--json"])).unwrap();
    assert!(shown["quality"]["overlap_at_10"].as_f64().unwrap() > 0.95, "{shown}");
    let everywhere = workshop.home.path("data/models/everywhere.safetensors");
    let sound = fs::read(&everywhere).unwrap();
    fs::write(&everywhere, shuffled(&sound)).unwrap();

    let components = workshop.components();
    let push = ["release", "push", "--components", &components];
    let output = workshop.home.run(&push);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{said}");
    assert!(said.starts_with("error: quality-fell: "), "{said}");
    for figure in ["hr_at_10", "ndcg_at_10", "debiased_hr_at_10", "coverage_at_10", "overlap_at_10", "users"]
    {
        assert!(said.contains(&format!("{figure} ")), "{figure} is missing in {said}");
    }
    let output = workshop.home.run(&[&push[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["refused"], &report["generation"]), (&"quality-fell".into(), &2.into()));
    assert!(report["quality"]["hr_at_10"].is_number() && !report["fell"].as_array().unwrap().is_empty());
    assert_eq!((workshop.stable(), workshop.served_version()), (Some(1), 1));
    assert_eq!(workshop.generations(), [1]);

    // Whoever means it says why, and the release says so for ever.
    assert_eq!(workshop.refusal(&[&push[..], &["--accept-worse", ""]].concat()), "reason-length");
    let reason = "the licences of the old hits ended";
    let said = workshop.home.says(&[&push[..], &["--accept-worse", reason]].concat());
    assert!(said.contains("accepted although ") && said.contains("overlap_at_10"), "{said}");
    let accepted = workshop.stable().unwrap();
    let shown = workshop.home.says(&["release", "show", &accepted.to_string(), "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["accepted_worse"], reason);

    // A ranker from elsewhere is admitted like ours: this one is no ONNX, and that one has five features.
    fs::write(workshop.home.path("ranker.onnx"), "not ONNX").unwrap();
    let brought = workshop.home.path("ranker.onnx").to_string_lossy().into_owned();
    assert_eq!(workshop.refusal(&[&push[..], &["--ranker", &brought]].concat()), "ranker-refused");
    fs::write(&brought, include_bytes!("../../../crates/inference/tests/data/ranker-narrow.onnx")).unwrap();
    assert_eq!(workshop.refusal(&[&push[..], &["--ranker", &brought]].concat()), "ranker-refused");

    // A better one needs no excuse, and carries none.
    fs::write(&everywhere, sound).unwrap();
    let said = workshop.home.says(&[&push[..], &["--json", "--accept-worse", reason]].concat());
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["accepted_worse"], &said["fell"]), (&Value::Null, &Value::Array(Vec::new())));
    assert_eq!(workshop.stable(), said["generation"].as_u64());
}

#[test]
fn a_push_publishes_what_has_changed_since_the_release_before() {
    let workshop = Workshop::new();
    workshop.push();
    workshop.home.says(&["licence", "block", "--title", "7", "--region", "eu"]);
    let components = workshop.components();
    let said = workshop.home.says(&["release", "push", "--components", &components, "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let (delta, full) = (&said["delta_bytes"], &said["delta_full_bytes"]);
    assert!(delta.as_u64().unwrap() * 2 <= full.as_u64().unwrap(), "{said}");
    let manifest = workshop.home.says(&["release", "show", "2", "--json"]);
    let manifest = Manifest::decode(manifest.as_bytes()).unwrap();
    let file = |sha256: &str| {
        fs::read(workshop.home.path(&format!("data/tuf/targets/{sha256}.sha256-{sha256}"))).unwrap()
    };
    let delta = manifest.deltas.iter().find(|delta| delta.file == "candidates-eu.safetensors").unwrap();
    let whole = manifest.file(&delta.file).unwrap();
    let made = delta::apply(&file(&delta.from), &file(&delta.sha256), whole.bytes).unwrap();
    assert_eq!(made, file(&whole.sha256), "bit for bit");
    // A release like the one before needs none; an older one keeps its own.
    assert!(!workshop.push().contains("deltas of"));
    file(&delta.sha256);
}

/// Every title with the row of another.
fn shuffled(file: &[u8]) -> Vec<u8> {
    let mut file = CandidateFile::decode(file).unwrap();
    let all = file.candidates.columns().clone();
    let titles = all.title_ids.len();
    let mut columns = Columns { row_offsets: vec![0], ..all.clone() };
    (columns.row_indexes, columns.row_weights) = Default::default();
    columns.row_scales_log2.rotate_left(titles / 2);
    for title in 0..titles {
        let other = (title + titles / 2) % titles;
        for entry in all.row_offsets[other] as usize..all.row_offsets[other + 1] as usize {
            columns.row_indexes.push(all.row_indexes.at(entry));
            columns.row_weights.push(all.row_weights[entry]);
        }
        columns.row_offsets.push(columns.row_weights.len() as u32);
    }
    file.candidates = Candidates::new(columns).unwrap();
    file.encode()
}

#[test]
fn what_a_command_needs_first_is_named_by_the_code() {
    let home = Home::new();
    let (origin, address) = home.serve();
    let workshop = Workshop { origin, address, home };
    let components = workshop.components();
    let push = ["release", "push", "--components", &components];
    assert_eq!(workshop.refusal(&["train"]), "train-no-history");
    assert_eq!(workshop.refusal(&push), "models-missing");
    workshop.home.says(&["import", "--generated", "--titles", "60", "--viewers", "120"]);
    workshop.home.says(&["train"]);
    assert_eq!(workshop.refusal(&["release", "push", "--components", "/nowhere"]), "file");
    fs::write(workshop.home.path("components/qoe.wasm"), "<html>").unwrap();
    assert_eq!(workshop.refusal(&push), "component-refused");
    let components = workshop.components();
    assert_eq!(workshop.refusal(&["release", "push", "--components", &components]), "keys-missing");
    assert_eq!(workshop.stable(), None, "no channel points to what was not signed");
    workshop.home.says(&["keys", "init"]);
    assert_eq!(workshop.refusal(&["keys", "init"]), "keys-exist");
    workshop.push();
    assert_eq!(workshop.stable(), workshop.generations().last().copied());
}
