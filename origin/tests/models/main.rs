//! From histories to signed releases: training, assembly, publication.

mod assemble;
mod catalogue;
mod publish;
mod quality;
mod ridge;
