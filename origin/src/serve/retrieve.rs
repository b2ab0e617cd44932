//! `POST /v1/retrieve`: the best titles of the whole catalogue, for a node or an operator's own service.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tracing::{debug, error, warn};
use wire::limits::REQUEST_BYTES_MAX;
use wire::{Refusal, RetrieveAnswer, RetrieveRequest, RetrievedTitle};

use super::rejection::Rejection;
use super::sender::authenticate;
use super::{Server, answer, body};
use crate::retrieval::{Corpus, Near, Query, RetrievalError};

/// Answers in JSON, as it was asked.
pub(super) async fn retrieve(State(server): State<Server>, request: Request) -> Response {
    let request_id = answer::request_id();
    match try_retrieve(&server, request, &request_id).await {
        Ok(found) => {
            server.metrics.retrieval("answered");
            ([(header::CONTENT_TYPE, JSON)], wire::encode_json(&found)).into_response()
        }
        Err(Rejection::Refused(status, refusal)) => {
            server.metrics.retrieval(refusal.code);
            warn!(request_id, code = refusal.code, "refused a retrieval: {}", refusal.message);
            answer::refusal_with_id(status, &refusal, &request_id)
        }
        Err(Rejection::Failed(cause)) => {
            server.metrics.retrieval(cause.code());
            error!(request_id, code = cause.code(), %cause, "could not answer a retrieval");
            let refusal = Refusal::new(cause.code(), "nobody knows whose request it is; ask again later");
            answer::refusal_with_id(StatusCode::SERVICE_UNAVAILABLE, &refusal, &request_id)
        }
    }
}

const JSON: &str = "application/json";

async fn try_retrieve(
    server: &Server,
    request: Request,
    request_id: &str,
) -> Result<RetrieveAnswer, Rejection> {
    let node = authenticate(server, request.headers()).await?;
    check_headers(request.headers())?;
    let Ok(_permit) = server.retrievals.try_acquire() else {
        return Err(Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many retrievals at once"));
    };
    let bytes = body::read(request.into_body(), REQUEST_BYTES_MAX).await?;
    let refused = |refusal| Rejection::Refused(StatusCode::BAD_REQUEST, refusal);
    let asked: RetrieveRequest = wire::decode_json(&bytes, REQUEST_BYTES_MAX).map_err(refused)?;
    asked.validate().map_err(refused)?;
    let Some(corpus) = server.shelf.corpus() else {
        let message = "this origin has no models yet: `frontrow-origin train` makes them";
        return Err(Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "models-missing", message));
    };
    let started = Instant::now();
    // A search is milliseconds of a processor; the tasks that serve must not wait for it.
    let searching = tokio::task::spawn_blocking(move || {
        let found = find(&corpus, asked)?;
        let index = corpus.index();
        Ok((index.description().model.clone(), index.storage().name(), found))
    });
    let failed = |_| Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "search-failed", "the search broke");
    let (model, storage, found) = searching.await.map_err(failed)?.map_err(|error| rejection(&error))?;
    server.metrics.retrieved(started.elapsed());
    debug!(request_id, node, titles = found.len(), "answered a retrieval");
    let titles = found.iter().map(|near| RetrievedTitle { title: near.title, score: near.similarity });
    Ok(RetrieveAnswer {
        request_id: request_id.to_owned(),
        model,
        storage: storage.to_owned(),
        titles: titles.collect(),
    })
}

fn check_headers(headers: &HeaderMap) -> Result<(), Rejection> {
    if headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes) != Some(JSON.as_bytes()) {
        let message = "a retrieval is application/json";
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", message));
    }
    body::check_length(headers, REQUEST_BYTES_MAX)
}

/// The request has been checked: exactly one of the three asks.
fn find(corpus: &Corpus, asked: RetrieveRequest) -> Result<Vec<Near>, RetrievalError> {
    let query = match (asked.vector, asked.viewer, asked.titles) {
        (Some(vector), ..) => Query::Vector(vector),
        (_, Some(viewer), _) => Query::Viewer(viewer),
        (.., titles) => Query::Titles(titles.unwrap_or_default()),
    };
    corpus.find(&query, asked.k as usize, &asked.exclude)
}

fn rejection(error: &RetrievalError) -> Rejection {
    let (status, code) = match error {
        RetrievalError::ViewerUnknown(_) | RetrievalError::TitlesUnknown => {
            (StatusCode::NOT_FOUND, error.code())
        }
        RetrievalError::Ragged { .. } => (StatusCode::BAD_REQUEST, "vector-length"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, error.code()),
    };
    Rejection::new(status, code, &error.to_string())
}
