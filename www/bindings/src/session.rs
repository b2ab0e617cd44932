//! How well a playback went.

use wasm_bindgen::prelude::wasm_bindgen;
use wire::{PlaybackEvent, SessionReport};

use crate::{Refusal, json};

/// One playback.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Session {
    session: session::Session,
}

#[wasm_bindgen]
impl Session {
    /// A session that has seen nothing.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with a saved one.
    pub fn restore(saved: &[u8]) -> Result<Self, Refusal> {
        Ok(Self { session: session::Session::restore(saved)? })
    }

    /// Folds a list of `wire::PlaybackEvent` and returns the `wire::SessionReport`.
    pub fn fold(&mut self, events: &str) -> Result<String, Refusal> {
        let events: Vec<PlaybackEvent> = json::parse_list(events)?;
        self.session.fold(events.into_iter().map(Into::into).collect())?;
        Ok(json::write(&SessionReport::from(&self.session)))
    }

    /// The saved form.
    pub fn save(&self) -> Vec<u8> {
        self.session.save()
    }
}
