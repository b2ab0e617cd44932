"""How good a session was, from the documentation of `qoe`: pictures, and every score."""

import math

STANDARD_LINES = [180, 240, 360, 480, 720, 1080, 2160]
LINES_OF = {"phone": 600, "tablet": 900, "desktop": 1080, "tv": 1440}
EFFICIENCY_OF = {"avc": 1.0, "other": 1.0, "hevc": 1.6, "vp9": 1.5, "av1": 1.9, "vvc": 2.3}


def millionths(share):
    return math.floor(share * 1e6 + 0.5)


def coding(shown, pixels):
    frames = shown.get("frame_rate_milli", 30_000) / 1000.0
    bits = shown["kbps"] * 1000.0 / (pixels * frames)
    size = math.sqrt(math.sqrt(pixels / (1280.0 * 720.0)))
    bits = bits * EFFICIENCY_OF[shown.get("codec", "avc")] * size * math.sqrt(frames / 30.0)
    x = math.pow(bits / 0.018, 1.35)
    return x / (1.0 + x)


def sharpness(height, lines):
    if height >= lines:
        return 1.0
    pixels = (height / lines) * (height / lines)
    return 1.15 * pixels / (pixels + 0.15)


def picture(shown):
    """In millionths; none when neither bit rate nor height are known."""
    lines = float(LINES_OF[shown.get("screen", "desktop")])
    height = shown.get("height")
    if "kbps" not in shown:
        if height is None:
            return None
        quality = 0.87 * sharpness(height, lines)
    elif height is None:
        ladder = [coding(shown, tall * tall * (16.0 / 9.0)) * sharpness(tall, lines) for tall in STANDARD_LINES]
        quality = max(ladder)
    else:
        width = shown.get("width", height * 16 // 9)
        quality = coding(shown, width * height) * sharpness(height, lines)
    frames = shown.get("frame_rate_milli", 30_000) / 1000.0 / 30.0
    motion = 1.0 if frames >= 0.79 else math.pow(frames / 0.79, 0.35)
    return min(millionths(quality * motion), 1_000_000)


def upscaling(shown):
    """In millionths of the height."""
    lines = float(LINES_OF[shown.get("screen", "desktop")])
    stretched = lines / shown["height"] - 1.0
    return millionths(stretched) if stretched > 0.0 else 0


def percent(value):
    return min(max(value, 0.0), 100.0)


def scores(summary):
    startup_ms, kbps = summary.get("initial_startup_time_ms"), summary.get("mean_kbps", 0.0)
    total_ms = summary["played_ms"] + summary["playback_stall_duration_ms"]
    ratio = summary["playback_stall_duration_ms"] / total_ms if total_ms else 0.0
    startup = 50.0 if startup_ms is None else percent(100.0 - startup_ms / 20.0)
    rate = percent(kbps / 50.0)
    stalls = percent(100.0 - 10.0 * summary["playback_stall_count"])
    drops = percent(100.0 - summary["dropped_frames"])
    waiting = percent(100.0 - 10_000.0 * ratio)
    buffer = percent(10.0 * (summary.get("mean_buffer_ms", 0.0) / 1000.0))
    found = {
        "session_v1": percent(0.30 * startup + 0.40 * stalls + 0.20 * rate + 0.10 * drops),
        "window_v1": percent(0.30 * startup + 0.40 * waiting + 0.15 * rate + 0.15 * buffer),
        "rebuffer_ratio": ratio,
        "mux_style_v1": mux_style(summary, ratio),
    }
    if "duration_ms" in summary:
        found["completion"] = min(summary["position_max_ms"] / summary["duration_ms"], 1.0)
    if "mean_kbps" in summary and summary["played_ms"]:
        chunks = max(summary["played_ms"] / 1000.0 / 4.0, 1.0)
        stall_s = summary["playback_stall_duration_ms"] / 1000.0
        lost = 4.3 * stall_s + summary.get("change_kbps", 0) / 1000.0
        found["qoe_lin_v1"] = kbps / 1000.0 - lost / chunks
        lost = 2.66 * stall_s + millionths(summary.get("change_log", 0.0)) / 1e6
        mean = millionths(summary["mean_log"]) / 1e6 - math.log(300.0)
        found["qoe_log_v1"] = mean - lost / chunks
    verdict = spi_style(summary, ratio)
    if verdict:
        found["spi_style_v1"] = verdict
    if summary["played_ms"]:
        found["mos_v1"] = mos(summary)
    return found


def mux_style(summary, ratio):
    shown = summary["played_ms"] > 0
    success = 100.0
    if summary.get("failed"):
        success = 0.0
    elif summary["ended"] and not shown:
        success = 50.0
    if not shown:
        return success
    half = summary["playback_stall_count"] / 2.0
    parts = [50.0 * (1.0 / math.sqrt(1.0 + half * half) + math.exp(-10.0 * ratio))]
    if "initial_startup_time_ms" in summary:
        parts.append(100.0 * 8.0 / (8.0 + summary["initial_startup_time_ms"] / 1000.0))
    if "upscaling" in summary:
        mean, farthest = (millionths(summary["upscaling"][key]) for key in ("mean", "max"))
        parts.append(100.0 * math.exp(-(0.33 * (0.85 * mean + 0.15 * farthest) / 1e6)))
    total = success
    for part in parts:
        total += part
    return total / (1 + len(parts))


def spi_style(summary, ratio):
    if not summary["played_ms"]:
        if summary.get("failed"):
            return "failed-to-start"
        return "left-before-start" if summary["ended"] else None
    if summary.get("initial_startup_time_ms", 0) > 5_000:
        return "slow-start"
    if summary.get("failed"):
        return "failed"
    if ratio > 0.01:
        return "stalled"
    return "low-quality" if summary.get("mean_kbps", 1_200.0) < 1_200.0 else "good"


def mos(summary):
    more = max(summary["played_ms"] / 60_000.0 - 1.0, 0.0)
    seen = summary.get("pictures", {"mean": 0.6, "recent": 0.6, "worst": 0.6, "falls": 0.0})
    mean, recent, worst = (millionths(seen[key]) / 1e6 for key in ("mean", "recent", "worst"))
    falls = millionths(seen["falls"]) / 1e6 / (1.0 + 0.12 * more)
    pictures = (0.60 * mean + 0.25 * recent + 0.15 * worst) / (1.0 + 0.20 * falls)
    told = 0.07 * summary["playback_stall_count"] + 0.025 * (summary["playback_stall_duration_ms"] / 1000.0)
    kept = 0.010 * (summary.get("stall_recent_ms", 0) / 1000.0)
    kept += 0.010 * (summary.get("stall_longest_ms", 0) / 1000.0)
    base = 1.0 + (told / (1.0 + 0.35 * more) + kept) / 4.0
    square = base * base
    stalls = 1.0 / (square * square)
    shown_s = min(max(summary["played_ms"] / 1000.0, 10.0), 60.0)
    startup = 1.0 / (1.0 + 0.018 * (summary.get("initial_startup_time_ms", 0) / 1000.0) * math.sqrt(60.0 / shown_s))
    frames = summary["played_ms"] / 1000.0 * 30.0 + 1.0
    rest = (0.4 if summary.get("failed") else 1.0) / (1.0 + 3.0 * (summary["dropped_frames"] / frames))
    return 1.0 + 4.0 * (pictures * stalls * startup * rest)
