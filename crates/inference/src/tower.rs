//! Towers: what was watched becomes a viewer's vector, which is compared with those of items.
//!
//! Those of the trainer say so in their metadata and run on our own kernels, with the same bits in every form. Any other
//! graph runs in tract: its one input is `i64[1, n]` or `i32[1, n]`, items by number, oldest first, its one output
//! `f32[1, width]`, and the vectors of its items are an initialiser `f32[items, width]`: the one called `item_vectors`,
//! or else the table in which the input is looked up.

mod causal;
mod error;
#[cfg(feature = "tract")]
mod graph;
mod last;
mod read;

pub use error::{EncodeError, TowerError};
pub use last::OneViewer;

use causal::Causal;
#[cfg(feature = "tract")]
use graph::GraphTower;
use kernels::ByteMatrix;

use crate::onnx::{Graph, Tensor, metadata};

/// A tower, ready to run.
#[derive(Clone, Debug)]
pub struct Tower(Kind);

/// Who computes.
#[derive(Clone, Debug)]
enum Kind {
    Causal(Box<Causal>),
    #[cfg(feature = "tract")]
    Graph(GraphTower),
}

/// The sizes of a tower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TowerShape {
    /// Items it knows.
    pub items: usize,
    /// Numbers in a vector.
    pub width: usize,
    /// Newest items of a history that it sees.
    pub window: usize,
}

impl TowerShape {
    /// So many items to try a tower with: the last one, for the first is often one that pads, and hidden.
    pub fn trial(&self, items: usize) -> Vec<u32> {
        vec![u32::try_from(self.items - 1).unwrap_or(u32::MAX); items]
    }
}

/// What items that are added to a history lead to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// The viewer's vector.
    pub user: Vec<f32>,
    /// What they add to the state, a row an item: keys and values, or of a graph that is run by tract the items' numbers.
    pub state: Vec<f32>,
}

impl Tower {
    /// Reads an ONNX file. A graph that the trainer did not make may take any amount of memory while it is loaded: see
    /// [`crate::Ranker::load`]. Without the feature `tract` it is refused.
    ///
    /// # Errors
    ///
    /// When it is not ONNX, not a tower of the kind and shape that it promises, or cannot run.
    pub fn read(onnx: &[u8]) -> Result<Self, TowerError> {
        let graph = Graph::read(onnx)?;
        match metadata(onnx, b"frontrow.tower")? {
            Some(kind) if kind == read::KIND.as_bytes() => {
                Ok(Self(Kind::Causal(Box::new(Causal::read(onnx, &graph)?))))
            }
            #[cfg(feature = "tract")]
            None => Ok(Self(Kind::Graph(GraphTower::read(onnx, &graph)?))),
            _ => Err(TowerError::NotATower),
        }
    }

    /// Checks that the graph of a tower that runs on our own kernels, which read only its weights, says the same in
    /// tract. Of any other there is nothing to check.
    ///
    /// # Errors
    ///
    /// When the graph cannot run, or the two vectors of a history point different ways.
    #[cfg(feature = "tract")]
    pub fn check_graph(&self, onnx: &[u8]) -> Result<(), TowerError> {
        if !self.is_exact() {
            return Ok(());
        }
        let graph = GraphTower::read(onnx, &Graph::read(onnx)?)?;
        let items = self.shape().items;
        let history: Vec<u32> =
            (0..self.shape().window.min(CHECKED)).map(|step| ((step * 7 + 1) % items) as u32).collect();
        let failed = |error: EncodeError| TowerError::Graph { reason: error.to_string() };
        let own = self.encode(&history).map_err(failed)?;
        let theirs = graph.encode_from(&[], &history).map_err(failed)?.user;
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let cosine = product(&own, &theirs) / (product(&own, &own) * product(&theirs, &theirs)).sqrt();
        // Items in eight bits and layers in sixteen turn a vector by less. Not so for what is no number.
        if cosine >= COSINE_MIN { Ok(()) } else { Err(TowerError::Unlike { cosine: cosine.to_string() }) }
    }

    /// The vectors of its items as the file has them, before they are rounded: a row an item.
    ///
    /// # Errors
    ///
    /// When it is not ONNX or has no such vectors.
    pub fn item_floats(onnx: &[u8]) -> Result<Vec<f32>, TowerError> {
        Ok(item_vectors(&Graph::read(onnx)?)?.to_vec())
    }

    /// Its sizes.
    pub fn shape(&self) -> TowerShape {
        let items = self.items();
        let window = match &self.0 {
            Kind::Causal(causal) => causal.shape.window,
            #[cfg(feature = "tract")]
            Kind::Graph(graph) => graph.window,
        };
        TowerShape { items: items.rows(), width: items.columns(), window }
    }

