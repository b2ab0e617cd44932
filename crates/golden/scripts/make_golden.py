"""Golden cases: questions with the answers of `reference.py`, `playback.py` and `qoe_scores.py`.

Writes the files of `crates/golden/data`; every form of Frontrow answers them, bit for bit.

    pip install -r crates/golden/scripts/requirements.txt
    python3 crates/golden/scripts/make_golden.py crates/golden/data
"""

import json
import sys
from pathlib import Path

import numpy as np

import layout
import playback
import reference
import sets

RULES = {"recency_tau": 5.5, "history_window": 30, "ranker_pool": 0}
NOON_MS = (sets.YEAR_FROM_S + 86_400 * 150) * 1000 + 123
LADDER = [
    {"id": "360p", "height": 360, "kbps": 500},
    {"id": "480p", "height": 480, "kbps": 1000},
    {"id": "720p", "height": 720, "kbps": 2500},
    {"id": "1080p", "height": 1080, "kbps": 5000},
    {"id": "2160p", "height": 2160, "kbps": 15000},
]
TABLE = [
    {"mbps_min": 0.0, "height": 480},
    {"mbps_min": 5.0, "height": 720, "cdn_endpoint": "https://eu.cdn.example/"},
    {"mbps_min": 10.0, "height": 1080, "cdn_endpoint": "https://eu.cdn.example/"},
    {"mbps_min": 25.0, "height": 2160, "cdn_endpoint": "https://eu-uhd.cdn.example/"},
]


def recommend_cases(titles):
    ids = [int(title) for title in titles["title_id"]]
    window_s = int(titles["window_until_s"][3])
    ask = {
        "a new viewer gets what is popular": {},
        "one watched title": {"history": [ids[0]]},
        "five watched titles": {"history": [ids[i] for i in (4, 11, 0, 19, 38)], "k": 20},
        "a title watched twice counts twice": {"history": [ids[4], ids[2], ids[4]], "k": 5},
        "a history longer than the window": {"history": [ids[(i * 7) % 20] for i in range(75)], "k": 30},
        "ids nobody knows": {"history": [7, ids[10], 4_294_967_295], "k": 3},
        "only ids nobody knows": {"history": [1, 2, 3], "k": 4},
        "a watched title without a row": {"history": [ids[6]], "k": 4},
        "a watched title that is not licensed here": {"history": [ids[12]], "k": 6},
        "excluded titles are left out": {"history": [ids[1]], "exclude": ids[:20] + [7], "k": 8},
        "for children": {"history": [ids[1], ids[2]], "maturity_max": 6, "k": 10},
        "more wanted than there is": {"history": [ids[3], ids[5]], "k": 100},
        "everything watched": {"history": ids, "k": 10},
        "the last second of a licence": {"k": 100, "at_unix_ms": window_s * 1000 - 1},
        "the first second after a licence": {"k": 100, "at_unix_ms": window_s * 1000},
        "before every licence": {"at_unix_ms": 0},
        "k of zero": {"k": 0},
        "k of 101": {"k": 101},
        "a history of 10,001": {"history": [ids[0]] * 10_001},
    }
    return [(name, "recommend", {"at_unix_ms": NOON_MS, **request}) for name, request in ask.items()]


def slate_rules(titles):
    """All that a slate can say at once."""
    ids = [int(title) for title in titles["title_id"]]
    pinned = [{"place": 3, "title": ids[20]}, {"place": 7, "title": ids[12]}, {"place": 40, "title": ids[35]}]
    slate = {
        "lambda": 0.7,
        "trending_share": 0.15,
        "new_share": 0.1,
        "genre_picks_max": 7,
        "promoted_max": 2,
        "exploration_place": 5,
        "pinned": pinned,
        "promoted": [ids[30], 7, ids[1], ids[37]],
    }
    return {**RULES, "slate": slate}


