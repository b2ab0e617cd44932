//! The node over HTTP: one file a route, and what all of them share.

mod admin;
mod asked;
mod bitrate;
mod cmcd;
mod errors;
mod events;
mod files;
mod home;
mod invoke;
mod question;
mod recommend;
pub mod server;
mod sessions;
mod steering;
mod viewers;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::services::ServeDir;
use tracing::debug;

use crate::node::Node;
use asked::Asked;
use errors::ApiError;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Routes and their names, `METHOD /path`: the names are the labels of metrics and the entries of
/// `openapi.json`.
#[derive(Debug)]
pub struct Routes {
    node: Arc<Node>,
    router: Router<Arc<Node>>,
    names: Vec<&'static str>,
}

impl Routes {
    /// None yet.
    pub fn new(node: Arc<Node>) -> Self {
        Self { node, router: Router::new(), names: Vec::new() }
    }

    /// One more, with what is around every route; its name is a method and a path.
    pub fn on(mut self, name: &'static str, handler: MethodRouter<Arc<Node>>) -> Self {
        let (_, path) = name.split_once(' ').expect("the name of a route is a method and a path");
        let observed = Observed { node: Arc::clone(&self.node), route: name };
        let handler = handler.fallback(wrong_method).layer(from_fn_with_state(observed, observe));
        self.router = self.router.route(path, handler);
        self.names.push(name);
        self
    }

    /// Their names.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Ready to serve; what no route has is looked for in `www`, if there is such a folder.
    pub fn into_router(self, www: Option<PathBuf>) -> Router {
        let observed = Observed { node: Arc::clone(&self.node), route: "files" };
        let unknown = tower::service_fn(|_| async { Ok::<_, Infallible>(not_found()) });
        let observe = ServiceBuilder::new().layer(from_fn_with_state(observed, observe));
        let router = match www {
            Some(root) => {
                self.router.fallback_service(observe.service(ServeDir::new(root).fallback(unknown)))
            }
            None => self.router.fallback_service(observe.service(unknown)),
        };
        router.with_state(self.node)
    }
}

/// What players and pages ask.
pub fn public(node: &Arc<Node>) -> Routes {
    Routes::new(Arc::clone(node))
        .on("POST /v1/recommend", post(recommend::answer))
        .on("POST /v1/home", post(home::answer))
        .on("POST /v1/bitrate", post(bitrate::answer))
        .on("POST /v1/events", post(events::answer))
        .on("GET /v1/cmcd", get(cmcd::answer))
        .on("GET /v1/sessions/{id}", get(sessions::answer))
        .on("GET /v1/viewers", get(viewers::answer))
        .on("GET /v1/steering/hls", get(steering::hls))
        .on("GET /v1/steering/dash", get(steering::dash))
        .on("GET /v1/candidates/{region}", get(files::candidates))
        .on("GET /v1/titles", get(files::titles))
        .on("GET /v1/ranker", get(files::ranker))
        .on("GET /v1/tower", get(files::tower))
        .on("GET /v1/ladder", get(files::ladder))
}

/// What operators ask.
pub fn admin(node: &Arc<Node>) -> Routes {
    Routes::new(Arc::clone(node))
        .on("GET /healthz", get(admin::healthz))
        .on("GET /readyz", get(admin::readyz))
        .on("GET /metrics", get(admin::metrics))
        .on("GET /status", get(admin::status))
        .on("GET /v1/alerts", get(admin::alerts))
        .on("PUT /v1/steering/loads", put(steering::loads))
}

/// Which pages of other hosts may ask from a browser; follows a reload.
pub fn cors(node: &Arc<Node>) -> CorsLayer {
    let node = Arc::clone(node);
    let allowed = move |page: &HeaderValue, _: &_| node.settings.load().allows_page(page.as_bytes());
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(
            ["content-type", "traceparent", "cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"]
                .map(HeaderName::from_static)
                .into_iter()
                .chain([events::CAPSULE])
                .collect::<Vec<_>>(),
        )
        .expose_headers([
            REQUEST_ID,
            RETRY_AFTER,
            files::GENERATION,
            files::RULES,
            bitrate::DYNAMIC,
            events::CAPSULE,
            events::CAPSULE_REFUSED,
        ])
        .max_age(Duration::from_secs(600))
}

#[derive(Clone)]
struct Observed {
    node: Arc<Node>,
    route: &'static str,
}

/// Around every route: names the request, writes the body of a refusal, counts.
async fn observe(State(observed): State<Observed>, mut request: Request, next: Next) -> Response {
    let Observed { node, route } = observed;
    let asked = Asked::new(request.headers(), &node.dice);
    request.extensions_mut().insert(asked.clone());
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions().get::<ApiError>() {
        node.metrics.refused(error.refusal.code);
        debug!(request_id = %asked.request_id, route, code = error.refusal.code, "refused");
        response = error.answer(&asked.request_id, asked.form);
    }
    if let Ok(request_id) = HeaderValue::from_str(&asked.request_id) {
        response.headers_mut().insert(REQUEST_ID, request_id);
    }
    let seconds = Instant::now().saturating_duration_since(asked.at).as_secs_f64();
    node.metrics.answered(route, response.status().as_u16(), seconds);
    response
}

fn not_found() -> Response {
    ApiError::new(StatusCode::NOT_FOUND, "route-unknown", "there is nothing at this path").into_response()
}

async fn wrong_method() -> Response {
    let text = "this path takes another method";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", text).into_response()
}