    /// The vectors of its items.
    pub fn items(&self) -> &ByteMatrix {
        match &self.0 {
            Kind::Causal(causal) => &causal.items,
            #[cfg(feature = "tract")]
            Kind::Graph(graph) => &graph.items,
        }
    }

    /// Whether our own kernels run it, with the same bits in every form.
    pub fn is_exact(&self) -> bool {
        matches!(self.0, Kind::Causal(_))
    }

    /// Numbers that an item adds to a state.
    pub fn state_row(&self) -> usize {
        match &self.0 {
            Kind::Causal(causal) => causal.state_row(),
            #[cfg(feature = "tract")]
            Kind::Graph(_) => 1,
        }
    }

    /// The vector of whoever watched these items, oldest first; of more than the window the newest count.
    ///
    /// # Errors
    ///
    /// When there are none, one is not the tower's, or the tower fails.
    pub fn encode(&self, items: &[u32]) -> Result<Vec<f32>, EncodeError> {
        let older = items.len().saturating_sub(self.shape().window);
        let step = self.encode_from(&[], &items[older..]).map_err(|error| match error {
            EncodeError::UnknownItem { place } => EncodeError::UnknownItem { place: place + older },
            other => other,
        })?;
        Ok(step.user)
    }

    /// Goes on from the state of a history, what each [`Step`] of it added one behind the other; empty for none. The
    /// vector is that of the longer history.
    ///
    /// # Errors
    ///
    /// When the state is not one of this tower or has no room, there are no items, one is not the tower's, or the tower
    /// fails.
    pub fn encode_from(&self, state: &[f32], items: &[u32]) -> Result<Step, EncodeError> {
        let (shape, row) = (self.shape(), self.state_row());
        if !state.len().is_multiple_of(row) || state.len() / row + items.len() > shape.window {
            return Err(EncodeError::State);
        }
        if items.is_empty() {
            return Err(EncodeError::Empty);
        }
        if let Some(place) = items.iter().position(|&item| item as usize >= shape.items) {
            return Err(EncodeError::UnknownItem { place });
        }
        let step = match &self.0 {
            Kind::Causal(causal) => causal.encode_from(state, items),
            #[cfg(feature = "tract")]
            Kind::Graph(graph) => graph.encode_from(state, items)?,
        };
        if step.user.iter().all(|value| value.is_finite()) { Ok(step) } else { Err(EncodeError::NotFinite) }
    }
}

/// The vectors of a graph's items, `f32[items, width]`.
fn item_vectors<'g>(graph: &'g Graph<'_>) -> Result<&'g Tensor<'g>, TowerError> {
    let is_table = |table: &&Tensor<'_>| matches!(*table.shape, [items, width] if items > 0 && width > 0);
    if let Some(named) = graph.constant(ITEM_VECTORS.as_bytes()).filter(is_table) {
        return Ok(named);
    }
    // The input, and what is still the same items: exporters make them another type first, or count from the end what
    // is below 0, which some choose by products; models take the newest of them, or put one before. What else is computed
    // of them, as places in the history, says nothing of which they are.
    let mut same = vec![graph.input];
    let mut tables: Vec<&[u8]> = Vec::new();
    for node in &graph.nodes {
        match (node.operator, node.inputs.as_slice()) {
            (b"Gather", [table, items])
                if same.contains(items)
                    && graph.constant(table).is_some_and(|table| is_table(&table))
                    && !tables.contains(table) =>
            {
                tables.push(*table);
            }
            (
                b"Cast" | b"Clip" | b"Expand" | b"Flatten" | b"Identity" | b"Pad" | b"Reshape" | b"Slice"
                | b"Squeeze" | b"Transpose" | b"Unsqueeze",
                [items, ..],
            ) if same.contains(items) => same.push(node.output),
            (b"Add" | b"Concat" | b"Mul" | b"Sub" | b"Where", inputs)
                if inputs.iter().any(|input| same.contains(input)) =>
            {
                same.push(node.output);
            }
            _ => {}
        }
    }
    match tables.as_slice() {
        [] => Err(TowerError::Initialiser { name: ITEM_VECTORS.to_owned() }),
        [table] => Ok(graph.constant(table).expect("it was found there")),
        several => Err(TowerError::Tables { tables: several.len() }),
    }
}

/// Items of the history that a graph is checked with.
#[cfg(feature = "tract")]
const CHECKED: usize = 5;

#[cfg(feature = "tract")]
const COSINE_MIN: f32 = 0.999;

/// Under which key the metadata of a tower say how many of the newest items count.
pub const WINDOW_KEY: &str = "frontrow.tower.window";

/// What the trainer calls them.
const ITEM_VECTORS: &str = "item_vectors";

/// As many as a set of candidates may hold.
const ITEMS_MAX: usize = 1 << 20;
