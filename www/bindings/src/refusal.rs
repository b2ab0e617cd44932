//! What a refused call throws.

use std::fmt::Display;

use wasm_bindgen::prelude::wasm_bindgen;

/// Why a call was refused: the code a node would answer, and a text for people.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Refusal {
    code: String,
    message: String,
}

#[wasm_bindgen]
impl Refusal {
    /// Kebab-case; never changes its meaning.
    #[wasm_bindgen(getter)]
    pub fn code(&self) -> String {
        self.code.clone()
    }

    /// A short text for people.
    #[wasm_bindgen(getter)]
    pub fn message(&self) -> String {
        self.message.clone()
    }
}

impl Refusal {
    /// Refuses with this code and text.
    pub(crate) fn new(code: &str, message: &impl Display) -> Self {
        Self { code: code.to_owned(), message: message.to_string() }
    }
}

impl<E: Into<wire::Refusal>> From<E> for Refusal {
    fn from(refused: E) -> Self {
        let wire::Refusal { code, message } = refused.into();
        Self { code: code.to_owned(), message }
    }
}
