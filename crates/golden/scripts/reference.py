"""What each form must answer, written from the documentation of the crates and not from their code.

Ranking is in float32, one rounding an operation, in the documented order: numpy's scalars do that, and
nothing here may be an array sum. Quality of experience is in float64, which Python's numbers are.
"""

from decimal import Decimal, getcontext

import numpy as np

import bola
import flagship
import policies

getcontext().prec = 60

F = np.float32
K_MAX = 100
HISTORY_MAX = 10_000


class Refused(Exception):
    """With a stable code."""


def recency_weight(age, tau):
    """τ / (τ + age)."""
    return F(F(tau) / F(F(tau) + F(age)))


def row_scores(set_, rules, history):
    """Scores, and for each title what each watched one gave, newest first."""
    scores = [F(0)] * len(set_["title_id"])
    given = [[] for _ in scores]
    place = {int(title): index for index, title in enumerate(set_["title_id"])}
    for age, title in enumerate(reversed(history[-rules["history_window"] :])):
        if title not in place:
            continue
        row = place[title]
        factor = recency_weight(age, rules["recency_tau"]) * F(2.0 ** int(set_["row_scale_log2"][row]))
        for entry in range(set_["row_offset"][row], set_["row_offset"][row + 1]):
            to = set_["row_index"][entry]
            part = F(factor * F(set_["row_weight"][entry]))
            scores[to] = F(scores[to] + part)
            given[to].append((part, title))
    return scores, given


def is_eligible(set_, index, request):
    at_s = request["at_unix_ms"] // 1000
    barred = [*request.get("history", []), *request.get("exclude", [])]
    return (
        set_["window_from_s"][index] <= at_s < set_["window_until_s"][index]
        and set_["maturity"][index] <= request.get("maturity_max", 18)
        and int(set_["title_id"][index]) not in barred
    )


def recommend(set_, rules, request):
    history, k = request.get("history", []), request.get("k", 10)
    if not 1 <= k <= K_MAX:
        raise Refused("k-out-of-range")
    if len(history) > HISTORY_MAX:
        raise Refused("history-too-long")
    scores, given = row_scores(set_, rules, history)
    eligible = [index for index in range(len(scores)) if is_eligible(set_, index, request)]
    is_personal = any(scores[index] > 0 for index in eligible)
    if not history:
        popular = "popular-for-new-viewer"
    else:
        popular = "popular-to-fill" if is_personal else "popular-without-match"
    most = max(set_["popularity"])
    picks = []
    for index in eligible:
        if scores[index] > 0:
            # The first of equals is the newest.
            strongest = max(given[index], key=lambda gift: gift[0])
            pick = scores[index], {"kind": "because-you-watched", "title": strongest[1]}
        else:
            pick = F(set_["popularity"][index] / most) - F(1), {"kind": popular}
        picks.append((*pick, int(set_["title_id"][index])))
    picks.sort(key=lambda pick: (-pick[0], pick[2]))
    return {
        "picks": [{"title": t, "score": decimal(s), "reason": r} for s, r, t in picks[:k]],
        "eligible": len(eligible),
        "ranked": False,
    }


def rating(model, mean, viewer, title):
    viewers, titles = list(model["viewer_id"]), list(model["title_id"])
    if viewer not in viewers or title not in titles:
        return mean
    u, i = viewers.index(viewer), titles.index(title)
    total = F(F(mean + model["viewer_bias"][u]) + model["title_bias"][i])
    for mine, its in zip(model["viewer_factors"][u], model["title_factors"][i]):
        total = F(total + F(mine * its))
    return total


def predict(model, mean, pairs):
    return [decimal(rating(model, mean, pair["viewer"], pair["title"])) for pair in pairs]


def top_rated(model, mean, question):
    if question["viewer"] not in list(model["viewer_id"]):
        return []
    titles = [int(title) for title in model["title_id"] if int(title) not in question["exclude"]]
    rated = [(rating(model, mean, question["viewer"], title), title) for title in titles]
    rated.sort(key=lambda pair: (-pair[0], pair[1]))
    return [{"title": title, "score": decimal(score)} for score, title in rated[: question["n"]]]


def decimal(number):
    """The shortest decimal of a float32."""
    shortest = float(str(number))
    assert F(shortest) == number
    return shortest


def weighted(downloads, half_life):
    """The mean over the time of downloading, half forgotten after so many seconds."""
    total = weight = 0.0
    for download in downloads:
        kept = 0.5 ** (download["took_ms"] / 1000.0 / half_life)
        total, weight = total * kept + download["kbps"] * (1 - kept), weight * kept + (1 - kept)
    return total / weight


def bitrate(question):
    """Cases keep to speeds whose harmonic mean is exact."""
    downloads = question.get("player", {}).get("samples", [])[-5:]
    samples = [download["kbps"] for download in downloads] or question.get("samples_kbps", [])[-5:]
    ladder = question["ladder"]
    kbps = [rung["kbps"] for rung in ladder]
    if kbps != sorted(set(kbps)):
        raise Refused("ladder-not-rising")
    speed = float(len(samples) / sum(1 / Decimal(s) for s in samples)) if samples else None
    sustained = None
    if speed is not None:
        sustained = max([i for i, rate in enumerate(kbps) if rate <= speed * 0.85], default=0)
    policy, endpoint = question.get("policy", "bola"), None
    if policy == "flagship":
        rung, why = flagship.decide(question)
        return {"rung": rung, **ladder[rung], "why": why}
    if speed is None:
        rung, why = 0, "unknown-speed"
    elif policy == "bola":
        segment_ms, max_ms = question.get("segment_ms", 4000), question.get("buffer_max_ms", 60_000)
        level_ms = min(question.get("buffer_ms", 0), max_ms)
        rung, why = bola.rung(kbps, level_ms, max_ms, segment_ms), "buffer-level"
        if level_ms < 2 * segment_ms:
            rung, why = min(rung, sustained), "buffer-low"
    elif policy == "throughput":
        if downloads:
            speed = min(speed, *(weighted(downloads, half_life) for half_life in (3.0, 8.0)))
            sustained = max([i for i, rate in enumerate(kbps) if rate <= speed * 0.85], default=0)
        rung, why = sustained, "throughput"
    elif policy == "bba":
        seconds = [question.get(key, usual) / 1000 for key, usual in (("buffer_ms", 0), ("buffer_max_ms", 60_000))]
        rung = policies.bba(kbps, *seconds, question.get("player", {}).get("last_rung", 0))
        why = "buffer-level"
    elif policy == "bola-e":
        rung, why = policies.bola_e(kbps, question, speed, sustained), "buffer-level"
    elif policy == "dynamic":
        rung, why = policies.dynamic(kbps, question, speed, sustained), "buffer-level"
    elif policy == "robust-mpc":
        rung, why = policies.robust_mpc(kbps, question), "plan"
    else:
        rung, why = 0, "speed-rule"
        for line in question["rules"]:
            if line["mbps_min"] <= speed / 1000:
                rung = max([i for i, r in enumerate(ladder) if r["height"] <= line["height"]], default=0)
                endpoint = line.get("cdn_endpoint")
    if "height_max" in question:
        lower = [i for i in range(rung + 1) if ladder[i]["height"] <= question["height_max"]]
        capped = max(lower, default=0)
        rung, why = (rung, why) if capped == rung else (capped, "height-cap")
    decision = {"rung": rung, **ladder[rung], "why": why}
    return {**decision, "cdn_endpoint": endpoint} if endpoint else decision
