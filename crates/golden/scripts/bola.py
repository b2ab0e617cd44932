"""Reference values of BOLA-BASIC for crates/bitrate/tests/bola.txt.

Written from the paper (Spiteri, Urgaonkar, Sitaraman, INFOCOM 2016), not from our Rust: exact
rationals for everything but the logarithm, which has 60 decimal digits. Prints one case a line:

    buffer_max_ms segment_ms kbps,kbps,... | rung at each multiple of the step, as one digit each

    python3 crates/golden/scripts/bola.py > crates/bitrate/tests/bola.txt
"""

from decimal import Decimal, getcontext

getcontext().prec = 60

GAMMA_P = 5
STEP_MS = 250

LADDERS = [
    [500, 1000, 2500, 5000, 15000],
    [800, 1500, 3000, 5000],
    [2500, 5000],
    [1200],
    [300, 750, 1200, 1850, 2850, 4300],
    [230, 331, 477, 688, 991, 1427, 2056, 2962, 5027, 6000],
]
BUFFERS = [(60000, 4000), (25000, 3000), (30000, 6000), (8000, 4000), (4000, 4000), (6000, 2000)]


def rung(kbps, level_ms, max_ms, segment_ms):
    utility = [(Decimal(rate) / Decimal(kbps[0])).ln() for rate in kbps]
    v = Decimal(max_ms - segment_ms) / (utility[-1] + GAMMA_P)
    scores = [(v * (u + GAMMA_P) - level_ms) / rate for u, rate in zip(utility, kbps)]
    return scores.index(max(scores))


def main():
    for kbps in LADDERS:
        for max_ms, segment_ms in BUFFERS:
            rungs = (rung(kbps, level, max_ms, segment_ms) for level in range(0, max_ms + 1, STEP_MS))
            print(max_ms, segment_ms, ",".join(map(str, kbps)), "|", "".join(map(str, rungs)))


if __name__ == "__main__":
    main()
