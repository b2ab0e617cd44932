//! Content steering: which of several delivery networks a player should use, for HLS and DASH.
//!
//! A player of a steered stream asks every `TTL` seconds and says where it fetches from and how fast. The answer
//! is an order of pathways, a pure function of the region's pathways ([`SteeringRegion`]), their load and the
//! player ([`Client`]):
//!
//! - Every session has its own order, drawn from a hash of session and pathway in proportion to the weights
//!   (weighted rendezvous hashing): viewers spread by weight, and when one pathway's weight falls, only viewers
//!   of that pathway move.
//! - Above its threshold a pathway keeps a share of its viewers that falls in proportion, to none at full load.
//!   Who leaves is drawn by the same hash, so that nobody comes back while the load rises.
//! - Below it a viewer stays where it is, even where its own order would begin elsewhere.
//! - A pathway is never taken out of the list: with all at full load the least loaded comes first.
//!
//! Sources: draft-pantos-hls-rfc8216bis section 7, draft-pantos-content-steering, and DASH-IF content steering,
//! whose final text calls the order `PATHWAY-PRIORITY` as HLS does; earlier players read
//! `SERVICE-LOCATION-PRIORITY`, so that a manifest for DASH has both.

mod client;
pub mod limits;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::text::check_label;

pub use client::{Client, Protocol, Seen};

/// The media type of a manifest.
pub const MEDIA_TYPE: &str = "application/vnd.apple.steering-list";

/// Load of a pathway at its capacity.
pub const LOAD_FULL_PERMILLE: u32 = 1_000;

/// `steering.toml`: pathways by region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SteeringFile {
    /// Holds for every region that has none of its own.
    pub default: SteeringRegion,
    /// By region.
    #[serde(default)]
    pub regions: BTreeMap<String, SteeringRegion>,
}

impl SteeringFile {
    /// Checks the names of the regions and every region.
    pub fn validate(&self) -> Result<(), Refusal> {
        self.regions.keys().try_for_each(|name| check_label("name of a region", Some(name)))?;
        self.regions.values().chain([&self.default]).try_for_each(SteeringRegion::validate)
    }

    /// The region's pathways, else the default ones.
    pub fn of(&self, region: &str) -> &SteeringRegion {
        self.regions.get(region).unwrap_or(&self.default)
    }
}

/// The pathways of a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SteeringRegion {
    /// After how many seconds a player asks again.
    #[serde(default = "ttl_s_usual")]
    pub ttl_s: u32,
    /// Where it asks then; where it asked now, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload_uri: Option<String>,
    /// At least one; of equals the first comes first.
    pub pathways: Vec<Pathway>,
}

/// One way to the media: a delivery network or a group of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pathway {
    /// As the stream names it: `PATHWAY-ID` in HLS, `serviceLocation` in DASH.
    pub id: String,
    /// Where it fetches from.
    pub host: String,
    /// Its share of the viewers, beside the weights of the others.
    #[serde(default = "weight_usual")]
    pub weight: u32,
    /// From this load on viewers are sent elsewhere, in percent of its capacity.
    #[serde(default = "threshold_percent_usual")]
    pub threshold_percent: u32,
    /// A viewer that measures less on it is sent elsewhere, kbit/s; 0 for never.
    #[serde(default)]
    pub kbps_min: u32,
    /// The stream does not name this pathway: players make it from that one by putting in `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clone_of: Option<String>,
}

fn ttl_s_usual() -> u32 {
    300
}

fn weight_usual() -> u32 {
    100
}

fn threshold_percent_usual() -> u32 {
    70
}

