//! Vectors as bytes: rows of eight bits, queries of seven.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::dot::Rows;

/// Bytes that one step of a vector unit takes; rows are padded to it with zeros.
pub(crate) const STEP: usize = 16;

/// Rows that are multiplied together.
pub(crate) const GROUP: usize = 4;

/// Columns a matrix may have: 1,024 × 127 × 128 is below 2^24, so that a float holds every sum exactly.
pub const COLUMNS_MAX: usize = 1_024;

/// What is added to a query's values so that none is negative. The relaxed dot product of WebAssembly
/// takes one side as seven bits, and engines may differ for anything else.
const SHIFT: i32 = 64;

/// Rows of `i8`, each with a scale that is a power of two: value = byte × scale.
///
/// A power of two keeps `byte × scale` exact, and a retrained row mostly keeps its scale, so that deltas
/// between releases stay small.
#[derive(Clone, Debug, PartialEq)]
pub struct ByteMatrix {
    rows: usize,
    columns: usize,
    stride: usize,
    // Padded to whole groups of whole steps.
    values: Vec<i8>,
    // Padded to whole groups, as are the shifts.
    scales: Vec<f32>,
    // Of each row: −64 × the sum of its values, which takes the query's shift out again.
    shifts: Vec<i32>,
}

/// Why a matrix was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixError {
    /// No columns, or more than [`COLUMNS_MAX`].
    Columns {
        /// How many.
        columns: usize,
    },
    /// The values are not whole rows, or not as many rows as scales.
    Shape {
        /// How many values there were.
        values: usize,
    },
    /// A scale is not a power of two between 2^−60 and 2^60.
    Scale {
        /// The row it belongs to.
        row: usize,
    },
}

impl fmt::Display for MatrixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Columns { columns } => write!(f, "{columns} columns are not from 1 to {COLUMNS_MAX}"),
            Self::Shape { values } => write!(f, "{values} values are not whole rows with a scale each"),
            Self::Scale { row } => write!(f, "the scale of row {row} is not a power of two"),
        }
    }
}

impl core::error::Error for MatrixError {}

