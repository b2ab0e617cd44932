"""RobustMPC by trying every sequence of five rungs, in plain Python: the form in which it is compared with.

Written from the text of Yin et al. (SIGCOMM 2015). A line of JSON in, a line of JSON out: the time of the decision,
and its rung.
"""

import itertools
import json
import sys
import time

HORIZON = 5


def harmonic(samples):
    return len(samples) / sum(1.0 / sample for sample in samples)


def pessimistic_kbps(samples):
    worst = 0.0
    for at in range(max(1, len(samples) - 5), len(samples)):
        predicted = harmonic(samples[max(0, at - 5):at])
        worst = max(worst, abs(predicted - samples[at]) / samples[at])
    return harmonic(samples[-5:]) / (1.0 + worst)


def decide(ask):
    rates = [kbps / 1000.0 for kbps in ask["rates_kbps"]]
    count = len(rates)
    kilobits = [size * 8.0 / 1000.0 for size in ask["sizes"]]
    kbps = pessimistic_kbps(ask["samples_kbps"])
    best, rung = float("-inf"), 0
    for plan in itertools.product(range(count), repeat=HORIZON):
        level, last, worth = ask["buffer_s"], ask["last"], 0.0
        for chunk, now in enumerate(plan):
            took = kilobits[chunk * count + now] / kbps
            stall = max(0.0, took - level)
            level = max(0.0, level - took) + ask["chunk_s"]
            worth += rates[now] - 4.3 * stall - abs(rates[now] - rates[last])
            last = now
        if worth > best:
            best, rung = worth, plan[0]
    return rung


for line in sys.stdin:
    ask = json.loads(line)
    began = time.perf_counter()
    rung = decide(ask)
    print(json.dumps({"times_s": [time.perf_counter() - began], "rung": rung}), flush=True)
