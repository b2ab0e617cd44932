"""Reference values of the sequential ridge for origin/tests/models/ridge.txt.

Written from its definition (the head of origin/src/train/ridge.rs), not from its code: dense matrices in
float64. Prints the sequences, then for each setting the matrix B, one row a line:

    sequence viewer title title ...
    setting tau window lambda dropout backward
    row title value value ...

    python3 crates/golden/scripts/ridge.py > origin/tests/models/ridge.txt      (numpy, see requirements.txt)
"""

import numpy as np

TITLES = 14
SETTINGS = [
    (5.0, 30, 2.0, 0.0, 0.0),
    (2.0, 3, 0.5, 0.5, 0.0),
    (4.0, 30, 40.0, 0.75, 0.0),
    (2.0, 6, 4.0, 0.5, 0.25),
]


def sequences():
    """Viewers of different lengths and habits; a linear congruential generator (Knuth's MMIX)."""
    state = 1
    made = []
    for viewer in range(24):
        left = list(range(TITLES))
        watched = []
        at = viewer % TITLES
        for _ in range(3 + viewer % 10):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            step = 1 if state >> 62 else 1 + (state >> 40) % 5
            at = (left.index(at) + step) % len(left) if at in left else (state >> 33) % len(left)
            at = left[at]
            watched.append(at)
            left.remove(at)
        made.append(watched)
    return made


def ridge(made, tau, window, regularisation, dropout, backward):
    """A sequence read backward is one whose features and targets weigh the square root of how much it counts."""
    rows, targets = [], []
    read = [(watched, 1.0) for watched in made] + [(watched[::-1], backward**0.5) for watched in made]
    for watched, weight in read:
        for position in range(1, len(watched)):
            row = np.zeros(TITLES)
            for age, title in enumerate(reversed(watched[max(0, position - window) : position])):
                row[title] += weight * tau / (tau + age)
            rows.append(row)
            target = np.zeros(TITLES)
            target[watched[position]] = weight
            targets.append(target)
    s, y = np.array(rows), np.array(targets)
    gram = s.T @ s
    left_out = dropout / (1 - dropout) * np.diag(np.diag(gram))
    return np.linalg.solve(gram + left_out + regularisation * np.eye(TITLES), s.T @ y)


made = sequences()
for viewer, watched in enumerate(made):
    print("sequence", viewer, *(100 + 7 * title for title in watched))
for setting in SETTINGS:
    print("setting", *setting)
    for title, row in enumerate(ridge(made, *setting)):
        print("row", 100 + 7 * title, *(f"{value:.9g}" for value in row))
