//! Requests that run against the nodes while a release is switched.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Result, bail};
use serde_json::Value;

use super::http::Client;

/// Clients that ask without a pause until told to stop.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Counts>>,
}

/// What the clients saw.
#[derive(Default)]
pub(crate) struct Counts {
    /// Answers by the generation they name.
    pub(crate) by_generation: BTreeMap<u64, u64>,
    /// Requests without a good answer, with the first reason.
    pub(crate) failed: u64,
    first_failure: Option<String>,
}

impl Load {
    /// Starts one client a node; each asks for the viewers in turn.
    pub(crate) fn start(client: &Client, nodes: &[String], bodies: &[Value]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = nodes
            .iter()
            .map(|node| {
                let (client, stop) = (client.clone(), Arc::clone(&stop));
                let (url, bodies) = (format!("{node}/v1/recommend"), bodies.to_vec());
                std::thread::spawn(move || ask_until(&stop, &client, &url, &bodies))
            })
            .collect();
        Self { stop, clients }
    }

    /// Stops the clients and adds up what they saw.
    pub(crate) fn stop(self) -> Result<Counts> {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = Counts::default();
        for client in self.clients {
            let Ok(counts) = client.join() else { bail!("a client of the load stopped") };
            for (generation, answers) in counts.by_generation {
                *sum.by_generation.entry(generation).or_default() += answers;
            }
            sum.failed += counts.failed;
            sum.first_failure = sum.first_failure.or(counts.first_failure);
        }
        Ok(sum)
    }
}

impl Counts {
    /// Refuses a run in which a request failed.
    pub(crate) fn without_failures(self) -> Result<Self> {
        match self.first_failure {
            Some(reason) => bail!("{} requests failed, first: {reason}", self.failed),
            None => Ok(self),
        }
    }

    /// All good answers.
    pub(crate) fn answers(&self) -> u64 {
        self.by_generation.values().sum()
    }
}

fn ask_until(stop: &AtomicBool, client: &Client, url: &str, bodies: &[Value]) -> Counts {
    let mut counts = Counts::default();
    for body in bodies.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match client.post(url, body).map(|answer| answer["generation"].as_u64()) {
            Ok(Some(generation)) => *counts.by_generation.entry(generation).or_default() += 1,
            Ok(None) => counts.fail("an answer names no generation".to_owned()),
            Err(error) => counts.fail(format!("{error:#}")),
        }
    }
    counts
}

impl Counts {
    fn fail(&mut self, reason: String) {
        self.failed += 1;
        self.first_failure.get_or_insert(reason);
    }
}
