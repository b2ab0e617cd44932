"""Towers as other people's exporters write them, with the vectors of onnxruntime.

PyTorch's by `torch.onnx.export`, TorchScript and dynamo: a transformer with positions (as SASRec), a recurrent network
(as GRU4Rec), a mean of items; Keras' mean by tf2onnx, whose numbers have 32 bits. The quantised ones are made of the
first by onnxruntime.quantization, but for the table of items, which has to stay as it is. Item 0 is for padding, as
usual. What exporters note about the machine they ran on is taken out. Writes one `.onnx` each and `users.json`: by name,
of some histories.

    pip install -r crates/golden/scripts/requirements-exporters.txt    (gigabytes)
    python3 crates/golden/scripts/make_exported_towers.py crates/inference/tests/data/towers
"""

import json
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
from make_exported import forget_machine
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_dynamic,
    quantize_static,
)

SEED = 20261123
ITEMS = 41
WIDTH = 8
POSITIONS = 20
HISTORIES = [[7], [3, 3], [1, 2, 3, 4, 5], [40, 0, 12, 9, 31, 2], [(7 * place) % 40 + 1 for place in range(POSITIONS)]]


def pytorch():
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(SEED)

    class Transformer(nn.Module):
        """Two heads, one block before whose parts is a LayerNorm, positions that are learned."""

        def __init__(self):
            super().__init__()
            self.items = nn.Embedding(ITEMS, WIDTH, padding_idx=0)
            self.positions = nn.Embedding(POSITIONS, WIDTH)
            self.attention_norm, self.hidden_norm, self.last_norm = (nn.LayerNorm(WIDTH) for _ in range(3))
            self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
            self.hidden = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

        def heads(self, rows):
            return rows.view(rows.shape[0], rows.shape[1], 2, WIDTH // 2).transpose(1, 2)

        def forward(self, history):
            places = torch.arange(history.shape[1], device=history.device)
            stream = self.items(history) * WIDTH**0.5 + self.positions(places)
            normed = self.attention_norm(stream)
            query, key, value = (self.heads(part(normed)) for part in (self.query, self.key, self.value))
            taken = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            stream = stream + self.out(taken.transpose(1, 2).reshape(stream.shape))
            stream = stream + self.hidden(self.hidden_norm(stream))
            return self.last_norm(stream)[:, -1]

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.items = nn.Embedding(ITEMS, WIDTH, padding_idx=0)
            self.gru = nn.GRU(WIDTH, 2 * WIDTH, batch_first=True)
            self.out = nn.Linear(2 * WIDTH, WIDTH)

        def forward(self, history):
            _, state = self.gru(self.items(history))
            return self.out(state[-1])

    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.items = nn.Embedding(ITEMS, WIDTH, padding_idx=0)
            self.out = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.LayerNorm(WIDTH))

        def forward(self, history):
            return self.out(self.items(history).mean(dim=1))

    def export(tower, **how):
        names = {"input_names": ["history"], "output_names": ["user"]}
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "tower.onnx"
            torch.onnx.export(tower.eval(), (torch.tensor([[5, 6, 7]]),), path, **names, **how)
            return onnx.load(path).SerializeToString()

    script = {"dynamo": False, "opset_version": 17, "dynamic_axes": {"history": {1: "length"}}}
    dynamo = {"dynamo": True, "dynamic_shapes": ({1: torch.export.Dim("length", max=POSITIONS)},)}
    transformer, recurrent, mean = Transformer(), Recurrent(), Mean()
    return {
        "transformer-script": export(transformer, **script),
        "transformer-dynamo": export(transformer, opset_version=18, **dynamo),
        "transformer-dynamo-20": export(transformer, opset_version=20, **dynamo),
        "gru-script": export(recurrent, **script),
        "mean-dynamo": export(mean, opset_version=18, **dynamo),
    }


def keras():
    import tensorflow as tf
    import tf2onnx

    tf.random.set_seed(SEED)
    layers = tf.keras.layers
    history = tf.keras.Input((None,), dtype=tf.int32, name="history")
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(ITEMS, WIDTH)(history))
    network = tf.keras.Model(history, layers.Dense(WIDTH)(layers.Dense(2 * WIDTH, activation="relu")(pooled)))
    signature = [tf.TensorSpec((None, None), tf.int32, name="history")]
    traced = tf.function(lambda history: network(history), input_signature=signature)
    made, _ = tf2onnx.convert.from_function(traced, input_signature=signature, opset=17)
    return {"mean-keras": made.SerializeToString()}


class Histories(CalibrationDataReader):
    def __init__(self):
        self.histories = iter(HISTORIES)

    def get_next(self):
        items = next(self.histories, None)
        return items and {"history": np.array([items], dtype=np.int64)}


def quantised(source):
    """Layers dynamically and as QDQ."""
    # With eight bits of weights onnxruntime's sums overflow on processors without VNNI: not what ONNX says.
    weights = {"weight_type": QuantType.QInt8, "reduce_range": True}
    layers = {"op_types_to_quantize": ["MatMul", "Gemm"], **weights}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "plain").write_bytes(source)
        quant_pre_process(folder / "plain", folder / "ready", skip_symbolic_shape=True)
        quantize_dynamic(folder / "ready", folder / "dynamic", **layers)
        how = {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QInt8}
        quantize_static(folder / "ready", folder / "qdq", Histories(), **how, **layers)
        return {f"transformer-{name}": (folder / name).read_bytes() for name in ("dynamic", "qdq")}


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    # Two frameworks in one process fall over each other's libraries.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as frameworks:
        exported = [frameworks.apply(of) for of in (pytorch, keras)]
    exported.append(quantised(exported[0]["transformer-script"]))
    users = {}
    for name, model in (of for models in exported for of in models.items()):
        proto = onnx.load_from_string(model)
        forget_machine(proto)
        data = proto.SerializeToString(deterministic=True)
        (folder / f"{name}.onnx").write_bytes(data)
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        (history,) = session.get_inputs()
        numbers = np.int32 if history.type == "tensor(int32)" else np.int64

        def user(items):
            (out,) = session.run(None, {history.name: np.array([items], dtype=numbers)})
            assert out.shape == (1, WIDTH)
            return [float(str(value)) for value in out[0]]

        users[name] = [user(items) for items in HISTORIES]
        print(name, len(data), sorted({node.op_type for node in proto.graph.node}))
    text = json.dumps({"histories": HISTORIES, "users": users}, separators=(",", ":")).replace("],", "],\n")
    (folder / "users.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
