//! A tower of any operators, run by tract.
//!
//! Of such a graph only input and output are known, nothing that could be kept of a history. Its state is the history
//! itself, an item a number: one more item costs a run over all of them.

use std::sync::Arc;

use kernels::ByteMatrix;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;

use super::{EncodeError, ITEM_VECTORS, ITEMS_MAX, Step, TowerError, TowerShape, WINDOW_KEY, item_vectors};
use crate::graph::{parse, said};
use crate::guard::{contained, short};
use crate::limits::{TOWER_WIDTH_MAX, TOWER_WINDOW_MAX};
use crate::onnx::{Graph, metadata};

/// A graph and the vectors of its items.
#[derive(Clone, Debug)]
pub(super) struct GraphTower {
    plan: Arc<TypedRunnableModel>,
    // Items are numbers of this type.
    numbers: DatumType,
    pub(super) items: ByteMatrix,
    pub(super) window: usize,
}

impl GraphTower {
    /// Loads the graph, and runs it once: it has to say as many numbers as its items have.
    pub(super) fn read(onnx: &[u8], graph: &Graph<'_>) -> Result<Self, TowerError> {
        let table = item_vectors(graph)?;
        let &[rows, columns] = table.shape.as_slice() else {
            unreachable!("vectors of items have two sides")
        };
        if rows > ITEMS_MAX || columns > TOWER_WIDTH_MAX {
            return Err(TowerError::Signature { found: format!("{rows} items of {columns} numbers") });
        }
        let items = ByteMatrix::quantise_rows(rows, columns, table.values())
            .map_err(|_| TowerError::Initialiser { name: ITEM_VECTORS.to_owned() })?;
        let window = window(onnx)?;
        let (plan, numbers) =
            contained(|| plan(onnx)).unwrap_or_else(|reason| Err(TowerError::Graph { reason }))?;
        let tower = Self { plan, numbers, items, window };
        let shape = TowerShape { items: rows, width: columns, window };
        let step = tower.encode_from(&[], &shape.trial(1));
        step.map_err(|error| TowerError::Graph { reason: error.to_string() })?;
        Ok(tower)
    }

    /// As [`super::Tower::encode_from`], of a state with room and items that it has.
    pub(super) fn encode_from(&self, state: &[f32], items: &[u32]) -> Result<Step, EncodeError> {
        let mut history = Vec::with_capacity(state.len() + items.len());
        for &number in state {
            let item = number as u32;
            // Every number of an item is below 2^24, and so exact.
            if item as usize >= self.items.rows() || item as f32 != number {
                return Err(EncodeError::State);
            }
            history.push(i64::from(item));
        }
        history.extend(items.iter().map(|&item| i64::from(item)));
        let user = contained(|| self.run(&history)).unwrap_or_else(Err);
        let user = user.map_err(|reason| EncodeError::Failed { reason })?;
        if user.len() != self.items.columns() {
            let reason = format!("{} numbers, where items have {}", user.len(), self.items.columns());
            return Err(EncodeError::Failed { reason });
        }
        Ok(Step { user, state: items.iter().map(|&item| item as f32).collect() })
    }

    fn run(&self, history: &[i64]) -> Result<Vec<f32>, String> {
        let shape = [1, history.len()];
        let numbers = Tensor::from_shape(&shape, history).map_err(|error| said(&error))?;
        let numbers = numbers.cast_to_dt(self.numbers).map_err(|error| said(&error))?.into_owned();
        let outputs = self.plan.run(tvec!(numbers.into())).map_err(|error| said(&error))?;
        let plain = outputs[0].try_as_plain_ram().map_err(|error| said(&error))?;
        Ok(plain.as_slice::<f32>().map_err(|error| said(&error))?.to_vec())
    }
}

/// Newest items that it sees: what the metadata say, or as many as any tower may.
fn window(onnx: &[u8]) -> Result<usize, TowerError> {
    let Some(text) = metadata(onnx, WINDOW_KEY.as_bytes())? else { return Ok(TOWER_WINDOW_MAX) };
    let window = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    window.filter(|window| (1..=TOWER_WINDOW_MAX).contains(window)).ok_or(TowerError::Size { name: "window" })
}

/// The graph for one history of any length, and the type of its numbers.
fn plan(onnx: &[u8]) -> Result<(Arc<TypedRunnableModel>, DatumType), TowerError> {
    let failed = |error: TractError| TowerError::Graph { reason: said(&error) };
    let refuse = |found: String| TowerError::Signature { found: short(&found) };
    let mut model = parse(onnx).map_err(|reason| TowerError::Graph { reason })?;
    let fact = model.input_fact(0).map_err(failed)?;
    let numbers =
        fact.datum_type.concretize().filter(|&kind| kind == DatumType::I64 || kind == DatumType::I32);
    let dims: Vec<_> =
        fact.shape.dims().map(|dim| dim.concretize().and_then(|dim| dim.to_i64().ok())).collect();
    // A length that the file fixes is one for which its exporter may have made constants.
    let (Some(numbers), [None | Some(1), None]) = (numbers, dims.as_slice()) else {
        return Err(refuse(format!("input {fact:?}")));
    };
    let history = TDim::from(model.symbols.sym("history"));
    let fact = InferenceFact::dt_shape(numbers, tvec!(1.to_dim(), history));
    model.set_input_fact(0, fact).map_err(failed)?;
    let model = model.into_optimized().map_err(failed)?;
    let fact = model.output_fact(0).map_err(failed)?;
    if fact.datum_type != f32::datum_type() || fact.shape.len() != 2 {
        return Err(refuse(format!("output {fact:?}")));
    }
    Ok((model.into_runnable().map_err(failed)?, numbers))
}
