"""The turn of the camera along a scan, from the motions between its frames.

The candidate turns on the spot and holds the phone at arm's length, looking inward: the camera circles. A
wall at distance D then moves by only D / (D + arm) of the turn, and D changes along the wall, so summed
rotations are 8 to 23 % short, unevenly. What a pair of frames shows at column x (half widths) is

    dx(x) = -a * (1 + k x^2 + p(azimuth) * sqrt(1 + x^2 / f^2))

with a the pair's own apparent turn, k the picture's curvature, and p the room's shape as it is seen: a short
Fourier series over the azimuth, the same for all pairs. Fitting k and p to all pairs at once (variable
projection, Golub and Pereyra 1973: each pair's `a` is eliminated) leaves turns that are right up to one
common factor. Only a closed loop or the phone's own sensors know that factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.flow import NOMINAL_FOCAL, STRONG, Motion

Doubles = NDArray[np.float64]

HARMONICS = 4
"""Of the room's shape: a box room is 2 and 4; more only fits noise."""
SHAPE_SD = 0.06
"""How uneven rooms are thought to be before looking: the prior of each coefficient (rooms of 3.2 to 9 m:
0.01-0.07)."""
CURVATURE_SD = 0.2
NEAR = 0.8
"""Typical share of the turn that the picture shows: walls at 2.2 m, an arm of 0.55 m."""
BAND = 0.6
"""Rows that show walls, half widths above and below the middle."""
ROUNDS = 2
INDEPENDENT = 0.2
"""Share of the points that count as independent: neighbouring ones err alike."""


@dataclass(frozen=True)
class Turn:
    """The apparent turn at each frame, degrees up to a common factor (`yaw[0]` is 0), and what was fitted."""

    yaw: Doubles
    curvature: float
    shape: Doubles


@dataclass(frozen=True)
class _Rows:
    """All points of all pairs in one table: column, horizontal displacement without pitch and roll, weight,
    pair."""

    x: Doubles
    moved: Doubles
    weight: Doubles
    pair: NDArray[np.intp]


def summed(motions: Sequence[Motion | None]) -> Doubles:
    """The plain sum of the pairs' turns at each frame, degrees; a pair without a motion adds nothing."""
    steps = [0.0 if each is None else each.yaw for each in motions]
    return np.asarray(np.degrees(np.concatenate([[0.0], np.cumsum(steps)])))


def fit_turn(motions: Sequence[Motion | None], full_turn: float | None) -> Turn:
    """Fit the room's shape to all pairs and sum up.

    `full_turn` is how much :func:`summed` grows in one full turn, if that is known, in degrees; it places the
    points on the circle.
    """
    plain = summed(motions)
    first = np.radians(np.diff(plain)) * NOMINAL_FOCAL
    rows = _table(motions)
    if len(rows.x) < 10 * HARMONICS:
        return Turn(plain, 1 / (NOMINAL_FOCAL**2 * NEAR), np.zeros(2 * HARMONICS))
    apparent, unknown = _fit(rows, first, 360 * NEAR if full_turn is None else full_turn)
    seen = np.bincount(rows.pair, minlength=len(first)) > 0
    steps = np.where(seen, apparent, first)
    yaw = np.degrees(np.concatenate([[0.0], np.cumsum(steps)])) / NOMINAL_FOCAL
    return Turn(yaw, float(unknown[0]), unknown[1:])


def _table(motions: Sequence[Motion | None]) -> _Rows:
    columns: list[list[Doubles]] = [[], [], [], []]
    for pair, each in enumerate(motions):
        if each is None:
            continue
        tracks = each.tracks
        x, y, focal = tracks.x, tracks.y, NOMINAL_FOCAL
        leaning = each.pitch * x * y / focal + each.roll * y
        error = tracks.dx - leaning + each.yaw * (focal + x * x / focal)
        spread = max(each.spread, 0.004)
        weight = tracks.xx / (1 + (tracks.xx + tracks.yy) / STRONG)
        weight = weight / (1 + (error / (2 * spread)) ** 2) / spread**2
        kept = (np.abs(y) < BAND) & (weight > 0)
        for column, values in zip(
            columns, (x, tracks.dx - leaning, weight, np.full(len(x), pair)), strict=True
        ):
            column.append(values[kept])
    if not columns[0]:
        return _Rows(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, np.intp))
    across, displacement, weights, pairs = (np.concatenate(each) for each in columns)
    return _Rows(across, displacement, weights / max(float(weights.mean()), 1e-12), pairs.astype(np.intp))


def _fit(rows: _Rows, first: Doubles, full_turn: float) -> tuple[Doubles, Doubles]:
    """Each pair's apparent turn (half widths) and the unknowns: curvature, then cosine and sine of each
    harmonic."""
    pairs, focal = len(first), NOMINAL_FOCAL
    expected = np.zeros(2 * HARMONICS + 1)
    expected[0] = 1 / (focal**2 * NEAR)
    prior = np.diag([CURVATURE_SD**-2] + [SHAPE_SD**-2] * (2 * HARMONICS))
    unknown, apparent = expected.copy(), first.copy()
    depth = np.sqrt(1 + (rows.x / focal) ** 2)
    for _ in range(ROUNDS):
        turned = np.concatenate([[0.0], np.cumsum(apparent)]) / focal * (360 / full_turn)
        azimuth = (turned[:-1] + turned[1:])[rows.pair] / 2 + np.arctan(rows.x / focal)
        orders = range(1, HARMONICS + 1)
        waves = [wave(order * azimuth) * depth for order in orders for wave in (np.cos, np.sin)]
        design = np.stack([rows.x**2, *waves])
        for _ in range(2):
            gain = 1 + unknown @ design
            weight = rows.weight
            apparent = _per_pair(rows, weight, gain, -rows.moved, pairs)
            error = -rows.moved - apparent[rows.pair] * gain
            scale = 1.48 * float(np.median(np.abs(error))) + 1e-9
            weight = weight / (1 + (error / (2 * scale)) ** 2)
            slopes = apparent[rows.pair] * design
            # Take out of each slope what the pair's own turn could explain.
            slopes = np.stack(
                [slope - gain * _per_pair(rows, weight, gain, slope, pairs)[rows.pair] for slope in slopes]
            )
            sure = INDEPENDENT * float(weight.sum() / (weight @ error**2 + 1e-12))
            normal = (slopes * weight) @ slopes.T * sure + prior
            step = (slopes * weight) @ error * sure - prior @ (unknown - expected)
            unknown = unknown + np.linalg.solve(normal, step)
    return _per_pair(rows, weight, 1 + unknown @ design, -rows.moved, pairs), unknown


def _per_pair(rows: _Rows, weight: Doubles, gain: Doubles, values: Doubles, pairs: int) -> Doubles:
    """For each pair the factor of `gain` that fits `values` best."""
    over = np.bincount(rows.pair, weight * gain * gain, pairs)
    return np.bincount(rows.pair, weight * gain * values, pairs) / (over + 1e-12)
