//! An ONNX ranker: load it, check what it takes, run it.
//!
//! tract does the work. The same source runs natively and in the component; an arbitrary graph may
//! differ between the two in the last bits (seen: 1e-5 relative).

mod error;
pub mod limits;

use std::io::Cursor;
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;
use tract_onnx::tract_hir::infer::Factoid;

pub use error::{Error, LoadError};

/// A model that turns `f32[n, columns]` into `f32[n, 1]`: a row of features into a logit.
#[derive(Debug)]
pub struct Ranker {
    plan: Arc<TypedRunnableModel>,
    columns: usize,
}

impl Ranker {
    /// Loads an ONNX file whose one input is `f32[n, columns]` and whose one output is `f32[n, 1]`, for
    /// any number of rows `n`. Weights outside the file are not followed.
    ///
    /// # Errors
    ///
    /// When the file is too large, not ONNX, uses what tract does not know, or has other inputs or
    /// outputs.
    pub fn load(onnx: &[u8]) -> Result<Self, LoadError> {
        if onnx.len() > limits::MODEL_BYTES_MAX {
            return Err(LoadError::TooLarge { bytes: onnx.len() });
        }
        let malformed = |error: TractError| LoadError::Malformed { reason: format!("{error:#}") };
        let proto = tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(onnx)).map_err(malformed)?;
        check_self_contained(&proto)?;
        let parsed = tract_onnx::onnx().parse(&proto, None).map_err(malformed)?;
        if !parsed.unresolved_inputs.is_empty() {
            return Err(LoadError::Malformed { reason: "inputs that no operator makes".to_owned() });
        }
        let mut model = parsed.model;
        let columns = columns(&model)?;
        let rows = model.symbols.sym("rows");
        let fact = InferenceFact::dt_shape(f32::datum_type(), tvec!(TDim::from(rows), columns.to_dim()));
        model.set_input_fact(0, fact).map_err(malformed)?;
        let model = model.into_optimized().map_err(malformed)?;
        check_output(&model)?;
        let plan = model.into_runnable().map_err(malformed)?;
        Ok(Self { plan, columns })
    }

    /// Features a row has.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One logit a row; `features` is row-major.
    ///
    /// # Errors
    ///
    /// When the features are not whole rows, too many, the model fails, or a logit is not finite.
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
        let failed = |error: TractError| Error::Failed { reason: format!("{error:#}") };
        let input = Tensor::from_shape(&[rows, self.columns], features).map_err(failed)?;
        let outputs = self.plan.run(tvec!(input.into())).map_err(failed)?;
        let plain = outputs[0].try_as_plain_ram().map_err(failed)?;
        let logits = plain.as_slice::<f32>().map_err(failed)?;
        if logits.len() != rows {
            return Err(Error::Failed { reason: format!("{} logits for {rows} rows", logits.len()) });
        }
        match logits.iter().position(|logit| !logit.is_finite()) {
            Some(row) => Err(Error::NotFinite { row }),
            None => Ok(logits.to_vec()),
        }
    }
}

/// Refuses weights in other files: a model is one file, and names of others have led out of folders.
fn check_self_contained(proto: &tract_onnx::pb::ModelProto) -> Result<(), LoadError> {
    let Some(graph) = &proto.graph else {
        return Err(LoadError::Malformed { reason: "there is no graph".to_owned() });
    };
    let outside = graph.initializer.iter().any(|tensor| !tensor.external_data.is_empty());
    if outside {
        return Err(LoadError::Malformed { reason: "weights outside the file".to_owned() });
    }
    Ok(())
}

/// The width of the one input, `f32[n, columns]`.
fn columns(model: &InferenceModel) -> Result<usize, LoadError> {
    let refuse = |found: String| LoadError::Signature { found };
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

fn check_output(model: &TypedModel) -> Result<(), LoadError> {
    let refuse = |found: String| LoadError::Signature { found };
    let fact = model.output_fact(0).map_err(|error| refuse(format!("{error:#}")))?;
    let is_column = fact.shape.len() == 2 && fact.shape[1] == 1.to_dim();
    if fact.datum_type == f32::datum_type() && is_column {
        Ok(())
    } else {
        Err(refuse(format!("output {fact:?}")))
    }
}
