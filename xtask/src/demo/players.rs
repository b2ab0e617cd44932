//! Players that send events while their node is killed under them, and count what it answered for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::http::Client;
use super::unix_ms;

/// Events of a request.
const BATCH: u64 = 20;

/// A node is back in a second or two; a player that is refused for longer has found something broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the ids of all their events begin with.
pub(crate) const ID_PREFIX: &str = "player-";

/// Players that send batch after batch; each batch again, as it is, until a node answers for it.
pub(crate) struct Players {
    stop: Arc<AtomicBool>,
    node: Arc<Mutex<String>>,
    answered: Arc<AtomicU64>,
    players: Vec<JoinHandle<Result<u64>>>,
}

/// What players were told.
pub(crate) struct Told {
    /// Events that a node answered for: all that were sent.
    pub(crate) answered: u64,
    /// Of these, events whose first answer was lost, so that they came again.
    pub(crate) again: u64,
}

impl Players {
    /// Starts so many, at the node with this address.
    pub(crate) fn start(client: &Client, node: String, count: usize) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let node = Arc::new(Mutex::new(node));
        let play = |player| {
            let (client, stop) = (client.clone(), Arc::clone(&stop));
            let (node, answered) = (Arc::clone(&node), Arc::clone(&answered));
            std::thread::spawn(move || {
                let mut again = 0;
                for first in (0..).step_by(usize::try_from(BATCH)?) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    again += deliver(&client, &node, &batch(player, first)?)?;
                    answered.fetch_add(BATCH, Ordering::Relaxed);
                }
                Ok(again)
            })
        };
        let players = (0..count).map(play).collect();
        Self { stop, node, answered, players }
    }

    /// Sends all of them to the node's new address.
    pub(crate) fn move_to(&self, node: String) -> Result<()> {
        *self.node.lock().ok().context("a player stopped")? = node;
        Ok(())
    }

    /// Events that a node has answered for so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Ends them behind the batch each is at.
    pub(crate) fn stop(self) -> Result<Told> {
        self.stop.store(true, Ordering::Relaxed);
        let mut again = 0;
        for player in self.players {
            let Ok(played) = player.join() else { bail!("a player stopped") };
            again += played?;
        }
        Ok(Told { answered: self.answered.load(Ordering::Relaxed), again })
    }
}

fn batch(player: usize, first: u64) -> Result<Value> {
    let now = unix_ms()?;
    let event = |number: u64| {
        json!({
            "event_id": format!("{ID_PREFIX}{player}-{number}"), "session_id": format!("{ID_PREFIX}{player}"),
            "kind": "heartbeat", "at_unix_ms": now, "viewer": player, "title": 1, "region": "eu", "kbps": 2500,
        })
    };
    Ok(json!({"events": (first..first + BATCH).map(event).collect::<Vec<_>>()}))
}

/// Sends a batch until it is answered for; returns how much of it the node had taken in before it died.
fn deliver(client: &Client, node: &Mutex<String>, batch: &Value) -> Result<u64> {
    let started = Instant::now();
    loop {
        let url = format!("{}/v1/events", node.lock().ok().context("the story stopped")?);
        match client.post(&url, batch) {
            Ok(answer) => {
                let (new, again) = (answer["accepted"].as_u64(), answer["duplicates"].as_u64());
                let (new, again) = new.zip(again).context("an answer counts no events")?;
                ensure!(new + again == BATCH, "not all events count: {answer}");
                return Ok(again);
            }
            Err(error) if started.elapsed() > PATIENCE => return Err(error),
            // The node is dead; it gives no signal when it is back.
            Err(_) => std::thread::park_timeout(Duration::from_millis(5)),
        }
    }
}
