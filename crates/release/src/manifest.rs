//! The manifest: the signed list of what a release is made of.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use ranking::{Blend, Rules, RulesError, TitleId};
use serde::{Deserialize, Serialize};

use crate::FileError;
use crate::SlateEntry;
use crate::limits::{FILES_MAX, GOLDEN_CASES_MAX, MANIFEST_BYTES_MAX, NAME_CHARS_MAX};

const SCHEMA: &str = "frontrow-manifest-1";

/// A release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `frontrow-manifest-1`.
    pub schema: String,
    /// Its number, from 1.
    pub generation: u64,
    /// The release that was on the channel when this one was made.
    pub parent: Option<u64>,
    /// When it was made, Unix time.
    pub created_unix_s: u64,
    /// The oldest version of a node that can run it.
    pub host_min: String,
    /// The regions it serves; the first is what a node without a region of its own takes.
    pub regions: Vec<RegionEntry>,
    /// How sources are weighed.
    pub rules: RulesEntry,
    /// Every file, by rising name.
    pub files: Vec<FileEntry>,
    /// The components' files.
    pub components: Components,
    /// The factor model's file.
    pub factors: Option<String>,
    /// The file of viewers' histories.
    pub histories: Option<String>,
    /// The file of titles' names.
    pub titles: String,
    /// The ONNX ranker.
    pub ranker: Option<Model>,
    /// The ONNX tower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tower: Option<Model>,
    /// Questions and the titles that a node must answer before it serves the release.
    pub golden: Vec<GoldenCase>,
    /// What was measured on held-out viewers when it was made, by name.
    pub quality: BTreeMap<String, f64>,
    /// Why an operator published it although the gate would have refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_worse: Option<String>,
    /// Shorter ways to some of its files, for nodes that have those of the release before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<DeltaEntry>,
}

/// A region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionEntry {
    /// Its name.
    pub name: String,
    /// The file of its candidate set.
    pub candidates: String,
    /// How its lists are laid out, if otherwise than the rules of the release say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slate: Option<SlateEntry>,
}

/// The rules as they are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesEntry {
    /// A watched title at age `a` weighs `recency_tau / (recency_tau + a)`.
    pub recency_tau: f32,
    /// Watched titles that count.
    pub history_window: u32,
    /// Candidates the ranker orders.
    pub ranker_pool: u32,
    /// How rows and tower are blended; none without a tower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blend: Option<BlendEntry>,
    /// How lists are laid out.
    #[serde(default, skip_serializing_if = "SlateEntry::is_default")]
    pub slate: SlateEntry,
}

/// How rows and tower are blended, as it is written; see [`ranking::Blend`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlendEntry {
    /// What the logarithm of a row score counts.
    pub weight: f32,
    /// What a candidate without a row entry is worth, as a chance.
    pub floor: f32,
}

impl RulesEntry {
    /// The rules themselves.
    ///
    /// # Errors
    ///
    /// Names the rule that is out of its range.
    pub fn rules(&self) -> Result<Rules, RulesError> {
        let refused = |_| RulesError { rule: "blend" };
        let blend = self.blend.map(|blend| Blend::new(blend.weight, blend.floor).map_err(refused));
        let rules = Rules::new(self.recency_tau, self.history_window, self.ranker_pool)?;
        Ok(rules.with_blend(blend.transpose()?).with_slate(self.slate.slate()?))
    }
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name in the release.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its digest in lower-case hexadecimal.
    pub sha256: String,
}

/// How a file can be made from one that a node may have; the result must be the file itself, by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeltaEntry {
    /// The name of the file that it makes.
    pub file: String,
    /// The digest of the file that it is made from.
    pub from: String,
    /// Its own length, below that of the file.
    pub bytes: u64,
    /// Its own digest.
    pub sha256: String,
}

/// The files of the four components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Components {
    /// Ranks.
    pub ranking: String,
    /// Runs the ranker.
    pub inference: String,
    /// Chooses rungs.
    pub bitrate: String,
    /// Folds and scores sessions.
    pub qoe: String,
}

/// An ONNX model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its file.
    pub file: String,
    /// What it takes.
    pub inputs: Vec<ModelValue>,
    /// What it gives.
    pub outputs: Vec<ModelValue>,
}

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelValue {
    /// Its name in the graph.
    pub name: String,
    /// Its dimensions; none = any.
    pub shape: Vec<Option<u32>>,
}

/// The age rating of every golden question: no title is too old for it.
pub const GOLDEN_MATURITY_MAX_YEARS: u8 = u8::MAX;

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenCase {
    /// Where.
    pub region: String,
    /// Titles watched, oldest first.
    pub history: Vec<TitleId>,
    /// When, Unix time in milliseconds.
    pub at_unix_ms: u64,
    /// Picks wanted.
    pub k: u32,
    /// The picks, in order.
    pub titles: Vec<TitleId>,
}

