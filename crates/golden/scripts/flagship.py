"""The flagship's decision, in double precision and without its short cuts: from the text of `bitrate`, whose numbers
(`shipped.rs`, `shipped_perceptron.rs`) are read. A case must be clear: the best rung ahead of the next by a margin that
no rounding reaches."""

import math
import re
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "bitrate" / "src"
POINTS, DRIFTS, OUTCOMES = 16, 3, 5
STAGES, SINGLES = 14, 6
LEVEL_MAX_S, DOWNLOAD_MAX_S, RESERVE_S, RESERVE_CHUNKS = 120.0, 3600.0, 20.0, 20.0
LAYERS = [(23, 16), (16, 16), (16, 7)]
MARGIN = 1e-3


def shipped():
    text = (SOURCE / "shipped.rs").read_text()
    found = {}
    for name, numbers in re.findall(r"^    (\w+): \[?([-\d., e]+?)\]?,$", text, re.M):
        numbers = [float(number) for number in numbers.split(",")]
        found[name] = numbers if len(numbers) > 1 else numbers[0]
    return found


def weights():
    body = (SOURCE / "shipped_perceptron.rs").read_text().split("= [")[1]
    return [float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", body)]


class Views:
    def __init__(self, settings):
        self.half_lives, self.keep = settings["half_lives_s"], 0.5 ** (1 / settings["error_half_life"])
        self.sums, self.weights, self.errors, self.error_count = [0.0] * 4, [0.0] * 4, [0.0] * 4, 0.0
        self.length, self.length_weight, self.seen, self.last = 0.0, 0.0, [], 0.0

    def learn(self, sample):
        took, waited = sample.get("took_ms", 0), sample.get("waited_ms", 0)
        kbps, seconds = sample["kbps"], 4.0
        if took > 0:
            flowed = max(took - waited, 1)
            kbps, seconds = kbps * took / flowed, min(max(flowed / 1e3, 0.2), 20.0)
        log = math.log(max(kbps, 1.0))
        if self.seen:
            self.error_count = self.keep * self.error_count + 1
            self.errors = [self.keep * e + abs(log - self.mean(view)) for view, e in enumerate(self.errors)]
        self.length, self.length_weight = 0.8 * self.length + 0.2 * seconds, 0.8 * self.length_weight + 0.2
        for view, half_life in enumerate(self.half_lives):
            keep = 0.5 ** (seconds / half_life)
            self.sums[view] = keep * self.sums[view] + (1 - keep) * log
            self.weights[view] = keep * self.weights[view] + 1 - keep
        self.seen.append(log)
        self.last = seconds

    def mean(self, view):
        return self.sums[view] / self.weights[view]

    def level(self):
        return (self.mean(0) + self.mean(1)) / 2

    def told(self):
        newest = self.seen[::-1][:8]
        ordered = sorted(newest)
        errors = [error / max(self.error_count, 1.0) for error in self.errors]
        relative = [*newest, *[self.level()] * (8 - len(newest))]
        relative += [ordered[0], ordered[-1], ordered[len(ordered) // 2], *map(self.mean, range(4))]
        numbers = [log - self.level() for log in relative] + errors
        numbers += [0.5 * math.log(min(errors) + 0.02) + 1, 1 / len(self.seen), 0.5 * math.log(self.last)]
        numbers.append(0.5 * math.log(self.length / self.length_weight))
        return [min(max(number, -3.0), 3.0) for number in numbers]


def outlook(told):
    rest, numbers = weights(), told
    for depth, (inputs, units) in enumerate(LAYERS):
        biases, rows, rest = rest[:units], rest[units : units * (inputs + 1)], rest[units * (inputs + 1) :]
        sums = [biases[u] + sum(rows[i * units + u] * numbers[i] for i in range(inputs)) for u in range(units)]
        numbers = sums if depth == 2 else [s if s > 0 else 0.05 * s for s in sums]
    assert not rest

    def distance(out):
        return 0.02 + out if out > 0 else 0.02 / (1 - out / 0.02)

    median, below, far_below, above, far_above, after, stays = numbers
    low, high = median - distance(below), median + distance(above)
    return [low - distance(far_below), low, median, high, high + distance(far_above)], after, min(max(stays, 0), 1)


def forecast(samples, settings):
    views = Views(settings)
    for sample in samples[-32:]:
        views.learn(sample)
    count = settings["error_prior_samples"]
    erred = [(e + settings["error_prior"] * count) / (views.error_count + count) for e in views.errors]
    trusts = [t * max(e, 0.01) ** -settings["sharpness"] for t, e in zip(settings["trusts"], erred)]

    def mixed(of_view):
        return sum(trust * of_view(view) for view, trust in enumerate(trusts)) / sum(trusts)

    def gain(view):
        seconds = views.length / views.length_weight
        return (1 - 0.5 ** (seconds / views.half_lives[view])) / min(views.weights[view], 1.0)

    error = mixed(lambda view: erred[view])
    mean = mixed(views.mean) + settings["bias"] * error
    step = min(settings["step_min"] + settings["step_per_error"] * error, settings["step_max"])
    share = settings["learnt"] + settings["learnt_per_error"] * (math.log(max(error, 0.01)) + 1.6)
    share = min(max(share, 0.0), 1.0)
    learnt, after, stays = outlook(views.told())
    seen = [mean + (outcome - 2) * step for outcome in range(OUTCOMES)]
    first = [s + share * (views.level() + l - s) for s, l in zip(seen, learnt)]
    middle = first[2] + share * settings["after"] * (after - learnt[2])
    taken = min(settings["persistence"] * mixed(gain), 1.0)
    drift = settings["drift"] * (taken + share * (stays - taken)) * (first[3] - first[1]) / 2
    impatience = settings["impatience"] * max(1 - error / settings["calm"], 0.0)
    outage = settings["outage"] * error
    return first, [middle + settings["later"] * (f - first[2]) for f in first], drift, impatience, outage


def stages(left):
    first, found = 0, []
    while first < max(left, 1) and len(found) < STAGES:
        chunks = min(1 if len(found) < SINGLES else len(found) - SINGLES + 2, max(left, 1) - first)
        found.append((first, chunks))
        first += chunks
    return found


def at(row, place):
    whole = min(int(place), len(row) - 2)
    return row[whole] + (row[whole + 1] - row[whole]) * (place - whole) if place < len(row) - 1 else row[-1]


def decide(question):
    """Returns rung and reason."""
    settings, player = shipped(), question["player"]
    rates = [rung["kbps"] for rung in question["ladder"]]
    chunk_s = question.get("segment_ms", 4000) / 1e3
    sizes, left = player.get("chunk_bytes", []), player.get("chunks_left")

    def bits(chunk, rung):
        index = chunk * len(rates) + rung
        return sizes[index] * 8.0 if index < len(sizes) else rates[rung] * 1e3 * chunk_s

    def is_permitted(rung):
        whole = bits(0, rung) / 8 * max(1 if left is None else left, 1)
        return (
            question["ladder"][rung]["height"] <= question.get("height_max", math.inf)
            and rates[rung] <= player.get("kbps_max", math.inf)
            and whole <= player.get("bytes_left", math.inf)
        )

    rungs = [rung for rung in range(len(rates)) if is_permitted(rung)] or [0]
    weigh = player.get("weights", {"utility": "mbps", "stall": 4.3, "change": 1.0})
    worth = [r / 1e3 if weigh["utility"] == "mbps" else math.log(r / rates[0]) for r in rates]
    running, samples = player.get("running"), list(player["samples"])
    if running and running["took_ms"] > running.get("waited_ms", 0) and running["got"] > 0:
        kbps = running["got"] * 8.0 / running["took_ms"]
        samples.append({"kbps": kbps, "took_ms": running["took_ms"], "waited_ms": running["waited_ms"]})
    wait_s = samples[-1].get("waited_ms", 0) / 1e3
    if running:
        own = min(running["rung"], len(rates) - 1)
        steps = [(own, max(running["bytes"] - running["got"], 0) * 8.0, 0.0)]
        steps += [(rung, bits(0, rung), wait_s) for rung in rungs if rung < own]
    else:
        steps = [(rung, bits(0, rung), wait_s) for rung in rungs]

    first, later, drift, impatience, outage = forecast(samples, settings)
    # How much less a chunk is worth than the one before it: nothing where the link carries the rung below the top.
    patience = 1 - impatience * max(1 - math.exp(later[2]) / rates[rungs[max(len(rungs) - 2, 0)]], 0.0)
    odds = [odd / sum(settings["odds"]) for odd in settings["odds"]]
    paces = [[math.exp(-log - drift * (d - 1)) for log in later] for d in range(DRIFTS)]
    full_s = min(question.get("buffer_max_ms", 60_000) / 1e3, LEVEL_MAX_S, player.get("latency_ms", math.inf) / 1e3)
    full_s = max(full_s, chunk_s)
    point_s = full_s / (POINTS - 1)
    stall = weigh["stall"] * settings["caution"]
    planned = stages(math.inf if left is None else left)
    beyond = math.inf if left is None else left - sum(planned[-1])
    values = []
    for d in range(DRIFTS):
        mbps = min(1 / paces[d][2] / 1e3, max(worth[rungs[-1]], worth[rungs[0]]))
        limit = min(max(beyond, 0), RESERVE_CHUNKS) / RESERVE_CHUNKS * settings["reserve"] * mbps * RESERVE_S / chunk_s
        row = [limit * (1 - math.exp(-point * point_s / RESERVE_S)) for point in range(POINTS)]
        values.append([row for _ in rungs])

    def moved(d, outcome):
        return min(max(d + outcome - 2, 0), DRIFTS - 1)

    # What of an outage is longer than the buffer, by its level.
    outage_s = settings["outage_s"]
    lost = [outage * chunk_s * stall * outage_s * math.exp(-p * point_s / outage_s) for p in range(POINTS)]

    for start, chunks in planned[:0:-1]:
        # By the level that a download leaves, in points: its chunk is added, and below nothing was a stall.
        worth_of_later = patience**chunks
        added = [
            [[worth_of_later * at(row, p + chunk_s / point_s) for p in range(POINTS + 1)] for row in rows]
            for rows in values
        ]

        def left_with(row, place):
            return at(row, place) if place >= 0 else row[0] + stall * point_s * place

        chosen = []
        for d in range(DRIFTS):
            rows = []
            for index, rung in enumerate(rungs):
                kilobits = sum(bits(chunk, rung) for chunk in range(start, start + chunks)) / 1e3
                row = []
                for point in range(POINTS):
                    total = (worth[rung] - lost[point]) * chunks
                    for outcome in range(OUTCOMES):
                        took = chunks * wait_s - (chunks - 1) * chunk_s + kilobits * paces[d][outcome]
                        place = point - took / point_s
                        total += odds[outcome] * left_with(added[moved(d, outcome)][index], place)
                    row.append(total)
                rows.append(row)
            chosen.append(rows)
        values = [
            [
                [
                    max(
                        chosen[d][q][point] - weigh["change"] * abs(worth[rungs[q]] - worth[last])
                        for q in range(len(rungs))
                    )
                    for point in range(POINTS)
                ]
                for last in rungs
            ]
            for d in range(DRIFTS)
        ]

    level_s = min(question.get("buffer_ms", 0) / 1e3, full_s)
    last = min(player.get("last_rung", 0), len(rates) - 1)
    found = []
    for rung, size, wait in steps:
        total = worth[rung] - weigh["change"] * abs(worth[rung] - worth[last])
        index = max([i for i, known in enumerate(rungs) if known <= rung], default=0)
        for outcome in range(OUTCOMES):
            took = min(wait + size / 1e3 * math.exp(-first[outcome]), DOWNLOAD_MAX_S)
            after = min(max(level_s - took, 0.0) + chunk_s, full_s)
            total += odds[outcome] * patience * at(values[moved(1, outcome)][index], after / point_s)
            total -= odds[outcome] * stall * max(took - level_s, 0.0)
        found.append((total, rung))
    best = max(found)
    assert all(best[0] - total > MARGIN for total, rung in found if rung != best[1]), ("not clear", found)
    if running:
        return best[1], "go-on" if best[1] == own else "abandon"
    return best[1], "plan"
