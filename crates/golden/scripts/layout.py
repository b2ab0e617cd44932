"""Lists laid out and pages of rows, from the documentation of `ranking::Slate` and `ranking::home`.

As in `reference.py`: float32, one rounding an operation; relevance alone is computed in float64 and rounded once.
"""

import calendar

import numpy as np

import reference
from reference import F, Refused, decimal

POOL = 200
IN_PROGRESS_MAX = 1000
FINISHED_SHARE = F(0.95)
BECAUSE_ROWS = 3
BECAUSE_PICKS = 3
MERGED = 20
POPULAR = ("popular-for-new-viewer", "popular-without-match")


def genres_of(set_, index):
    bits = int(set_["genres"][index])
    return {genre for genre in range(32) if bits >> genre & 1}


def likeness(set_, a, b):
    """Jaccard; the golden set has no vectors."""
    one, other = genres_of(set_, a), genres_of(set_, b)
    return F(F(len(one & other)) / F(len(one | other))) if one | other else F(0)


def relevances(scores, own):
    high, low = (float(scores[0]), float(scores[own - 1])) if own else (0.0, 0.0)
    spread = [F((float(score) - low) / (high - low)) if high > low else F(1) for score in scores[:own]]
    return spread + [F(0)] * (len(scores) - own)


def mixed(seed):
    """The finaliser of MurmurHash3."""
    seed = (seed ^ seed >> 16) * 0x85EBCA6B % 2**32
    seed = (seed ^ seed >> 13) * 0xC2B2AE35 % 2**32
    return seed ^ seed >> 16


class Listing:
    """A list of `count` places that is filled one by one from titles in order."""

    def __init__(self, set_, slate, ordered, own, count):
        self.set, self.slate, self.places = set_, slate, [None] * count
        scores = [score for score, _ in ordered]
        self.lowest = scores[-1] if scores else F(0)
        self.left = [(index, score, worth) for (score, index), worth in zip(ordered, relevances(scores, own))]

    def shown(self):
        return [index for index, *_ in filter(None, self.places)]

    def breaks_a_cap(self, index):
        most = self.slate["genre_picks_max"]
        counts = [sum(genre in genres_of(self.set, one) for one in self.shown()) for genre in range(32)]
        return most > 0 and any(counts[genre] >= most for genre in genres_of(self.set, index))

    def next(self):
        """Place among those left: within the caps, then marginal relevance, then the order."""
        weight = F(self.slate["lambda"])

        def marginal(entry):
            alike = max((likeness(self.set, one, entry[0]) for one in self.shown()), default=F(0))
            return F(F(weight * entry[2]) - F(F(F(1) - weight) * alike))

        keys = [(self.breaks_a_cap(entry[0]), -marginal(entry), at) for at, entry in enumerate(self.left)]
        return min(keys)[2] if keys else None

    def put(self, place, at, how, propensity=None):
        index, score, _ = self.left.pop(at)
        self.places[place] = (index, score, how, propensity)

    def seat(self, place, index, how):
        for at, entry in enumerate(self.left):
            if entry[0] == index:
                return self.put(place, at, how)
        self.places[place] = (index, self.lowest, how, None)

    def free(self, kept):
        return next((at for at, place in enumerate(self.places) if place is None and at != kept), None)


def lay_out(set_, slate, ordered, own, count, pinned=(), promoted=(), seed=None):
    """(index, score, how, propensity) of each place; `how` is None for a title that stands there by merit."""
    listing = Listing(set_, slate, ordered, own, count)
    explored = slate["exploration_place"] - 1
    if seed is None or not 0 <= explored < count:
        explored = None
    for place, index in pinned:
        listing.seat(place, index, "pinned")
    for index in promoted:
        place = listing.free(explored)
        if place is not None:
            listing.seat(place, index, "promoted")
    while (place := listing.free(explored)) is not None and listing.left:
        listing.put(place, listing.next(), None)
    if explored is not None and listing.left:
        pool = [at for at, entry in enumerate(listing.left) if not listing.breaks_a_cap(entry[0])]
        if pool:
            drawn = pool[mixed(seed) * len(pool) >> 32]
            listing.put(explored, drawn, "explored", F(1) / F(len(pool)))
        else:
            listing.put(explored, listing.next(), None)
    return list(filter(None, listing.places))


