//! What a player says when it asks where to fetch from.

use super::limits;
use crate::percent;

/// The sort of stream a player plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP Live Streaming.
    Hls,
    /// MPEG DASH.
    Dash,
}

/// A pathway a player has fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// How fast it was, bit/s; none where the player does not say.
    pub bps: Option<u64>,
}

/// A player that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Of the stream.
    pub protocol: Protocol,
    /// Anything that stays the same over a session and differs between sessions: their id.
    pub session: String,
    /// Where it fetches from; none at its first question. DASH players name all since the last question.
    pub seen: Vec<Seen>,
}

/// Where in an order a player's pathway is, and how fast it was.
pub(super) struct Current {
    pub(super) place: usize,
    pub(super) bps: Option<u64>,
}

impl Client {
    /// Reads the arguments `_HLS_pathway` and `_HLS_throughput`, or `_DASH_pathway` and `_DASH_throughput`, of a
    /// query (what follows the `?`). An argument that cannot be read says nothing: a player that is not
    /// understood still has to be steered.
    pub fn read(protocol: Protocol, session: impl Into<String>, query: &str) -> Self {
        let (pathway, throughput) = match protocol {
            Protocol::Hls => ("_HLS_pathway", "_HLS_throughput"),
            Protocol::Dash => ("_DASH_pathway", "_DASH_throughput"),
        };
        let ids = argument(query, pathway);
        let speeds = argument(query, throughput);
        let mut speeds = speeds.split(',').map(|speed| speed.trim().parse().ok());
        let ids =
            ids.split(',').map(str::trim).filter(|id| !id.is_empty() && id.len() <= limits::ID_CHARS_MAX);
        let seen = ids.take(limits::PATHWAYS_MAX);
        let seen = seen.map(|id| Seen { id: id.to_owned(), bps: speeds.next().flatten() }).collect();
        Self { protocol, session: session.into(), seen }
    }

    /// The pathway that counts as the player's: the one that was fastest, of equals the first in the order.
    pub(super) fn current(&self, place_of: impl Fn(&str) -> Option<usize>) -> Option<Current> {
        let known = self.seen.iter().filter_map(|seen| {
            let place = place_of(&seen.id)?;
            Some(Current { place, bps: seen.bps })
        });
        known.max_by_key(|current| (current.bps, std::cmp::Reverse(current.place)))
    }
}

/// An argument without the quotes around it; empty where there is none.
fn argument(query: &str, name: &str) -> String {
    let mut text = String::new();
    if query.len() > limits::QUERY_BYTES_MAX {
        return text;
    }
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    for (_, value) in pairs.filter(|(key, _)| *key == name).take(1) {
        if percent::decode(value, &mut text).is_err() {
            return String::new();
        }
    }
    text.trim_matches('"').to_owned()
}
