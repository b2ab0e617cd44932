//! Orders the candidates of one region for one viewer.
//!
//! Scores come from item-to-item rows (the default model, a sequential ridge), blended with the products of
//! vectors where a release has a tower, or, where nothing is known, from popularity. Filters are applied before the selection: `k` picks while `k` titles pass.
//! [`Factors`] is the second model: biased matrix factorisation.
#![no_std]
extern crate alloc;

mod bitset;
mod blend;
mod candidates;
mod eligibility;
mod error;
mod factors;
pub mod features;
mod home;
mod indexes;
mod layout;
pub mod limits;
mod merge;
mod nearest;
mod openings;
mod order;
mod places;
mod pool;
mod recommend;
mod request;
mod rows;
mod rules;
mod similarity;
mod slate;
mod vectors;

pub use blend::{Blend, BlendError};
pub use candidates::{Candidates, CandidatesError, Columns, popular_scores};
pub use error::Error;
pub use factors::{FactorColumns, Factors, FactorsError};
pub use home::home;
pub use indexes::{IndexSlice, Indexes};
pub use nearest::nearest;
pub use pool::{Pool, pool};
pub use recommend::{ModelError, Models, Shortlist, encoded, recommend, row_scores};
pub use request::{Answer, HomeRequest, Page, Pick, Progress, Reason, Request, Row, Scored};
pub use rules::{Rules, RulesError, recency_weight};
pub use slate::{Pin, Slate, SlateSettings};
pub use vectors::Vectors;

/// The number a title has in the catalogue; stable over releases.
pub type TitleId = u32;

/// The number a viewer has in the catalogue.
pub type ViewerId = u32;
