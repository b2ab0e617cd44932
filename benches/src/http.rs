//! `POST /v1/bitrate` on the node's own server: with the component, and with the same decision made
//! natively by the handler.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use frontrow_edge::config::Config;
use frontrow_edge::http::server::{ConnectionLimits, serve};
use frontrow_edge::http::{Routes, public};
use frontrow_edge::node::Node;
use frontrow_edge::runtime::Generation;
use frontrow_edge::serving::{File, Serving};
use release::Titles;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use wire::{BitrateAnswer, BitrateRequest, TimingsUs, decode_json, encode_json};

use crate::load;
use crate::measure::{median, rounded};

const ROUND_TIME: Duration = Duration::from_millis(1_000);

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) connections: usize,
    pub(crate) with_component_per_s: f64,
    pub(crate) without_per_s: f64,
    pub(crate) with_over_without: f64,
}

pub(crate) fn measure(generation: Generation, folder: &Path, rounds: u32) -> Result<Figures> {
    std::fs::write(folder.join("ladder.toml"), include_str!("../../cdn-config/ladder.toml"))?;
    std::fs::write(folder.join("rules.toml"), include_str!("../../cdn-config/bitrate-rules.toml"))?;
    let config = Config::parse(&config_text(folder), &folder.join("edge.toml"))?;
    let node = Arc::new(Node::new(&config)?);
    node.serving.store(Some(Arc::new(serving(generation)?)));
    let native = Routes::new(Arc::clone(&node)).on("POST /v1/bitrate", post(decide_natively));

    let runtime = Builder::new_multi_thread().worker_threads(SERVER_THREADS).enable_all().build()?;
    let (stop, stopped) = watch::channel(false);
    let with = start(&runtime, public(&node), &stopped)?;
    let without = start(&runtime, native, &stopped)?;
    let mut rates = (Vec::new(), Vec::new());
    // The first round warms both and does not count.
    for round in 0..=rounds {
        let (with_per_s, without_per_s) = (load::run(with, ROUND_TIME)?, load::run(without, ROUND_TIME)?);
        if round > 0 {
            rates.0.push(with_per_s);
            rates.1.push(without_per_s);
        }
    }
    drop(stop);
    let (with, without) = (median(rates.0).round(), median(rates.1).round());
    Ok(Figures {
        connections: load::CONNECTIONS,
        with_component_per_s: with,
        without_per_s: without,
        with_over_without: rounded(with / without),
    })
}

fn start(runtime: &Runtime, routes: Routes, stopped: &watch::Receiver<bool>) -> Result<SocketAddr> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("a port")?;
    let address = listener.local_addr()?;
    let bounds = ConnectionLimits { connections: 1_024, headers: Duration::from_secs(10) };
    runtime.spawn(serve(listener, routes.into_router(None), bounds, stopped.clone()));
    Ok(address)
}

/// What the node's handler does, with a call of the domain crate where it calls the component.
async fn decide_natively(State(node): State<Arc<Node>>, body: Bytes) -> Response {
    let asked = Instant::now();
    let settings = node.settings.load_full();
    let Some(serving) = node.serving.load_full() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let decided = decode_json::<BitrateRequest>(&body, BODY_BYTES_MAX).and_then(|request| {
        request.validate()?;
        let policy = request.policy;
        let region = request.region.as_deref().unwrap_or(&settings.region).to_owned();
        let input = request.into_input(&settings.ladder.rungs, settings.rules.of(&region));
        Ok((policy, input.decide()?))
    });
    let Ok((policy, decision)) = decided else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let total = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
    let answer = encode_json(&BitrateAnswer {
        request_id: "0000000000000000".to_owned(),
        generation: serving.generation.number(),
        policy,
        rung: decision.rung,
        id: decision.id,
        height: decision.height,
        kbps: decision.kbps,
        why: decision.why,
        cdn_endpoint: decision.cdn_endpoint,
        timings_us: TimingsUs { queue: 0, decide: total, total },
    });
    ([("content-type", "application/json")], answer).into_response()
}

fn serving(generation: Generation) -> Result<Serving> {
    // A bit rate decision reads nothing of a release but its component.
    Ok(Serving {
        generation,
        manifest_sha256: String::new(),
        titles: Titles::new(Vec::new()).map_err(|error| anyhow!("{error}"))?,
        titles_file: File::new("", ""),
        ranker: None,
        tower: None,
        histories: None,
        regions: BTreeMap::new(),
    })
}

fn config_text(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"
        node = "bench"
        region = "eu"
        data_dir = "{folder}/data"
        cache_dir = "{folder}/cache"
        ladder = "{folder}/ladder.toml"
        rules = "{folder}/rules.toml"
        [public]
        listen = "127.0.0.1:0"
        [admin]
        listen = "127.0.0.1:0"
        [origin]
        url = "http://127.0.0.1:1/"
        root = "{folder}/root.json"
        "#
    )
}

const SERVER_THREADS: usize = 2;

/// As the node's own.
const BODY_BYTES_MAX: usize = 1 << 20;
