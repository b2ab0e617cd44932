//! The quality gate: a release is measured on views that its models have not learned from, with the very files
//! that are shipped, and refused where it is clearly worse than what is served.

mod holdout;
mod judge;
mod measure;
mod reference;

pub use holdout::{HeldOut, Holdout};
pub use judge::{Before, Fall, GateConfig, GateError, Least, judge};
pub use measure::{Figures, measure};
pub use reference::{Reference, ReferenceList, Unrounded};
