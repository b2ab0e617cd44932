#!/usr/bin/env python3
"""Makes evaluate/tests/data: small traces and videos in both forms, and what an independent simulator says of them.

The simulator follows the text of the protocol (and Pensieve's fixed_env.py, from which it comes), RobustMPC
the text of Yin et al. and Pensieve's mpc.py; neither shares a line with the Rust code. Needs nothing but
Python: `python3 crates/golden/scripts/bitrate_playback.py`.
"""

import itertools
import json
import math
import pathlib

DATA = pathlib.Path(__file__).resolve().parents[3] / "evaluate" / "tests" / "data"
RTT_S, PAYLOAD = 0.08, 0.95
RATES = [300, 750, 1200, 1850, 2850, 4300]


class Random:
    """A small generator of its own, so that the data never change."""

    def __init__(self, seed):
        self.state = seed

    def unit(self):
        self.state = (self.state * 1103515245 + 12345) % 2**31
        return self.state / 2**31


def make_trace(random, seconds, level):
    at, rows = 0.0, []
    while at < seconds:
        rows.append((round(at, 3), round(level * math.exp(1.6 * random.unit() - 1.0), 6)))
        at += 0.4 + 1.6 * random.unit()
        if random.unit() < 0.05:
            level = 0.3 + 4 * random.unit()
    return rows


def make_sizes(random, chunks, chunk_s):
    sizes = []
    for _ in range(chunks):
        busy = 0.75 + 0.5 * random.unit()
        sizes.append([int(rate * 125 * chunk_s * busy * (0.95 + 0.1 * random.unit())) for rate in RATES])
    return sizes


class Link:
    """Bytes at a time, second by second of the trace; periods are (length, Mbit/s)."""

    def __init__(self, periods):
        self.periods, self.index, self.inside = periods, 0, 0.0

    def step_over(self):
        self.index, self.inside = (self.index + 1) % len(self.periods), 0.0

    def download(self, size):
        passed = 0.0
        while True:
            length, mbps = self.periods[self.index]
            speed = mbps * 1e6 / 8 * PAYLOAD
            if (length - self.inside) * speed > size:
                self.inside += size / speed
                return passed + size / speed
            size -= (length - self.inside) * speed
            passed += length - self.inside
            self.step_over()

    def idle(self, seconds):
        while self.periods[self.index][0] - self.inside <= seconds:
            seconds -= self.periods[self.index][0] - self.inside
            self.step_over()
        self.inside += seconds


def simulate(periods, sizes, chunk_s, cap_s, choose):
    link, level, played, took = Link(periods), 0.0, [], []
    for chunk in range(len(sizes)):
        rung = 1 if chunk == 0 else choose(chunk, played, took, level)
        download = link.download(sizes[chunk][rung]) + RTT_S
        stall = max(0.0, download - level)
        level = max(0.0, level - download) + chunk_s
        if level > cap_s:
            idle = math.ceil((level - cap_s) / 0.5) * 0.5
            level -= idle
            link.idle(idle)
        played.append((rung, stall))
        took.append((sizes[chunk][rung], download))
    return played, took


def score(played, took, chunk_s):
    lin = log = stalls = 0.0
    switches = kbps = 0
    each = []
    for (before, _), (now, stall) in zip(played, played[1:]):
        one = RATES[now] / 1000 - 4.3 * stall - abs(RATES[now] - RATES[before]) / 1000
        each.append(one)
        lin += one
        log += math.log(RATES[now] / RATES[0]) - 2.66 * stall - abs(math.log(RATES[now] / RATES[before]))
        stalls += stall
        switches += now != before
        kbps += RATES[now]
    count = len(each)
    each.sort()
    place = 0.05 * (count - 1)
    low = math.floor(place)
    p5 = each[low] + (each[min(low + 1, count - 1)] - each[low]) * (place - low)
    return {
        "qoe_lin": lin / count, "qoe_log": log / count, "kbps": kbps / count, "switches": switches,
        "stall_percent": 100 * stalls / (stalls + count * chunk_s), "startup_s": took[0][1], "p5_qoe_lin": p5,
    }


def harmonic(samples):
    newest = samples[-5:]
    return len(newest) / sum(1 / sample for sample in newest)


