"""Rankers as other people's exporters write them, with logits of onnxruntime.

One is scikit-learn's own, by skl2onnx. The other graphs follow what the exporters of PyTorch (TorchScript and dynamo) and
TensorFlow (tf2onnx) emit for a small network: names, operator sets, symbolic rows, constants as nodes, shape
arithmetic, both forms of GELU, LayerNormalization whole and in parts. The quantised ones are made of the first of
those by onnxruntime.quantization. Writes one `.onnx` each and `logits.json` (by name, for the rows of `../features.json`).

    pip install -r crates/golden/scripts/requirements.txt
    python3 crates/golden/scripts/make_exported.py crates/inference/tests/data/exported
"""

import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import skl2onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_dynamic,
    quantize_static,
)
from sklearn.neural_network import MLPRegressor

SEED = 20251121
COLUMNS = 8
HIDDEN = 16


def random_weights(random):
    """As `torch.nn.Linear` keeps them: outputs × inputs."""
    return {
        "net.0.weight": random.normal(0, math.sqrt(2 / COLUMNS), (HIDDEN, COLUMNS)),
        "net.0.bias": random.normal(0, 0.3, HIDDEN),
        "net.1.weight": random.normal(1, 0.2, HIDDEN),
        "net.1.bias": random.normal(0, 0.2, HIDDEN),
        "net.3.weight": random.normal(0, math.sqrt(2 / HIDDEN), (1, HIDDEN)),
        "net.3.bias": random.normal(0, 0.3, 1),
    }


def float32(tensors):
    return {name: np.asarray(value, dtype=np.float32) for name, value in tensors.items()}


def constant(name, value, dtype=np.float32):
    tensor = numpy_helper.from_array(np.asarray(value, dtype=dtype))
    return helper.make_node("Constant", [], [name], name=name.replace("_output_0", ""), value=tensor)


def model(nodes, tensors, opset, ir, rows, names, producer, width=COLUMNS):
    source, logit = names
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, [rows, width])],
        [helper.make_tensor_value_info(logit, TensorProto.FLOAT, [rows, 1])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name=producer)
    made.ir_version = ir
    made = onnx.shape_inference.infer_shapes(made)
    onnx.checker.check_model(made, full_check=True)
    return made


def torch_script(weights):
    """`torch.onnx.export(..., dynamo=False, opset_version=17, dynamic_axes=...)`; `x.view(x.size(0), -1)` inside."""
    nodes = [
        helper.make_node("Shape", ["input"], ["/Shape_output_0"], name="/Shape"),
        constant("/Constant_output_0", 0, np.int64),
        helper.make_node("Gather", ["/Shape_output_0", "/Constant_output_0"], ["/Gather_output_0"], axis=0),
        constant("/Constant_1_output_0", [0], np.int64),
        helper.make_node("Unsqueeze", ["/Gather_output_0", "/Constant_1_output_0"], ["/Unsqueeze_output_0"]),
        constant("/Constant_2_output_0", [-1], np.int64),
        helper.make_node("Concat", ["/Unsqueeze_output_0", "/Constant_2_output_0"], ["/Concat_output_0"], axis=0),
        helper.make_node("Reshape", ["input", "/Concat_output_0"], ["/Reshape_output_0"], allowzero=0),
        helper.make_node(
            "Gemm",
            ["/Reshape_output_0", "net.0.weight", "net.0.bias"],
            ["/net/net.0/Gemm_output_0"],
            name="/net/net.0/Gemm",
            alpha=1.0,
            beta=1.0,
            transB=1,
        ),
        helper.make_node(
            "LayerNormalization",
            ["/net/net.0/Gemm_output_0", "net.1.weight", "net.1.bias"],
            ["/net/net.1/LayerNormalization_output_0"],
            name="/net/net.1/LayerNormalization",
            axis=-1,
            epsilon=9.999999747378752e-06,
        ),
        *erf_gelu("/net/net.1/LayerNormalization_output_0", "/net/net.2/Mul_1_output_0"),
        helper.make_node(
            "Gemm",
            ["/net/net.2/Mul_1_output_0", "net.3.weight", "net.3.bias"],
            ["output"],
            name="/net/net.3/Gemm",
            alpha=1.0,
            beta=1.0,
            transB=1,
        ),
    ]
    return model(nodes, weights, 17, 8, "batch_size", ("input", "output"), "pytorch")


