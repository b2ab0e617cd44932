"""faiss-cpu as people use it from Python, asked over standard input."""

import json
import os
import sys
import tempfile
import time

import faiss
import numpy as np

AT = 10


class Work:
    """The vectors of a work and what an exact index finds in them."""

    def __init__(self, ask):
        shape = (ask["vectors"], ask["dimensions"])
        self.vectors = np.memmap(ask["vectors_file"], dtype="<f4", mode="r", shape=shape)
        self.queries = np.fromfile(ask["queries_file"], dtype="<f4").reshape(-1, ask["dimensions"])
        self.next = np.array(ask["next"])
        self.metric = faiss.METRIC_L2 if ask["metric"] == "l2" else faiss.METRIC_INNER_PRODUCT
        self.truth = None
        self.index = None

    def build(self, ask):
        self.index = None
        started = time.perf_counter()
        index = faiss.index_factory(self.vectors.shape[1], ask["description"], self.metric)
        index.train(self.vectors)
        index.add(self.vectors)
        build_s = time.perf_counter() - started
        self.index = index
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "index")
            faiss.write_index(index, path)
            return {"build_s": build_s, "index_bytes": os.path.getsize(path)}

    def search(self, ask):
        if ask["probes"]:
            self.index.nprobe = ask["probes"]
        batch_s, one_s = [], []
        # The first round warms caches and does not count.
        for round_ in range(ask["rounds"] + 1):
            started = time.perf_counter()
            _, found = self.index.search(self.queries, ask["k"])
            took_s = time.perf_counter() - started
            if round_:
                batch_s.append(took_s)
                one_s.append(self.one_by_one(ask))
        if ask["exact"]:
            self.truth = found
        return {"batch_s": batch_s, "one_s": one_s, **self.recalls(found)}

    def one_by_one(self, ask):
        """On one thread: with more, even one query waits for all of them."""
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        times = []
        for place in range(ask["calls"]):
            query = self.queries[place : place + 1]
            started = time.perf_counter()
            self.index.search(query, ask["k"])
            times.append(time.perf_counter() - started)
        faiss.omp_set_num_threads(threads)
        return times

    def recalls(self, found):
        overlap = [len(set(a[:AT]) & set(b[:AT])) for a, b in zip(found, self.truth)]
        held_out = (found == self.next[:, None]).any(axis=1)
        return {"recall_at_10": float(np.mean(overlap)) / AT, "next_at_k": float(held_out.mean())}


def main():
    work = None
    for line in sys.stdin:
        ask = json.loads(line)
        if ask["do"] == "open":
            work = Work(ask)
            answer = {
                "version": f"faiss-cpu {faiss.__version__} ({faiss.get_compile_options().strip()})",
                "threads": faiss.omp_get_max_threads(),
            }
        elif ask["do"] == "build":
            answer = work.build(ask)
        else:
            answer = work.search(ask)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
