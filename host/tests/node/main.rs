//! A whole node over real HTTP, with the shipped components and a signed repository made for the test.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod bitrate;
mod catalogue;
mod client;
mod config;
mod events;
mod forwarding;
mod openapi;
mod origin;
mod pages;
mod process;
mod publisher;
mod recommend;
mod scene;
mod sync;