def erf_gelu(source, to):
    """`torch.nn.GELU()` below opset 20."""
    at = "/net/net.2/"
    return [
        constant(at + "Constant_output_0", math.sqrt(2)),
        helper.make_node("Div", [source, at + "Constant_output_0"], [at + "Div_output_0"], name=at + "Div"),
        helper.make_node("Erf", [at + "Div_output_0"], [at + "Erf_output_0"], name=at + "Erf"),
        constant(at + "Constant_1_output_0", 1),
        helper.make_node("Add", [at + "Erf_output_0", at + "Constant_1_output_0"], [at + "Add_output_0"]),
        helper.make_node("Mul", [source, at + "Add_output_0"], [at + "Mul_output_0"], name=at + "Mul"),
        constant(at + "Constant_2_output_0", 0.5),
        helper.make_node("Mul", [at + "Mul_output_0", at + "Constant_2_output_0"], [to], name=at + "Mul_1"),
    ]


def torch_dynamo(weights, approximate):
    """`torch.onnx.export(..., dynamo=True, opset_version=20)`: one operator for GELU, rows by a symbol."""
    nodes = [
        helper.make_node(
            "Gemm", ["features", "net.0.weight", "net.0.bias"], ["linear"], name="node_linear", transB=1, alpha=1.0, beta=1.0
        ),
        helper.make_node(
            "LayerNormalization",
            ["linear", "net.1.weight", "net.1.bias"],
            ["layer_norm"],
            name="node_layer_norm",
            axis=-1,
            epsilon=1e-5,
            stash_type=1,
        ),
        helper.make_node("Gelu", ["layer_norm"], ["gelu"], name="node_gelu", approximate=approximate),
        helper.make_node(
            "Gemm", ["gelu", "net.3.weight", "net.3.bias"], ["linear_1"], name="node_linear_1", transB=1, alpha=1.0, beta=1.0
        ),
    ]
    made = model(nodes, weights, 20, 10, "s0", ("features", "linear_1"), "pytorch")
    for node in made.graph.node:
        node.metadata_props.add(key="namespace", value=": __main__.Ranker/net: torch.nn.Sequential")
    return made


def keras(weights, opset):
    """tf2onnx: kernels inputs × outputs, names of TensorFlow, LayerNormalization in parts, GELU by tanh."""
    at = "StatefulPartitionedCall/ranker/"
    tensors = {
        at + "dense/MatMul/ReadVariableOp:0": weights["net.0.weight"].T.copy(),
        at + "dense/BiasAdd/ReadVariableOp:0": weights["net.0.bias"],
        at + "gamma:0": weights["net.1.weight"],
        at + "beta:0": weights["net.1.bias"],
        at + "dense_1/MatMul/ReadVariableOp:0": weights["net.3.weight"].T.copy(),
        at + "dense_1/BiasAdd/ReadVariableOp:0": weights["net.3.bias"],
        "epsilon:0": np.float32(1e-3),
        "cubed:0": np.float32(0.044715),
        "root:0": np.float32(math.sqrt(2 / math.pi)),
        "one:0": np.float32(1),
        "half:0": np.float32(0.5),
        "three:0": np.float32(3),
    }
    mean = {"axes": [1]} if opset < 18 else {}
    if opset >= 18:
        tensors["axes:0"] = np.array([1], dtype=np.int64)
    axes = [] if opset < 18 else ["axes:0"]
    make = helper.make_node
    nodes = [
        make("MatMul", ["features", at + "dense/MatMul/ReadVariableOp:0"], ["m0"]),
        make("Add", ["m0", at + "dense/BiasAdd/ReadVariableOp:0"], ["d0"]),
        make("ReduceMean", ["d0", *axes], ["mean"], keepdims=1, **mean),
        make("Sub", ["d0", "mean"], ["centred"]),
        make("Mul", ["centred", "centred"], ["square"]),
        make("ReduceMean", ["square", *axes], ["variance"], keepdims=1, **mean),
        make("Add", ["variance", "epsilon:0"], ["positive"]),
        make("Sqrt", ["positive"], ["deviation"]),
        make("Reciprocal", ["deviation"], ["inverse"]),
        make("Mul", ["inverse", at + "gamma:0"], ["scale"]),
        make("Mul", ["d0", "scale"], ["scaled"]),
        make("Mul", ["mean", "scale"], ["shift"]),
        make("Sub", [at + "beta:0", "shift"], ["offset"]),
        make("Add", ["scaled", "offset"], ["norm"]),
        make("Pow", ["norm", "three:0"], ["cube"]),
        make("Mul", ["cube", "cubed:0"], ["c"]),
        make("Add", ["norm", "c"], ["s"]),
        make("Mul", ["s", "root:0"], ["r"]),
        make("Tanh", ["r"], ["t"]),
        make("Add", ["t", "one:0"], ["u"]),
        make("Mul", ["u", "half:0"], ["v"]),
        make("Mul", ["norm", "v"], ["gelu"]),
        make("MatMul", ["gelu", at + "dense_1/MatMul/ReadVariableOp:0"], ["m1"]),
        make("Add", ["m1", at + "dense_1/BiasAdd/ReadVariableOp:0"], ["logit"]),
    ]
    return model(nodes, tensors, opset, 8, "unk__25", ("features", "logit"), "tf2onnx")


