//! `GET /v1/viewers`: who watches what now, as server-sent events (HTML standard, §9.2).

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;

use super::errors::ApiError;
use crate::limits;
use crate::node::Node;

/// One message of the stream.
#[derive(Serialize)]
struct Viewers {
    /// Viewers of all titles.
    total: u64,
    /// Whether these are all titles there are: what is not here has no viewers.
    whole: bool,
    /// Titles whose viewers changed, with how many there are now.
    titles: Vec<Title>,
}

#[derive(Serialize)]
struct Title {
    title: Box<str>,
    viewers: u64,
}

/// First all titles that are watched, then every second those that changed.
pub(super) async fn answer(State(node): State<Arc<Node>>) -> Result<Response, ApiError> {
    let place = Arc::clone(&node.streams).try_acquire_owned().map_err(|_| ApiError::overloaded())?;
    let messages = stream::unfold((node, 0, place), |(node, cursor, place)| async move {
        let mut cursor = cursor;
        loop {
            if cursor > 0 {
                tokio::time::sleep(limits::STREAM_PAUSE).await;
            }
            let changes = node.sessions.viewers_since(cursor, limits::STREAM_TITLES_MAX);
            let is_news = cursor == 0 || changes.cursor != cursor;
            // A node that nobody has watched yet is at 0 as well; what comes is a change then.
            cursor = changes.cursor.max(1);
            if is_news {
                let titles = changes.titles.into_iter().map(|(title, viewers)| Title { title, viewers });
                let message =
                    Viewers { total: changes.total, whole: changes.is_whole, titles: titles.collect() };
                let event = Event::default().event("viewers").json_data(&message).unwrap_or_default();
                return Some((Ok::<_, Infallible>(event), (node, cursor, place)));
            }
        }
    });
    let mut response = Sse::new(messages).keep_alive(KeepAlive::default()).into_response();
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}
