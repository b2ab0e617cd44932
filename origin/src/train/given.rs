//! A tower that somebody else has trained: what it is, and which titles its items stand for.

use std::collections::HashMap;

use inference::{EncodeError, ModelError, Models, Tower, WINDOW_KEY};
use kernels::dot;
use prost::Message;
use ranking::Vectors;
use tract_onnx::pb::{ModelProto, StringStringEntryProto};

use super::TrainError;
use super::blended::{self, Beside, Blended};
use super::score::Scorer;
use crate::limits::TOWER_TITLES_BYTES_MAX;

/// A tower, ready to run, and the titles of its items.
#[derive(Debug)]
pub struct Given {
    onnx: Vec<u8>,
    // Invariant: a tower and nothing else.
    models: Models,
    // As the file has them, a row an item.
    floats: Vec<f32>,
    items: HashMap<u32, u32>,
}

/// Why a tower was not taken.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// The file is none that a node could run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The file of titles is longer than one of any tower.
    #[error("the titles have more than {TOWER_TITLES_BYTES_MAX} bytes")]
    TitlesTooLarge,
    /// There are more or fewer lines than items.
    #[error("{lines} lines of titles for {items} items of the tower")]
    TitlesCount {
        /// How many.
        lines: usize,
        /// Of the tower.
        items: usize,
    },
    /// A line is no number of a title.
    #[error("line {line} is no number of a title")]
    NoTitle {
        /// Which; the first is 1.
        line: usize,
    },
    /// A title has two items.
    #[error("title {title} stands in line {line} again")]
    Twice {
        /// Which.
        title: u32,
        /// Where; the first is 1.
        line: usize,
    },
}

impl GivenError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Model(error) => error.code(),
            Self::TitlesTooLarge => "tower-titles-too-large",
            Self::TitlesCount { .. } => "tower-titles-count",
            Self::NoTitle { .. } => "tower-titles-line",
            Self::Twice { .. } => "tower-titles-twice",
        }
    }
}

impl Given {
    /// Loads a tower as a node does. `titles` has a line for each of its items, in their order, with the number of the
    /// title that it stands for; an empty one where it stands for none. Without them item 7 is title 7.
    ///
    /// Where the graph takes fewer items than a history may have, how many is noted in its metadata.
    ///
    /// # Errors
    /// When a node could not run it, or the titles are not those of its items.
    pub fn new(onnx: Vec<u8>, titles: Option<&str>) -> Result<Self, GivenError> {
        let (onnx, models) = windowed(onnx)?;
        tower_of(&models).check_graph(&onnx).map_err(ModelError::Tower)?;
        let known = tower_of(&models).shape().items;
        let items = match titles {
            Some(titles) => read_titles(titles, known)?,
            None => (0..).take(known).map(|item| (item, item)).collect(),
        };
        let floats = Tower::item_floats(&onnx).map_err(ModelError::Tower)?;
        Ok(Self { onnx, models, floats, items })
    }

    /// What a release ships.
    pub fn onnx(&self) -> &[u8] {
        &self.onnx
    }

    /// Runs it with as long a history as it may be shown, which is how long.
    ///
    /// # Errors
    /// When it fails.
    pub fn run_longest(&self) -> Result<usize, EncodeError> {
        let shape = tower_of(&self.models).shape();
        tower_of(&self.models).encode(&shape.trial(shape.window)).map(|_| shape.window)
    }

    /// How many of these titles it knows.
    pub fn known(&self, titles: &[u32]) -> usize {
        titles.iter().filter(|title| self.items.contains_key(title)).count()
    }

    /// The tower, its items by the places of these titles.
    pub fn matched(&self, titles: &[u32]) -> Matched<'_> {
        let item = |title| self.items.get(title).copied().unwrap_or(Vectors::UNKNOWN);
        let items: Vec<u32> = titles.iter().map(item).collect();
        let width = tower_of(&self.models).shape().width;
        let known: Vec<u32> = items.iter().copied().filter(|&item| item != Vectors::UNKNOWN).collect();
        let average = blended::average(width, known.iter().map(|&item| self.floats(item).iter().copied()));
        Matched { given: self, items, average }
    }

    /// As [`Beside::blend`]: whoever trained it has kept the validation views from it, as `frontrow-origin export` does.
    ///
    /// # Errors
    /// When it knows none of the titles, or the candidates are none.
    pub fn blend(&self, beside: &Beside<'_>) -> Result<Blended, TrainError> {
        let titles = beside.sequences.titles();
        if self.known(titles) == 0 {
            return Err(TrainError::UnknownTitles { titles: titles.len() });
        }
        let matched = self.matched(titles);
        beside.blend(&matched, &self.models, matched.vectors())
    }
}

