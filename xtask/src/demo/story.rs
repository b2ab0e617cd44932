//! The story: what a viewer, a player and an operator see, each a step that can fail.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::load::Load;
use super::players::{Players, Told};
use super::process::wait_for;
use super::report::Report;
use super::stage::Stage;
use super::{Args, Source, unix_ms};
use crate::www;

/// A node polls every second and prepares a release in seconds; the first one is compiled.
const PREPARE_DEADLINE: Duration = Duration::from_secs(120);

/// A viewer the catalogue does not know.
const STRANGER: u32 = u32::MAX;

const NODES: [usize; 2] = [0, 1];

const KILLS: u32 = 4;
const EVENTS_BETWEEN_KILLS: u64 = 2_000;

/// A node sends what it kept within seconds of finding the origin.
const KEPT_DEADLINE: Duration = Duration::from_secs(60);

/// What one step leaves for the next.
#[derive(Default)]
struct Plot {
    viewer: u32,
    top_title: u64,
    in_browser: bool,
    tower_minutes: Option<f64>,
}

/// Tells the story, step by step; `interrupted` ends it early. Where the arguments say so, the page's
/// tests are run against a node of it.
pub(crate) fn tell(
    stage: &mut Stage,
    source: &Source,
    args: &Args,
    report: &mut Report,
    interrupted: &dyn Fn() -> bool,
) {
    let mut plot = Plot { in_browser: args.in_browser, tower_minutes: args.tower, ..Plot::default() };
    type Step = fn(&mut Stage, &mut Plot) -> Result<String>;
    report.step("origin started", || stage.start_origin());
    report.step("catalogue imported", || stage.import(source));
    let steps: [(&'static str, Step); 17] = [
        ("models trained", train),
        ("licence window set", set_licence_window),
        ("generation 1 published", |stage, _| stage.push()),
        ("two nodes serve generation 1", start_nodes),
        ("page served", page_served),
        ("recommendations for a known viewer", known_viewer),
        ("recommendations for a viewer never seen", new_viewer),
        ("the rows of a page", page_of_rows),
        ("a region and a licence window forbid the top title", forbidden_title),
        ("a bitrate decision", bitrate_decision),
        ("a playback and its QoE", playback),
        ("generation 2 pushed under load", push_under_load),
        ("roll-back to generation 1", roll_back),
        ("origin stopped, nodes answer as stale", origin_stopped),
        ("a tampered release refused", tampered_release),
        ("a killed node back from disk without the origin", killed_node),
        ("a node killed again and again under players, each event stored once", killed_under_players),
    ];
    for (name, step) in steps {
        if interrupted() {
            report.step("the story", || bail!("interrupted before: {name}"));
            return;
        }
        report.step(name, || step(stage, &mut plot));
    }
}

fn train(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    match plot.tower_minutes {
        Some(minutes) => stage.origin_says(&["train", "--model", "tower", "--minutes", &minutes.to_string()]),
        None => stage.origin_says(&["train"]),
    }
}

/// Ends the licence of the known viewer's favourite in one of the two regions.
fn set_licence_window(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    let preview: Value = serde_json::from_str(&stage.origin_says(&["preview", "--region", "eu", "--json"])?)
        .context("preview --json prints one JSON object")?;
    plot.viewer =
        preview["viewer"].as_u64().and_then(|viewer| u32::try_from(viewer).ok()).context("a viewer")?;
    plot.top_title = preview["picks"][0]["title"].as_u64().context("a pick")?;
    let title = plot.top_title.to_string();
    let until = "2020-01-01T00:00:00Z";
    stage.origin_says(&["licence", "set", "--title", &title, "--region", "us", "--until", until])?;
    Ok(format!("{} may be shown in us until {until} only", preview["picks"][0]["name"]))
}

fn start_nodes(stage: &mut Stage, _: &mut Plot) -> Result<String> {
    for node in NODES {
        stage.start_node(node)?;
    }
    let mut said = Vec::new();
    for node in NODES {
        stage.wait_until_ready(node, PREPARE_DEADLINE)?;
        said.push(format!(
            "{} at {} serves generation {}",
            stage.name(node),
            stage.url(node),
            stage.generation(node)?
        ));
    }
    Ok(said.join("\n"))
}

fn page_served(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    let url = format!("{}/", stage.url(0));
    let status = stage.client().status(&url);
    ensure!(status == Some(200), "GET {url} answers {status:?}");
    if plot.in_browser {
        www::test_against(&url)?;
    }
    Ok(url)
}

fn known_viewer(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    let answer = stage.recommend(0, &json!({"viewer": plot.viewer, "region": "eu", "k": 5}))?;
    ensure!(top(&answer) == Some(plot.top_title), "the node and the origin's preview differ: {answer}");
    let same = stage.recommend(1, &json!({"viewer": plot.viewer, "region": "eu", "k": 5}))?;
    ensure!(titles(&answer) == titles(&same), "the two nodes differ");
    Ok(format!("viewer {}:\n{}", plot.viewer, told(&answer)))
}

fn new_viewer(stage: &mut Stage, _: &mut Plot) -> Result<String> {
    let answer = stage.recommend(0, &json!({"viewer": STRANGER, "region": "eu", "k": 3}))?;
    let kind = answer["picks"][0]["reason"]["kind"].as_str().unwrap_or_default();
    ensure!(kind == "popular-for-new-viewer", "the reason is {kind}");
    Ok(told(&answer))
}

fn page_of_rows(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    let begun = json!([{"title": plot.top_title, "share": 0.4}]);
    let question = json!({"viewer": plot.viewer, "region": "eu", "k": 8, "in_progress": begun});
    let page = stage.home(0, &question)?;
    let rows = page["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<u64> = rows.iter().flat_map(titles).collect();
    let each: BTreeSet<u64> = shown.iter().copied().collect();
    ensure!(each.len() == shown.len(), "a title stands twice: {shown:?}");
    ensure!(shown.first() == Some(&plot.top_title), "what was begun does not come first: {page}");
    let told = rows.iter().map(|row| {
        let heading = row["reason"]["text"].as_str().unwrap_or_default();
        let more = match titles(row).len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{heading}: {}{more}", row["picks"][0]["name"])
    });
    Ok(told.collect::<Vec<_>>().join("\n"))
}

fn forbidden_title(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    let question = json!({"viewer": plot.viewer, "region": "us", "k": 5});
    let now = stage.recommend(0, &question)?;
    ensure!(!titles(&now).contains(&plot.top_title), "title {} is shown in us", plot.top_title);
    ensure!(titles(&now).len() == 5, "the list is short: {now}");
    let mut while_licensed = question;
    // 2019-06-01, half a year before the window ends.
    while_licensed["at_unix_ms"] = json!(1_559_347_200_000_u64);
    let then = stage.recommend(0, &while_licensed)?;
    ensure!(top(&then) == Some(plot.top_title), "inside its window title {} is not on top", plot.top_title);
    Ok(format!("title {} is on top in us in 2019 and absent now:\n{}", plot.top_title, told(&now)))
}

fn bitrate_decision(stage: &mut Stage, _: &mut Plot) -> Result<String> {
    let question = json!({
        "region": "eu", "policy": "bola", "samples_kbps": [6200.0, 5800.0, 6400.0],
        "buffer_ms": 40_000, "buffer_max_ms": 60_000, "segment_ms": 4_000,
    });
    let answer = stage.client().post(&format!("{}/v1/bitrate", stage.url(0)), &question)?;
    let unknown = stage.client().post(&format!("{}/v1/bitrate", stage.url(0)), &json!({"region": "eu"}))?;
    ensure!(unknown["rung"] == 0, "an unknown speed gets rung {}", unknown["rung"]);
    Ok(format!(
        "6 Mbit/s with 40 s in the buffer: {} at {} kbit/s ({}); unknown speed: {}",
        answer["id"], answer["kbps"], answer["why"], unknown["id"]
    ))
}

fn playback(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    let start = unix_ms()?;
    let event = |number: u64, kind: &str, after_ms: u64, more: Value| {
        let mut event = json!({
            "event_id": format!("demo-{number}"), "session_id": "demo-session", "kind": kind,
            "at_unix_ms": start + after_ms, "viewer": plot.viewer, "title": plot.top_title, "region": "eu",
        });
        if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
            event.extend(more);
        }
        event
    };
    let events = json!({"events": [
        event(1, "start", 0, json!({"duration_ms": 5_400_000})),
        event(2, "first-frame", 800, json!({"kbps": 2500, "position_ms": 0})),
        event(3, "heartbeat", 30_800, json!({"kbps": 5000, "position_ms": 30_000, "buffer_ms": 15_000})),
        event(4, "buffering-start", 40_800, json!({"position_ms": 40_000})),
        event(5, "buffering-end", 43_800, json!({"position_ms": 40_000, "kbps": 2500})),
        event(6, "heartbeat", 73_800, json!({"kbps": 2500, "position_ms": 70_000, "buffer_ms": 12_000})),
        event(7, "stop", 103_800, json!({"position_ms": 100_000})),
    ]});
    let url = format!("{}/v1/events", stage.url(0));
    let accepted = stage.client().post(&url, &events)?;
    ensure!(accepted["accepted"] == 7, "not all events were accepted: {accepted}");
    let again = stage.client().post(&url, &events)?;
    ensure!(again["accepted"] == 0, "events sent twice were counted twice: {again}");
    let session = stage.client().get(&format!("{}/v1/sessions/demo-session", stage.url(0)))?;
    let (summary, scores) = (&session["summary"], &session["scores"]);
    ensure!(
        summary["playback_stall_count"] == 1 && summary["playback_stall_duration_ms"] == 3_000,
        "one stall of 3 s, but {summary}"
    );
    Ok(format!(
        "startup {} ms, {} stall of {} ms, session-v1 {}, window-v1 {}",
        summary["initial_startup_time_ms"],
        summary["playback_stall_count"],
        summary["playback_stall_duration_ms"],
        scores["session_v1"],
        scores["window_v1"]
    ))
}

fn push_under_load(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    let bodies: Vec<Value> = (0..50)
        .map(|step| json!({"viewer": plot.viewer.wrapping_add(step), "region": "eu", "k": 10}))
        .collect();
    let load = Load::start(stage.client(), &NODES.map(|node| stage.url(node)), &bodies);
    let switched = stage.push().and_then(|said| {
        for node in NODES {
            stage.wait_until_generation(node, 2, PREPARE_DEADLINE)?;
        }
        Ok(said)
    });
    let counts = load.stop()?.without_failures()?;
    let said = switched?;
    let generations: Vec<_> = counts.by_generation.keys().copied().collect();
    ensure!(generations == [1, 2], "answers name the generations {generations:?}");
    Ok(format!("{} answers, 0 failed, by generation {:?}\n{said}", counts.answers(), counts.by_generation))
}

fn roll_back(stage: &mut Stage, _: &mut Plot) -> Result<String> {
    let said = stage.origin_says(&["release", "rollback", "--to", "1"])?;
    for node in NODES {
        stage.wait_until_generation(node, 1, PREPARE_DEADLINE)?;
    }
    Ok(said)
}

fn origin_stopped(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    stage.stop_origin()?;
    let question = json!({"viewer": plot.viewer, "region": "eu", "k": 3});
    for node in NODES {
        wait_for(Duration::from_secs(30), "a node to call itself stale", || {
            let answer = stage.recommend(node, &question)?;
            Ok((answer["stale"] == true).then_some(()))
        })?;
    }
    Ok("both nodes answer, marked stale".to_owned())
}

fn tampered_release(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    let refused_before = stage.refused(0)?;
    stage.push()?;
    let tampered = stage.tamper_with_newest_release()?;
    stage.start_origin()?;
    let code = wait_for(PREPARE_DEADLINE, "a node to refuse the release", || {
        let status = stage.status(0)?;
        let refused = status["sync"]["refused"].as_u64().unwrap_or_default();
        Ok((refused > refused_before)
            .then(|| status["sync"]["last_error"]["code"].as_str().unwrap_or_default().to_owned()))
    })?;
    ensure!(stage.generation(0)? == 1, "the node left generation 1");
    stage.recommend(0, &json!({"viewer": plot.viewer, "region": "eu", "k": 3}))?;
    stage.stop_origin()?;
    ensure!(code == "target-tampered", "the node refused the release with {code}");
    // TUF puts the digest of a file before its name.
    let name = tampered.split_once('.').map_or(&*tampered, |(_, name)| name);
    Ok(format!("one bit of {name} flipped; refused with {code}; generation 1 still serves"))
}

fn killed_node(stage: &mut Stage, plot: &mut Plot) -> Result<String> {
    stage.kill_node(0)?;
    let elapsed = stage.restart_node(0)?;
    ensure!(stage.generation(0)? == 1, "the node came back with another generation");
    let answer = stage.recommend(0, &json!({"viewer": plot.viewer, "region": "eu", "k": 3}))?;
    ensure!(top(&answer) == Some(plot.top_title), "the answer changed");
    Ok(format!("ready {} ms after its start, generation 1", elapsed.as_millis()))
}

/// A power cut at the node four times, in the midst of requests; the origin comes back between them. What a player was
/// answered for is in the database once, whichever answers and batches were lost on the way.
fn killed_under_players(stage: &mut Stage, _: &mut Plot) -> Result<String> {
    let players = Players::start(stage.client(), stage.url(0), 3);
    let killed = (0..KILLS).try_for_each(|kill| {
        let so_far = players.answered();
        wait_for(KEPT_DEADLINE, "players to be answered", || {
            Ok((players.answered() >= so_far + EVENTS_BETWEEN_KILLS).then_some(()))
        })?;
        stage.kill_node(0)?;
        if kill == KILLS / 2 {
            stage.start_origin()?;
        }
        stage.restart_node(0)?;
        players.move_to(stage.url(0))
    });
    // What a player has to say of it comes first.
    let Told { answered, again } = players.stop()?;
    killed?;
    wait_for(KEPT_DEADLINE, "the node to send what it kept", || {
        Ok((stage.status(0)?["outbox"]["events"]["waiting_frames"] == 0).then_some(()))
    })?;
    let counted = stage.events_stored()?;
    ensure!(counted.distinct == answered, "{} events stored, {answered} sent", counted.distinct);
    ensure!(counted.all == answered, "{} of {} events are stored twice", counted.all - answered, answered);
    Ok(format!(
        "{KILLS} kills, {answered} events answered for, {again} of them sent again; 0 lost, 0 stored twice"
    ))
}

fn titles(answer: &Value) -> Vec<u64> {
    let picks = answer["picks"].as_array().map(Vec::as_slice).unwrap_or_default();
    picks.iter().filter_map(|pick| pick["title"].as_u64()).collect()
}

fn top(answer: &Value) -> Option<u64> {
    titles(answer).first().copied()
}

/// The picks as a person would read them.
fn told(answer: &Value) -> String {
    let picks = answer["picks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines = picks.iter().map(|pick| {
        let name = pick["name"].as_str().unwrap_or("?");
        format!("{name} · {}", pick["reason"]["text"].as_str().unwrap_or("?"))
    });
    lines.collect::<Vec<_>>().join("\n")
}
