"""The small release that golden cases ask: candidates, factors and histories, of a fixed seed.

Written by the safetensors package of Python, so that our reader is tested on files of another writer.
"""

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

SEED = 20250602
TITLES = 40
VIEWERS = 6
FACTORS = 8
ROW_ENTRIES = 12

#: Most titles are shown in 2025 (UTC), in seconds.
YEAR_FROM_S, YEAR_UNTIL_S = 1_735_689_600, 1_767_225_600
GENRES = ["action", "comedy", "drama", "family", "horror", "science-fiction"]


def candidates(random):
    ids = np.cumsum(random.integers(1, 6, TITLES)) + 100
    popularity = random.lognormal(3, 1, TITLES)
    # Ties, and titles that nobody watches.
    popularity[[5, 9, 21]] = popularity[5]
    popularity[[30, 31]] = 0
    window_from = np.full(TITLES, YEAR_FROM_S)
    window_until = np.full(TITLES, YEAR_UNTIL_S)
    window_until[[3, 17]] = YEAR_FROM_S + 86_400 * 100
    window_from[[8, 25]] = YEAR_FROM_S + 86_400 * 200
    # Never licensed here, but watched elsewhere: its row counts.
    window_from[[12]] = window_until[[12]] = 0
    offsets, indexes, weights = [0], [], []
    for title in range(TITLES):
        # Every seventh title is too new to have a row.
        entries = 0 if title % 7 == 6 else ROW_ENTRIES
        others = np.setdiff1d(np.arange(TITLES), [title])
        indexes.extend(np.sort(random.choice(others, entries, replace=False)))
        weights.extend(random.integers(-24, 128, entries))
        offsets.append(len(indexes))
    years = random.integers(1950, 2026, TITLES)
    years[[2, 33]] = 0
    return {
        "title_id": np.array(ids, np.uint32),
        "popularity": np.array(popularity, np.float32),
        "maturity": random.choice([0, 6, 12, 16, 18], TITLES).astype(np.uint8),
        "year": years.astype(np.uint16),
        "genres": random.integers(1, 2 ** len(GENRES), TITLES).astype(np.uint32),
        "window_from_s": window_from.astype(np.uint64),
        "window_until_s": window_until.astype(np.uint64),
        "row_offset": np.array(offsets, np.uint32),
        "row_index": np.array(indexes, np.uint32),
        "row_weight": np.array(weights, np.int8),
        "row_scale_log2": random.integers(-11, -7, TITLES).astype(np.int8),
        "trend": trends(),
    }


def trends():
    """Of dice of their own, so that what is drawn after them stays."""
    random = np.random.default_rng(SEED + 1)
    found = random.exponential(2, TITLES)
    found[random.random(TITLES) < 0.6] = 0
    # A tie.
    found[[13, 22]] = 1.5
    return found.astype(np.float32)


def factors(random, title_ids):
    return {
        "viewer_id": np.array([1, 2, 3, 5, 8, 13], np.uint32),
        "viewer_bias": random.normal(0, 0.2, VIEWERS).astype(np.float32),
        "viewer_factors": random.normal(0, 0.5, (VIEWERS, FACTORS)).astype(np.float32),
        "title_id": title_ids,
        "title_bias": random.normal(0, 0.3, TITLES).astype(np.float32),
        "title_factors": random.normal(0, 0.5, (TITLES, FACTORS)).astype(np.float32),
    }


def histories(random, title_ids):
    lengths = [0, 1, 4, 30, 7, 200]
    watched = [random.choice(title_ids, length) for length in lengths]
    return {
        "viewer_id": np.array([1, 2, 3, 5, 8, 13], np.uint32),
        "offset": np.array([0, *np.cumsum(lengths)], np.uint32),
        "title": np.concatenate(watched).astype(np.uint32),
    }


def make():
    """Tensors and metadata of each file."""
    random = np.random.default_rng(SEED)
    titles = candidates(random)
    model = factors(random, titles["title_id"])
    watched = histories(random, titles["title_id"])
    genres = ",".join(GENRES)
    return {
        "candidates": (titles, {"schema": "frontrow-candidates-1", "region": "eu", "genres": genres}),
        "factors": (model, {"schema": "frontrow-factors-1", "mean": "3.5299"}),
        "histories": (watched, {"schema": "frontrow-histories-1"}),
    }


def is_same(path, tensors, metadata):
    """Whether a file holds these tensors of these types and this metadata, and nothing else."""
    if not path.exists():
        return False
    with safe_open(path, "np") as file:
        if set(file.keys()) != set(tensors) or file.metadata() != metadata:
            return False
        found = {name: file.get_tensor(name) for name in tensors}
    return all(
        found[name].dtype == tensor.dtype and np.array_equal(found[name], tensor)
        for name, tensor in tensors.items()
    )


def write(folder):
    """The package puts metadata in an order that differs from run to run: an equal file is left alone."""
    for name, (tensors, metadata) in make().items():
        path = folder / f"{name}.safetensors"
        if not is_same(path, tensors, metadata):
            save_file(tensors, path, metadata)
