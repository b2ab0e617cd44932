//! `GET /v1/qoe`: what sessions saw, for operators and their dashboards.

use axum::extract::{Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tracing::{error, warn};
use wire::{QoeAnswer, Refusal};

use super::rejection::Rejection;
use super::sender::authenticate;
use super::{Server, answer as answers};
use crate::database::Moment;
use crate::qoe::Asked;

/// Answers in JSON.
pub(super) async fn answer(State(server): State<Server>, request: Parts) -> Response {
    let request_id = answers::request_id();
    match try_answer(&server, &request).await {
        Ok(answer) => {
            server.metrics.question("answered");
            ([(header::CONTENT_TYPE, "application/json")], wire::encode_json(&answer)).into_response()
        }
        Err(Rejection::Refused(status, refusal)) => {
            server.metrics.question(refusal.code);
            warn!(request_id, code = refusal.code, "refused a question: {}", refusal.message);
            answers::refusal_with_id(status, &refusal, &request_id)
        }
        Err(Rejection::Failed(cause)) => {
            server.metrics.question(cause.code());
            error!(request_id, code = cause.code(), %cause, "could not answer a question");
            let refusal = Refusal::new(cause.code(), "there is no answer now; ask for less, or again later");
            answers::refusal_with_id(StatusCode::SERVICE_UNAVAILABLE, &refusal, &request_id)
        }
    }
}

async fn try_answer(server: &Server, request: &Parts) -> Result<QoeAnswer, Rejection> {
    authenticate(server, &request.headers).await?;
    let refused = |code, message: &str| Rejection::new(StatusCode::BAD_REQUEST, code, message);
    let Query(asked): Query<Asked> =
        Query::try_from_uri(&request.uri).map_err(|error| refused("query-malformed", &error.body_text()))?;
    let question =
        asked.check(Moment::now().unix_s()).map_err(|error| refused(error.code(), &error.to_string()))?;
    let Ok(_permit) = server.questions.try_acquire() else {
        return Err(Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many questions at once"));
    };
    Ok(server.database.qoe(&question).await?)
}
