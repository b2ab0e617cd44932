"""Writes what onnxruntime computes from the tower of the tests: histories and viewers' vectors.

    cargo run --release --example tower_fixture -- crates/inference/tests/data/tower.onnx
    python3 crates/golden/scripts/tower.py crates/inference/tests/data

Needs numpy and onnxruntime.
"""

import json
import sys
from pathlib import Path

import numpy
import onnxruntime

folder = Path(sys.argv[1])
session = onnxruntime.InferenceSession(str(folder / "tower.onnx"), providers=["CPUExecutionProvider"])
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
    (user,) = session.run(["user"], {"history": numpy.array([history], dtype=numpy.int64)})
    cases.append({"history": history, "user": [float(value) for value in user[0]]})
(folder / "tower.json").write_text(json.dumps(cases, indent=1) + "\n")
