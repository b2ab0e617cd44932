//! The files of a release: written by the origin, read by the host, the guests and the browser.
//!
//! Vectors and tables are [safetensors](https://github.com/huggingface/safetensors), so that numpy can
//! write and read them; what people read is JSON.
#![no_std]
extern crate alloc;

mod candidates;
mod channel;
mod digest;
mod error;
mod factors;
mod histories;
pub mod limits;
mod manifest;
pub mod row_places;
mod slate;
mod tensors;
mod titles;

pub use candidates::{CandidateFile, GENRES_MAX};
pub use channel::{Channel, channel_target, file_target, manifest_target};
pub use digest::sha256_hex;
pub use error::FileError;
pub use factors::{decode_factors, encode_factors};
pub use histories::Histories;
pub use manifest::{
    BlendEntry, Components, DeltaEntry, FileEntry, GOLDEN_MATURITY_MAX_YEARS, GoldenCase, Manifest, Model,
    ModelValue, RegionEntry, RulesEntry,
};
pub use slate::{PinEntry, SlateEntry};
pub use titles::{Title, Titles};
