//! At what bit rate to play.

use wasm_bindgen::prelude::wasm_bindgen;
use wire::BitrateInput;

use crate::{Refusal, json};

/// Decides: a `wire::BitrateInput` in, a `wire::BitrateDecision` out.
#[wasm_bindgen]
pub fn decide(input: &str) -> Result<String, Refusal> {
    let decision = json::parse::<BitrateInput>(input)?.decide()?;
    Ok(json::write(&decision))
}
