//! `POST /v1/home`: the rows of a page, in one invocation.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::HeaderMap;
use axum::response::Response;
use wire::{HomeAnswer, HomeRequest, RecommendRequest, Row};

use super::asked::{Asked, Form, message};
use super::errors::ApiError;
use super::invoke::Stages;
use super::question::Asking;
use crate::node::Node;
use crate::runtime::ranking;

pub(super) async fn answer(
    State(node): State<Arc<Node>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let settings = node.settings.load_full();
    let request: HomeRequest =
        message(&headers, &[Form::Json, Form::MessagePack], body, settings.body).await?;
    request.validate()?;
    let mut stages = Stages::begin();
    let (request, told) = parts(request);
    let in_progress = match request.viewer {
        // Who asks by a number alone is asked for what this node saw of it.
        Some(viewer) if told.is_empty() => node.begun.of(viewer),
        _ => told,
    };
    let asking = Arc::new(Asking::new(&node, &settings, request, in_progress)?);
    let (page, cached) = asking
        .answered(&node, &node.pages, &mut stages, |generation, asking| {
            let (request, in_progress) = (asking.request.clone(), asking.in_progress.clone());
            generation.home(&asking.region, &ranking::HomeRequest { request, in_progress })
        })
        .await?;
    let row =
        |row: &ranking::Row| Row { reason: asking.reason(&row.reason), picks: asking.named(&row.picks) };
    asking.log(&node, &asked.request_id, page.rows.iter().map(|row| &*row.picks));
    Ok(asked.form.answer(&HomeAnswer {
        request_id: asked.request_id.to_string(),
        generation: asking.serving.generation.number(),
        stale: node.is_stale(Instant::now()),
        cached,
        region: asking.region.clone(),
        ranked: page.ranked,
        eligible: page.eligible,
        rows: page.rows.iter().map(row).collect(),
        timings_us: stages.timings(),
    }))
}

/// What a list is asked by, and what only a page takes.
fn parts(request: HomeRequest) -> (RecommendRequest, Vec<ranking::Progress>) {
    let HomeRequest { viewer, history, in_progress, exclude, k, region, maturity_max, at_unix_ms, seed } =
        request;
    let progress = |begun: &wire::Progress| ranking::Progress { title: begun.title, share: begun.share };
    let in_progress = in_progress.iter().map(progress).collect();
    (RecommendRequest { viewer, history, exclude, k, region, maturity_max, at_unix_ms, seed }, in_progress)
}
