//! A whole node over real HTTP, with the shipped components and a signed repository made for the test.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod bad_input;
mod bitrate;
mod capsules;
mod catalogue;
mod client;
mod cmcd;
mod config;
mod deltas;
mod events;
#[path = "../guests/forge.rs"]
mod forge;
mod forwarding;
mod home;
mod hostile;
mod openapi;
mod origin;
mod pages;
mod process;
mod publisher;
mod recommend;
mod refused_releases;
mod scene;
mod steering;
mod sync;
mod viewers;
