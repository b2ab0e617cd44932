//! The candidate set of one region.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernels::ByteMatrix;
use ranking::{Candidates, Columns, Vectors};

use crate::limits::{CANDIDATES_BYTES_MAX, NAME_CHARS_MAX};
use crate::tensors::{Reader, Writer};
use crate::{FileError, row_places};

const SCHEMA: &str = "frontrow-candidates-1";

/// Genres that a candidate's 32 bits can name.
pub const GENRES_MAX: usize = 32;

/// A candidate set with what its metadata say.
#[derive(Clone, Debug)]
pub struct CandidateFile {
    /// Whose candidates these are.
    pub region: String,
    /// The name of each bit in `genres`, from the lowest; at most [`GENRES_MAX`], not empty and
    /// without commas, which part them in the file.
    pub genres: Vec<String>,
    /// What can be ranked.
    pub candidates: Candidates,
}

impl CandidateFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Names the tensor or the value that is not as the schema says.
    pub fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        let file = Reader::open(bytes, CANDIDATES_BYTES_MAX, SCHEMA)?;
        let region = file.text("region")?;
        if region.is_empty() || region.len() > NAME_CHARS_MAX {
            return Err(FileError::Value { field: "region" });
        }
        let names = file.text("genres")?;
        let genres: Vec<String> =
            names.split(',').filter(|name| !name.is_empty()).map(str::to_string).collect();
        if genres.len() > GENRES_MAX {
            return Err(FileError::Value { field: "genres" });
        }
        let row_offsets: Vec<u32> = file.column("row_offset")?;
        let (form, places) = file.raw(row_places::TENSOR)?;
        let columns = Columns {
            title_ids: file.column("title_id")?,
            popularity: file.column("popularity")?,
            maturity_years: file.column("maturity")?,
            years: file.column("year")?,
            genres: file.column("genres")?,
            window_from_s: file.column("window_from_s")?,
            window_until_s: file.column("window_until_s")?,
            row_indexes: row_places::read(form, places, &row_offsets)?,
            row_offsets,
            row_weights: file.column("row_weight")?,
            row_scales_log2: file.column("row_scale_log2")?,
            vectors: vectors(&file)?,
            trends: optional(file.column("trend"))?,
        };
        Ok(Self { region: region.to_string(), genres, candidates: Candidates::new(columns)? })
    }

    /// Writes the file; equal candidates give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let columns = self.candidates.columns();
        let mut file = Writer::default();
        file.column("title_id", &columns.title_ids);
        file.column("popularity", &columns.popularity);
        file.column("maturity", &columns.maturity_years);
        file.column("year", &columns.years);
        file.column("genres", &columns.genres);
        file.column("window_from_s", &columns.window_from_s);
        file.column("window_until_s", &columns.window_until_s);
        file.column("row_offset", &columns.row_offsets);
        let (form, places) = row_places::write(&columns.row_indexes, &columns.row_offsets);
        file.raw(row_places::TENSOR, form, places);
        file.column("row_weight", &columns.row_weights);
        file.column("row_scale_log2", &columns.row_scales_log2);
        if let Some(Vectors { matrix, items }) = &columns.vectors {
            let values: Vec<i8> = (0..matrix.rows()).flat_map(|row| matrix.row(row)).copied().collect();
            let scales: Vec<i8> = matrix.scales().iter().map(|&scale| log2(scale)).collect();
            file.table("vector", &values, matrix.columns());
            file.column("vector_scale_log2", &scales);
            file.column("tower_item", items);
        }
        if let Some(trends) = &columns.trends {
            file.column("trend", trends);
        }
        file.finish(&[
            ("schema", SCHEMA.to_string()),
            ("region", self.region.clone()),
            ("genres", self.genres.join(",")),
        ])
    }
}

/// A tensor that a file may do without.
fn optional<T>(found: Result<T, FileError>) -> Result<Option<T>, FileError> {
    match found {
        Err(FileError::TensorMissing { .. }) => Ok(None),
        found => found.map(Some),
    }
}

/// All three tensors, or none.
fn vectors(file: &Reader<'_>) -> Result<Option<Vectors>, FileError> {
    let Some((values, width)) = optional(file.table::<i8>("vector"))? else { return Ok(None) };
    let scales: Vec<i8> = file.column("vector_scale_log2")?;
    let scales = scales.into_iter().map(|scale| libm::exp2f(f32::from(scale))).collect();
    let matrix = ByteMatrix::new(width, &values, scales).map_err(|_| FileError::Value { field: "vector" })?;
    Ok(Some(Vectors { matrix, items: file.column("tower_item")? }))
}

/// Of a power of two between 2^−60 and 2^60.
fn log2(scale: f32) -> i8 {
    // The exponent's bits are the number itself.
    i8::try_from((scale.to_bits() >> 23) as i32 - 127).expect("a matrix's scales are in range")
}
