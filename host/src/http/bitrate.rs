//! `POST /v1/bitrate`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use tracing::warn;
use wire::cmsd::{self, Hop};
use wire::{BitrateAnswer, BitrateRequest, Decided};

use super::asked::{Asked, Form, message};
use super::errors::ApiError;
use super::invoke::Stages;
use crate::config::CmsdKeys;
use crate::node::Node;
use crate::{convert, decisions, limits};

pub(super) async fn answer(
    State(node): State<Arc<Node>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let settings = node.settings.load_full();
    let request: BitrateRequest = message(&headers, &[Form::Json], body, settings.body).await?;
    request.validate()?;
    let mut stages = Stages::begin();
    let serving = node.serving.load_full().ok_or_else(ApiError::no_generation)?;
    let region = request.region.as_deref().unwrap_or(&settings.region);
    let ladder = convert::ladder_of(&request, &settings.ladder);
    let input = convert::bitrate_input(&request, ladder, settings.rules.of(region));
    // Ten microseconds: a change of threads would cost as much.
    let decision = stages.call(&node, "bitrate", || serving.generation.decide(&input))?;
    let rung = usize::try_from(decision.rung).ok().and_then(|rung| ladder.get(rung)).ok_or_else(|| {
        warn!(rung = decision.rung, "the bitrate component names a rung that the ladder does not have");
        ApiError::internal()
    })?;
    let generation = serving.generation.number();
    decisions::log(&node, generation, &asked.request_id, region, None, || Decided::Bitrate {
        policy: request.policy,
        kbps: rung.kbps,
        why: convert::why(decision.why),
    });
    let mut response = Form::Json.answer(&BitrateAnswer {
        request_id: asked.request_id.to_string(),
        generation,
        policy: request.policy,
        rung: decision.rung,
        id: rung.id.clone(),
        height: rung.height,
        kbps: rung.kbps,
        why: convert::why(decision.why),
        cdn_endpoint: Some(decision.cdn_endpoint).filter(|endpoint| !endpoint.is_empty()),
        timings_us: stages.timings(),
    });
    // The last hop's item is the one players take, and this node is their last.
    if let Some(hop) = hop(&node.name, &settings.cmsd, &request, rung.kbps)
        && let Ok(value) = HeaderValue::from_str(&cmsd::append(None, &hop).field)
    {
        response.headers_mut().insert(DYNAMIC, value);
    }
    Ok(response)
}

/// What CTA-5006 has words for: `etp`, the harmonic mean of the newest speeds that the decision reads, as downloads of
/// equal size would see it; `rtt`, the shortest wait for a first byte; `mb`, the chosen rung, if the operator wants players to be capped by it.
fn hop(node: &str, keys: &CmsdKeys, request: &BitrateRequest, kbps: u32) -> Option<Hop> {
    let samples = request.player.as_ref().map(|player| player.samples.as_slice()).unwrap_or_default();
    let told: Vec<f64> = match samples {
        [] => request.samples_kbps.clone(),
        samples => samples.iter().map(|sample| sample.kbps).collect(),
    };
    let known = told.iter().rev().copied().filter(|kbps| kbps.is_finite() && *kbps > 0.0);
    let newest: Vec<f64> = known.take(limits::SPEEDS_USED).collect();
    let slowness: f64 = newest.iter().map(|kbps| 1.0 / kbps).sum();
    let throughput = (slowness > 0.0).then(|| (newest.len() as f64 / slowness) as u32);
    let waits = samples.iter().map(|sample| sample.waited_ms).filter(|ms| *ms > 0);
    let hop = Hop {
        throughput_kbps: throughput.filter(|_| keys.etp),
        rtt_ms: waits.min().filter(|_| keys.rtt).map(Into::into),
        max_kbps: keys.mb.then_some(kbps),
        ..Hop::named(node)
    };
    (hop != Hop::named(node)).then_some(hop)
}

/// What players read of the network, CTA-5006.
pub(super) const DYNAMIC: HeaderName = HeaderName::from_static("cmsd-dynamic");
