//! Reads and writes columns as safetensors.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use hashbrown::HashMap;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::FileError;

/// A number that a column can hold, as little-endian bytes.
pub(crate) trait Number: Copy {
    const DTYPE: Dtype;
    const BYTES: usize;
    fn read(bytes: &[u8]) -> Self;
    fn write(self, to: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($type:ty => $dtype:ident),*) => {$(
        impl Number for $type {
            const DTYPE: Dtype = Dtype::$dtype;
            const BYTES: usize = size_of::<$type>();
            fn read(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$type>()];
                own.copy_from_slice(bytes);
                Self::from_le_bytes(own)
            }
            fn write(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
numbers!(u8 => U8, i8 => I8, u16 => U16, u32 => U32, u64 => U64, f32 => F32);

/// A file that is safetensors of the expected schema.
pub(crate) struct Reader<'a> {
    tensors: SafeTensors<'a>,
    metadata: HashMap<String, String>,
}

impl<'a> Reader<'a> {
    pub(crate) fn open(bytes: &'a [u8], bytes_max: usize, schema: &'static str) -> Result<Self, FileError> {
        FileError::check_size(bytes, bytes_max)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|_| FileError::NotSafetensors)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|_| FileError::NotSafetensors)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        if metadata.get("schema").map(String::as_str) != Some(schema) {
            return Err(FileError::Schema { expected: schema });
        }
        Ok(Self { tensors, metadata })
    }

    /// An entry of the metadata.
    pub(crate) fn text(&self, key: &'static str) -> Result<&str, FileError> {
        self.metadata.get(key).map(String::as_str).ok_or(FileError::MetadataMissing { key })
    }

    /// A column.
    pub(crate) fn column<N: Number>(&self, tensor: &'static str) -> Result<Vec<N>, FileError> {
        match self.raw(tensor)? {
            (form, bytes) if form == N::DTYPE => Ok(numbers(bytes)),
            _ => Err(FileError::TensorType { tensor }),
        }
    }

    /// A column of any type, as little-endian bytes.
    pub(crate) fn raw(&self, tensor: &'static str) -> Result<(Dtype, &'a [u8]), FileError> {
        let view = self.view(tensor)?;
        match view.shape() {
            [_] => Ok((view.dtype(), view.data())),
            _ => Err(FileError::TensorType { tensor }),
        }
    }

    /// A table, row by row, and its width.
    pub(crate) fn table<N: Number>(&self, tensor: &'static str) -> Result<(Vec<N>, usize), FileError> {
        let view = self.view(tensor)?;
        match *view.shape() {
            [_, width] if view.dtype() == N::DTYPE => Ok((numbers(view.data()), width)),
            _ => Err(FileError::TensorType { tensor }),
        }
    }

    fn view(&self, tensor: &'static str) -> Result<TensorView<'a>, FileError> {
        self.tensors.tensor(tensor).map_err(|_| FileError::TensorMissing { tensor })
    }
}

fn numbers<N: Number>(bytes: &[u8]) -> Vec<N> {
    bytes.chunks_exact(N::BYTES).map(N::read).collect()
}

/// Collects columns and writes them.
#[derive(Default)]
pub(crate) struct Writer {
    columns: Vec<(&'static str, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Writer {
    pub(crate) fn column<N: Number>(&mut self, name: &'static str, values: &[N]) {
        self.shaped(name, alloc::vec![values.len()], values);
    }

    pub(crate) fn table<N: Number>(&mut self, name: &'static str, values: &[N], width: usize) {
        let height = values.len().checked_div(width).unwrap_or(0);
        self.shaped(name, alloc::vec![height, width], values);
    }

    /// A column whose little-endian bytes are given.
    pub(crate) fn raw(&mut self, name: &'static str, form: Dtype, bytes: Vec<u8>) {
        self.columns.push((name, form, alloc::vec![bytes.len() * 8 / form.bitsize()], bytes));
    }

    fn shaped<N: Number>(&mut self, name: &'static str, shape: Vec<usize>, values: &[N]) {
        let mut bytes = Vec::with_capacity(values.len() * N::BYTES);
        for value in values {
            value.write(&mut bytes);
        }
        self.columns.push((name, N::DTYPE, shape, bytes));
    }

    /// The file; equal columns and metadata give equal bytes.
    pub(crate) fn finish(self, metadata: &[(&str, String)]) -> Vec<u8> {
        let views = self.columns.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes);
            (*name, view.expect("the bytes were written for this type and shape"))
        });
        let file = safetensors::serialize(views, None).expect("columns of numbers can be written");
        with_metadata(&file, metadata)
    }
}

/// Puts metadata into a header that has none, in the given order.
///
/// The library keeps them in a hash map, whose order differs from run to run; a release must be the
/// same bytes whenever it is made of the same data.
fn with_metadata(file: &[u8], metadata: &[(&str, String)]) -> Vec<u8> {
    let (length, rest) = file.split_at(8);
    let length = u64::read(length) as usize;
    let (header, data) = rest.split_at(length);
    let entries: Vec<String> =
        metadata.iter().map(|(key, value)| alloc::format!("{}:{}", json(key), json(value))).collect();
    let mut text = alloc::format!("{{\"__metadata__\":{{{}}},", entries.join(","));
    text.push_str(core::str::from_utf8(&header[1..]).expect("the header is JSON").trim_end());
    while text.len() % 8 != 0 {
        text.push(' ');
    }
    let mut out = Vec::with_capacity(8 + text.len() + data.len());
    (text.len() as u64).write(&mut out);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(data);
    out
}

fn json(text: &str) -> String {
    serde_json::Value::from(text.to_string()).to_string()
}
