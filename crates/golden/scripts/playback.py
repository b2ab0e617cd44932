"""What a session must say of well-formed reports, from the documentation of `session` and `qoe`."""

import math

import qoe_scores

GAP_MS_MAX = 300_000
RECENT_MS, LATEST_MS, FADE_MS = 15_000, 5_000, 15_000
KINDS = [
    "start",
    "first-frame",
    "heartbeat",
    "buffering-start",
    "buffering-end",
    "pause",
    "resume",
    "seek-start",
    "seek-end",
    "bitrate-change",
    "background",
    "foreground",
    "ad-start",
    "ad-end",
    "error",
    "stop",
]
FORMAT = ["kbps", "width", "height", "frame_rate_milli", "codec", "screen"]


def report(events):
    """Folds reports of one call: they are put in order of time first, then of kind."""
    events = sorted(events, key=lambda event: (event["at_unix_ms"], KINDS.index(event["kind"])))
    summary = fold(events)
    return {"summary": summary, "scores": qoe_scores.scores(summary)}


class Pictures:
    """What was shown, for how long."""

    def __init__(self):
        self.now = {}
        self.spans = []
        self.picture = None
        self.pictured_ms = self.recent = self.latest = self.worst = self.falls = 0
        self.switches = self.change_kbps = self.change_log = 0

    def note(self, event):
        before = dict(self.now)
        self.now.update({key: event[key] for key in FORMAT if event.get(key)})
        if event["kind"] == "bitrate-change" and not event.get("kbps"):
            self.switches += 1
        elif event.get("kbps") and before.get("kbps", event["kbps"]) != event["kbps"]:
            self.switches += 1
            self.change_kbps += abs(event["kbps"] - before["kbps"])
            self.change_log += abs(log(event["kbps"]) - log(before["kbps"]))
        if self.now != before:
            picture = qoe_scores.picture(self.now)
            if self.pictured_ms and self.picture is not None and picture is not None:
                self.falls += max(self.picture - picture, 0)
            self.picture = picture

    def pass_time(self, ms):
        self.spans.append((ms, dict(self.now)))
        if self.picture is None or not ms:
            return
        self.recent = self.nearer(self.recent, ms, RECENT_MS)
        self.latest = self.nearer(self.latest, ms, LATEST_MS)
        self.worst = self.latest if self.pictured_ms < LATEST_MS else min(self.worst, self.latest)
        self.pictured_ms += ms

    def nearer(self, mean, ms, memory_ms):
        plain = ms / (ms + self.pictured_ms)
        within = ms + self.pictured_ms <= memory_ms
        weight = plain if within else max(1.0 - math.exp(-ms / memory_ms), plain)
        return math.floor(mean + (self.picture - mean) * weight + 0.5)

    def mean(self, number, *known):
        """Time-weighted, over the time in which these were known."""
        spans = [(ms, now) for ms, now in self.spans if all(key in now for key in known)]
        total_ms = sum(ms for ms, _ in spans)
        return sum(ms * number(now) for ms, now in spans) / total_ms if total_ms else None

    def told(self):
        found = {
            "mean_kbps": self.mean(lambda now: now["kbps"], "kbps"),
            "mean_log": divided(self.mean(lambda now: log(now["kbps"]), "kbps"), 1e6),
            "mean_height": self.mean(lambda now: now["height"], "height"),
            "mean_frame_rate": divided(self.mean(lambda now: now["frame_rate_milli"], "frame_rate_milli"), 1000.0),
            "mean_bits_per_pixel": divided(self.mean(density, "kbps", "height"), 1e6),
            "screen": self.now.get("screen"),
        }
        if found["mean_kbps"] is None and "kbps" in self.now:
            found["mean_kbps"] = float(self.now["kbps"])
            found["mean_log"] = math.log(self.now["kbps"])
        mean = self.mean(qoe_scores.upscaling, "height")
        if mean is not None:
            tall = [qoe_scores.upscaling(now) for ms, now in self.spans if ms and "height" in now]
            found["upscaling"] = {"mean": mean / 1e6, "max": max(tall) / 1e6}
        if self.pictured_ms:
            shown = [(ms, qoe_scores.picture(now)) for ms, now in self.spans]
            total = sum(ms * picture for ms, picture in shown if picture is not None)
            found["pictures"] = {
                "mean": total / self.pictured_ms / 1e6,
                "recent": self.recent / 1e6,
                "worst": self.worst / 1e6,
                "falls": self.falls / 1e6,
            }
        changes = {"change_kbps": self.change_kbps, "change_log": self.change_log / 1e6}
        bits = sum(ms * now["kbps"] for ms, now in self.spans if "kbps" in now)
        return {**found, "bits_played": bits, "switches": self.switches, **{key: value for key, value in changes.items() if value}}


