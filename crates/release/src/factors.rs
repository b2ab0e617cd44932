//! The factor model.

use alloc::string::ToString;
use alloc::vec::Vec;

use ranking::{FactorColumns, Factors};

use crate::FileError;
use crate::limits::FACTORS_BYTES_MAX;
use crate::tensors::{Reader, Writer};

const SCHEMA: &str = "frontrow-factors-1";

/// Reads a factor model.
///
/// # Errors
///
/// Names the tensor or the value that is not as the schema says.
pub fn decode_factors(bytes: &[u8]) -> Result<Factors, FileError> {
    let file = Reader::open(bytes, FACTORS_BYTES_MAX, SCHEMA)?;
    let mean = file.text("mean")?.parse().map_err(|_| FileError::Value { field: "mean" })?;
    let (viewer_factors, viewer_width) = file.table("viewer_factors")?;
    let (title_factors, factors) = file.table("title_factors")?;
    if viewer_width != factors {
        return Err(FileError::TensorType { tensor: "viewer_factors" });
    }
    Ok(Factors::new(FactorColumns {
        mean,
        factors,
        viewer_ids: file.column("viewer_id")?,
        viewer_biases: file.column("viewer_bias")?,
        viewer_factors,
        title_ids: file.column("title_id")?,
        title_biases: file.column("title_bias")?,
        title_factors,
    })?)
}

/// Writes a factor model; equal models give equal bytes.
pub fn encode_factors(factors: &Factors) -> Vec<u8> {
    let columns = factors.columns();
    let mut file = Writer::default();
    file.column("viewer_id", &columns.viewer_ids);
    file.column("viewer_bias", &columns.viewer_biases);
    file.table("viewer_factors", &columns.viewer_factors, columns.factors);
    file.column("title_id", &columns.title_ids);
    file.column("title_bias", &columns.title_biases);
    file.table("title_factors", &columns.title_factors, columns.factors);
    // The shortest decimal that reads back as the same f32.
    file.finish(&[("schema", SCHEMA.to_string()), ("mean", columns.mean.to_string())])
}
