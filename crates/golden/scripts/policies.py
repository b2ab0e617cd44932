"""BBA, BOLA-E, DYNAMIC and RobustMPC, written from the papers that `crates/bitrate` names (and dash.js's and
Pensieve's published values), not from our Rust. A case must be clear: no two rungs may be as good as each other."""

import itertools
import math
from decimal import Decimal, getcontext

getcontext().prec = 60

MINIMUM_S = 10
MARGIN = 1e-6


def bba(kbps, level_s, max_s, last):
    """Huang et al., SIGCOMM 2014, Algorithm 1, with a reservoir of 5 s and a cushion of 10 s."""
    scale = min(max_s / 20, 1)
    reservoir, cushion = 5 * scale, 10 * scale
    above = kbps[min(last + 1, len(kbps) - 1)]
    below = kbps[max(last - 1, 0)]
    if level_s <= reservoir:
        return 0
    if level_s >= reservoir + cushion:
        return len(kbps) - 1
    line = kbps[0] + (kbps[-1] - kbps[0]) * (level_s - reservoir) / cushion
    if line >= above:
        return max(max(i for i, rate in enumerate(kbps) if rate <= line), last)
    if line <= below:
        return min(min(i for i, rate in enumerate(kbps) if rate >= line), last)
    return last


def bola_e(kbps, question, speed, sustained):
    """Spiteri et al., MMSys 2018: a placeholder at the start, no rise above what throughput sustains, no rung for which
    a low buffer cannot wait."""
    segment_s = Decimal(question.get("segment_ms", 4000)) / 1000
    max_s = Decimal(question.get("buffer_max_ms", 60_000)) / 1000
    level_s = min(Decimal(question.get("buffer_ms", 0)) / 1000, max_s)
    minimum_s = min(Decimal(MINIMUM_S), max_s / 2)
    utility = [(Decimal(rate) / Decimal(kbps[0])).ln() for rate in kbps]
    gp = utility[-1] / (max_s / minimum_s - 1)
    v = minimum_s / gp

    def best(level):
        scores = [(v * (u + gp) - level) / rate for u, rate in zip(utility, kbps)]
        return scores.index(max(scores))

    samples = question.get("player", {}).get("samples") or question.get("samples_kbps", [])
    is_start = len(samples) * segment_s < minimum_s
    if is_start:
        # The least placeholder with which the sustained rung is the best, by halving.
        low, high = Decimal(0), max_s
        for _ in range(150):
            middle = (low + high) / 2
            low, high = (low, middle) if best(middle) >= sustained else (middle, high)
        level_s = max(level_s, high)
    rung = best(level_s)
    last = question.get("player", {}).get("last_rung", 0)
    if rung > last and rung > sustained:
        rung = max(last, sustained)
    if is_start:
        return rung
    # dash.js's InsufficientBufferRule: half of the buffer's time is there for the next chunk.
    bearable = [i for i, rate in enumerate(kbps) if rate * segment_s <= Decimal(speed) * level_s / 2]
    return min(rung, max(bearable, default=0))


def dynamic(kbps, question, speed, sustained):
    """The throughput rule while the buffer is low and BOLA-E asks for less."""
    max_ms = question.get("buffer_max_ms", 60_000)
    rung = bola_e(kbps, question, speed, sustained)
    is_low = min(question.get("buffer_ms", 0), max_ms) < min(MINIMUM_S * 1000, max_ms / 2)
    return max(rung, sustained) if is_low else rung


def harmonic(samples):
    return len(samples) / sum(1 / sample for sample in samples)


def robust_mpc(kbps, question):
    """Yin et al., SIGCOMM 2015, as Pensieve compares with it: every sequence of the next five rungs."""
    player = question["player"]
    seen = [sample["kbps"] for sample in player["samples"]]
    places = range(max(len(seen) - 5, 1), len(seen))
    errors = [abs(harmonic(seen[max(at - 5, 0) : at]) - seen[at]) / seen[at] for at in places]
    pessimistic = harmonic(seen[-5:]) / (1 + max(errors, default=0))
    chunk_s, last = question.get("segment_ms", 4000) / 1000, player.get("last_rung", 0)
    weigh = player.get("weights", {"utility": "mbps", "stall": 4.3, "change": 1.0})
    worth = [rate / 1000 if weigh["utility"] == "mbps" else math.log(rate / kbps[0]) for rate in kbps]
    best = [-math.inf] * len(kbps)
    for plan in itertools.product(range(len(kbps)), repeat=min(player.get("chunks_left", 5), 5)):
        level_s, before, total = question.get("buffer_ms", 0) / 1000, last, 0.0
        for rung in plan:
            download_s = kbps[rung] * chunk_s / pessimistic
            total += worth[rung] - weigh["stall"] * max(download_s - level_s, 0)
            total -= weigh["change"] * abs(worth[rung] - worth[before])
            level_s, before = max(level_s - download_s, 0) + chunk_s, rung
        best[plan[0]] = max(best[plan[0]], total)
    found = best.index(max(best))
    assert all(best[found] - total > MARGIN for rung, total in enumerate(best) if rung != found), ("not clear", best)
    return found
