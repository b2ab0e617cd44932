//! The demo's HTTP client: JSON in, JSON out, with a limit on every wait.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::Agent;

/// An answer takes milliseconds; this only ends a wait for something dead.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks servers.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
}

impl Client {
    pub(crate) fn new() -> Self {
        let config =
            Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
        Self { agent: config.into() }
    }

    /// Posts and returns the answer of a success.
    pub(crate) fn post(&self, url: &str, body: &Value) -> Result<Value> {
        let mut response = self.agent.post(url).send_json(body).with_context(|| format!("POST {url}"))?;
        let status = response.status();
        let answer: Value =
            response.body_mut().read_json().with_context(|| format!("POST {url}: {status}"))?;
        if !status.is_success() {
            bail!("POST {url}: {status}: {answer}");
        }
        Ok(answer)
    }

    /// Gets and returns the answer of a success.
    pub(crate) fn get(&self, url: &str) -> Result<Value> {
        let mut response = self.agent.get(url).call().with_context(|| format!("GET {url}"))?;
        let status = response.status();
        if !status.is_success() {
            bail!("GET {url}: {status}");
        }
        response.body_mut().read_json().with_context(|| format!("GET {url}"))
    }

    /// The status of a GET; none when nobody answers.
    pub(crate) fn status(&self, url: &str) -> Option<u16> {
        self.agent.get(url).call().ok().map(|response| response.status().as_u16())
    }
}