def laid_out_cases(titles):
    ids = [int(title) for title in titles["title_id"]]
    five = [ids[i] for i in (4, 11, 0, 19, 38)]
    ask = {
        "laid out for a new viewer": {},
        "laid out for one watched title": {"history": [ids[0]], "k": 12},
        "laid out for five watched titles": {"history": five, "k": 20},
        "laid out as far as there are titles": {"history": five, "k": 100},
        "a place drawn by a seed": {"history": five, "seed": 0},
        "the same place drawn by another seed": {"history": five, "seed": 1_234},
        "the same place drawn by the last seed": {"history": five, "seed": 4_294_967_295},
        "a place drawn where little is left": {"history": ids[8:], "k": 6, "seed": 11},
        "a list too short to explore": {"history": five, "k": 4, "seed": 3},
        "a pinned title was watched": {"history": [ids[20], ids[3]], "k": 8},
        "promoted titles are excluded": {"history": five, "exclude": [ids[30], ids[1]], "k": 8},
        "laid out for children": {"history": five, "maturity_max": 6, "k": 15, "seed": 5},
        "laid out for who has seen everything": {"history": ids, "seed": 9},
        "laid out with a k of zero": {"k": 0},
    }
    return [(name, "laid-out", {"at_unix_ms": NOON_MS, **request}) for name, request in ask.items()]


def home_cases(titles):
    ids = [int(title) for title in titles["title_id"]]
    five = [ids[i] for i in (4, 11, 0, 19, 38)]

    def begun(*titles):
        return [{"title": title, "share": share} for title, share in titles]

    ask = {
        "the page of a new viewer": {},
        "the page of one watched title": {"history": [ids[0]], "k": 5},
        "the page of five watched titles": {"history": five, "k": 4},
        "a page with an explored place": {"history": five, "k": 6, "seed": 77},
        "a page with titles in progress": {
            "history": five,
            "in_progress": begun((ids[2], 0.25), (ids[9], 0.5), (7, 0.5), (ids[4], 0.1), (ids[2], 0.75)),
            "k": 3,
        },
        "what is finished, unlicensed or excluded is not continued": {
            "in_progress": begun((ids[2], 0.95), (ids[12], 0.5), (ids[15], 0.5), (ids[33], 1), (ids[5], 0)),
            "exclude": [ids[15]],
            "k": 3,
        },
        "a page for children": {"history": five, "maturity_max": 6, "k": 3},
        "the page of who has seen everything": {"history": ids, "k": 5},
        "all that is left is in progress": {"history": ids, "in_progress": begun((ids[1], 0.5)), "k": 5},
        "a page as long as the catalogue": {"history": five[::-1], "k": 100},
        "a page with a k of zero": {"k": 0},
        "a share above one": {"in_progress": begun((ids[1], 0.5), (ids[2], 1.5))},
    }
    return [(name, "home", {"at_unix_ms": NOON_MS, **request}) for name, request in ask.items()]


def factor_cases(titles):
    ids = [int(title) for title in titles["title_id"]]
    pairs = [{"viewer": viewer, "title": title} for viewer in (1, 5, 13) for title in ids[::6]]
    unknown = [{"viewer": 4, "title": ids[0]}, {"viewer": 1, "title": 1}, {"viewer": 0, "title": 0}]
    return [
        ("ratings of known pairs", "predict", pairs),
        ("an unknown viewer or title gets the mean", "predict", unknown),
        ("no pairs", "predict", []),
        ("the best ten", "top-rated", {"viewer": 3, "n": 10, "exclude": []}),
        ("the best that are not excluded", "top-rated", {"viewer": 8, "n": 5, "exclude": ids[::2]}),
        ("all titles when fewer are left", "top-rated", {"viewer": 13, "n": 99, "exclude": ids[4:]}),
        ("nothing for an unknown viewer", "top-rated", {"viewer": 4, "n": 10, "exclude": []}),
    ]