impl SteeringRegion {
    /// Checks that there are pathways, that they are named once, and that no number is absurd.
    pub fn validate(&self) -> Result<(), Refusal> {
        check(!self.pathways.is_empty(), "no-pathways", || "a region has at least one pathway".to_owned())?;
        let count = self.pathways.len();
        check(count <= limits::PATHWAYS_MAX, "too-many-pathways", || {
            format!("{count} pathways are more than {}", limits::PATHWAYS_MAX)
        })?;
        let (ttl_s, range) = (self.ttl_s, limits::TTL_S_MIN..=limits::TTL_S_MAX);
        check(range.contains(&ttl_s), "ttl-out-of-range", || format!("ttl_s {ttl_s} is not in {range:?}"))?;
        let uri = self.reload_uri.as_deref().unwrap_or("/");
        check(is_text(uri, limits::URI_CHARS_MAX), "reload-uri", || "reload_uri is no address".to_owned())?;
        let mut own = BTreeSet::new();
        let mut all = BTreeSet::new();
        for pathway in &self.pathways {
            pathway.validate()?;
            let id = &*pathway.id;
            check(all.insert(id), "pathway-repeated", || format!("{id} is named twice"))?;
            if pathway.clone_of.is_none() {
                own.insert(id);
            }
        }
        let clones = self.pathways.iter().filter_map(|pathway| pathway.clone_of.as_deref());
        for base in clones {
            check(own.contains(base), "clone-of-unknown", || format!("{base} is no pathway of the stream"))?;
        }
        Ok(())
    }
}

impl Pathway {
    fn validate(&self) -> Result<(), Refusal> {
        let id = &*self.id;
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_named = (1..=limits::ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(is_id);
        check(is_named, "pathway-id", || {
            format!("{id:?} is no id: 1 to {} letters, digits, '.', '-', '_'", limits::ID_CHARS_MAX)
        })?;
        let is_host = is_text(&self.host, limits::HOST_CHARS_MAX) && !self.host.contains('/');
        check(is_host, "pathway-host", || format!("the host of {id} is no name of a host"))?;
        let range = limits::WEIGHT_MIN..=limits::WEIGHT_MAX;
        check(range.contains(&self.weight), "pathway-weight", || {
            format!("the weight {} of {id} is not in {range:?}", self.weight)
        })?;
        check(self.threshold_percent < 100, "pathway-threshold", || {
            format!("the threshold of {id} leaves no room below 100 percent")
        })
    }

    /// The share of its viewers that it keeps under this load: all of them up to the threshold, none from its
    /// capacity on.
    fn kept(&self, load_permille: u32) -> f64 {
        let free = LOAD_FULL_PERMILLE.saturating_sub(load_permille);
        let room = LOAD_FULL_PERMILLE.saturating_sub(self.threshold_percent.saturating_mul(10)).max(1);
        f64::from(free.min(room)) / f64::from(room)
    }
}

/// The answer to a player.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub struct Manifest {
    /// Of the manifest: 1.
    pub version: u32,
    /// After how many seconds a player asks again.
    pub ttl: u32,
    /// Where it asks then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload_uri: Option<String>,
    /// The pathways, the best first; never empty.
    pub pathway_priority: Vec<String>,
    /// The same under the name that earlier DASH players read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_location_priority: Option<Vec<String>>,
    /// Pathways that the stream does not name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pathway_clones: Vec<PathwayClone>,
}

/// A pathway that players make from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub struct PathwayClone {
    /// The pathway of the stream.
    pub base_id: String,
    /// The new one.
    pub id: String,
    /// What is different.
    pub uri_replacement: UriReplacement,
}

/// What is different in the addresses of a clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub struct UriReplacement {
    /// The host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Arguments to add to the query.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

/// What an operator's monitoring knows of the pathways: replaces what it said before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadsRequest {
    /// Load by the id of a pathway, 1,000 at its capacity.
    pub permille: BTreeMap<String, u32>,
    /// How long it holds; after it the pathways count as idle.
    #[serde(default = "loads_ttl_s_usual")]
    pub ttl_s: u32,
}

fn loads_ttl_s_usual() -> u32 {
    60
}

impl LoadsRequest {
    /// Checks the number of pathways and the time. Codes: `too-many-pathways`, `ttl-out-of-range`.
    pub fn validate(&self) -> Result<(), Refusal> {
        let count = self.permille.len();
        check(count <= limits::LOADS_MAX, "too-many-pathways", || {
            format!("{count} pathways are more than {}", limits::LOADS_MAX)
        })?;
        let range = 1..=limits::TTL_S_MAX;
        check(range.contains(&self.ttl_s), "ttl-out-of-range", || {
            format!("ttl_s {} is not in {range:?}", self.ttl_s)
        })
    }
}

