//! Calls into components: queued, timed, counted.

use std::time::Instant;

use tracing::warn;
use wire::TimingsUs;

use super::errors::ApiError;
use crate::node::Node;
use crate::runtime::InvokeError;
use crate::workers::{NotWorked, Worked};

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

    /// Calls a component on one of the node's threads for that; a caller for whom none is free in time is sent away.
    pub(super) async fn call_queued<T: Send + 'static>(
        &mut self,
        node: &Node,
        component: &'static str,
        call: impl FnOnce() -> Result<T, InvokeError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let asked = Instant::now();
        let within = node.settings.load().queue;
        let Worked { result, started, ended } =
            node.workers.run(within, call).await.map_err(|not_worked| match not_worked {
                NotWorked::Busy => ApiError::overloaded(),
                NotWorked::Panicked => {
                    warn!(component, "a call panicked");
                    ApiError::internal()
                }
            })?;
        self.queued_us = micros(asked, started);
        self.decided(node, component, started, ended, result.as_ref().err());
        result.map_err(|error| ApiError::from(&error))
    }

    /// Works on this thread: for what takes some ten to some hundred microseconds, so that a change of threads would be
    /// most of it.
    pub(super) fn work<T>(&mut self, node: &Node, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = node.workers.here(work);
        self.decided_us = micros(started, Instant::now());
        result
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