def bitrate_cases():
    def rules(*samples, **more):
        return {"policy": "seed-rules", "ladder": LADDER, "rules": TABLE, "samples_kbps": samples, **more}

    def throughput(*samples, **more):
        return {"policy": "throughput", "ladder": LADDER, "samples_kbps": samples, **more}

    def told(kbps):
        """Downloads of two megabytes each."""
        samples = [{"kbps": float(speed), "took_ms": 16_000_000 // speed, "waited_ms": 80} for speed in kbps]
        return {"policy": "throughput", "ladder": LADDER, "player": {"samples": samples}}

    def by_buffer(level_ms, **more):
        return {"policy": "bola", "ladder": LADDER, "buffer_ms": level_ms, **more}

    def planned(kbps, level_ms, last, height_max=None, **more):
        """Downloads of 3 s at these speeds, in the middle of a title of 30 more chunks."""
        samples = [{"kbps": float(speed), "took_ms": 3000, "waited_ms": 80} for speed in kbps]
        player = {"samples": samples, "last_rung": last, "chunks_left": 30, **more}
        capped = {"height_max": height_max} if height_max else {}
        return {"policy": "flagship", "ladder": LADDER, "buffer_ms": level_ms, **capped, "player": player}

    def by(policy, kbps, level_ms, last, **more):
        """The same for the other policies, whose downloads take a second."""
        samples = [{"kbps": float(speed), "took_ms": 1000, "waited_ms": 80} for speed in kbps]
        player = {"samples": samples, "last_rung": last, "chunks_left": 30}
        player |= {key: more.pop(key) for key in ("chunks_left", "weights") if key in more}
        return {"policy": policy, "ladder": LADDER, "buffer_ms": level_ms, "player": player, **more}

    steady, jumpy = [6000] * 12, [6000, 900, 7000, 1200, 5000, 800, 6500, 1000, 5500, 700]
    halfway = {"rung": 3, "bytes": 2_500_000, "got": 250_000, "took_ms": 4000, "waited_ms": 80}
    larger = [rung["kbps"] * 500 * 2 for rung in LADDER]
    ask = {
        "a plan on a steady link": planned(steady, 40_000, 3),
        "a plan on a calm and slow link": planned([1300] * 20, 20_000, 1),
        "a plan on a jumpy link": planned(jumpy, 12_000, 1),
        "a plan after one download": planned([3000], 4000, 0),
        "a plan before the end": planned([3500] * 12, 24_000, 2, chunks_left=6),
        "a plan for a larger chunk": planned([2900] * 12, 5000, 2, chunk_bytes=larger),
        "a plan four seconds behind live": planned([3000] * 12, 4000, 3, latency_ms=4000),
        "a plan by logarithms": planned(
            [2000] * 12, 20_000, 1, weights={"utility": "log", "stall": 2.66, "change": 1.0}
        ),
        "a plan under a cap of rate": planned([90_000] * 12, 40_000, 2, kbps_max=4999),
        "a plan under a cap of height": planned([90_000] * 12, 40_000, 2, height_max=1080),
        "a plan under a cap of data": planned([90_000] * 12, 40_000, 1, bytes_left=15_000_000),
        "a plan when nothing is allowed": planned([90_000] * 12, 40_000, 1, bytes_left=0),
        "a download to abandon": planned(steady, 5000, 3, running=halfway),
        "a download to go on with": planned(steady, 5000, 3, running={**halfway, "got": 2_300_000}),
        "rules below 5 Mbit/s": rules(4999.0),
        "rules at 5 Mbit/s": rules(5000.0),
        "rules at 10 Mbit/s": rules(10000.0, 10000.0),
        "rules at 25 Mbit/s": rules(25000.0),
        "rules without a speed": rules(),
        "rules with a height cap": rules(30000.0, height_max=1080),
        "throughput leaves headroom": throughput(5800.0),
        "throughput is a harmonic mean": throughput(2000.0, 6000.0),
        "throughput counts the newest five": throughput(90000.0, *[1200.0] * 5),
        "throughput follows a fall": told([6200] * 4 + [1300]),
        "throughput waits at a rise": told([1300] * 4 + [6200]),
        "throughput without a sample": throughput(),
        "a cap below every rung": throughput(9000.0, height_max=100),
        "an empty buffer": by_buffer(0, samples_kbps=[8000.0]),
        "an empty buffer and no speed": by_buffer(0),
        "a low buffer and a slow network": by_buffer(7999, samples_kbps=[1200.0], buffer_max_ms=8000),
        "a buffer of two segments": by_buffer(8000, samples_kbps=[1200.0]),
        "a half full buffer": by_buffer(30_000, samples_kbps=[1200.0]),
        "a half full buffer and no speed": by_buffer(30_000),
        "a full buffer": by_buffer(60_000, samples_kbps=[1200.0], height_max=2160),
        "a buffer above its largest": by_buffer(
            90_000, samples_kbps=[1200.0], buffer_max_ms=30_000, segment_ms=6000
        ),
        "a full buffer with a cap": by_buffer(60_000, samples_kbps=[1200.0], height_max=720),
        "BBA in its reservoir": by("bba", [6000], 5000, 3),
        "BBA on its line": by("bba", [6000], 7000, 0),
        "BBA stays between its neighbours": by("bba", [6000], 7000, 3),
        "BBA comes down to its line": by("bba", [6000], 7000, 4),
        "BBA with its cushion filled": by("bba", [1200], 15_000, 1),
        "BBA in a small buffer": by("bba", [1200], 5000, 1, buffer_max_ms=8000),
        "BBA without a speed": by("bba", [], 15_000, 1),
        "BOLA-E at the start": by("bola-e", [6000], 2000, 0),
        "BOLA-E at the start of a slow link": by("bola-e", [1200], 4000, 0),
        "BOLA-E full": by("bola-e", [20_000] * 6, 60_000, 3),
        "BOLA-E rises no further than throughput": by("bola-e", [3000] * 6, 50_000, 1),
        "BOLA-E stays above what throughput sustains": by("bola-e", [3000] * 6, 50_000, 3),
        "BOLA-E with a buffer that cannot wait": by("bola-e", [1600] * 6, 6000, 2),
        "BOLA-E in a small buffer": by("bola-e", [6000] * 6, 6000, 2, buffer_max_ms=12_000, segment_ms=2000),
        "BOLA-E under a cap of height": by("bola-e", [20_000] * 6, 60_000, 3, height_max=720),
        "DYNAMIC with a low buffer": by("dynamic", [6000] * 6, 9000, 2),
        "DYNAMIC with a low buffer on a slow link": by("dynamic", [800] * 6, 9999, 2),
        "DYNAMIC with enough": by("dynamic", [6000] * 6, 10_000, 2),
        "DYNAMIC with more than enough": by("dynamic", [6000] * 6, 45_000, 3),
        "RobustMPC on a steady link": by("robust-mpc", steady, 20_000, 2),
        "RobustMPC on a jumpy link": by("robust-mpc", jumpy, 12_000, 2),
        "RobustMPC with an empty buffer": by("robust-mpc", [3000] * 5, 0, 2),
        "RobustMPC before the end": by("robust-mpc", [2600] * 6, 21_000, 2, chunks_left=3),
        "RobustMPC by logarithms": by(
            "robust-mpc", [2000] * 6, 16_000, 0, weights={"utility": "log", "stall": 2.66, "change": 1.0}
        ),
        "RobustMPC without a speed": by("robust-mpc", [], 20_000, 2),
        "the defaults": {"ladder": LADDER},
        "a ladder that falls": {"ladder": LADDER[::-1]},
    }
    return [(name, "bitrate", question) for name, question in ask.items()]


def event_cases():
    def at(ms, kind, **more):
        return {"kind": kind, "at_unix_ms": NOON_MS + ms, **more}

    clean = [
        at(0, "start", duration_ms=5_400_000),
        at(740, "first-frame", position_ms=0, kbps=2500, buffer_ms=4000),
        at(15_740, "heartbeat", position_ms=15_000, kbps=2500, buffer_ms=12_000),
        at(20_000, "bitrate-change", kbps=5000, position_ms=19_260),
        at(45_740, "heartbeat", position_ms=45_000, kbps=5000, buffer_ms=18_000, dropped_frames=3),
        at(60_740, "stop", position_ms=60_000, dropped_frames=4),
    ]
    stalls = [
        at(0, "start", duration_ms=100_000),
        at(1_500, "first-frame", kbps=1000),
        at(10_000, "buffering-start", position_ms=8_500),
        at(10_250, "buffering-end", buffer_ms=2_000),
        at(30_000, "buffering-start"),
        at(33_333, "buffering-end", buffer_ms=3_000),
        at(40_000, "error", position_ms=34_917),
        at(90_001, "stop", position_ms=97_000, buffering_events=2),
    ]
    counters = [
        at(0, "start"),
        at(30_000, "heartbeat", position_ms=29_000, buffering_events=1, dropped_frames=10, kbps=800),
        at(60_000, "heartbeat", position_ms=50_000, buffering_events=3, dropped_frames=10, kbps=800),
        at(90_000, "heartbeat", position_ms=20_000, buffering_events=1, dropped_frames=2, kbps=700),
    ]
    short_wait = [
        at(0, "start", duration_ms=60_000),
        at(333, "first-frame", kbps=4300, buffer_ms=5_500),
        at(10_000, "buffering-start", position_ms=9_667),
        at(10_137, "buffering-end", kbps=1850, buffer_ms=2_100),
        at(60_470, "stop", position_ms=60_000, dropped_frames=7),
    ]
    trailer = [
        at(0, "start", duration_ms=14_000),
        at(3_200, "first-frame", kbps=1_850, height=540, buffer_ms=1_500),
        at(9_700, "heartbeat", position_ms=6_500, kbps=1_850),
        at(17_200, "stop", position_ms=14_000),
    ]
    television = {"height": 1080, "frame_rate_milli": 25_000, "codec": "avc", "screen": "tv"}
    ladder = [
        at(0, "start", duration_ms=600_000, position_ms=120_000, top_kbps=8_000),
        at(1_200, "first-frame", kbps=1_100, **{**television, "height": 480}, buffer_ms=2_000),
        at(7_200, "bitrate-change", kbps=5_800, width=1_920, **television, throughput_kbps=9_100),
        at(31_200, "heartbeat", position_ms=150_000, kbps=5_800, latency_ms=6_000, throughput_kbps=8_800),
        at(43_700, "bitrate-change", kbps=2_350, width=1_280, height=720, position_ms=162_500),
        at(50_000, "buffering-start", position_ms=168_800),
        at(54_321, "buffering-end", kbps=560, width=640, height=360),
        at(61_000, "bitrate-change", kbps=2_350, width=1_280, height=720),
        at(181_000, "heartbeat", position_ms=295_479, dropped_frames=31, latency_ms=10_321),
        at(183_000, "error", position_ms=297_479),
        at(183_000, "stop"),
    ]
    measured = [
        at(0, "start", sequence=0, screen="phone", codec="av1"),
        at(30_000, "heartbeat", sequence=1, startup_ms=730, kbps=900, stalled_ms=0, position_ms=29_000),
        at(60_000, "heartbeat", sequence=2, kbps=900, stalled_ms=2_500, position_ms=56_500),
        at(60_500, "heartbeat", sequence=2, kbps=100, stalled_ms=9_500, position_ms=56_900),
        at(70_000, "buffering-start", sequence=3, position_ms=66_500),
        at(72_000, "buffering-end", sequence=4, position_ms=66_500),
        at(90_000, "heartbeat", sequence=7, kbps=900, stalled_ms=4_400, position_ms=84_600),
        at(120_000, "heartbeat", sequence=8, kbps=900, stalled_ms=1_000, position_ms=113_600),
    ]
    since = [
        at(0, "start"),
        at(400, "first-frame", kbps=3_000, height=2_160, codec="vvc", screen="tablet"),
        at(20_000, "heartbeat", stalled_more_ms=1_500),
        at(40_000, "heartbeat", stalled_more_ms=0),
        at(60_000, "heartbeat", stalled_more_ms=700, frame_rate_milli=12_000),
        at(75_000, "stop"),
    ]
    interrupted = [
        at(0, "start", duration_ms=1_200_000),
        at(200, "ad-start"),
        at(15_700, "ad-end"),
        at(16_450, "first-frame", kbps=2_500, height=720, position_ms=0, screen="desktop"),
        at(30_000, "pause", position_ms=13_550),
        at(33_000, "buffering-start"),
        at(34_000, "buffering-end"),
        at(50_000, "resume", position_ms=13_550),
        at(60_000, "seek-start", position_ms=23_550),
        at(60_050, "buffering-start"),
        at(60_900, "seek-end", position_ms=600_000),
        at(62_300, "buffering-end"),
        at(70_000, "buffering-start", position_ms=607_700),
        at(72_000, "seek-start"),
        at(72_500, "seek-end", position_ms=300_000),
        at(73_000, "resume"),
        at(80_000, "background", position_ms=307_000),
        at(82_000, "buffering-start"),
        at(95_000, "foreground", position_ms=309_000),
        at(96_500, "buffering-end"),
        at(110_000, "ad-start"),
        at(125_000, "ad-end"),
        at(140_001, "stop", position_ms=337_501),
    ]
    unseen = [at(0, "start"), at(4_000, "error"), at(4_100, "stop")]
    left = [at(0, "start", kbps=800), at(9_000, "stop")]
    no_rate = [at(0, "start"), at(6_000, "first-frame", height=576), at(300_000, "stop")]
    asleep = [at(0, "start"), at(900, "first-frame", kbps=3000), at(9_000_900, "stop")]
    return [
        ("a clean playback", "events", clean),
        ("the same events backwards", "events", clean[::-1]),
        ("a playback that stalls", "events", stalls),
        ("a playback with one short wait", "events", short_wait),
        ("a short clip that was waited for", "events", trailer),
        ("counters that start again", "events", counters),
        ("a device that slept", "events", asleep),
        ("a ladder on a television, and an error at its end", "events", ladder),
        ("a player that measures its stalls and numbers its reports", "events", measured),
        ("a player that tells its stalls since the last report", "events", since),
        ("pauses, seeks, ads and a player out of sight", "events", interrupted),
        ("a playback that failed to start", "events", unseen),
        ("a viewer who left before the start", "events", left),
        ("pictures of unknown bit rate", "events", no_rate),
        ("a startup that nobody waits for", "events", [at(0, "start"), at(2_500, "first-frame")]),
        ("only a start", "events", [at(0, "start")]),
        ("no events", "events", []),
    ]


def answer(kind, question, files):
    titles, _ = files["candidates"]
    model, metadata = files["factors"]
    mean = np.float32(metadata["mean"])
    answers = {
        "recommend": lambda: reference.recommend(titles, RULES, question),
        "laid-out": lambda: layout.recommend(titles, slate_rules(titles), question),
        "home": lambda: layout.home(titles, slate_rules(titles), question),
        "predict": lambda: reference.predict(model, mean, question),
        "top-rated": lambda: reference.top_rated(model, mean, question),
        "bitrate": lambda: reference.bitrate(question),
        "events": lambda: playback.report(question),
    }
    try:
        return answers[kind]()
    except reference.Refused as refused:
        return {"refused": str(refused)}


def main():
    folder = Path(sys.argv[1])
    sets.write(folder)
    files = sets.make()
    titles, _ = files["candidates"]
    asked = [*recommend_cases(titles), *laid_out_cases(titles), *home_cases(titles)]
    asked += [*factor_cases(titles), *bitrate_cases(), *event_cases()]
    lines = []
    for name, kind, question in asked:
        case = {"name": name, "kind": kind, "input": question, "expected": answer(kind, question, files)}
        lines.append(json.dumps(case, separators=(",", ":")))
    (folder / "cases.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    ages = range(RULES["history_window"])
    weights = [reference.decimal(reference.recency_weight(age, RULES["recency_tau"])) for age in ages]
    (folder / "recency.json").write_text(json.dumps(weights) + "\n")
    (folder / "rules.json").write_text(json.dumps(RULES) + "\n")
    (folder / "slate.json").write_text(json.dumps(slate_rules(titles)) + "\n")


main()