def pick(set_, laid, reason_of):
    index, score, how, propensity = laid
    reason = {"kind": how} if how else reason_of(index)
    answer = {"title": int(set_["title_id"][index]), "score": decimal(score), "reason": reason}
    return {**answer, "propensity": decimal(propensity)} if propensity is not None else answer


def merged(set_, slate, request, ordered, reasons):
    """Trends and new titles mixed into the titles that have scores of one scale: (score, index), and their reasons."""
    is_popular = any(reasons[index]["kind"] in POPULAR for _, index in ordered)
    values = [F(set_["popularity"][index]) if is_popular else max(score, F(0)) for score, index in ordered]
    largest = F(set_["popularity"].max()) if is_popular else values[0] if values else F(0)
    weights = [F(value / largest) if largest > 0 else F(0) for value in values]
    total = added(weights)
    rest = F(F(F(1) - F(slate["trending_share"])) - F(slate["new_share"]))
    own = {
        index: F(rest * F(weight / total)) if total > 0 else F(0)
        for (_, index), weight in zip(ordered, weights)
    }
    shown = [index for index in range(len(set_["title_id"])) if reference.is_eligible(set_, index, request)]
    trending = sorted((-set_["trend"][index], index) for index in shown if set_["trend"][index] > 0)[:MERGED]
    whole = added([F(-trend) for trend, _ in trending])
    trends = {index: F(F(F(slate["trending_share"]) * F(-trend)) / whole) for trend, index in trending}
    shown.sort(key=lambda index: (-new_from_s(set_, index), -set_["popularity"][index], index))
    each = F(F(slate["new_share"]) / F(max(len(shown[:MERGED]), 1)))
    new = dict.fromkeys(shown[:MERGED], each)
    found, told = [], {}
    for index in {**own, **trends, **new}:
        parts = [part.get(index, F(0)) for part in (own, trends, new)]
        chance = max(F(F(parts[0] + parts[1]) + parts[2]), np.finfo(F).tiny)
        found.append((F(np.log(np.float64(chance))), index))
        if max(parts[1:]) > parts[0]:
            told[index] = {"kind": "trending" if parts[1] >= parts[2] else "new"}
    return sorted(found, key=lambda entry: (-entry[0], entry[1])), told


def added(numbers):
    total = F(0)
    for number in numbers:
        total = F(total + number)
    return total


def behind(lowest, rest):
    """Scores below `lowest` in the order there is."""
    above, scores = lowest, []
    for score, index in rest:
        above = min(F(lowest - F(F(1) / F(F(2) + score))), np.nextafter(above, F(-np.inf)))
        scores.append((above, index))
    return scores


def recommend(set_, rules, request, merges=True):
    """The picks of a laid-out list, with what the plain one says of scores and reasons."""
    k, slate = request.get("k", 10), rules["slate"]
    plain = reference.recommend(set_, rules, {**request, "k": k if not 1 <= k <= 100 else 100})
    # The golden set has fewer than a hundred titles: this is all of it, in order.
    place = {int(title): index for index, title in enumerate(set_["title_id"])}
    ordered = [(F(entry["score"]), place[entry["title"]]) for entry in plain["picks"]]
    reasons = {index: entry["reason"] for (_, index), entry in zip(ordered, plain["picks"])}
    own = sum(reason["kind"] != "popular-to-fill" for reason in reasons.values())
    if merges:
        found, told = merged(set_, slate, request, ordered[:own], reasons)
        taken = {index for _, index in found}
        rest = [entry for entry in ordered[own:] if entry[1] not in taken]
        ordered, own = found + behind(found[-1][0] if found else F(0), rest), len(found)
        reasons = {**reasons, **told}
    order = [index for _, index in ordered]
    pinned = [
        (pin["place"] - 1, place[pin["title"]])
        for pin in slate["pinned"]
        if pin["place"] <= k and place.get(pin["title"]) in reasons
    ]
    promoted = [place[title] for title in slate["promoted"] if place.get(title) in reasons]
    promoted = sorted(promoted, key=order.index)[: slate["promoted_max"]]
    laid = lay_out(set_, slate, ordered, own, k, pinned, promoted, request.get("seed"))
    picks = [pick(set_, one, reasons.__getitem__) for one in laid]
    return {**plain, "picks": picks}


