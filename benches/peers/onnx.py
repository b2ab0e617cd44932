"""Encoding, retrieval and ranking as services in Python do them: onnxruntime and FAISS, one process, one thread.

Reads one JSON object a line from standard input and answers one a line: `encode` runs a tower over histories,
`index` takes vectors (a file of float32, row by row), `search` times single queries on the index, `rank` a ranker over
rows that are ready made, `cold` all one after the other, as a request does. Times are in seconds.
"""

import json
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import faiss  # noqa: E402  (threads are counted when it is loaded)
import numpy as np  # noqa: E402
import onnxruntime as ort  # noqa: E402
from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: E402


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def quantised(path):
    """The model with weights of eight bits, as the runtime's own tool makes it."""
    smaller = path + ".int8"
    quantize_dynamic(path, smaller, weight_type=QuantType.QInt8)
    return session(smaller)


def each(calls):
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return times


class Stack:
    def __init__(self):
        faiss.omp_set_num_threads(1)
        self.towers = {}
        self.rankers = {}
        self.vectors = None
        self.indexes = {}

    def answer(self, ask):
        kind = ask["do"]
        if kind == "load":
            self.towers = {"f32": session(ask["tower"]), "int8": quantised(ask["tower"])}
            self.rankers = {"f32": session(ask["ranker"]), "int8": quantised(ask["ranker"])}
            return []
        if kind == "index":
            vectors = self.vectors = np.fromfile(ask["path"], dtype=np.float32).reshape(-1, ask["width"])
            for name, factory in (("flat", "Flat"), ("sq8", "SQ8")):
                index = faiss.index_factory(ask["width"], factory, faiss.METRIC_INNER_PRODUCT)
                index.train(vectors)
                index.add(vectors)
                self.indexes[name] = index
            return []
        if kind == "encode":
            tower = self.towers[ask["form"]]
            histories = [np.array([history], dtype=np.int64) for history in ask["histories"]]
            return each([lambda h=h: tower.run(["user"], {"history": h}) for h in histories])
        if kind == "search":
            queries = np.array(ask["queries"], dtype=np.float32)
            index = self.indexes[ask["index"]]
            return each([lambda q=q: index.search(q[None, :], ask["count"]) for q in queries])
        if kind == "rank":
            ranker = self.rankers[ask["form"]]
            asked = zip(ask["viewers"], ask["items"], ask["features"])
            tables = [self.table(np.array(viewer, dtype=np.float32), items, np.array(features, dtype=np.float32))
                      for viewer, items, features in asked]
            return each([lambda t=t: ranker.run(["logit"], {"features": t}) for t in tables])
        if kind == "cold":
            index, tower, ranker = self.indexes[ask["index"]], self.towers[ask["form"]], self.rankers[ask["form"]]
            features = np.full(ask["count"] * 8, 0.5, dtype=np.float32)

            def cold(history):
                (user,) = tower.run(["user"], {"history": history})
                _, found = index.search(user, ask["count"])
                ranker.run(["logit"], {"features": self.table(user[0], found[0], features)})

            histories = [np.array([history], dtype=np.int64) for history in ask["histories"]]
            return each([lambda h=h: cold(h) for h in histories])
        raise ValueError(kind)

    def table(self, viewer, items, features):
        """A row a candidate: the viewer's vector, the candidate's, its features."""
        width = self.vectors.shape[1]
        table = np.empty((len(items), 2 * width + len(features) // len(items)), dtype=np.float32)
        table[:, :width] = viewer
        table[:, width : 2 * width] = self.vectors[items]
        table[:, 2 * width :] = features.reshape(len(items), -1)
        return table


def main():
    stack = Stack()
    for line in sys.stdin:
        print(json.dumps({"times_s": stack.answer(json.loads(line))}), flush=True)


if __name__ == "__main__":
    main()
