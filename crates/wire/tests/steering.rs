//! Where players are sent, and what they are told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use quickcheck::quickcheck;
use serde_json::{Value, json};
use wire::steering::{Client, Manifest, Pathway, Protocol, Seen, SteeringFile, SteeringRegion, manifest};

fn region(weights: &[(&str, u32)]) -> SteeringRegion {
    let pathway = |(id, weight): &(&str, u32)| Pathway {
        id: (*id).to_owned(),
        host: format!("{id}.example"),
        weight: *weight,
        threshold_percent: 70,
        kbps_min: 0,
        clone_of: None,
    };
    SteeringRegion { ttl_s: 300, reload_uri: None, pathways: weights.iter().map(pathway).collect() }
}

fn session(index: u32, query: &str) -> Client {
    Client::read(Protocol::Hls, format!("session-{index}"), query)
}

/// How many of 10,000 viewers are sent to each pathway first.
fn shares(region: &SteeringRegion, query: &str, loads: &[(&str, u32)]) -> BTreeMap<String, u32> {
    let mut shares = BTreeMap::new();
    for index in 0..10_000 {
        let first = first(region, &session(index, query), loads);
        *shares.entry(first).or_default() += 1;
    }
    shares
}

fn first(region: &SteeringRegion, client: &Client, loads: &[(&str, u32)]) -> String {
    let load = |id: &str| loads.iter().find(|(known, _)| *known == id).map_or(0, |(_, load)| *load);
    manifest(region, client, load).pathway_priority[0].clone()
}

#[test]
fn viewers_spread_by_weight() {
    let shares = shares(&region(&[("a", 100), ("b", 50), ("c", 50)]), "", &[]);
    for (id, expected) in [("a", 5_000_u32), ("b", 2_500), ("c", 2_500)] {
        assert!(shares[id].abs_diff(expected) < 200, "{shares:?}");
    }
}

#[test]
fn a_viewer_stays_while_there_is_room() {
    let region = region(&[("a", 100), ("b", 100)]);
    for query in ["_HLS_pathway=%22b%22&_HLS_throughput=5000000", "_HLS_pathway=b"] {
        assert_eq!(shares(&region, query, &[("b", 700)]), BTreeMap::from([("b".to_owned(), 10_000)]));
    }
    // At its first question it has the order of its session, always the same.
    let one = session(7, "");
    assert!((0..10).all(|_| first(&region, &one, &[]) == first(&region, &one, &[])));
}

#[test]
fn viewers_leave_a_loaded_pathway_little_by_little_and_nobody_comes_back_while_the_load_rises() {
    let region = region(&[("a", 100), ("b", 100), ("c", 100)]);
    let on_a = |index| session(index, "_HLS_pathway=a");
    let mut gone_before = 0;
    for load in (700..=1_000).step_by(50) {
        let gone = (0..2_000).filter(|index| first(&region, &on_a(*index), &[("a", load)]) != "a");
        let gone: Vec<_> = gone.collect();
        let expected = (load - 700) * 2_000 / 300;
        assert!((gone.len() as u32).abs_diff(expected) < 80, "{} gone at {load}", gone.len());
        assert!(gone.len() >= gone_before);
        gone_before = gone.len();
        let next = (load + 50).min(1_000);
        assert!(gone.iter().all(|index| first(&region, &on_a(*index), &[("a", next)]) != "a"));
    }
    assert_eq!(gone_before, 2_000);
}

#[test]
fn new_viewers_of_other_pathways_do_not_move_when_one_is_loaded() {
    let region = region(&[("a", 100), ("b", 100), ("c", 100)]);
    for index in 0..2_000 {
        let before = first(&region, &session(index, ""), &[]);
        let after = first(&region, &session(index, ""), &[("a", 850)]);
        assert!(before == after || before == "a", "{before} to {after}");
    }
}

#[test]
fn with_all_at_full_load_the_least_loaded_comes_first_and_none_is_missing() {
    let region = region(&[("a", 100), ("b", 100), ("c", 100)]);
    let loads =
        |id: &str| [("a", 1_500), ("b", 1_100), ("c", 2_000)].into_iter().find(|l| l.0 == id).unwrap().1;
    for index in 0..100 {
        for query in ["", "_HLS_pathway=c"] {
            assert_eq!(manifest(&region, &session(index, query), loads).pathway_priority, ["b", "a", "c"]);
        }
    }
}

#[test]
fn a_viewer_that_measures_too_little_is_sent_elsewhere() {
    let mut region = region(&[("a", 100), ("b", 100)]);
    region.pathways[0].kbps_min = 1_500;
    for (bps, expected) in [("1500000", "a"), ("1499999", "b"), ("", "a"), ("fast", "a")] {
        let client = session(1, &format!("_HLS_pathway=a&_HLS_throughput={bps}"));
        assert_eq!(first(&region, &client, &[]), expected, "{bps}");
    }
}

#[test]
fn what_a_player_says_is_read_and_what_cannot_be_read_says_nothing() {
    let client = Client::read(Protocol::Dash, "s", "x=1&_DASH_pathway=%22a,b%22&_DASH_throughput=100,200");
    let seen = |id: &str, bps| Seen { id: id.to_owned(), bps };
    assert_eq!(client.seen, [seen("a", Some(100)), seen("b", Some(200))]);
    // The fastest of the ways it used counts as its own.
    assert_eq!(first(&region(&[("a", 10_000), ("b", 1)]), &client, &[]), "b");
    for query in ["_HLS_pathway=a", "_DASH_pathway=", "_DASH_pathway=%zz", "_DASH_pathway=%22%22", ""] {
        assert_eq!(Client::read(Protocol::Dash, "s", query).seen, [], "{query}");
    }
    let unknown = Client::read(Protocol::Dash, "s", "_DASH_pathway=moon");
    assert!(["a", "b"].contains(&&*first(&region(&[("a", 1), ("b", 1)]), &unknown, &[])));
}

