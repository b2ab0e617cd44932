"""Rankers as other people's exporters write them, with logits of onnxruntime.

PyTorch's by `torch.onnx.export`, TorchScript and dynamo, with both forms of GELU; Keras' by tf2onnx; scikit-learn's by
skl2onnx; the quantised ones are made of the first by onnxruntime.quantization. What the exporters note about the
machine they ran on (stack traces with paths) is taken out. Writes one `.onnx` each and `logits.json` (by name, for the
rows of `../features.json`), and beside the folder PyTorch's two exports of the network of `../ranker-wide.onnx`.

    pip install -r crates/golden/scripts/requirements-exporters.txt    (gigabytes)
    python3 crates/golden/scripts/make_exported.py crates/inference/tests/data/exported
"""

import json
import math
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import onnx
import onnxruntime
import skl2onnx
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


def pytorch(weights, wide_weights):
    """Of three rows, for any number of them. From opset 20 on, GELU is an operator of its own."""
    import torch

    class Ranker(torch.nn.Module):
        def __init__(self, approximate):
            super().__init__()
            self.net = torch.nn.Sequential(
                torch.nn.Linear(COLUMNS, HIDDEN),
                torch.nn.LayerNorm(HIDDEN),
                torch.nn.GELU(approximate=approximate),
                torch.nn.Linear(HIDDEN, 1),
            )
            self.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})

        def forward(self, features):
            return self.net(features)

    class Flattening(Ranker):
        def forward(self, features):
            return self.net(features.view(features.size(0), -1))

    def export(ranker, columns=COLUMNS, **how):
        names = {"input_names": ["features"], "output_names": ["logit"]}
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "ranker.onnx"
            torch.onnx.export(ranker.eval(), (torch.zeros(3, columns),), path, **names, **how)
            return onnx.load(path).SerializeToString()

    def wide():
        shapes = [wide_weights[f"w{layer}"].shape for layer in range(3)]
        (first, columns), (second, _), (last, _) = shapes
        layers = [torch.nn.Linear(columns, first), torch.nn.ReLU(), torch.nn.Linear(first, second), torch.nn.ReLU()]
        network = torch.nn.Sequential(*layers, torch.nn.Linear(second, last))
        for place, layer in ((0, 0), (2, 1), (4, 2)):
            network[place].weight.data = torch.tensor(wide_weights[f"w{layer}"])
            network[place].bias.data = torch.tensor(wide_weights[f"b{layer}"])
        return network, columns

    rows = {0: "batch_size"}
    script = {"dynamo": False, "opset_version": 17, "dynamic_axes": {"features": rows, "logit": rows}}
    dynamo = {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("rows")},)}
    wide, columns = wide()
    return {
        "../wide-script": export(wide, columns, **script),
        "../wide-dynamo": export(wide, columns, opset_version=20, **dynamo),
        "torch-script": export(Flattening("none"), **script),
        "torch-script-tanh": export(Ranker("tanh"), **script),
        "torch-dynamo-18": export(Flattening("none"), opset_version=18, **dynamo),
        "torch-dynamo": export(Ranker("none"), opset_version=20, **dynamo),
        "torch-dynamo-tanh": export(Ranker("tanh"), opset_version=20, **dynamo),
    }


def keras(weights):
    """LayerNormalization in parts, GELU by tanh."""
    import tensorflow as tf
    import tf2onnx

    layers = tf.keras.layers
    features = tf.keras.Input((COLUMNS,), name="features")
    hidden = layers.LayerNormalization()(layers.Dense(HIDDEN)(features))
    hidden = layers.Activation(lambda x: tf.keras.activations.gelu(x, approximate=True))(hidden)
    network = tf.keras.Model(features, layers.Dense(1)(hidden))
    # Inputs × outputs.
    network.set_weights([value.T if value.ndim == 2 else value for value in weights.values()])
    signature = [tf.TensorSpec((None, COLUMNS), tf.float32, name="features")]
    traced = tf.function(lambda features: network(features), input_signature=signature)

    def export(opset):
        made, _ = tf2onnx.convert.from_function(traced, input_signature=signature, opset=opset)
        return made.SerializeToString()

    return {"keras-15": export(15), "keras-18": export(18)}


def sklearn(rows):
    """scikit-learn's own network, by its own exporter."""
    targets = rows @ np.random.default_rng(SEED).normal(size=COLUMNS)
    network = MLPRegressor(hidden_layer_sizes=(HIDDEN,), max_iter=200, random_state=0).fit(rows, targets)
    return skl2onnx.to_onnx(network, rows[:1], target_opset=21)


def forget_machine(proto):
    graph = proto.graph
    for noted in [*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer, graph]:
        kept = [entry for entry in noted.metadata_props if "stack_trace" not in entry.key]
        del noted.metadata_props[:]
        noted.metadata_props.extend(kept)


class Rows(CalibrationDataReader):
    def __init__(self, rows):
        self.batches = iter([{"features": rows}])

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
    # A process each: two frameworks in one fall over each other's libraries.
    made = {"sklearn": sklearn(rows)}
    constants = onnx.load(folder.parent / "ranker-wide.onnx").graph.initializer
    wide_weights = {constant.name: onnx.numpy_helper.to_array(constant) for constant in constants}
    for framework, arguments in ((pytorch, (weights, wide_weights)), (keras, (weights,))):
        with multiprocessing.get_context("spawn").Pool(1) as process:
            exported = process.apply(framework, arguments)
        made |= {name: onnx.load_from_string(bytes_) for name, bytes_ in exported.items()}
    script = made["torch-script"]
    with tempfile.TemporaryDirectory() as scratch:
        made |= quantised(Path(scratch), script, rows)
    logits = {}
    for name, proto in made.items():
        forget_machine(proto)
        data = proto.SerializeToString(deterministic=True)
        (folder / f"{name}.onnx").write_bytes(data)
        if name.startswith("../"):
            continue
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        (out,) = session.run(None, {session.get_inputs()[0].name: rows})
        assert out.shape == (len(rows), 1)
        logits[name] = [float(str(value)) for value in out[:, 0]]
        print(name, len(data), sorted({node.op_type for node in proto.graph.node}))
    text = json.dumps(logits, separators=(",", ":")).replace("],", "],\n")
    (folder / "logits.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
