//! A safetensors file taken apart, to be put together wrongly.

use hashbrown::HashMap;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// Tensors and metadata of a file.
pub(crate) struct Parts {
    pub(crate) tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
    pub(crate) metadata: HashMap<String, String>,
}

impl Parts {
    pub(crate) fn of(file: &[u8]) -> Self {
        let (_, header) = SafeTensors::read_metadata(file).unwrap();
        let tensors = SafeTensors::deserialize(file).unwrap().tensors();
        let part = |(name, view): (String, TensorView<'_>)| {
            (name, view.dtype(), view.shape().to_vec(), view.data().to_vec())
        };
        Self {
            tensors: tensors.into_iter().map(part).collect(),
            metadata: header.metadata().clone().unwrap(),
        }
    }

    /// Sets the type, shape and bytes of a tensor.
    pub(crate) fn set(&mut self, name: &str, dtype: Dtype, shape: &[usize], bytes: Vec<u8>) {
        self.remove(name);
        self.tensors.push((name.to_owned(), dtype, shape.to_vec(), bytes));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.tensors.retain(|(known, ..)| known != name);
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let views = self.tensors.iter().map(|(name, dtype, shape, bytes)| {
            (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        safetensors::serialize(views, Some(self.metadata.clone())).unwrap()
    }
}
