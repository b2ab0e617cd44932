"""The event work of the seed system's benchmarks, as services in Python do it: one process, one thread.

Reads one JSON object a line from standard input and answers one a line. The work is that of the benchmarks 0.6
to 0.10: JSON out and in, the window's score, the update of a session, and one event end to end. Every operation
is timed on its own; a rate is the number of operations by the sum of their times. With orjson installed, what
has JSON in it is done with that as well.
"""

import json
import sys
import time

import numpy as np

try:
    import orjson
except ImportError:
    orjson = None

OPERATIONS = 100_000
EVENTS = 1_000
SESSIONS = 1_000
END_TO_END = 10_000
RATES_KBPS = [3000, 5000, 8000]


def pick(values):
    return values[np.random.randint(len(values))]


def event():
    """A heartbeat of fifteen fields, some 380 bytes of JSON."""
    return {
        "event_type": "heartbeat",
        "user_id": f"user_{np.random.randint(1, 1_000_000)}",
        "profile_id": f"profile_{np.random.randint(1, 1_000_000) * 10}",
        "content_id": f"content_{np.random.randint(1, 10_000)}",
        "session_id": f"session_{np.random.randint(1, 1_000_001)}",
        "timestamp": int(time.time() * 1000),
        "position_sec": int(np.random.randint(0, 7201)),
        "bitrate_kbps": pick(RATES_KBPS),
        "resolution": pick(["720p", "1080p", "4k"]),
        "buffer_health_sec": int(np.random.randint(10, 21)),
        "buffering_events": int(np.random.randint(0, 3)),
        "dropped_frames": int(np.random.randint(0, 10)),
        "device_type": pick(["smart_tv", "mobile", "desktop"]),
        "country": pick(["US", "BR", "UK", "IN"]),
        "cdn_pop": pick(["us-east-1a", "us-west-2b", "eu-west-1a"]),
    }


def new_session(told):
    return {
        "session_id": told["session_id"],
        "user_id": told["user_id"],
        "profile_id": told["profile_id"],
        "content_id": told["content_id"],
        "device_type": told["device_type"],
        "country": told["country"],
        "started_at": told["timestamp"],
        "last_heartbeat_at": told["timestamp"],
        "position": 0.0,
        "max_position": 0.0,
        "bitrates": [],
        "buffering_events": 0,
        "dropped_frames": 0,
        "vst_ms": None,
    }


def window_score(vst_ms, ratio, kbps, buffer_s):
    startup = max(0, 100 - vst_ms / 20)
    rebuffer = max(0, 100 - ratio * 10_000)
    rate = min(100, kbps / 50)
    buffer = min(100, buffer_s * 10)
    return 0.30 * startup + 0.40 * rebuffer + 0.15 * rate + 0.15 * buffer


def figures(times):
    microseconds = np.array(times) * 1e6
    return {
        "per_s": len(times) / sum(times),
        "p50_us": float(np.percentile(microseconds, 50)),
        "p99_us": float(np.percentile(microseconds, 99)),
    }


def encode(dumps):
    events, times = [event() for _ in range(EVENTS)], []
    for index in range(OPERATIONS):
        told = events[index % EVENTS]
        started = time.perf_counter()
        dumps(told)
        times.append(time.perf_counter() - started)
    return figures(times)


def decode(loads):
    texts, times = [json.dumps(event()) for _ in range(EVENTS)], []
    for index in range(OPERATIONS):
        text = texts[index % EVENTS]
        started = time.perf_counter()
        loads(text)
        times.append(time.perf_counter() - started)
    return figures(times)


def score():
    times = []
    for _ in range(OPERATIONS):
        vst_ms, ratio = np.random.uniform(200, 5000), np.random.uniform(0, 0.05)
        kbps, buffer_s = np.random.uniform(2000, 8000), np.random.uniform(5, 20)
        # As Python's own numbers: numpy's are slower in arithmetic.
        seen = float(vst_ms), float(ratio), float(kbps), float(buffer_s)
        started = time.perf_counter()
        window_score(*seen)
        times.append(time.perf_counter() - started)
    return figures(times)


def update(draws_inside):
    sessions = {f"session_{number}": {"position": 0.0} for number in range(SESSIONS)}
    names, times = list(sessions), []
    for index in range(OPERATIONS):
        session = sessions[names[index % SESSIONS]]
        if draws_inside:
            started = time.perf_counter()
            session["position"] += 30
            session["buffering_events"] = np.random.randint(0, 5)
            session["bitrate"] = np.random.choice(RATES_KBPS)
            session["buffer"] = np.random.uniform(10, 20)
        else:
            buffering, kbps = np.random.randint(0, 5), np.random.choice(RATES_KBPS)
            buffer_s = np.random.uniform(10, 20)
            started = time.perf_counter()
            session["position"] += 30
            session["buffering_events"] = buffering
            session["bitrate"] = kbps
            session["buffer"] = buffer_s
        times.append(time.perf_counter() - started)
    return figures(times)


def end_to_end(dumps, loads, with_score):
    sessions, times = {}, []
    for told in [event() for _ in range(END_TO_END)]:
        started = time.perf_counter()
        told = loads(dumps(told))
        session = sessions.get(told["session_id"])
        if session is None:
            session = sessions[told["session_id"]] = new_session(told)
        session["last_heartbeat_at"] = told["timestamp"]
        session["position"] = told["position_sec"]
        session["bitrates"].append(told["bitrate_kbps"])
        session["buffering_events"] += told["buffering_events"]
        if with_score:
            # The seed never has a startup time here; unknown counts half of its 100 points, 1,000 ms.
            ratio = session["buffering_events"] * 2.0 / 30
            window_score(1000, ratio, told["bitrate_kbps"], told["buffer_health_sec"])
        times.append(time.perf_counter() - started)
    return figures(times)


def run(seed):
    np.random.seed(seed)
    works = {
        "json_encode": lambda: encode(json.dumps),
        "json_decode": lambda: decode(json.loads),
        "qoe": score,
        "session_update": lambda: update(True),
        "session_update_without_draws": lambda: update(False),
        "end_to_end": lambda: end_to_end(json.dumps, json.loads, False),
        "end_to_end_with_qoe": lambda: end_to_end(json.dumps, json.loads, True),
    }
    if orjson:
        works["json_encode_orjson"] = lambda: encode(orjson.dumps)
        works["json_decode_orjson"] = lambda: decode(orjson.loads)
        works["end_to_end_orjson"] = lambda: end_to_end(orjson.dumps, orjson.loads, False)
    return {name: work() for name, work in works.items()}


def main():
    for line in sys.stdin:
        ask = json.loads(line)
        sizes = [len(json.dumps(event())) for _ in range(EVENTS)]
        answer = {"event_bytes": sum(sizes) / len(sizes), "works": run(ask["seed"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
