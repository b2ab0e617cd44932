//! A ranker: a model that turns a row of features into a logit.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;
use tract_onnx::tract_hir::infer::Factoid;

use crate::error::{Error, LoadError};
use crate::graph::{self, said};
use crate::guard::{contained, short};
use crate::{Network, limits};

/// A model that turns `f32[n, columns]` into `f32[n, 1]`: a row of features into a logit.
#[derive(Debug)]
pub struct Ranker {
    plan: Plan,
    columns: usize,
}

/// Who computes.
#[derive(Debug)]
enum Plan {
    Network(Network),
    Tract(Arc<TypedRunnableModel>),
}

impl Ranker {
    /// Loads an ONNX file whose one input is `f32[n, columns]` and whose one output is `f32[n, 1]`, for
    /// any number of rows `n`. A `Sigmoid` at the end is left out: near 1 chances of different logits are the same
    /// number. Weights outside the file are not followed.
    ///
    /// A graph may make numbers while it is loaded, and so take any amount of memory: load what nobody
    /// vouches for in the component, whose memory has a limit.
    ///
    /// # Errors
    ///
    /// When the file is too large, not ONNX, uses what tract does not know, or has other inputs or
    /// outputs.
    pub fn load(onnx: &[u8]) -> Result<Self, LoadError> {
        if onnx.len() > limits::MODEL_BYTES_MAX {
            return Err(LoadError::TooLarge { bytes: onnx.len() });
        }
        contained(|| Self::parse(onnx)).unwrap_or_else(|reason| Err(LoadError::Malformed { reason }))
    }

    fn parse(bytes: &[u8]) -> Result<Self, LoadError> {
        let malformed = |error: TractError| LoadError::Malformed { reason: said(&error) };
        let mut model = graph::parse(bytes).map_err(|reason| LoadError::Malformed { reason })?;
        let columns = columns(&model)?;
        leave_out_sigmoid(&mut model).map_err(malformed)?;
        let rows = TDim::from(model.symbols.sym("rows"));
        let fact = InferenceFact::dt_shape(f32::datum_type(), tvec!(rows.clone(), columns.to_dim()));
        model.set_input_fact(0, fact).map_err(malformed)?;
        let model = model.into_optimized().map_err(malformed)?;
        check_output(&model, &rows)?;
        let plan = Plan::Tract(model.into_runnable().map_err(malformed)?);
        let ranker = Self { plan, columns };
        Ok(ranker.as_network(bytes).unwrap_or(ranker))
    }

    /// The same on our own kernels, where the model is of their kind and tract agrees on some rows.
    fn as_network(&self, onnx: &[u8]) -> Option<Self> {
        let network = Network::read(onnx).ok()?;
        let signature = (network.inputs(), network.outputs());
        let ours = Self { plan: Plan::Network(network), columns: self.columns };
        let rows = probes(self.columns);
        let agrees = signature == (self.columns, 1)
            && match (self.score(&rows), ours.score(&rows)) {
                (Ok(theirs), Ok(ours)) => theirs.iter().zip(&ours).all(|(a, b)| is_near(*a, *b, 1e-4)),
                _ => false,
            };
        agrees.then_some(ours)
    }

    /// Whether our own kernels run it, with the same bits in every form.
    pub fn is_exact(&self) -> bool {
        matches!(self.plan, Plan::Network(_))
    }

    /// Features a row has.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One logit a row; `features` is row-major.
    ///
    /// # Errors
    ///
    /// When the features are not whole rows, too many, the model fails, or a feature or a logit is not
    /// finite.
    pub fn score(&self, features: &[f32]) -> Result<Vec<f32>, Error> {
        if !features.len().is_multiple_of(self.columns) {
            return Err(Error::Ragged { numbers: features.len() });
        }
        let rows = features.len() / self.columns;
        if rows == 0 {
            return Ok(Vec::new());
        }
        if rows > limits::ROWS_MAX {
            return Err(Error::TooManyRows { rows });
        }
        check_finite(features, self.columns)?;
        let logits =
            contained(|| self.run(rows, features)).unwrap_or_else(|reason| Err(Error::Failed { reason }))?;
        if logits.len() != rows {
            return Err(Error::Failed { reason: format!("{} logits for {rows} rows", logits.len()) });
        }
        check_finite(&logits, 1)?;
        Ok(logits)
    }

