"""Quantiles (nearest rank) and sum of a series of startup times: the golden values of crates/windows.

Prints the 50th, 95th and 99th percentile in milliseconds, and the sum.
"""

import math


def startups(count: int) -> list[int]:
    """A full-period series (the MINSTD generator of Park, Miller and Stockmeyer), 200 to 5,000 ms."""
    state, series = 1, []
    for _ in range(count):
        state = state * 48_271 % 2_147_483_647
        series.append(200 + state % 4_801)
    return series


if __name__ == "__main__":
    series = sorted(startups(10_000))
    quantiles = [series[math.ceil(len(series) * share) - 1] for share in (0.5, 0.95, 0.99)]
    print(*quantiles, sum(series))
