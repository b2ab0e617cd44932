//! `openapi.json` says what the node does: same routes, same fields, examples that work.

use std::collections::BTreeSet;

use frontrow_edge::http;
use serde_json::{Value, json};
use wire::{
    BitrateRequest, Event, EventKind, HomeRequest, Player, Policy, Progress, RecommendRequest, Rung, Running,
    Sample, Utility, Weights,
};

use crate::client::{Answer, client, get, send};
use crate::scene::Scene;

fn document() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).expect("JSON")
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().expect("methods").clone();
        let path = path.clone();
        methods.into_iter().map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn the_document_has_the_routes_of_the_node() {
    let scene = Scene::serving().await;
    let listed = |tag: &str| -> BTreeSet<String> {
        let of_tag =
            operations(&document()).into_iter().filter(|(_, _, operation)| operation["tags"][0] == tag);
        of_tag.map(|(method, path, _)| format!("{method} {path}")).collect()
    };
    let built =
        |routes: http::Routes| routes.names().iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(listed("public"), built(http::public(&scene.edge.node)));
    assert_eq!(listed("admin"), built(http::admin(&scene.edge.node)));
}

#[tokio::test]
async fn every_example_works_and_every_answer_is_as_described() {
    let scene = Scene::serving().await;
    let document = document();
    // Posts first: the example of a session is the one that the example of events begins.
    let mut operations = operations(&document);
    operations.sort_by_key(|(method, _, _)| method != "POST");
    for (method, path, operation) in operations {
        let mut address = path.clone();
        for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
            let name = parameter["name"].as_str().expect("a name");
            let example = parameter["example"].as_str().expect("an example");
            match parameter["in"].as_str() {
                Some("query") => {
                    let sign = if address.contains('?') { '&' } else { '?' };
                    address = format!("{address}{sign}{name}={example}");
                }
                _ => address = address.replace(&format!("{{{name}}}"), example),
            }
        }
        let answer = match (method.as_str(), path.as_str()) {
            (_, "/v1/viewers") => first_message(&scene.url(&address)).await,
            ("PUT", _) => {
                let content = &operation["requestBody"]["content"]["application/json"];
                let body = content["example"].to_string();
                let request = client().put(scene.admin(&address)).header("content-type", "application/json");
                send(request.body(body)).await
            }
            ("POST", _) => {
                let content = &operation["requestBody"]["content"]["application/json"];
                check(&document, &content["schema"], &content["example"], &path);
                scene.ask(&address, &content["example"]).await
            }
            _ if operation["tags"][0] == "admin" => get(&scene.admin(&address)).await,
            _ => get(&scene.url(&address)).await,
        };
        // The release of these tests has no models.
        let expected = match path.as_str() {
            "/v1/ranker" | "/v1/tower" => 404,
            "/v1/cmcd" | "/v1/steering/loads" => 204,
            _ => 200,
        };
        assert_eq!(answer.status, expected, "{path}: {}", answer.text());
        assert!(answer.headers.contains_key("x-request-id"), "{path}");
        let described = &operation["responses"][expected.to_string()];
        assert!(described.is_object(), "{path}");
        let Some(content) = described["content"].as_object() else { continue };
        let content_type = answer.headers["content-type"].to_str().expect("text");
        let (_, described) = content
            .iter()
            .find(|(described, _)| content_type.starts_with(described.as_str()))
            .unwrap_or_else(|| panic!("{path}: {content_type} is not described"));
        if described.get("schema").is_some() {
            check(&document, &described["schema"], &answer.json(), &path);
        }
    }
    let refusal = get(&scene.url("/v1/sessions/nobody")).await.json();
    check(&document, &json!({"$ref": "#/components/schemas/Error"}), &refusal, "a refusal");
}

/// The first message of a stream that does not end.
async fn first_message(url: &str) -> Answer {
    let mut response = client().get(url).send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.chunk().await.expect("a message").expect("a message").to_vec();
    Answer { status, headers, bytes }
}

/// A field that is added to a request does not compile here until it is listed, and then must be described.
/// Every field of it.
fn player() -> Player {
    Player {
        samples: vec![Sample { kbps: 1.0, took_ms: 1, waited_ms: 1 }],
        last_rung: Some(1),
        chunk_bytes: vec![1],
        chunks_left: Some(1),
        latency_ms: Some(1),
        kbps_max: Some(1),
        bytes_left: Some(1),
        running: Some(Running { rung: 1, bytes: 1, got: 1, took_ms: 1, waited_ms: 1 }),
        weights: Some(Weights { utility: Utility::Mbps, stall: 1.0, change: 1.0 }),
    }
}

