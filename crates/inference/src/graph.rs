//! Graphs of whoever exports them, as tract reads them.

use std::collections::HashSet;
use std::io::Cursor;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

use crate::guard::short;

/// A file's graph, its shapes not known yet; or what is wrong with it.
pub(crate) fn parse(bytes: &[u8]) -> Result<InferenceModel, String> {
    let proto = tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(bytes)).map_err(|e| said(&e))?;
    check_graph(&proto).map_err(|reason| short(&reason))?;
    // Shapes that an exporter notes between operators are under its own names for the rows.
    let onnx = tract_onnx::onnx().with_ignore_value_info(true);
    let parsed = onnx.parse(&proto, None).map_err(|error| said(&error))?;
    if parsed.unresolved_inputs.is_empty() {
        Ok(parsed.model)
    } else {
        Err("inputs that no operator makes".to_owned())
    }
}

/// What tract says, in one line.
pub(crate) fn said(error: &TractError) -> String {
    short(&format!("{error:#}"))
}

/// The names of the operator sets of ONNX itself; the empty one is the first.
const STANDARD_SETS: [&str; 3] = ["", "ai.onnx", "ai.onnx.ml"];

/// Refuses what tract would follow or trip over.
fn check_graph(proto: &ModelProto) -> Result<(), String> {
    let graph = proto.graph.as_ref().ok_or("there is no graph")?;
    if proto.opset_import.is_empty() {
        return Err("there is no operator set".to_owned());
    }
    // A model is one file, and names of others have led out of folders.
    if graph.initializer.iter().any(|tensor| !tensor.external_data.is_empty()) {
        return Err("weights outside the file".to_owned());
    }
    // Of a runtime's own operators tract says nothing that anybody could act on.
    if let Some(node) = graph.node.iter().find(|node| !STANDARD_SETS.contains(&node.domain.as_str())) {
        return Err(format!(
            "operator {} of {}: only those of ai.onnx run, and quantised models as QDQ",
            node.op_type, node.domain
        ));
    }
    let made: HashSet<&str> = graph
        .node
        .iter()
        .flat_map(|node| &node.output)
        .chain(graph.input.iter().map(|value| &value.name))
        .chain(graph.initializer.iter().map(|tensor| &tensor.name))
        .map(String::as_str)
        .collect();
    if graph.output.iter().any(|value| !made.contains(value.name.as_str())) {
        return Err("outputs that no operator makes".to_owned());
    }
    Ok(())
}
