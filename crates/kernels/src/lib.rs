//! The inner loops of ranking: dot products of bytes and layers of floats, the same bits in every form.
//!
//! Integer sums are exact, so their order does not matter. Float sums are taken in one order, which is
//! part of each function's contract: the vector and the plain form differ in speed only. Products and
//! sums are never fused. Natively the processor is asked what it has; WebAssembly has vectors or not
//! from the build on, and whoever loads it chooses.
#![no_std]
extern crate alloc;

mod apart;
mod byte_dense;
mod byte_rows;
mod bytes;
mod dense;
mod dot;
mod fixed;
mod groups;
mod lanes;
mod lookup;
mod panels;
mod row;
mod top;

pub use apart::{times_inputs, times_outputs};
pub use byte_dense::ByteDense;
pub use byte_rows::ByteRows;
pub use bytes::{ByteMatrix, COLUMNS_MAX, MatrixError, Query, power_of_two};
pub use dense::Dense;
pub use fixed::{FixedDense, FixedRows};
pub use lookup::LookupDense;
pub use panels::Panels;
pub use row::{LayerNorm, add, dot, dot_bytes, rectify, softmax};
pub use top::{scores, top, top_of, unscaled};
