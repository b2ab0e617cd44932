//! The origin: the full catalogue, its viewers and its models, and the releases made of them.

pub mod assemble;
pub mod cli;
pub mod commands;
pub mod config;
pub mod context;
pub mod database;
pub mod error;
pub mod evaluate;
pub mod gate;
pub mod generated;
pub mod import;
pub mod ingest;
pub mod keys;
pub mod limits;
pub mod models;
pub mod native;
pub mod postgres;
pub mod preview;
pub mod publish;
pub mod qoe;
pub mod retrieval;
pub mod serve;
pub mod token;
pub mod train;
