"""Matrix factorisation as recommender services in Python do it: numpy, one process, one thread.

Reads one JSON object a line from standard input and answers one a line: `train` fits by stochastic gradient
descent, one rating at a time, on vectors of float64; the other commands time calls on the fitted model, each
call as a service would make it. Times are in seconds.
"""

import json
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402  (threads are counted when it is loaded)


class Model:
    """Biased matrix factorisation; viewers and titles are numbered from 0."""

    def __init__(self, viewers, titles, factors):
        random = np.random.default_rng(42)
        self.viewer_factors = random.normal(0, 0.1, (viewers, factors))
        self.title_factors = random.normal(0, 0.1, (titles, factors))
        self.viewer_biases = np.zeros(viewers)
        self.title_biases = np.zeros(titles)
        self.mean = 0.0

    def fit(self, rows, epochs, rate, pull):
        self.mean = rows[:, 2].mean()
        viewers, titles, ratings = rows[:, 0].astype(int), rows[:, 1].astype(int), rows[:, 2]
        random = np.random.default_rng(7)
        for _ in range(epochs):
            for place in random.permutation(len(rows)):
                u, i = viewers[place], titles[place]
                error = ratings[place] - self.predict(u, i)
                self.viewer_biases[u] += rate * (error - pull * self.viewer_biases[u])
                self.title_biases[i] += rate * (error - pull * self.title_biases[i])
                old = self.viewer_factors[u].copy()
                self.viewer_factors[u] += rate * (error * self.title_factors[i] - pull * old)
                self.title_factors[i] += rate * (error * old - pull * self.title_factors[i])

    def predict(self, u, i):
        product = self.viewer_factors[u] @ self.title_factors[i]
        return self.mean + self.viewer_biases[u] + self.title_biases[i] + product

    def predict_batch(self, u, i):
        products = np.einsum("nf,nf->n", self.viewer_factors[u], self.title_factors[i])
        return self.mean + self.viewer_biases[u] + self.title_biases[i] + products

    def top(self, u, count, seen):
        scores = self.mean + self.viewer_biases[u] + self.title_biases
        scores = scores + self.title_factors @ self.viewer_factors[u]
        scores[seen] = -np.inf
        best = np.argpartition(scores, -count)[-count:]
        return best[np.argsort(-scores[best])]


def each(calls):
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return times


def answer(model, ask):
    kind = ask["do"]
    if kind == "predict":
        return each([lambda pair=pair: model.predict(*pair) for pair in ask["pairs"]])
    if kind == "batch":
        u, i = np.array(ask["pairs"]).T
        return each([lambda: model.predict_batch(u, i)] * ask["times"])
    if kind == "top":
        seen = [np.array(seen, dtype=int) for seen in ask["seen"]]
        calls = [lambda u=u, s=s: model.top(u, ask["count"], s) for u, s in zip(ask["viewers"], seen)]
        return each(calls)
    raise ValueError(kind)


def main():
    model = None
    for line in sys.stdin:
        ask = json.loads(line)
        if ask["do"] == "train":
            rows = np.array(ask["rows"], dtype=np.float64)
            model = Model(ask["viewers"], ask["titles"], ask["factors"])
            fit = [lambda: model.fit(rows, ask["epochs"], ask["rate"], ask["pull"])]
            times = each(fit)
        else:
            times = answer(model, ask)
        print(json.dumps({"times_s": times}), flush=True)


if __name__ == "__main__":
    main()