def new_from_s(set_, index):
    year = int(set_["year"][index])
    began = calendar.timegm((year, 1, 1, 0, 0, 0)) if year >= 1970 else 0
    return max(int(set_["window_from_s"][index]), began)


def home(set_, rules, request):
    k, slate = request.get("k", 20), rules["slate"]
    begun = request.get("in_progress", [])
    if not 1 <= k <= 100:
        raise Refused("k-out-of-range")
    if len(begun) > IN_PROGRESS_MAX:
        raise Refused("in-progress-too-long")
    if any(not 0 <= one["share"] <= 1 for one in begun):
        raise Refused("share-out-of-range")
    place = {int(title): index for index, title in enumerate(set_["title_id"])}
    rows, shown = [], {one["title"] for one in begun}

    def is_left(index):
        title = int(set_["title_id"][index])
        return title not in shown and reference.is_eligible(set_, index, request)

    def add(reason, picks):
        shown.update(one["title"] for one in picks)
        if picks:
            rows.append({"reason": reason, "picks": picks})

    newest = {}
    for one in begun:
        newest.pop(one["title"], None)
        newest[one["title"]] = F(one["share"])
    anew = {**request, "history": []}
    continued = [
        place[title]
        for title, share in reversed(newest.items())
        if title in place and share < FINISHED_SHARE and reference.is_eligible(set_, place[title], anew)
    ]
    going_on = {"kind": "continue-watching"}
    laid = [(index, F(1) / F(at + 1), None, None) for at, index in enumerate(continued[:k])]
    add_later = [pick(set_, one, lambda _: going_on) for one in laid]

    barred = {**request, "k": k, "exclude": [*request.get("exclude", []), *shown]}
    top = recommend(set_, rules, barred, merges=False)
    kinds = {entry["reason"]["kind"] for entry in reference.recommend(set_, rules, {**barred, "k": 100})["picks"]}
    whole = next((kind for kind in ("popular-for-new-viewer", "popular-without-match") if kind in kinds), None)
    if whole is None and not kinds:
        whole = "popular-without-match"
    add(going_on, add_later)
    add({"kind": whole or "picked-for-you"}, top["picks"])

    def row(reason, ordered):
        laid = lay_out(set_, slate, ordered[:POOL], len(ordered[:POOL]), k)
        return [pick(set_, one, lambda _: reason) for one in laid]

    found, tried = 0, set()
    for title in reversed(request.get("history", [])[-rules["history_window"] :]):
        if title not in place or title in tried or found == BECAUSE_ROWS:
            continue
        tried.add(title)
        at = place[title]
        scale = F(2.0 ** int(set_["row_scale_log2"][at]))
        entries = range(set_["row_offset"][at], set_["row_offset"][at + 1])
        leads = [(F(scale * F(set_["row_weight"][one])), int(set_["row_index"][one])) for one in entries]
        leads = sorted((-score, index) for score, index in leads if score > 0 and is_left(index))
        reason = {"kind": "because-you-watched", "title": title}
        picks = row(reason, [(F(-score), index) for score, index in leads])
        if len(picks) >= min(BECAUSE_PICKS, k):
            found += 1
            add(reason, picks)

    left = [index for index in range(len(place)) if is_left(index)]
    trends = sorted((-set_["trend"][index], index) for index in left if set_["trend"][index] > 0)
    add({"kind": "trending"}, row({"kind": "trending"}, [(F(-trend), index) for trend, index in trends]))
    left = [index for index in left if is_left(index)]
    left.sort(key=lambda index: (-new_from_s(set_, index), -set_["popularity"][index], index))
    days = [(F(new_from_s(set_, index) // 86_400), index) for index in left]
    add({"kind": "new"}, row({"kind": "new"}, days))
    return {"rows": rows, "eligible": top["eligible"], "ranked": False}
