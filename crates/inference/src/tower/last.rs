//! What was encoded last, where one viewer asks again and again.

use super::{EncodeError, Tower};

/// A tower with the keys and values of the last history: whoever goes on from it costs what was added.
#[derive(Clone, Debug)]
pub struct OneViewer {
    tower: Tower,
    items: Vec<u32>,
    // One row an item.
    state: Vec<f32>,
    user: Vec<f32>,
}

impl OneViewer {
    /// Nothing is known yet.
    pub fn new(tower: Tower) -> Self {
        Self { tower, items: Vec::new(), state: Vec::new(), user: Vec::new() }
    }

    /// The tower.
    pub fn tower(&self) -> &Tower {
        &self.tower
    }

    /// As [`Tower::encode`], with the same bits. A history beyond the window is encoded anew each time.
    ///
    /// # Errors
    ///
    /// As [`Tower::encode`].
    pub fn encode(&mut self, items: &[u32]) -> Result<&[f32], EncodeError> {
        let known = self.known(items);
        if known > 0 && known == items.len() {
            return Ok(&self.user);
        }
        if items.len() > self.tower.shape().window {
            self.forget();
            self.user = self.tower.encode(items)?;
            return Ok(&self.user);
        }
        if known == 0 {
            self.forget();
        }
        let step = self.tower.encode_from(&self.state, &items[known..]).map_err(|error| match error {
            EncodeError::UnknownItem { place } => EncodeError::UnknownItem { place: place + known },
            other => other,
        })?;
        self.items.extend_from_slice(&items[known..]);
        self.state.extend(step.state);
        self.user = step.user;
        Ok(&self.user)
    }

    /// Items of a history that cost nothing: all that was encoded last, where the history begins with it.
    pub fn known(&self, items: &[u32]) -> usize {
        if items.starts_with(&self.items) { self.items.len() } else { 0 }
    }

    fn forget(&mut self) {
        self.items.clear();
        self.state.clear();
    }
}