/// Orders a region's pathways for a player. `load_permille` tells a pathway's load by its id, 1,000 at its
/// capacity; one that nobody knows is 0. The region must have passed [`SteeringRegion::validate`].
pub fn manifest(region: &SteeringRegion, client: &Client, load_permille: impl Fn(&str) -> u32) -> Manifest {
    let mut ranked: Vec<Ranked<'_>> = region
        .pathways
        .iter()
        .map(|pathway| Ranked::new(pathway, load_permille(&pathway.id), client))
        .collect();
    // A sort that keeps the order of equals: the file's.
    ranked.sort_by(|a, b| a.load_when_full.cmp(&b.load_when_full).then(a.cost.total_cmp(&b.cost)));
    settle(&mut ranked, client);
    let order: Vec<_> = ranked.iter().map(|ranked| ranked.pathway.id.clone()).collect();
    let clones = region.pathways.iter().filter_map(|pathway| {
        Some(PathwayClone {
            base_id: pathway.clone_of.clone()?,
            id: pathway.id.clone(),
            uri_replacement: UriReplacement { host: Some(pathway.host.clone()), params: BTreeMap::new() },
        })
    });
    Manifest {
        version: 1,
        ttl: region.ttl_s,
        reload_uri: region.reload_uri.clone(),
        service_location_priority: (client.protocol == Protocol::Dash).then(|| order.clone()),
        pathway_priority: order,
        pathway_clones: clones.collect(),
    }
}

/// A pathway and its place in a session's own order.
struct Ranked<'p> {
    pathway: &'p Pathway,
    /// 0 below capacity, else the load: full ones come last, the least loaded first.
    load_when_full: u32,
    /// An exponential draw over the weight that the load leaves; the lowest comes first.
    cost: f64,
    /// Whether a viewer that is there may stay.
    keeps: bool,
}

impl<'p> Ranked<'p> {
    fn new(pathway: &'p Pathway, load_permille: u32, client: &Client) -> Self {
        let kept = pathway.kept(load_permille);
        let weight = f64::from(pathway.weight) * kept;
        Self {
            pathway,
            load_when_full: if kept > 0.0 { 0 } else { load_permille },
            cost: -libm::log(draw(&client.session, &pathway.id, "order")) / weight.max(f64::MIN_POSITIVE),
            keeps: draw(&client.session, &pathway.id, "stay") < kept,
        }
    }
}

/// Puts the pathway a viewer is on first where it may stay, and behind all that have room where it must go.
fn settle(ranked: &mut Vec<Ranked<'_>>, client: &Client) {
    let Some(at) = client.current(|id| ranked.iter().position(|ranked| ranked.pathway.id == id)) else {
        return;
    };
    let current = ranked.remove(at.place);
    let is_fast = at.bps.is_none_or(|bps| bps / 1_000 >= u64::from(current.pathway.kbps_min));
    let place = match current.keeps && is_fast && current.load_when_full == 0 {
        true => 0,
        false if current.load_when_full > 0 => {
            ranked.iter().take_while(|other| other.load_when_full < current.load_when_full).count()
        }
        false => ranked.iter().take_while(|other| other.load_when_full == 0).count(),
    };
    ranked.insert(place, current);
}

/// A number in 0 to 1, neither of them, that is always the same for a session and a pathway.
fn draw(session: &str, pathway: &str, purpose: &str) -> f64 {
    // FNV-1a, with a byte between the parts that none of them holds, and the finish of MurmurHash3.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in [session, pathway, purpose] {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    ((hash >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

fn is_text(text: &str, chars_max: usize) -> bool {
    !text.is_empty() && text.len() <= chars_max && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn check(holds: bool, code: &'static str, message: impl FnOnce() -> String) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::new(code, message())) }
}