def log(kbps):
    return math.floor(math.log(kbps) * 1e6 + 0.5)


def density(now):
    pixels = now.get("width", now["height"] * 16 // 9) * now["height"]
    frames = now.get("frame_rate_milli", 30_000) / 1000.0
    return math.floor(now["kbps"] * 1e9 / (pixels * frames) + 0.5)


def divided(number, by):
    return None if number is None else number / by


class Stalls:
    """Stalls by start and end, and by the player's own measure."""

    def __init__(self):
        self.seen = self.longest = self.recent = self.ms = self.open_ms = self.risen = 0
        self.is_open, self.last_at, self.told, self.last, self.by_total = False, None, 0, 0, False

    def pass_time(self, ms):
        self.open_ms += ms
        self.ms += ms
        self.recent += ms
        self.longest = max(self.longest, self.open_ms)

    def tell(self, event, played):
        """Returns what was played after all."""
        before = self.told
        if "stalled_ms" in event:
            now = event["stalled_ms"]
            if self.by_total:
                self.told += now - self.last if now >= self.last else now
            else:
                self.told = max(now, self.told)
            self.by_total, self.last = True, now
        elif "stalled_more_ms" in event and not self.by_total:
            self.told += event["stalled_more_ms"]
        else:
            return played
        rise = min(self.told - self.ms, played)
        if rise > 0 and self.ms <= before and not self.is_open:
            self.risen += 1
            self.longest = max(self.longest, rise)
            self.last_at = played - rise
        if self.told < self.ms:
            rise = self.told - self.ms
        self.ms += rise
        self.recent = max(self.recent + rise, 0)
        return played - rise


def fold(events):
    phase, clock, position, began, over = "starting", None, 0, None, set()
    spent = dict.fromkeys(["starting", "playing", "ad", "background", "pause", "seek"], 0)
    pictures, stalls, taken, broken, first_ms = Pictures(), Stalls(), [], False, None
    startup_told, startup_ads, numbers = None, 0, set()
    for event in events:
        if event.get("sequence") in numbers:
            continue
        numbers.update({event["sequence"]} if "sequence" in event else ())
        taken.append(event)
        startup_told = event.get("startup_ms") if startup_told is None else startup_told
        began = event.get("position_ms") if began is None else began
        if phase == "ended":
            continue
        passed = 0 if clock is None else min(event["at_unix_ms"] - clock, GAP_MS_MAX)
        clock, kind = event["at_unix_ms"], event["kind"]
        lies = next((name for name in ("ad", "background", "pause", "seek") if name in over), None)
        if "refill" in over and lies is None:
            lies = "seek"
        if lies == "ad" or (lies and phase != "starting"):
            spent[lies] += passed
            startup_ads += passed if phase == "starting" else 0
        elif phase == "stalled":
            stalls.pass_time(passed)
        else:
            spent[phase] += passed
            if phase == "playing":
                if stalls.recent:
                    stalls.recent = math.floor(stalls.recent * math.exp(-passed / FADE_MS))
                pictures.pass_time(passed)
        for name, begin, end in (
            ("ad", "ad-start", "ad-end"),
            ("background", "background", "foreground"),
            ("pause", "pause", "resume"),
            ("seek", "seek-start", "seek-end"),
        ):
            if kind == begin:
                over.add(name)
            if kind == end:
                over.discard(name)
        if kind in ("buffering-end", "resume"):
            over.discard("refill")
        if kind == "resume":
            over.discard("seek")
        moved = event.get("position_ms", 0) > position
        if kind == "error":
            broken = True
        elif moved or kind == "resume":
            broken = False
        if kind in ("first-frame", "resume") and phase == "starting" and first_ms is None:
            first_ms = event["at_unix_ms"]
        if kind == "stop":
            phase = "ended"
        elif phase == "starting" and (
            kind in ("first-frame", "buffering-end", "resume")
            or "startup_ms" in event
            or (moved and kind in ("heartbeat", "bitrate-change"))
        ):
            phase = "playing"
        elif phase == "playing" and kind == "buffering-start":
            if "seek" in over:
                over.add("refill")
            elif "refill" not in over:
                phase = "stalled"
        elif phase == "stalled" and kind == "seek-start":
            phase = "playing"
            over.add("refill")
        elif phase == "stalled" and kind in ("buffering-end", "resume"):
            phase = "playing"
        if phase != "stalled":
            if stalls.is_open:
                stalls.last_at = spent["playing"]
            stalls.is_open = False
        elif not over and not stalls.is_open:
            stalls.is_open, stalls.open_ms = True, 0
            stalls.seen += 1
        pictures.note(event)
        position = event.get("position_ms", position)
        spent["playing"] = stalls.tell(event, spent["playing"])
    found = summary(taken, phase, spent, stalls, pictures, position, began, broken, startup_told, startup_ads, first_ms)
    return found if len(taken) == len(events) else {**found, "repeated": len(events) - len(taken)}


def summary(events, phase, spent, stalls, pictures, position, began, broken, startup_told, startup_ads, first_ms):
    def all_of(key):
        return [event[key] for event in events if key in event]

    def first(kind):
        return next((event["at_unix_ms"] for event in events if event["kind"] == kind), None)

    def mean(numbers):
        return sum(numbers) / len(numbers) if numbers else None

    startup = startup_told
    if startup is None and first("start") is not None and first_ms is not None:
        startup = max(first_ms - first("start") - startup_ads, 0)
    numbers = all_of("sequence")
    optional = {
        **pictures.told(),
        "initial_startup_time_ms": None if startup is None else min(startup, GAP_MS_MAX),
        "mean_buffer_ms": mean(all_of("buffer_ms")),
        "mean_throughput_kbps": mean(all_of("throughput_kbps")),
        "mean_latency_ms": mean(all_of("latency_ms")),
        "top_kbps": (all_of("top_kbps") or [None])[-1],
        "duration_ms": (all_of("duration_ms") or [None])[-1],
        "began_ms": began,
        "stall_ago_ms": None if stalls.last_at is None else max(spent["playing"] - stalls.last_at, 0),
        # Nothing is not told.
        "paused_ms": spent["pause"] or None,
        "sought_ms": spent["seek"] or None,
        "background_ms": spent["background"] or None,
        "ads_ms": spent["ad"] or None,
        "stall_longest_ms": stalls.longest or None,
        "stall_recent_ms": stalls.recent or None,
        "lost": (numbers and max(numbers) - min(numbers) + 1 - len(set(numbers))) or None,
        "failed": (phase == "ended" and broken) or None,
    }
    return {
        "played_ms": spent["playing"],
        "playback_stall_duration_ms": stalls.ms,
        "playback_stall_count": max(stalls.seen, stalls.risen, risen(all_of("buffering_events"))),
        "dropped_frames": risen(all_of("dropped_frames")),
        "errors": sum(event["kind"] == "error" for event in events),
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
