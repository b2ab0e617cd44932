//! The native crates answer every golden case, bit for bit.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use golden::{Case, Kind};
use ranking::Rules;
use release::{CandidateFile, RulesEntry};
use serde_json::{Value, json};
use wire::{
    BitrateInput, HomeRequest, PlaybackEvent, RankedAnswer, RankedPage, RecommendRequest, Refusal,
    SessionReport,
};

fn rules() -> Rules {
    read(golden::rules())
}

fn read(rules: &str) -> Rules {
    serde_json::from_str::<RulesEntry>(rules).unwrap().rules().unwrap()
}

/// As it is sent: the shortest decimals of a float, not those of its conversion to f64.
fn sent<T: serde::Serialize>(message: &T) -> Value {
    serde_json::from_slice(&wire::encode_json(message)).unwrap()
}

fn parse<T: serde::de::DeserializeOwned>(input: &Value) -> Result<T, Refusal> {
    wire::decode_json(input.to_string().as_bytes(), wire::limits::REQUEST_BYTES_MAX)
}

fn recommend(input: &Value, rules: &Rules) -> Result<Value, Refusal> {
    let request: RecommendRequest = parse(input)?;
    request.validate()?;
    let candidates = CandidateFile::decode(golden::candidates()).unwrap().candidates;
    let answer = ranking::recommend(&candidates, rules, &request.into_domain(&[], 0), None)?;
    Ok(sent(&RankedAnswer::from(&answer)))
}

fn home(input: &Value) -> Result<Value, Refusal> {
    let request: HomeRequest = parse(input)?;
    request.validate()?;
    let candidates = CandidateFile::decode(golden::candidates()).unwrap().candidates;
    let rules = read(golden::slate_rules());
    Ok(sent(&RankedPage::from(&ranking::home(&candidates, &rules, &request.into_domain(&[], 0), None)?)))
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
        Kind::Recommend => recommend(&case.input, &rules()),
        Kind::LaidOut => recommend(&case.input, &read(golden::slate_rules())),
        Kind::Home => home(&case.input),
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
    let kinds = [Kind::Recommend, Kind::LaidOut, Kind::Home, Kind::Predict, Kind::TopRated];
    for kind in kinds.into_iter().chain([Kind::Bitrate, Kind::Events]) {
        assert!(cases.iter().any(|case| case.kind == kind), "{kind:?}");
    }
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
}

#[test]
fn every_reason_is_given_and_ties_occur() {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut kinds = BTreeSet::new();
    let (mut ties, mut drawn) = (0, BTreeSet::new());
    for Case { kind, expected, .. } in golden::cases() {
        if !matches!(kind, Kind::Recommend | Kind::LaidOut | Kind::Home) {
            continue;
        }
        let rows = list(&expected["rows"]);
        let picks: Vec<Value> =
            rows.iter().flat_map(|row| list(&row["picks"])).chain(list(&expected["picks"])).collect();
        let reasons = rows.iter().chain(&picks).map(|told| &told["reason"]["kind"]);
        kinds.extend(reasons.map(|kind| kind.as_str().unwrap().to_owned()));
        ties += picks.windows(2).filter(|pair| pair[0]["score"] == pair[1]["score"]).count();
        drawn.extend(
            picks.iter().filter(|pick| pick["propensity"] != Value::Null).map(|pick| number(&pick["title"])),
        );
    }
    let expected = [
        "because-you-watched",
        "continue-watching",
        "explored",
        "new",
        "picked-for-you",
        "pinned",
        "popular-for-new-viewer",
        "popular-to-fill",
        "popular-without-match",
        "promoted",
        "trending",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(ties > 0 && drawn.len() > 2);
}

#[test]
fn recency_weights_are_those_of_numpy_at_every_age_that_counts() {
    let expected = golden::recency_weights();
    assert_eq!(expected.len(), rules().history_window());
    for (age, expected) in expected.iter().enumerate() {
        assert_eq!(rules().recency_weight(age).to_bits(), expected.to_bits(), "age {age}");
    }
}