def robust_mpc(sizes, chunk_s):
    def choose(chunk, played, took, level):
        samples = [size * 8 / 1e6 / download for size, download in took]
        errors = [0.0]
        for at in range(1, len(samples)):
            errors.append(abs(harmonic(samples[:at]) - samples[at]) / samples[at])
        speed = harmonic(samples) / (1 + max(errors[-5:]))
        last = played[-1][0]
        # A player knows its buffer in whole milliseconds.
        level = math.floor(level * 1000 + 1e-9) / 1000
        best = (-math.inf, 0)
        for rungs in itertools.product(range(len(RATES)), repeat=min(5, len(sizes) - chunk)):
            buffered, reward, before = level, 0.0, last
            for ahead, rung in enumerate(rungs):
                download = sizes[chunk + ahead][rung] * 8 / 1e6 / speed
                reward += RATES[rung] / 1000 - 4.3 * max(0.0, download - buffered)
                reward -= abs(RATES[rung] - RATES[before]) / 1000
                buffered = max(0.0, buffered - download) + chunk_s
                before = rung
            # Sums in another order differ in the last bits; equals are for the higher rung.
            if reward > best[0] + 1e-9 or (reward > best[0] - 1e-9 and rungs[0] > best[1]):
                best = (reward, rungs[0])
        return best[1]
    return choose


def by_plan(plan):
    return lambda chunk, *_: plan[chunk]


def brute_optimum(periods, sizes, chunk_s, cap_s):
    """The best of all sequences; only for a short title."""
    return max(
        score(*simulate(periods, sizes, chunk_s, cap_s, by_plan((1, *rest))), chunk_s)["qoe_lin"]
        for rest in itertools.product(range(len(RATES)), repeat=len(sizes) - 1)
    )


def main():
    random = Random(20171)
    for folder in ("tab", "json", "sizes"):
        (DATA / folder).mkdir(parents=True, exist_ok=True)
    lines = {f"ride-{index}.log": make_trace(random, 150, 0.7 + index) for index in range(4)}
    for name, rows in lines.items():
        text = "".join(f"{at}\t{mbps}\n" for at, mbps in rows)
        (DATA / "tab" / name).write_text(text)
    periods = {
        name: [(after - before, mbps) for (before, _), (after, mbps) in zip(rows, rows[1:])]
        for name, rows in lines.items()
    }
    steps = [{"duration_ms": 5000, "bandwidth_kbps": int(400 + 5000 * random.unit()), "latency_ms": 20} for _ in range(30)]
    (DATA / "json" / "steps.json").write_text(json.dumps(steps))
    periods["steps.json"] = [(step["duration_ms"] / 1000, step["bandwidth_kbps"] / 1000) for step in steps]

    sizes = make_sizes(random, 40, 4.0)
    for rung in range(len(RATES)):
        # The last line, the remainder, is not played.
        text = "".join(f"{chunk[rung]}\n" for chunk in [*sizes, [1000] * len(RATES)])
        (DATA / "sizes" / f"video_size_{rung}").write_text(text)
    short = make_sizes(random, 6, 3.0)
    manifest = {"segment_duration_ms": 3000, "bitrates_kbps": RATES,
                "segment_sizes_bits": [[size * 8 for size in chunk] for chunk in short]}
    (DATA / "short.json").write_text(json.dumps(manifest))

    expected, choices = {}, []
    for name, link in periods.items():
        plan = [1] + [int(random.unit() * len(RATES)) for _ in sizes[1:]]
        choices.append(f"{name} {' '.join(map(str, plan))}")
        cases = expected[name] = {}
        for policy, choose in (("choices", by_plan(plan)), ("robust-mpc", robust_mpc(sizes, 4.0))):
            for cap_s in (60.0, 12.0):
                played, took = simulate(link, sizes, 4.0, cap_s, choose)
                cases[f"{policy} {cap_s:g}"] = score(played, took, 4.0)
        cases["optimum"] = brute_optimum(link, short, 3.0, 60.0)
    (DATA / "tab-choices.txt").write_text("".join(f"{line}\n" for line in choices[:4]))
    (DATA / "json-choices.txt").write_text(f"{choices[4]}\n")
    (DATA / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
