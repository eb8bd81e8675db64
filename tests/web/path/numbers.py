"""Counts the numbered pictures of what the server stored and looks for its sound, run by run, by decoding."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise

import av

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


LONGEST_SILENCE_S = 0.5
"""A recorder's sound begins and ends that near to its pictures, and has no longer hole."""


@dataclass(frozen=True)
class Silence:
    """Pictures without sound: in which run, from when to when in its own time."""

    run: int
    start_s: float
    end_s: float


def silences(bundle: Bundle) -> list[Silence]:
    """Where the pictures of a run have no sound: not what is quiet, but what is not there."""
    return [
        Silence(run, start, end) for run, media in bundle.runs().items() for start, end in silent_parts(media)
    ]


def silent_parts(media: bytes) -> list[tuple[float, float]]:
    """From when to when the sound is absent while there are pictures, in seconds."""
    pictures, sound = _times(media, "video"), _times(media, "audio")
    if not pictures:
        return []
    heard = pictures[0][0]
    found = []
    for start, end in [*sound, (pictures[-1][1], pictures[-1][1])]:
        if start - heard > LONGEST_SILENCE_S:
            found.append((heard, start))
        heard = max(heard, end)
    return found


def _times(media: bytes, kind: str) -> list[tuple[float, float]]:
    """When each decoded frame of the first such track begins and ends."""
    with av.open(io.BytesIO(media)) as container:
        tracks = [stream for stream in container.streams if stream.type == kind]
        if not tracks:
            return []
        times = []
        for frame in container.decode(tracks[0]):
            start = float((frame.pts or 0) * (frame.time_base or 0))
            length = frame.samples / frame.sample_rate if isinstance(frame, av.AudioFrame) else 1 / RATE
            times.append((start, start + length))
        return sorted(times)
