//! Calls into components: admitted, timed, counted.

use std::sync::Arc;
use std::time::Instant;

use tracing::warn;
use wire::TimingsUs;

use super::errors::ApiError;
use crate::node::Node;
use crate::runtime::InvokeError;

/// Stages of an answer, from the parsed request on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stages {
    parsed: Instant,
    queued_us: u64,
    decided_us: u64,
}

impl Stages {
    /// The request has been parsed.
    pub(super) fn begin() -> Self {
        Self { parsed: Instant::now(), queued_us: 0, decided_us: 0 }
    }

    /// The answer is ready.
    pub(super) fn timings(&self) -> TimingsUs {
        TimingsUs {
            queue: self.queued_us,
            decide: self.decided_us,
            total: micros(self.parsed, Instant::now()),
        }
    }

    /// Calls a component on this thread; for calls of some ten microseconds.
    pub(super) fn call<T>(
        &mut self,
        node: &Node,
        component: &'static str,
        call: impl FnOnce() -> Result<T, InvokeError>,
    ) -> Result<T, ApiError> {
        let started = Instant::now();
        let result = call();
        self.decided(node, component, started, Instant::now(), result.as_ref().err());
        result.map_err(|error| ApiError::from(&error))
    }

    /// Calls a component on a blocking thread.
    pub(super) async fn call_admitted<T: Send + 'static>(
        &mut self,
        node: &Arc<Node>,
        component: &'static str,
        call: impl FnOnce() -> Result<T, InvokeError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (result, started, ended) = self.admitted(node, call).await?;
        self.decided(node, component, started, ended, result.as_ref().err());
        result.map_err(|error| ApiError::from(&error))
    }

    /// Works on this thread when one of the admitted places is free: for what takes some ten to some hundred
    /// microseconds, so that a change of threads would be most of it.
    pub(super) async fn admitted_here<T>(
        &mut self,
        node: &Node,
        work: impl FnOnce() -> T,
    ) -> Result<T, ApiError> {
        let asked = Instant::now();
        let within = node.settings.load().queue;
        let place = match node.admission.try_acquire() {
            Ok(place) => place,
            Err(_) => match tokio::time::timeout(within, node.admission.acquire()).await {
                Ok(Ok(place)) => place,
                _ => return Err(ApiError::overloaded()),
            },
        };
        let started = Instant::now();
        let result = work();
        drop(place);
        self.queued_us = micros(asked, started);
        self.decided_us = micros(started, Instant::now());
        Ok(result)
    }

    /// Works on a blocking thread when one of the admitted places is free; a caller for whom none
    /// becomes free in time is sent away at once. Returns also when the work began and ended.
    pub(super) async fn admitted<T: Send + 'static>(
        &mut self,
        node: &Arc<Node>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, Instant, Instant), ApiError> {
        let asked = Instant::now();
        let within = node.settings.load().queue;
        let place = tokio::time::timeout(within, Arc::clone(&node.admission).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(ApiError::overloaded()) };
        let worked = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let result = work();
            let ended = Instant::now();
            drop(place);
            (result, started, ended)
        });
        let Ok((result, started, ended)) = worked.await else {
            warn!("a call panicked");
            return Err(ApiError::internal());
        };
        self.queued_us = micros(asked, started);
        self.decided_us = micros(started, ended);
        Ok((result, started, ended))
    }

    fn decided(
        &mut self,
        node: &Node,
        component: &'static str,
        started: Instant,
        ended: Instant,
        error: Option<&InvokeError>,
    ) {
        self.decided_us = micros(started, ended);
        let outcome = error.map_or("ok", InvokeError::code);
        node.metrics.invoked(component, outcome, ended.saturating_duration_since(started).as_secs_f64());
        if let Some(error) = error.filter(|error| !error.is_refusal()) {
            warn!(component, code = error.code(), %error, "an invocation failed");
        }
    }
}

fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u64::MAX)
}
