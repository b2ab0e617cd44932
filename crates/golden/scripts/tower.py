"""Writes what onnxruntime computes from the tower of the tests: histories and viewers' vectors, with the items as the
file has them (`float_user`) and in eight bits, as a node keeps them (`user`).

    cargo run --release --example tower_fixture -- crates/inference/tests/data/tower.onnx
    python3 crates/golden/scripts/tower.py crates/inference/tests/data

Needs numpy, onnx and onnxruntime.
"""

import json
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime

folder = Path(sys.argv[1])
model = onnx.load(str(folder / "tower.onnx"))


def session():
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def user(session, history):
    (found,) = session.run(["user"], {"history": numpy.array([history], dtype=numpy.int64)})
    return [float(value) for value in found[0]]


as_floats = session()
for initializer in model.graph.initializer:
    if initializer.name == "item_vectors":
        vectors = onnx.numpy_helper.to_array(initializer)
        # The smallest power of two for which no value of a row is above 127.
        scale = 2.0 ** numpy.ceil(numpy.log2(numpy.abs(vectors).max(axis=1, keepdims=True) / 127))
        rounded = (numpy.round(vectors / scale) * scale).astype(numpy.float32)
        initializer.CopyFrom(onnx.numpy_helper.from_array(rounded, initializer.name))
as_bytes = session()
histories = [
    [7],
    [0, 39],
    [3, 6, 9, 12, 15],
    [(11 * step + 5) % 40 for step in range(11)],
    [(3 * step) % 40 for step in range(12)],
    [2, 2, 2, 2],
]
cases = []
for history in histories:
    cases.append({"history": history, "user": user(as_bytes, history), "float_user": user(as_floats, history)})
(folder / "tower.json").write_text(json.dumps(cases, indent=1) + "\n")