#[test]
fn manifests_have_the_form_of_the_drafts() {
    let mut region = region(&[("CDN-A", 10_000), ("CDN-B", 1)]);
    region.reload_uri = Some("https://steer.example/list?session=1".to_owned());
    region.pathways[1].clone_of = Some("CDN-A".to_owned());
    let hls = manifest(&region, &session(1, "_HLS_pathway=%22CDN-A%22"), |_| 0);
    let expected = json!({
        "VERSION": 1,
        "TTL": 300,
        "RELOAD-URI": "https://steer.example/list?session=1",
        "PATHWAY-PRIORITY": ["CDN-A", "CDN-B"],
        "PATHWAY-CLONES": [
            {"BASE-ID": "CDN-A", "ID": "CDN-B", "URI-REPLACEMENT": {"HOST": "CDN-B.example"}},
        ],
    });
    assert_eq!(serde_json::to_value(&hls).unwrap(), expected);
    let dash = manifest(&region, &Client::read(Protocol::Dash, "1", "_DASH_pathway=CDN-A"), |_| 0);
    let dash = serde_json::to_value(&dash).unwrap();
    assert_eq!(dash["SERVICE-LOCATION-PRIORITY"], json!(["CDN-A", "CDN-B"]));
    assert_eq!(dash["PATHWAY-PRIORITY"], dash["SERVICE-LOCATION-PRIORITY"]);
    // One with everything that the drafts have and we write ourselves nowhere.
    let text = r#"{"VERSION":1,"TTL":60,"PATHWAY-PRIORITY":["a"],"PATHWAY-CLONES":[{"BASE-ID":"a","ID":"b",
        "URI-REPLACEMENT":{"HOST":"h.example","PARAMS":{"token":"x"}}}],"X-OTHER":1}"#;
    let read: Manifest = serde_json::from_str(text).unwrap();
    assert_eq!(read.pathway_clones[0].uri_replacement.params["token"], "x");
    let mut value: Value = serde_json::from_str(text).unwrap();
    value.as_object_mut().unwrap().remove("X-OTHER");
    assert_eq!(serde_json::to_value(&read).unwrap(), value);
}

fn check_file(change: impl FnOnce(&mut SteeringRegion), expected: &str) {
    let mut region = region(&[("a", 1), ("b", 1)]);
    change(&mut region);
    let file = SteeringFile { default: region, regions: BTreeMap::new() };
    assert_eq!(file.validate().err().map_or("accepted", |refusal| refusal.code), expected);
}

#[test]
fn files_that_cannot_steer_are_refused() {
    check_file(|_| {}, "accepted");
    check_file(|region| region.pathways.clear(), "no-pathways");
    check_file(|region| region.pathways = vec![region.pathways[0].clone(); 17], "too-many-pathways");
    check_file(|region| region.ttl_s = 9, "ttl-out-of-range");
    check_file(|region| region.ttl_s = 86_401, "ttl-out-of-range");
    check_file(|region| region.reload_uri = Some("a b".to_owned()), "reload-uri");
    check_file(|region| region.pathways[1].id = "a".to_owned(), "pathway-repeated");
    check_file(|region| region.pathways[1].id = "a b".to_owned(), "pathway-id");
    check_file(|region| region.pathways[1].host = "a/b".to_owned(), "pathway-host");
    check_file(|region| region.pathways[1].weight = 0, "pathway-weight");
    check_file(|region| region.pathways[1].threshold_percent = 100, "pathway-threshold");
    check_file(|region| region.pathways[1].clone_of = Some("c".to_owned()), "clone-of-unknown");
    check_file(|region| region.pathways[1].clone_of = Some("b".to_owned()), "clone-of-unknown");
}

#[test]
fn the_file_that_is_shipped_steers_every_region() {
    let text = std::fs::read_to_string("../../cdn-config/steering.toml").unwrap();
    let file: SteeringFile = toml::from_str(&text).unwrap();
    assert_eq!(file.validate(), Ok(()));
    assert_eq!(file.of("moon"), &file.default);
    let eu = manifest(file.of("eu"), &session(1, ""), |_| 0);
    assert_eq!((eu.ttl, eu.pathway_priority.len(), &*eu.pathway_clones[0].id), (120, 3, "edge-eu"));
    assert!(toml::from_str::<SteeringFile>(&format!("{text}\nspeed = 1")).is_err());
}

quickcheck! {
    fn every_pathway_is_in_every_order_once(name: String, query: String, loads: Vec<u32>) -> bool {
        let region = region(&[("a", 1), ("b", 10), ("c", 100), ("d", 10_000)]);
        let client = Client::read(Protocol::Dash, name, &format!("_DASH_pathway=c,a,x&{query}"));
        let load = |id: &str| loads.get(usize::from(id.as_bytes()[0] - b'a')).copied().unwrap_or_default();
        let mut order = manifest(&region, &client, load).pathway_priority;
        order.sort();
        order == ["a", "b", "c", "d"]
    }
}