impl Manifest {
    /// The schema this version writes.
    pub const SCHEMA: &'static str = SCHEMA;

    /// Reads a manifest and checks that all it names is listed.
    ///
    /// # Errors
    ///
    /// When it is too large, not JSON, of another schema, or contradicts itself.
    pub fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        FileError::check_size(bytes, MANIFEST_BYTES_MAX)?;
        let manifest: Self = serde_json::from_slice(bytes)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Canonical JSON: keys in order, no spaces; equal manifests give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        // A value's map is ordered by key, a struct's fields are not.
        let value = serde_json::to_value(self).expect("names and numbers can be written as JSON");
        serde_json::to_vec(&value).expect("a value can be written as JSON")
    }

    /// A file by its name.
    pub fn file(&self, name: &str) -> Option<&FileEntry> {
        self.files.iter().find(|file| file.name == name)
    }

    /// The candidate set's file of a region.
    pub fn candidates(&self, region: &str) -> Option<&FileEntry> {
        let entry = self.regions.iter().find(|entry| entry.name == region)?;
        self.file(&entry.candidates)
    }

    /// The rules that hold in a region.
    pub fn rules_of(&self, region: &RegionEntry) -> RulesEntry {
        let slate = region.slate.as_ref().unwrap_or(&self.rules.slate);
        RulesEntry { slate: slate.clone(), ..self.rules.clone() }
    }

    /// # Errors
    ///
    /// Names the first field that contradicts the rest.
    pub fn check(&self) -> Result<(), FileError> {
        let refuse = |field| Err(FileError::Value { field });
        if self.schema != SCHEMA {
            return Err(FileError::Schema { expected: SCHEMA });
        }
        if self.generation == 0 {
            return refuse("generation");
        }
        // Of two entries for a region only the first would ever be served.
        let is_repeat = |(index, region): (usize, &RegionEntry)| {
            self.regions[..index].iter().any(|before| before.name == region.name)
        };
        if self.regions.is_empty()
            || !self.regions.iter().all(|region| is_name(&region.name))
            || self.regions.iter().enumerate().any(is_repeat)
        {
            return refuse("regions");
        }
        let is_file = |file: &FileEntry| is_name(&file.name) && is_digest(&file.sha256);
        let rising = self.files.windows(2).all(|pair| pair[0].name < pair[1].name);
        if self.files.len() > FILES_MAX || !rising || !self.files.iter().all(is_file) {
            return refuse("files");
        }
        let is_delta = |delta: &DeltaEntry| {
            is_digest(&delta.from)
                && is_digest(&delta.sha256)
                && self.file(&delta.file).is_some_and(|file| delta.bytes < file.bytes)
        };
        if self.deltas.len() > FILES_MAX || !self.deltas.iter().all(is_delta) {
            return refuse("deltas");
        }
        let regional = self.regions.iter().map(|region| self.rules_of(region).rules());
        if self.rules.rules().is_err() || regional.into_iter().any(|rules| rules.is_err()) {
            return refuse("rules");
        }
        if self.ranker.is_none() && self.rules.ranker_pool > 0 {
            return refuse("ranker_pool");
        }
        if self.tower.is_some() != self.rules.blend.is_some() {
            return refuse("blend");
        }
        if self.golden.len() > GOLDEN_CASES_MAX {
            return refuse("golden");
        }
        if self.quality.values().any(|value| !value.is_finite()) {
            return refuse("quality");
        }
        if self.names().any(|name| self.file(name).is_none()) {
            return refuse("files");
        }
        Ok(())
    }

    /// Every file that a part of the release refers to.
    fn names(&self) -> impl Iterator<Item = &str> {
        let Components { ranking, inference, bitrate, qoe } = &self.components;
        let parts = [ranking, inference, bitrate, qoe, &self.titles].into_iter();
        let models = self.ranker.iter().chain(&self.tower).map(|model| &model.file);
        let optional = self.factors.iter().chain(&self.histories).chain(models);
        let candidates = self.regions.iter().map(|region| &region.candidates);
        parts.chain(optional).chain(candidates).map(String::as_str)
    }
}

/// SHA-256 in lower-case hexadecimal.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Lower-case letters, digits, `.`, `_`, `-`; begins with a letter or digit: safe as a file name.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= NAME_CHARS_MAX
        && name.bytes().next().is_some_and(is_plain)
        && name.bytes().all(|byte| is_plain(byte) || b"._-".contains(&byte))
        && !name.contains("..")
}