impl ByteMatrix {
    /// Takes `rows × columns` values, row by row, and a scale a row.
    ///
    /// # Errors
    ///
    /// When the shapes do not fit or a scale is no power of two.
    pub fn new(columns: usize, values: &[i8], mut scales: Vec<f32>) -> Result<Self, MatrixError> {
        if !(1..=COLUMNS_MAX).contains(&columns) {
            return Err(MatrixError::Columns { columns });
        }
        let rows = scales.len();
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(MatrixError::Shape { values: values.len() });
        }
        if let Some(row) = scales.iter().position(|&scale| !is_power_of_two(scale)) {
            return Err(MatrixError::Scale { row });
        }
        let stride = columns.next_multiple_of(STEP);
        let mut padded = vec![0; rows.next_multiple_of(GROUP) * stride];
        for (to, from) in padded.chunks_exact_mut(stride).zip(values.chunks_exact(columns)) {
            to[..columns].copy_from_slice(from);
        }
        scales.resize(rows.next_multiple_of(GROUP), 0.0);
        Ok(Self::of_padded(rows, columns, padded, scales))
    }

    fn of_padded(rows: usize, columns: usize, values: Vec<i8>, scales: Vec<f32>) -> Self {
        let stride = columns.next_multiple_of(STEP);
        let sum = |row: &[i8]| row.iter().map(|&value| i32::from(value)).sum::<i32>();
        let shifts = values.chunks_exact(stride).map(|row| -SHIFT * sum(row)).collect();
        Self { rows, columns, stride, values, scales, shifts }
    }

    /// The nearest bytes to `rows × columns` floats, which must be finite.
    ///
    /// # Errors
    ///
    /// When the shapes do not fit, or a row is too large or not finite.
    pub fn quantise(columns: usize, values: &[f32]) -> Result<Self, MatrixError> {
        if !values.len().is_multiple_of(columns.max(1)) {
            return Err(MatrixError::Shape { values: values.len() });
        }
        Self::quantise_rows(values.len() / columns.max(1), columns, values.iter().copied())
    }

    /// The same of values that need not lie in memory, row by row.
    ///
    /// # Errors
    ///
    /// As [`ByteMatrix::quantise`]; there may be more values, which are not looked at.
    pub fn quantise_rows(
        rows: usize,
        columns: usize,
        mut values: impl Iterator<Item = f32>,
    ) -> Result<Self, MatrixError> {
        if !(1..=COLUMNS_MAX).contains(&columns) {
            return Err(MatrixError::Columns { columns });
        }
        let stride = columns.next_multiple_of(STEP);
        let mut padded = vec![0; rows.next_multiple_of(GROUP) * stride];
        let mut scales = vec![0.0; rows.next_multiple_of(GROUP)];
        let mut floats = Vec::with_capacity(columns);
        for (row, (bytes, scale)) in padded.chunks_exact_mut(stride).zip(&mut scales).take(rows).enumerate() {
            floats.clear();
            floats.extend(values.by_ref().take(columns));
            if floats.len() < columns {
                return Err(MatrixError::Shape { values: row * columns + floats.len() });
            }
            *scale = power_of_two(&floats, 127.0);
            if !floats.iter().all(|value| value.is_finite()) || !is_power_of_two(*scale) {
                return Err(MatrixError::Scale { row });
            }
            for (byte, value) in bytes.iter_mut().zip(&floats) {
                *byte = libm::rintf(value / *scale) as i8;
            }
        }
        Ok(Self::of_padded(rows, columns, padded, scales))
    }

    /// Rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values a row has.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The values of a row, without its scale.
    pub fn row(&self, index: usize) -> &[i8] {
        &self.values[index * self.stride..][..self.columns]
    }

    /// The values of a row, times its scale: exact.
    pub fn floats(&self, index: usize) -> impl Iterator<Item = f32> {
        let scale = self.scales[index];
        self.row(index).iter().map(move |&value| f32::from(value) * scale)
    }

    /// The scales, one a row.
    pub fn scales(&self) -> &[f32] {
        &self.scales[..self.rows]
    }

    /// Rows from `first` on; `count` of them, which may include those of padding.
    pub(crate) fn padded(&self, first: usize, count: usize) -> Rows<'_> {
        let rows = first..first + count;
        let values = &self.values[rows.start * self.stride..rows.end * self.stride];
        Rows { values, shifts: &self.shifts[rows.clone()], scales: &self.scales[rows] }
    }

    pub(crate) fn stride(&self) -> usize {
        self.stride
    }
}

/// A vector to multiply rows with, in seven bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    // Shifted to 0..=127 and padded with zeros.
    values: Vec<u8>,
    scale: f32,
}

impl Query {
    /// The nearest seven bits to finite values, with one power of two as their scale.
    pub fn quantise(vector: &[f32]) -> Self {
        let scale = power_of_two(vector, 63.0);
        let byte = |value: f32| libm::rintf(value / scale).clamp(-64.0, 63.0) as i32 + SHIFT;
        let mut values: Vec<u8> = vector.iter().map(|&value| byte(value) as u8).collect();
        // Rows have zeros there, whatever the query holds.
        values.resize(vector.len().next_multiple_of(STEP), 0);
        Self { values, scale }
    }

    /// What a product of bytes is multiplied with, besides its row's scale.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    pub(crate) fn values(&self) -> &[u8] {
        &self.values
    }
}

/// The smallest power of two by which values have to be divided so that none is above `limit`.
///
/// 1 for nothing but zeros; NaN counts as zero.
pub fn power_of_two(values: &[f32], limit: f32) -> f32 {
    let largest =
        values.iter().fold(0.0, |largest, value| if value.abs() > largest { value.abs() } else { largest });
    if largest == 0.0 {
        return 1.0;
    }
    let (_, exponent) = libm::frexpf(largest / limit);
    // frexp: largest / limit = m × 2^exponent with m in 0.5..1; a power of two itself has m = 0.5.
    let scale = libm::ldexpf(1.0, exponent);
    if largest / scale * 2.0 <= limit { scale / 2.0 } else { scale }
}

fn is_power_of_two(scale: f32) -> bool {
    let (mantissa, exponent) = libm::frexpf(scale);
    mantissa == 0.5 && (-60..=60).contains(&exponent)
}
