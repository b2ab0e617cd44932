//! CMCD and CMSD beside the libraries that web players use, `@svta/cml-cmcd` and `@svta/cml-cmsd`.
//!
//! From the same generated data both sides write a line; each side then reads both lines. The lines have to be
//! the same up to the differences of [`KNOWN`], and what the two sides read has to be the same without exception.
//! `cargo xtask test` installs the libraries and says where; without them the test says so.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canon;
mod generate;

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wire::cmcd::{Mode, Reader, Writer};
use wire::cmsd::{Dynamic, Static};

use generate::Draw;

/// Where our lines differ on purpose from the library's: a name and the reason.
///
/// The generator stays clear of the first four, [`same_line`] allows for the last.
const KNOWN: [(&str, &str); 5] = [
    (
        "tbl",
        "we round the target buffer to 100 ms as the standard asks; the library only remarks that it is not",
    ),
    (
        "version-1-choice",
        "of several numbers we take the one about the object's type; the library takes the first",
    ),
    ("empty-text", "the library leaves out empty strings; we write what was set"),
    (
        "custom-false",
        "the library leaves out custom keys that are false; we write them, they have no default",
    ),
    (
        "whole-decimal",
        "a whole playback rate or custom decimal is 2.0 with us, as decimals are; 2 with the library",
    ),
];

/// Lines of CMCD; of CMSD a tenth as many of either header.
const LINES: usize = 100_000;

const SEED: u64 = 0x5eed_0004;

/// The library's folder, as `cargo xtask test` names it.
fn library() -> Option<PathBuf> {
    let folder = std::env::var_os("FRONTROW_PEERS_NODE").map(PathBuf::from);
    folder.filter(|folder| folder.join("node_modules/@svta/cml-cmcd").is_dir())
}

/// Hands a line of JSON a question to the library and returns its answers.
fn ask(library: &PathBuf, questions: &[Value]) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/library.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .arg(library)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = BufWriter::new(node.stdin.take().unwrap());
    let output = BufReader::new(node.stdout.take().unwrap());
    let answers = std::thread::scope(|scope| {
        let answers = scope
            .spawn(|| output.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect());
        for question in questions {
            writeln!(input, "{question}").unwrap();
        }
        drop(input);
        answers.join().unwrap()
    });
    assert!(node.wait().unwrap().success());
    answers
}

/// Whole decimals apart, which are written as integers there.
fn same_line(ours: &str, theirs: &str) -> bool {
    let strip = |line: &str| {
        let mut members = Vec::new();
        for member in line.split(',') {
            members.push(member.strip_suffix(".0").unwrap_or(member).to_owned());
        }
        members
    };
    ours == theirs || strip(ours) == strip(theirs)
}

/// Past the test runner, who would keep it to himself.
fn say_absent() {
    let said = b"not compared: FRONTROW_PEERS_NODE names no folder with the npm packages\n";
    io::stderr().write_all(said).unwrap();
}

#[test]
fn cmcd_is_read_and_written_as_the_library_does() {
    let Some(library) = library() else {
        say_absent();
        return;
    };
    let mut draw = Draw::new(SEED);
    let cases: Vec<_> = (0..LINES).map(|index| generate::case(&mut draw, index)).collect();
    let lines: Vec<_> = cases.iter().map(|case| case.writer().line(&case.report())).collect();
    let questions: Vec<_> = cases
        .iter()
        .zip(&lines)
        .map(|(case, line)| {
            let mode = if case.mode == Mode::Event { "event" } else { "request" };
            json!({"kind": "cmcd", "version": case.version, "mode": mode, "data": case.data, "line": line})
        })
        .collect();
    let answers = ask(&library, &questions);
    assert_eq!(answers.len(), LINES);
    let mut bytes = 0;
    let mut same = 0;
    for ((case, ours), answer) in cases.iter().zip(&lines).zip(&answers) {
        let reader = Reader { mode: case.mode, keeps_custom: true };
        let theirs = answer["line"].as_str().unwrap_or_else(|| panic!("{answer} for {}", case.data));
        assert!(same_line(ours, theirs), "ours   {ours}\ntheirs {theirs}\n{}", case.data);
        let reading = reader.line(ours).unwrap();
        assert!(reading.refused().is_none(), "{ours}: {:?}", reading.findings);
        assert_eq!(canon::of(&reading.report), answer["ours"], "{ours}");
        let reading = reader.line(theirs).unwrap();
        assert!(reading.refused().is_none(), "{theirs}: {:?}", reading.findings);
        assert_eq!(canon::of(&reading.report), answer["theirs"], "{theirs}");
        same += usize::from(ours == theirs);
        bytes += ours.len();
    }
    eprintln!("{LINES} lines of {} bytes in the mean, {same} the same to the letter", bytes / LINES);
    for (name, reason) in KNOWN {
        eprintln!("known difference {name}: {reason}");
    }
}

#[test]
fn cmsd_is_read_and_written_as_the_library_does() {
    let Some(library) = library() else {
        say_absent();
        return;
    };
    let mut draw = Draw::new(SEED);
    let statics: Vec<Static> = (0..LINES / 10).map(|_| generate::fixed(&mut draw)).collect();
    let dynamics: Vec<Dynamic> = (0..LINES / 10).map(|_| generate::hops(&mut draw)).collect();
    let line = |text: Option<String>| text.unwrap_or_default();
    let mut questions = Vec::new();
    for fixed in &statics {
        questions
            .push(json!({"kind": "static", "data": canon::of_static(fixed), "line": line(fixed.write())}));
    }
    for dynamic in &dynamics {
        questions.push(
            json!({"kind": "dynamic", "data": canon::of_dynamic(dynamic), "line": line(dynamic.write())}),
        );
    }
    let answers = ask(&library, &questions);
    assert_eq!(answers.len(), questions.len());
    for (question, answer) in questions.iter().zip(&answers) {
        let data = &question["data"];
        assert_eq!((&answer["ours"], &answer["theirs"]), (data, data), "{question}");
        let theirs = answer["line"].as_str().unwrap();
        let read = match question["kind"].as_str() {
            Some("static") => canon::of_static(&Static::read(theirs).unwrap()),
            _ => canon::of_dynamic(&Dynamic::read(theirs).unwrap()),
        };
        assert_eq!(&read, data, "{theirs}");
    }
}

#[test]
fn the_known_differences_are_what_we_say() {
    let writer = Writer { version: 1, mode: Mode::Request };
    let written = |line: &str| writer.line(&Reader::REQUESTS.line(line).unwrap().report);
    assert_eq!(written("br=(128;a 3000;v),ot=v,v=2"), "br=3000,ot=v");
    assert_eq!(written("cid=\"\",pr=2"), "cid=\"\",pr=2.0");
    let reading = Reader { keeps_custom: true, ..Reader::REQUESTS }.line("a-b=?0,tbl=(149;v),v=2").unwrap();
    let writer = Writer { version: 2, mode: Mode::Request };
    assert_eq!(writer.line(&reading.report), "a-b=?0,tbl=(100;v),v=2");
}