#[test]
fn every_field_of_a_request_is_described() {
    let recommend = RecommendRequest {
        viewer: Some(1),
        history: Some(vec![1]),
        exclude: vec![1],
        k: 1,
        region: Some("eu".to_owned()),
        maturity_max: 1,
        at_unix_ms: Some(1),
        seed: Some(1),
    };
    let home = HomeRequest {
        viewer: Some(1),
        history: Some(vec![1]),
        in_progress: vec![Progress { title: 1, share: 0.5 }],
        exclude: vec![1],
        k: 1,
        region: Some("eu".to_owned()),
        maturity_max: 1,
        at_unix_ms: Some(1),
        seed: Some(1),
    };
    let bitrate = BitrateRequest {
        region: Some("eu".to_owned()),
        policy: Policy::Bola,
        ladder: Some(vec![Rung { id: "a".to_owned(), height: 1, kbps: 1 }]),
        samples_kbps: vec![1.0],
        buffer_ms: 1,
        buffer_max_ms: 1,
        segment_ms: 1,
        height_max: Some(1),
        player: Some(player()),
    };
    let event = Event::new("e", "s", EventKind::Start, 1);
    let document = document();
    for (name, whole) in [
        ("RecommendRequest", wire::encode_json(&recommend)),
        ("HomeRequest", wire::encode_json(&home)),
        ("BitrateRequest", wire::encode_json(&bitrate)),
        ("Event", wire::encode_json(&event)),
    ] {
        let whole: Value = serde_json::from_slice(&whole).expect("JSON");
        let fields =
            |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(fields(&document["components"]["schemas"][name]["properties"]), fields(&whole), "{name}");
    }
}

#[test]
fn the_check_itself_finds_what_is_not_as_described() {
    let document = document();
    let finds = |schema: &str, value: Value| {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        !breaches(&document, &schema, &value, "").is_empty()
    };
    assert!(!finds("Rung", json!({"id": "a", "height": 1, "kbps": 1})));
    assert!(finds("Rung", json!({"id": "a", "height": 1})), "missing");
    assert!(finds("Rung", json!({"id": "a", "height": 1, "kbps": 1, "more": 1})), "unknown");
    assert!(finds("Rung", json!({"id": 1, "height": 1, "kbps": 1})), "another type");
    assert!(finds("Rung", json!({"id": "a", "height": 0, "kbps": 1})), "out of range");
    assert!(finds("Ladder", json!({"rungs": [{"id": "a"}]})), "inside a list");
    assert!(finds("Reason", json!({"kind": "other", "text": ""})), "not of the enumeration");
}

fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    assert_eq!(breaches(document, schema, value, place), [""; 0]);
}

/// Where a value is not as a schema says: the keywords that the document uses.
fn breaches(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).expect("a schema");
        return breaches(document, schema, value, place);
    }
    if let Some(alternatives) = schema["oneOf"].as_array() {
        let fits = alternatives.iter().any(|schema| breaches(document, schema, value, place).is_empty());
        return if fits { Vec::new() } else { vec![format!("{place}: none of the alternatives")] };
    }
    let mut found = Vec::new();
    if !of_type(&schema["type"], value) {
        found.push(format!("{place}: {value} is not {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        found.push(format!("{place}: {value} is not one of {}", schema["enum"]));
    }
    if let (Some(number), Some(minimum)) = (value.as_f64(), schema["minimum"].as_f64())
        && number < minimum
    {
        found.push(format!("{place}: {number} is below {minimum}"));
    }
    if let (Some(number), Some(maximum)) = (value.as_f64(), schema["maximum"].as_f64())
        && number > maximum
    {
        found.push(format!("{place}: {number} is above {maximum}"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(breaches(document, &schema["items"], item, &format!("{place}[{index}]")));
    }
    if let (Some(fields), Some(described)) = (value.as_object(), schema["properties"].as_object()) {
        let required = schema["required"].as_array().expect("a list");
        let missing = required.iter().filter(|name| !fields.contains_key(name.as_str().expect("a name")));
        found.extend(missing.map(|name| format!("{place}: no {name}")));
        for (name, field) in fields {
            match described.get(name) {
                Some(schema) => found.extend(breaches(document, schema, field, &format!("{place}.{name}"))),
                None => found.push(format!("{place}: {name} is not described")),
            }
        }
    }
    found
}

fn of_type(described: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64(),
        Some("number") => value.is_number(),
        Some("null") => value.is_null(),
        _ => false,
    };
    described.as_array().map_or_else(|| is(described), |names| names.iter().any(is))
}
