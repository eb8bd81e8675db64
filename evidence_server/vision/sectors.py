"""The ten-degree sectors of a turn that a camera looked at."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

DEGREES = 10
COUNT = 360 // DEGREES


def sectors_at(yaw: NDArray[np.float64], usable: NDArray[np.bool_]) -> list[int]:
    """The sectors (yaw in [10 k, 10 k + 10) modulo 360) that the optical axis was in at a usable frame,
    sorted."""
    inside = np.floor_divide(np.mod(yaw[usable], 360.0), DEGREES).astype(int) % COUNT
    return sorted({int(sector) for sector in inside})


def sectors_passed(yaw: NDArray[np.float64], usable: NDArray[np.bool_]) -> list[int]:
    """The same with those passed between two usable frames, for a video has more frames than are measured."""
    if len(yaw) < 2:
        return sectors_at(yaw, usable)
    both = usable[:-1] & usable[1:]
    seen = set(sectors_at(yaw, usable))
    for start, end in zip(yaw[:-1][both], yaw[1:][both], strict=True):
        between = np.linspace(start, end, 5)
        seen.update(sectors_at(between, np.ones(len(between), bool)))
    return sorted(seen)


def spans_of(sectors: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of neighbouring sectors as (from, to) in degrees, `to` may exceed 360 where a run passes the
    zero."""
    chosen = sorted(set(sectors))
    if len(chosen) == COUNT:
        return [(0, 360)]
    runs: list[list[int]] = []
    for sector in chosen:
        if runs and sector == runs[-1][1] + 1:
            runs[-1][1] = sector
        else:
            runs.append([sector, sector])
    if len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == COUNT - 1:
        runs[-1][1] += runs.pop(0)[1] + 1
    return [(first * DEGREES, (last + 1) * DEGREES) for first, last in runs]
