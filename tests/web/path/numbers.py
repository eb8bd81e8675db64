"""Counts the numbered pictures of what the server stored, run by run, by decoding it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise

from demo.frames import read_numbers
from tests.path.evidence import Bundle

RATE = 15
FILM_S = 60
PICTURES = FILM_S * RATE
LEFT_OUT = 12
"""Most pictures in a row that a starved browser leaves out before the recorder; what we could lose is a slice
of two seconds, 30 pictures, or more."""


@dataclass(frozen=True)
class Lost:
    """Pictures that should be there: in which run, behind which number, how many."""

    run: int
    behind: int
    count: int


def lost_pictures(bundle: Bundle) -> list[Lost]:
    """Where pictures of a run are missing or out of order; one that cannot be read counts as missing.

    The file's camera shows one twice, now and then, where it begins."""
    lost: list[Lost] = []
    for run, media in bundle.runs().items():
        read = [number for _, number in read_numbers(io.BytesIO(media)) if number is not None]
        if not read:
            lost.append(Lost(run, -1, -1))
        for before, after in pairwise(read):
            if (steps := (after - before) % PICTURES) not in range(LEFT_OUT + 2):
                lost.append(Lost(run, before, steps - 1))
    return lost
