"""What a session must say of well-formed reports, from the documentation of `session` and `qoe`."""

GAP_MS_MAX = 300_000
KINDS = [
    "start",
    "first-frame",
    "heartbeat",
    "buffering-start",
    "buffering-end",
    "bitrate-change",
    "error",
    "stop",
]


def report(events):
    """Folds reports of one call: they are put in order of time first, then of kind."""
    events = sorted(events, key=lambda event: (event["at_unix_ms"], KINDS.index(event["kind"])))
    summary = fold(events)
    return {"summary": summary, "scores": scores(summary)}


def fold(events):
    phase, clock, kbps, stalls_seen, switches = "starting", None, None, 0, 0
    spent = {"starting": 0, "playing": 0, "stalled": 0}
    rate_sum, rated, position = 0, 0, 0
    for event in events:
        passed = 0 if clock is None else min(event["at_unix_ms"] - clock, GAP_MS_MAX)
        clock, kind = event["at_unix_ms"], event["kind"]
        spent[phase] += passed
        if phase == "playing" and kbps is not None:
            rate_sum, rated = rate_sum + kbps * passed, rated + passed
        if kind == "stop":
            phase = "ended"
        elif phase == "starting" and kind in ("first-frame", "buffering-end"):
            phase = "playing"
        elif phase == "starting" and kind == "heartbeat" and event.get("position_ms", 0) > position:
            phase = "playing"
        elif phase == "playing" and kind == "buffering-start":
            phase, stalls_seen = "stalled", stalls_seen + 1
        elif phase == "stalled" and kind == "buffering-end":
            phase = "playing"
        rate = event.get("kbps")
        if rate is None:
            switches += kind == "bitrate-change"
        else:
            switches += kbps is not None and kbps != rate
            kbps = rate
        position = event.get("position_ms", position)
        if phase == "ended":
            break
    return summary(events, phase, spent, stalls_seen, switches, kbps, rate_sum, rated, position)


def summary(events, phase, spent, stalls_seen, switches, kbps, rate_sum, rated, position):
    def all_of(key):
        return [event[key] for event in events if key in event]

    def first(kind):
        return next((event["at_unix_ms"] for event in events if event["kind"] == kind), None)

    buffers = all_of("buffer_ms")
    optional = {
        "mean_kbps": None if kbps is None else rate_sum / rated if rated else float(kbps),
        "mean_buffer_ms": sum(buffers) / len(buffers) if buffers else None,
        "duration_ms": (all_of("duration_ms") or [None])[-1],
    }
    if first("start") is not None and first("first-frame") is not None:
        optional["startup_ms"] = min(first("first-frame") - first("start"), GAP_MS_MAX)
    return {
        "played_ms": spent["playing"],
        "stalled_ms": spent["stalled"],
        "stalls": max(stalls_seen, risen(all_of("buffering_events"))),
        "dropped_frames": risen(all_of("dropped_frames")),
        "errors": sum(event["kind"] == "error" for event in events),
        "switches": switches,
        "position_ms": position,
        "position_max_ms": max(all_of("position_ms"), default=0),
        "events": len(events),
        "ended": phase == "ended",
        **{key: value for key, value in optional.items() if value is not None},
    }


def risen(readings):
    """The rise of a cumulative counter that may start again from zero."""
    pairs = zip([0, *readings], readings)
    return sum(now - before if now >= before else now for before, now in pairs)


def percent(value):
    return min(max(value, 0.0), 100.0)


def scores(summary):
    startup_ms, kbps = summary.get("startup_ms"), summary.get("mean_kbps", 0.0)
    total_ms = summary["played_ms"] + summary["stalled_ms"]
    ratio = summary["stalled_ms"] / total_ms if total_ms else 0.0
    startup = 50.0 if startup_ms is None else percent(100.0 - startup_ms / 20.0)
    rate = percent(kbps / 50.0)
    stalls = percent(100.0 - 10.0 * summary["stalls"])
    drops = percent(100.0 - summary["dropped_frames"])
    waiting = percent(100.0 - 10_000.0 * ratio)
    buffer = percent(10.0 * (summary.get("mean_buffer_ms", 0.0) / 1000.0))
    found = {
        "session_v1": percent(0.30 * startup + 0.40 * stalls + 0.20 * rate + 0.10 * drops),
        "window_v1": percent(0.30 * startup + 0.40 * waiting + 0.15 * rate + 0.15 * buffer),
        "rebuffer_ratio": ratio,
    }
    if "duration_ms" in summary:
        found["completion"] = min(summary["position_max_ms"] / summary["duration_ms"], 1.0)
    return found