    fn run(&self, rows: usize, features: &[f32]) -> Result<Vec<f32>, Error> {
        let failed = |error: TractError| Error::Failed { reason: said(&error) };
        let plan = match &self.plan {
            Plan::Network(network) => return Ok(network.run(features)),
            Plan::Tract(plan) => plan,
        };
        let input = Tensor::from_shape(&[rows, self.columns], features).map_err(failed)?;
        let outputs = plan.run(tvec!(input.into())).map_err(failed)?;
        let plain = outputs[0].try_as_plain_ram().map_err(failed)?;
        Ok(plain.as_slice::<f32>().map_err(failed)?.to_vec())
    }
}

/// Makes what a `Sigmoid` at the end is applied to the output.
fn leave_out_sigmoid(model: &mut InferenceModel) -> TractResult<()> {
    let mut last = model.outputs[0];
    while matches!(model.node(last.node).op.name().as_ref(), "Sigmoid" | "Identity") {
        last = model.node(last.node).inputs[0];
    }
    model.select_output_outlets(&[last])
}

/// The width of the one input, `f32[n, columns]`.
fn columns(model: &InferenceModel) -> Result<usize, LoadError> {
    let refuse = |found: String| LoadError::Signature { found: short(&found) };
    if model.inputs.len() != 1 || model.outputs.len() != 1 {
        return Err(refuse(format!("{} inputs, {} outputs", model.inputs.len(), model.outputs.len())));
    }
    let fact = model.input_fact(0).map_err(|error| refuse(format!("{error:#}")))?;
    let found = format!("input {fact:?}");
    let is_f32 = fact.datum_type.concretize() == Some(f32::datum_type());
    let dims: Vec<_> = fact.shape.dims().collect();
    match (is_f32, dims.as_slice()) {
        (true, [_, width]) => {
            let width = width.concretize().and_then(|width| width.to_usize().ok());
            width.filter(|width| (1..=limits::COLUMNS_MAX).contains(width)).ok_or_else(|| refuse(found))
        }
        _ => Err(refuse(found)),
    }
}

/// The one output must be `f32[rows, 1]`, whatever the number of rows.
fn check_output(model: &TypedModel, rows: &TDim) -> Result<(), LoadError> {
    let refuse = |found: String| LoadError::Signature { found: short(&found) };
    let fact = model.output_fact(0).map_err(|error| refuse(format!("{error:#}")))?;
    let is_column = fact.shape.len() == 2 && fact.shape[0] == *rows && fact.shape[1] == 1.to_dim();
    if fact.datum_type == f32::datum_type() && is_column {
        Ok(())
    } else {
        Err(refuse(format!("output {fact:?}")))
    }
}

pub(crate) fn check_finite(numbers: &[f32], width: usize) -> Result<(), Error> {
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(place) => Err(Error::NotFinite { row: place / width }),
        None => Ok(()),
    }
}

/// Rows of numbers from −2 to 2 that repeat late.
fn probes(columns: usize) -> Vec<f32> {
    let number = |place: usize| (place as u32).wrapping_mul(2_654_435_761) >> 16;
    (0..PROBES * columns).map(|place| number(place) as f32 / 16_384.0 - 2.0).collect()
}

const PROBES: usize = 4;

/// Whether two logits differ by no more than a share of the first, or of 1.
fn is_near(a: f32, b: f32, share: f32) -> bool {
    (a - b).abs() <= share * a.abs().max(1.0)
}
