//! The native crates answer every golden case, bit for bit.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use golden::{Case, Kind};
use ranking::Rules;
use release::{CandidateFile, RulesEntry};
use serde_json::{Value, json};
use wire::{BitrateInput, PlaybackEvent, RankedAnswer, RecommendRequest, Refusal, SessionReport};

fn rules() -> Rules {
    serde_json::from_str::<RulesEntry>(golden::rules()).unwrap().rules().unwrap()
}

/// As it is sent: the shortest decimals of a float, not those of its conversion to f64.
fn sent<T: serde::Serialize>(message: &T) -> Value {
    serde_json::from_slice(&wire::encode_json(message)).unwrap()
}

fn parse<T: serde::de::DeserializeOwned>(input: &Value) -> Result<T, Refusal> {
    wire::decode_json(input.to_string().as_bytes(), wire::limits::REQUEST_BYTES_MAX)
}

fn recommend(input: &Value) -> Result<Value, Refusal> {
    let request: RecommendRequest = parse(input)?;
    request.validate()?;
    let candidates = CandidateFile::decode(golden::candidates()).unwrap().candidates;
    let answer = ranking::recommend(&candidates, &rules(), &request.into_domain(&[], 0), None)?;
    Ok(sent(&RankedAnswer::from(&answer)))
}

fn predict(input: &Value) -> Result<Value, Refusal> {
    let pair = |pair: &Value| (number(&pair["viewer"]), number(&pair["title"]));
    let pairs: Vec<(u32, u32)> = input.as_array().unwrap().iter().map(pair).collect();
    let factors = release::decode_factors(golden::factors()).unwrap();
    Ok(sent(&factors.predict(&pairs)?))
}

fn top_rated(input: &Value) -> Value {
    let exclude: Vec<u32> = input["exclude"].as_array().unwrap().iter().map(number).collect();
    let factors = release::decode_factors(golden::factors()).unwrap();
    let n = usize::try_from(number(&input["n"])).unwrap();
    let rated = factors.top_rated(number(&input["viewer"]), n, &exclude);
    rated.iter().map(|rated| json!({"title": rated.title, "score": sent(&rated.score)})).collect()
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn bitrate(input: &Value) -> Result<Value, Refusal> {
    Ok(sent(&parse::<BitrateInput>(input)?.decide()?))
}

fn events(input: &Value) -> Result<Value, Refusal> {
    // A list is no message of its own; each form takes it its own way.
    let events: Vec<PlaybackEvent> = serde_json::from_value(input.clone()).unwrap();
    let mut session = session::Session::default();
    session.fold(events.into_iter().map(Into::into).collect())?;
    Ok(sent(&SessionReport::from(&session)))
}

fn answer(case: &Case) -> Value {
    let answer = match case.kind {
        Kind::Recommend => recommend(&case.input),
        Kind::Predict => predict(&case.input),
        Kind::TopRated => Ok(top_rated(&case.input)),
        Kind::Bitrate => bitrate(&case.input),
        Kind::Events => events(&case.input),
    };
    answer.unwrap_or_else(|refusal| json!({"refused": refusal.code}))
}

#[test]
fn every_case_gets_its_answer() {
    let differing: Vec<String> = golden::cases()
        .iter()
        .filter(|case| answer(case) != case.expected)
        .map(|case| format!("{}: {}\n  not {}", case.name, answer(case), case.expected))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_kind_is_asked_and_names_are_unique() {
    let cases = golden::cases();
    for kind in [Kind::Recommend, Kind::Predict, Kind::TopRated, Kind::Bitrate, Kind::Events] {
        assert!(cases.iter().any(|case| case.kind == kind), "{kind:?}");
    }
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
}

#[test]
fn every_reason_is_given_and_ties_occur() {
    let mut kinds = BTreeSet::new();
    let mut ties = 0;
    for case in golden::cases().iter().filter(|case| case.kind == Kind::Recommend) {
        let picks = case.expected["picks"].as_array().cloned().unwrap_or_default();
        kinds.extend(picks.iter().map(|pick| pick["reason"]["kind"].as_str().unwrap().to_owned()));
        ties += picks.windows(2).filter(|pair| pair[0]["score"] == pair[1]["score"]).count();
    }
    assert_eq!(
        kinds.iter().map(String::as_str).collect::<Vec<_>>(),
        ["because-you-watched", "popular-for-new-viewer", "popular-to-fill", "popular-without-match"]
    );
    assert!(ties > 0);
}

#[test]
fn recency_weights_are_correctly_rounded_at_every_age_that_counts() {
    let expected = golden::recency_weights();
    assert_eq!(expected.len(), rules().history_window());
    for (age, expected) in expected.iter().enumerate() {
        assert_eq!(rules().recency_weight(age).to_bits(), expected.to_bits(), "age {age}");
    }
}
