"""A ranker that sees vectors, and what onnxruntime says of a few shortlists: data for crates/inference/tests.

    python wide_ranker.py FOLDER

FOLDER is crates/inference/tests/data; its tower.onnx has the item vectors, which a node keeps in eight bits with a
scale that is a power of two. Needs numpy, onnx and onnxruntime.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FEATURES = 8
UNITS = (24, 12, 1)


def in_bytes(vectors):
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scale = np.exp2(np.ceil(np.log2(largest / 127)))
    return (np.rint(vectors / scale) * scale).astype(np.float32)


def ranker(columns, random):
    """Layers as torch.nn.Linear exports them: Gemm with the weights of an output in a row."""
    nodes, constants, before, inputs = [], [], "features", columns
    for number, units in enumerate(UNITS):
        weights = random.normal(0, (2 / inputs) ** 0.5, (units, inputs)).astype(np.float32)
        bias = random.normal(0, 0.1, units).astype(np.float32)
        constants += [numpy_helper.from_array(weights, f"w{number}"), numpy_helper.from_array(bias, f"b{number}")]
        is_last = number + 1 == len(UNITS)
        after = "logit" if is_last else f"h{number}"
        nodes.append(helper.make_node("Gemm", [before, f"w{number}", f"b{number}"], [after], transB=1))
        if not is_last:
            nodes.append(helper.make_node("Relu", [after], [f"r{number}"]))
            after = f"r{number}"
        before, inputs = after, units
    graph = helper.make_graph(
        nodes,
        "ranker",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", columns])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n", 1])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main():
    folder = Path(sys.argv[1])
    tower = onnx.load(folder / "tower.onnx")
    vectors = next(numpy_helper.to_array(c) for c in tower.graph.initializer if c.name == "item_vectors")
    items, width = vectors.shape
    vectors = in_bytes(vectors)
    random = np.random.default_rng(11)
    model = ranker(2 * width + FEATURES, random)
    onnx.save(model, folder / "ranker-wide.onnx")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    cases = []
    for count, known in ((1, True), (5, True), (40, True), (7, False)):
        # The last case is of a viewer and of items that the tower does not know.
        viewer = random.normal(0, 1, width).astype(np.float32) if known else np.zeros(width, np.float32)
        chosen = random.integers(0, items, count) if known else np.array([items + 3] * count)
        features = random.random((count, FEATURES)).astype(np.float32)
        of_items = vectors[chosen] if known else np.zeros((count, width), np.float32)
        rows = np.concatenate([np.tile(viewer, (count, 1)), of_items, features], axis=1)
        (logits,) = session.run(["logit"], {"features": rows})
        cases.append(
            {
                "viewer": viewer.tolist() if known else [],
                "items": chosen.tolist(),
                "features": features.ravel().tolist(),
                "logits": logits[:, 0].tolist(),
            }
        )
    (folder / "ranker-wide.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
