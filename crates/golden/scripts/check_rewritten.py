"""Checks that the safetensors package of Python reads what `release` writes.

    cargo run -p release --example rewrite -- crates/release/tests/data
    python3 crates/golden/scripts/check_rewritten.py crates/release/tests/data
"""

import sys
from pathlib import Path

import numpy as np

import sets


def distances(places, offsets):
    """How far each place of a row is behind the one after the last, all of them nearer than 255."""
    rows = [places[begin:end].astype(int) for begin, end in zip(offsets, offsets[1:])]
    return np.concatenate([np.diff(row, prepend=-1) - 1 for row in rows]).astype(np.uint8)


for name, (tensors, metadata) in sets.make().items():
    path = Path(sys.argv[1]) / f"{name}.safetensors"
    if "row_index" in tensors:
        # Python's file has four bytes a place, as any set may; ours has distances where those are shorter.
        tensors = tensors | {"row_index": distances(tensors["row_index"], tensors["row_offset"])}
    if not sets.is_same(path, tensors, metadata):
        sys.exit(f"{path} does not hold what Python wrote")
    print(f"{path.name}: {len(tensors)} tensors, {len(metadata)} metadata entries")
