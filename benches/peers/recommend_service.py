"""Recommendations as services in Python serve them: FastAPI on uvicorn, onnxruntime, faiss, a cache in the process.

    python recommend_service.py FOLDER [--in-loop]

FOLDER holds what a node's release is made of (`tower.onnx`, `ranker.onnx`, `titles.json`, the candidate set) and the
tower's item vectors as plain float32. This is one worker; whoever starts several spreads the requests evenly. It takes
a port from the system, names it in the first line on standard output, and ends with its standard input.

A history is encoded by the tower, faiss finds the best candidates, the ranker puts them in order. As nanoRecSys serves
on two processors: two workers, each with an executor of one thread for the models, one thread in every library, kept
answers given by the event loop itself. Tuned as its users would: uvloop and httptools, the body read by pydantic straight
from its bytes, answers written by orjson, kept picks as bytes, the exact index (at this size faster than the one of 8
bits). With `--in-loop` the models are called in the event loop: a worker then does one thing at a time, and has no
threads to switch between.
"""

import asyncio
import json
import os
import signal
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import faiss  # noqa: E402  (threads are counted when it is loaded)
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import orjson  # noqa: E402
import uvicorn  # noqa: E402
from cachetools import TTLCache  # noqa: E402
from fastapi import FastAPI, Request, Response  # noqa: E402
from fastapi.exceptions import RequestValidationError  # noqa: E402
from pydantic import BaseModel, ConfigDict, Field, ValidationError  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

KEEP_ALIVE_S = 75
POOL = 200
WINDOW = 200
ANSWERS = 10_000
ANSWER_TTL_S = 300
# For picks of the tower: a row of item-to-item weights, which could name a title, is not part of this pipeline.
REASON = {"kind": "picked-for-you", "text": "Picked for you"}


class Question(BaseModel):
    """The body of `POST /v1/recommend`, as a node takes it, but for stored histories and licence windows."""

    model_config = ConfigDict(extra="forbid")

    history: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(default=[], max_length=10_000)
    exclude: list[Annotated[int, Field(ge=0, lt=2**32)]] = []
    k: Annotated[int, Field(ge=1, le=100)] = 10
    region: str = "eu"
    maturity_max: Annotated[int, Field(ge=0, le=255)] = 18

    def key(self):
        return (tuple(self.history), tuple(self.exclude), self.k, self.region, self.maturity_max)


class Catalogue:
    """The candidates: what is compared, what the ranker sees of them, what people read."""

    def __init__(self, folder):
        columns = load_file(folder / "candidates-eu.safetensors")
        self.ids = columns["title_id"]
        self.places = {int(title): place for place, title in enumerate(self.ids)}
        self.maturity = columns["maturity"]
        self.years = columns["year"].astype(np.float32)
        popularity = columns["popularity"].astype(np.float32)
        self.popularity = popularity / popularity.max()
        self.popularity_log = np.log1p(popularity) / np.log1p(popularity.max())
        genres = columns["genres"].astype(np.uint32)
        self.genres = (genres[:, None] >> np.arange(32, dtype=np.uint32) & 1).astype(np.float32)
        named = {title["id"]: title for title in json.loads((folder / "titles.json").read_text())["titles"]}
        self.named = [named[int(title)] for title in self.ids]
        vectors = np.fromfile(folder / "item_vectors.f32", dtype="<f4").reshape(len(self.ids), -1)
        self.index = faiss.IndexFlatIP(vectors.shape[1])
        self.index.add(vectors)
        self.vectors = vectors


