"""Rankers for the tests of crates/inference, with logits from another implementation (onnxruntime).

Writes `ranker-mlp.onnx` (opset 17, 8-32-16-1 with LayerNormalization, ReLU and the Erf form of GELU),
`ranker-narrow.onnx` (a wrong signature: five features), `features.json` (64 rows) and `logits.json`
(one number a row). The weights are random, of a fixed seed: the tests are about arithmetic, not taste.

    pip install -r crates/golden/scripts/requirements.txt
    python3 crates/golden/scripts/make_ranker_mlp.py crates/inference/tests/data
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
SEED = 20250601
ROWS = 64
COLUMNS = 8
WIDTHS = [32, 16]


def weights(random, columns):
    """He-scaled weights, and biases large enough that a forgotten one shows."""
    sizes = [columns, *WIDTHS, 1]
    tensors = {}
    for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        scale = math.sqrt(2 / inputs)
        tensors[f"weight_{layer}"] = random.normal(0, scale, (inputs, outputs))
        tensors[f"bias_{layer}"] = random.normal(0, 0.3, outputs)
    tensors["norm_scale"] = random.normal(1, 0.2, WIDTHS[0])
    tensors["norm_bias"] = random.normal(0, 0.2, WIDTHS[0])
    tensors["half"] = np.array(0.5)
    tensors["one"] = np.array(1.0)
    tensors["root_half"] = np.array(math.sqrt(0.5))
    return {name: np.asarray(value, dtype=np.float32) for name, value in tensors.items()}


def nodes():
    node = helper.make_node
    return [
        node("MatMul", ["features", "weight_0"], ["dense_0"]),
        node("Add", ["dense_0", "bias_0"], ["sum_0"]),
        node("LayerNormalization", ["sum_0", "norm_scale", "norm_bias"], ["norm"], axis=-1, epsilon=1e-5),
        node("Relu", ["norm"], ["relu"]),
        node("MatMul", ["relu", "weight_1"], ["dense_1"]),
        node("Add", ["dense_1", "bias_1"], ["sum_1"]),
        node("Mul", ["sum_1", "root_half"], ["scaled"]),
        node("Erf", ["scaled"], ["erf"]),
        node("Add", ["erf", "one"], ["erf_up"]),
        node("Mul", ["sum_1", "erf_up"], ["twice"]),
        node("Mul", ["twice", "half"], ["gelu"]),
        node("MatMul", ["gelu", "weight_2"], ["dense_2"]),
        node("Add", ["dense_2", "bias_2"], ["logit"]),
    ]


def model(random, columns):
    initializers = [numpy_helper.from_array(v, k) for k, v in weights(random, columns).items()]
    graph = helper.make_graph(
        nodes(),
        "ranker",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", columns])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["N", 1])],
        initializers,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    made.ir_version = IR_VERSION
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def features(random):
    """Rows in the ranges of `ranking::features`, then the corners: all zero, all at their ends."""
    rows = random.random((ROWS, COLUMNS))
    rows[:, 1] *= 4
    rows[:, 5] *= 10
    rows[:, 6] = rows[:, 6] < 0.7
    rows[0, :] = 0
    rows[1, :] = [1, 4, 1, 1, 1, 10, 1, 1]
    return rows.astype(np.float32)


def shortest(values):
    """Shortest decimals that read back as the same float32."""
    decimals = [float(str(value)) for value in values]
    assert (np.array(decimals, dtype=np.float32) == values).all()
    return decimals


def write(path, value):
    path.write_text(json.dumps(value, separators=(",", ":")).replace("],[", "],\n[") + "\n")


def main():
    folder = Path(sys.argv[1])
    random = np.random.default_rng(SEED)
    mlp = model(random, COLUMNS)
    rows = features(random)
    session = onnxruntime.InferenceSession(mlp, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logit"], {"features": rows})
    (folder / "ranker-mlp.onnx").write_bytes(mlp)
    (folder / "ranker-narrow.onnx").write_bytes(model(random, 5))
    write(folder / "features.json", [shortest(row) for row in rows])
    write(folder / "logits.json", shortest(logits[:, 0]))


main()