def sklearn(rows):
    """scikit-learn's own network, by its own exporter."""
    targets = rows @ np.random.default_rng(SEED).normal(size=COLUMNS)
    network = MLPRegressor(hidden_layer_sizes=(HIDDEN,), max_iter=200, random_state=0).fit(rows, targets)
    return skl2onnx.to_onnx(network, rows[:1], target_opset=21)


class Rows(CalibrationDataReader):
    def __init__(self, rows):
        self.batches = iter([{"input": rows}])

    def get_next(self):
        return next(self.batches, None)


def quantised(folder, source, rows):
    """The four ways of onnxruntime.quantization that are used for small networks."""
    plain, ready = folder / "plain.onnx", folder / "ready.onnx"
    onnx.save(source, plain)
    quant_pre_process(plain, ready, skip_symbolic_shape=True)
    made = {}

    def static(name, **how):
        quantize_static(ready, folder / name, Rows(rows), weight_type=QuantType.QInt8, **how)
        made[name] = onnx.load(folder / name)

    quantize_dynamic(ready, folder / "dynamic", weight_type=QuantType.QInt8)
    made["dynamic"] = onnx.load(folder / "dynamic")
    static("qdq", quant_format=QuantFormat.QDQ, activation_type=QuantType.QInt8)
    static("qdq-per-channel", quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8, per_channel=True)
    static("qoperator", quant_format=QuantFormat.QOperator, activation_type=QuantType.QUInt8)
    return made


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    rows = np.array(json.loads((folder.parent / "features.json").read_text()), dtype=np.float32)
    weights = float32(random_weights(np.random.default_rng(SEED)))
    script = torch_script(weights)
    made = {
        "torch-script": script,
        "torch-dynamo": torch_dynamo(weights, "none"),
        "torch-dynamo-tanh": torch_dynamo(weights, "tanh"),
        "keras-15": keras(weights, 15),
        "keras-18": keras(weights, 18),
        "sklearn": sklearn(rows),
    }
    with tempfile.TemporaryDirectory() as scratch:
        made |= quantised(Path(scratch), script, rows)
    logits = {}
    for name, proto in made.items():
        data = proto.SerializeToString(deterministic=True)
        (folder / f"{name}.onnx").write_bytes(data)
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        (out,) = session.run(None, {session.get_inputs()[0].name: rows})
        assert out.shape == (len(rows), 1)
        logits[name] = [float(str(value)) for value in out[:, 0]]
        print(name, len(data), sorted({node.op_type for node in proto.graph.node}))
    text = json.dumps(logits, separators=(",", ":")).replace("],", "],\n")
    (folder / "logits.json").write_text(text + "\n")


main()