class Recommender:
    """The models of the release and what they are asked about."""

    def __init__(self, folder):
        self.catalogue = Catalogue(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1

        def load(name):
            return onnxruntime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])

        self.tower, self.ranker = load("tower.onnx"), load("ranker.onnx")

    def picks(self, question):
        """The best `k`, as JSON."""
        watched = self.known(question.history)[-WINDOW:]
        if not watched:
            return orjson.dumps([])
        (viewer,) = self.tower.run(["user"], {"history": np.array([watched], dtype=np.int64)})
        hidden = {*watched, *self.known(question.exclude)}
        scores, found = self.catalogue.index.search(viewer, POOL + len(hidden))
        scores, found = self.allowed(scores[0], found[0], hidden, question.maturity_max)
        (logits,) = self.ranker.run(["logit"], {"features": self.features(viewer[0], watched, scores, found)})
        logits = logits[:, 0]
        best = np.argsort(-logits, kind="stable")[: question.k]
        chosen = zip(found[best].tolist(), logits[best].tolist())
        return orjson.dumps([self.named(place, logit) for place, logit in chosen])

    def known(self, titles):
        places = map(self.catalogue.places.get, titles)
        return [place for place in places if place is not None]

    def allowed(self, scores, found, hidden, maturity_max):
        shown = self.catalogue.maturity[found] <= maturity_max
        shown &= ~np.isin(found, np.fromiter(hidden, dtype=np.int64))
        return scores[shown][:POOL], found[shown][:POOL]

    def features(self, viewer, watched, scores, found):
        """The viewer's vector, the candidate's, and the columns of crates/ranking/src/features.rs."""
        catalogue = self.catalogue
        behind = np.maximum(scores - scores[0], -100)
        scores = np.maximum(scores, 0)
        counts = catalogue.genres[watched].sum(axis=0)
        years = catalogue.years[watched]
        whole = np.empty((len(found), 2 * len(viewer) + 8), dtype=np.float32)
        whole[:, : len(viewer)] = viewer
        whole[:, len(viewer) : -8] = catalogue.vectors[found]
        table = whole[:, -8:]
        table[:, 0] = scores / max(scores[0], 1e-30)
        table[:, 1] = np.log1p(scores)
        table[:, 2] = catalogue.popularity[found]
        table[:, 3] = catalogue.popularity_log[found]
        table[:, 4] = catalogue.genres[found] @ (counts / max(counts.sum(), 1))
        table[:, 5] = np.minimum(np.abs(catalogue.years[found] - years.mean()) / 10, 10)
        table[:, 6] = behind
        table[:, 7] = np.log1p(np.float32(len(watched))) / np.log(np.float32(201))
        return whole

    def named(self, place, score):
        title = self.catalogue.named[place]
        return {"title": title["id"], "name": title["name"], "year": title["year"], "score": score, "reason": REASON}


class Service:
    """What the worker has."""

    def __init__(self, folder, executor):
        self.recommender = Recommender(folder)
        self.executor = executor
        self.answers = TTLCache(maxsize=ANSWERS, ttl=ANSWER_TTL_S)
        self.hits = self.misses = 0
        # The first calls of a session take memory and choose kernels.
        self.recommender.picks(Question(history=self.recommender.catalogue.ids[:50].tolist()))

    async def decide(self, question):
        """Picks, when their turn came, and when they were there."""
        if self.executor is None:
            return self.timed_picks(question)
        return await asyncio.get_running_loop().run_in_executor(self.executor, self.timed_picks, question)

    def timed_picks(self, question):
        begun = time.perf_counter_ns()
        return self.recommender.picks(question), begun, time.perf_counter_ns()

    async def answer(self, question):
        asked = begun = decided = time.perf_counter_ns()
        key = question.key()
        picks = self.answers.get(key)
        cached = picks is not None
        if not cached:
            picks, begun, decided = await self.decide(question)
            self.answers[key] = picks
        self.hits, self.misses = self.hits + cached, self.misses + (not cached)
        answer = {
            "request_id": uuid.uuid4().hex,
            "generation": 1,
            "stale": False,
            "cached": cached,
            "region": question.region,
            "ranked": True,
            "eligible": len(self.recommender.catalogue.ids),
            "picks": orjson.Fragment(picks),
            "timings_us": {
                "queue": (begun - asked) // 1_000,
                "decide": (decided - begun) // 1_000,
                "total": (time.perf_counter_ns() - asked) // 1_000,
            },
        }
        return Response(orjson.dumps(answer), media_type="application/json")


app = FastAPI()


@app.post("/v1/recommend")
async def recommend(request: Request):
    try:
        question = Question.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
    return await app.state.service.answer(question)


@app.get("/counters")
async def counters():
    return {"hits": app.state.service.hits, "misses": app.state.service.misses}


def end_with_input():
    while os.read(0, 1_024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main():
    executor = None if "--in-loop" in sys.argv[2:] else ThreadPoolExecutor(max_workers=1)
    app.state.service = Service(Path(sys.argv[1]), executor)
    config = uvicorn.Config(
        app,
        port=0,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    listener = config.bind_socket()
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    threading.Thread(target=end_with_input, daemon=True).start()
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