impl Given {
    /// The vector of an item before it is rounded.
    fn floats(&self, item: u32) -> &[f32] {
        let width = tower_of(&self.models).shape().width;
        &self.floats[item as usize * width..][..width]
    }
}

/// A tower whose items go by the places of a catalogue's titles.
#[derive(Clone, Debug)]
pub struct Matched<'a> {
    given: &'a Given,
    // By the place of a title.
    items: Vec<u32>,
    // Of the vectors of these titles.
    average: Vec<f32>,
}

impl Matched<'_> {
    /// The vectors of the titles as an edge compares them.
    pub fn vectors(&self) -> Vectors {
        let known =
            self.items.iter().map(|&item| (item != Vectors::UNKNOWN).then_some((item as usize, item)));
        blended::select(tower_of(&self.given.models).items(), &known.collect::<Vec<_>>())
    }

    /// The vector of a viewer; none where the tower knows nothing that was watched, or fails.
    fn encode(&self, history: &[u32]) -> Option<Vec<f32>> {
        let items = history.iter().map(|&place| self.items[place as usize]);
        let items: Vec<u32> = items.filter(|&item| item != Vectors::UNKNOWN).collect();
        tower_of(&self.given.models).encode(ranking::encoded(&items)).ok()
    }
}

impl Scorer for Matched<'_> {
    fn scores(&self, histories: &[&[u32]]) -> Vec<f32> {
        let mut scores = Vec::with_capacity(histories.len() * self.items.len());
        for history in histories {
            let found = self.encode(history).map(|viewer| {
                let score = |&item: &u32| match item {
                    // As at an edge, where a row must speak for it besides.
                    Vectors::UNKNOWN => dot(&viewer, &self.average),
                    item => dot(&viewer, self.given.floats(item)),
                };
                self.items.iter().map(score).collect::<Vec<f32>>()
            });
            match found.filter(|scores| self.says_anything(scores)) {
                Some(found) => scores.extend(found),
                None => scores.extend((0..self.items.len()).map(|place| -(place as f32) * SILENT_STEP)),
            }
        }
        scores
    }
}

impl Matched<'_> {
    /// Whether these scores put anything that it knows before anything else.
    fn says_anything(&self, scores: &[f32]) -> bool {
        let scored = scores.iter().zip(&self.items);
        let known: Vec<f32> =
            scored.filter(|(_, item)| **item != Vectors::UNKNOWN).map(|(score, _)| *score).collect();
        known.iter().all(|score| score.is_finite()) && known.iter().any(|score| *score != known[0])
    }
}

/// From title to title where a tower says nothing: of equal scores the wanted one would count as the first, and silence as
/// perfect. Far less than what rows are apart by.
const SILENT_STEP: f32 = 1e-7;

fn tower_of(models: &Models) -> &Tower {
    models.tower().expect("a tower was loaded")
}

/// The item of each title.
fn read_titles(text: &str, items: usize) -> Result<HashMap<u32, u32>, GivenError> {
    if text.len() as u64 > TOWER_TITLES_BYTES_MAX {
        return Err(GivenError::TitlesTooLarge);
    }
    let lines = text.lines().count();
    if lines != items {
        return Err(GivenError::TitlesCount { lines, items });
    }
    let mut known = HashMap::with_capacity(items);
    for ((item, line), text) in (0..).zip(1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let title = text.parse().map_err(|_| GivenError::NoTitle { line })?;
        if known.insert(title, item).is_some() {
            return Err(GivenError::Twice { title, line });
        }
    }
    Ok(known)
}

/// The tower, and its file with as large a window as it can run.
fn windowed(onnx: Vec<u8>) -> Result<(Vec<u8>, Models), ModelError> {
    let models = Models::load(None, Some(&onnx))?;
    let shape = tower_of(&models).shape();
    let runs = |items: usize| tower_of(&models).encode(&shape.trial(items)).is_ok();
    // One of our own says how many it takes.
    if tower_of(&models).is_exact() || runs(shape.window) {
        return Ok((onnx, models));
    }
    // Loading has run it with one.
    let (mut longest, mut too_long) = (1, shape.window);
    while longest + 1 < too_long {
        let middle = longest.midpoint(too_long);
        if runs(middle) { longest = middle } else { too_long = middle }
    }
    let mut model = ModelProto::decode(onnx.as_slice()).expect("tract has read it");
    model.metadata_props.retain(|property| property.key != WINDOW_KEY);
    let value = longest.to_string();
    model.metadata_props.push(StringStringEntryProto { key: WINDOW_KEY.to_owned(), value });
    let onnx = model.encode_to_vec();
    let models = Models::load(None, Some(&onnx))?;
    Ok((onnx, models))
}
