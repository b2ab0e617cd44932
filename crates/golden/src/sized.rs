//! Models of any size, made of the small ones of `crates/inference`: of their form, with other numbers.

use prost::Message;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::type_proto;
use tract_onnx::pb::{ModelProto, TensorProto};

const TOWER: &[u8] = include_bytes!("../../inference/tests/data/tower.onnx");
const RANKER: &[u8] = include_bytes!("../../inference/tests/data/ranker-wide.onnx");

/// The sizes of a tower; it has two blocks and two heads.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Items it knows.
    pub items: usize,
    /// Numbers in a vector.
    pub width: usize,
    /// Numbers between the layers of a block.
    pub hidden: usize,
    /// Newest items that it sees.
    pub window: usize,
}

/// A tower of our own trainer's form, as ONNX.
pub fn tower(size: Size) -> Vec<u8> {
    let small = ModelProto::decode(TOWER).expect("the tests of inference read it");
    let sizes =
        [("items", size.items), ("width", size.width), ("hidden", size.hidden), ("window", size.window)];
    let mut model = small.clone();
    for (name, size) in sizes {
        let property = model.metadata_props.iter_mut().find(|property| property.key == key(name));
        property.expect("the sizes are written there").value = size.to_string();
    }
    // All sizes of the small one differ.
    let sizes = sizes.map(|(name, size)| (said(&small, name), size));
    let sized =
        |side: i64| sizes.iter().find(|(was, _)| *was as i64 == side).map_or(side as usize, |(_, is)| *is);
    let graph = model.graph.as_mut().expect("the tests of inference read it");
    for tensor in &mut graph.initializer {
        let dims: Vec<usize> = tensor.dims.iter().map(|&side| sized(side)).collect();
        fill(tensor, &dims);
    }
    model.encode_to_vec()
}

/// How many heads share the width of [`tower`].
pub fn heads() -> usize {
    said(&ModelProto::decode(TOWER).expect("the tests of inference read it"), "heads")
}

/// A ranker that sees the vectors of a tower so wide and 8 features, with `units` of its three layers, as ONNX.
pub fn ranker(width: usize, units: [usize; 3]) -> Vec<u8> {
    let mut model = ModelProto::decode(RANKER).expect("the tests of inference read it");
    let graph = model.graph.as_mut().expect("the tests of inference read it");
    let columns = 2 * width + FEATURES;
    for (layer, outputs) in units.into_iter().enumerate() {
        let inputs = if layer == 0 { columns } else { units[layer - 1] };
        for (name, dims) in
            [(format!("w{layer}"), vec![outputs, inputs]), (format!("b{layer}"), vec![outputs])]
        {
            let tensor = graph.initializer.iter_mut().find(|tensor| tensor.name == name);
            fill(tensor.expect("it has three layers"), &dims);
        }
    }
    let declared = graph.input[0].r#type.as_mut().and_then(|kind| kind.value.as_mut());
    let Some(type_proto::Value::TensorType(tensor)) = declared else { unreachable!("its input is a tensor") };
    let shape = tensor.shape.as_mut().expect("its shape is declared");
    shape.dim[1].value = Some(Value::DimValue(columns as i64));
    model.encode_to_vec()
}

/// Features of a candidate.
pub const FEATURES: usize = 8;

/// Numbers that are the same for a name and keep the size of what they are multiplied with (He et al., 2015).
fn fill(tensor: &mut TensorProto, dims: &[usize]) {
    let most = if dims.len() > 1 { (6.0 / dims[0].max(dims[1]) as f32).sqrt() } else { 1.0 };
    let mut state =
        tensor.name.bytes().fold(1_u64, |state, byte| state.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((state >> 40) as f32 / 8_388_608.0 - 1.0) * most
    };
    tensor.dims = dims.iter().map(|&side| side as i64).collect();
    tensor.float_data.clear();
    tensor.raw_data = (0..dims.iter().product::<usize>()).flat_map(|_| next().to_le_bytes()).collect();
}

fn key(name: &str) -> String {
    format!("frontrow.tower.{name}")
}

/// A size that the metadata of a tower say.
fn said(model: &ModelProto, name: &str) -> usize {
    let property = model.metadata_props.iter().find(|property| property.key == key(name));
    property.and_then(|property| property.value.parse().ok()).expect("the sizes are written there")
}
