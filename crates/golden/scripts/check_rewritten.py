"""Checks that the safetensors package of Python reads what `release` writes.

    cargo run -p release --example rewrite -- crates/release/tests/data
    python3 crates/golden/scripts/check_rewritten.py crates/release/tests/data
"""

import sys
from pathlib import Path

import sets

for name, (tensors, metadata) in sets.make().items():
    path = Path(sys.argv[1]) / f"{name}.safetensors"
    if "row_index" in tensors:
        # Python's file has four bytes a place, as any set may; ours has two where that is enough.
        tensors = tensors | {"row_index": tensors["row_index"].astype("uint16")}
    if not sets.is_same(path, tensors, metadata):
        sys.exit(f"{path} does not hold what Python wrote")
    print(f"{path.name}: {len(tensors)} tensors, {len(metadata)} metadata entries")
