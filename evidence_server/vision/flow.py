"""How the room moved between two frames: points followed by optical flow, and the turn that explains most of them.

Points are chosen for their horizontal gradient (a bare wall has a few vertical edges and no corners) and weighed
by their structure tensor, as in Lucas and Kanade (1981) and Baker and Matthews, "Lucas-Kanade 20 years on" (2004):
an edge counts across itself only, noise hardly at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.frame import Picture
from evidence_server.vision.presence import Face

Floats = NDArray[np.floating]

NOMINAL_FOCAL = 1.54
"""Focal length in half widths of the picture: 66 degrees across, the middle of what phones' front cameras have."""
CELL = 10
"""Pixels of the squares of which each gives its best point."""
MOST_POINTS = 120
WINDOW = (13, 13)
LEVELS = 3
"""Levels of the pyramid: follows up to about 40 of 180 pixels, 16 degrees between two frames."""
STRONG = 30.0
"""Gradient energy (grey levels squared per pixel squared) beyond which a point counts hardly more."""
FEWEST_POINTS = 5
BAND = (-0.9, 0.6)
"""Rows that tell the turn, in half widths from the middle: ceiling and floor are too near, their parallax too large."""


@dataclass(frozen=True)
class Tracks:
    """Points followed from one frame to the next, in half widths from the picture's middle, x right, y down.

    Position halfway, displacement, and structure tensor (grey levels squared per pixel squared), each n long.
    """

    x: Floats
    y: Floats
    dx: Floats
    dy: Floats
    xx: Floats
    xy: Floats
    yy: Floats

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Motion:
    """The rotation between two frames that explains most of the points, for a camera of nominal focal length.

    Radians: `yaw` to the right, `pitch` up, `roll` clockwise as seen. `spread` is the residual's (half widths,
    robust standard deviation), `agreeing` the share of the points' weight that fits, `still` the share of it that
    did not move at all, `energy` the points' median horizontal gradient energy.
    """

    yaw: float
    pitch: float
    roll: float
    spread: float
    agreeing: float
    still: float
    energy: float
    tracks: Tracks


def follow(before: Picture, after: Picture, candidate: Face | None) -> Tracks:
    """Choose points in `before` outside of the candidate and find them in `after` (two luma pictures alike in size)."""
    points, tensors = _points(before, candidate)
    if not len(points):
        return _tracks(before.shape, points, points, tensors)
    return track(before, after, points, tensors)


def track(
    before: Picture, after: Picture, points: Floats, tensors: Floats, guess: tuple[float, float] | None = None
) -> Tracks:
    """Find n x 2 points of `before` in `after`; `guess` is a first displacement in pixels."""
    start = points[:, None].astype(np.float32)
    first = None if guess is None else start + np.float32(guess)
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        before, after, start, first, winSize=WINDOW, maxLevel=LEVELS,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.02),
        flags=0 if guess is None else cv2.OPTFLOW_USE_INITIAL_FLOW, minEigThreshold=1e-6,
    )
    kept = status[:, 0] > 0
    return _tracks(before.shape, points[kept], found[kept, 0], tensors[kept])


def points_of(luma: Picture, candidate: Face | None) -> tuple[Floats, Floats]:
    """The points that :func:`follow` would choose, n x 2 pixels, and their structure tensors, n x 3."""
    return _points(luma, candidate)


def motion(tracks: Tracks) -> Motion | None:
    """The rotation by iteratively reweighted least squares; None without points enough."""
    inside = (tracks.y > BAND[0]) & (tracks.y < BAND[1])
    if np.count_nonzero(inside) < FEWEST_POINTS:
        inside[:] = True
    if np.count_nonzero(inside) < FEWEST_POINTS:
        return None
    x, y, dx, dy = (each[inside] for each in (tracks.x, tracks.y, tracks.dx, tracks.dy))
    xx, xy, yy = (each[inside] for each in (tracks.xx, tracks.xy, tracks.yy))
    energy = xx + yy
    damping = 1 / (1 + energy / STRONG)
    xx, xy, yy, weight = xx * damping, xy * damping, yy * damping, energy * damping
    focal = NOMINAL_FOCAL
    # What a small yaw, pitch and roll do to a point (Longuet-Higgins and Prazdny 1980).
    across = np.stack([-(focal + x * x / focal), x * y / focal, y])
    down = np.stack([-x * y / focal, focal + y * y / focal, -x])
    turn = np.array([-_weighted_median(dx, xx) / focal, _weighted_median(dy, yy) / focal, 0.0])
    spread, fits = 0.0, np.ones(len(x))
    for _ in range(7):
        ex, ey = dx - turn @ across, dy - turn @ down
        error = np.sqrt(np.maximum(xx * ex * ex + 2 * xy * ex * ey + yy * ey * ey, 0) / (weight + 1e-9))
        spread = max(1.48 * _weighted_median(error, weight), 0.003)
        fits = 1 / (1 + (error / (2 * spread)) ** 2)
        ax, ay, axy = across * (fits * xx), down * (fits * yy), across * (fits * xy)
        normal = ax @ across.T + ay @ down.T + axy @ down.T + (down * (fits * xy)) @ across.T
        right = ax @ dx + ay @ dy + axy @ dy + (down * (fits * xy)) @ dx
        turn = np.linalg.solve(normal + np.diag([1e-8, 3e-3, 3e-3]), right)
    moved = np.hypot(dx, dy)
    total = float(weight.sum()) + 1e-9
    return Motion(
        yaw=float(turn[0]), pitch=float(turn[1]), roll=float(turn[2]), spread=float(spread),
        agreeing=float((weight * fits).sum()) / total,
        still=float(weight[moved < 0.005].sum()) / total,
        energy=float(np.median(tracks.xx)), tracks=tracks,
    )


def _points(luma: Picture, candidate: Face | None) -> tuple[Floats, Floats]:
    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    xx = cv2.boxFilter(across * across, -1, (9, 9))
    open_ = xx.copy()
    _hide(open_, candidate)
    rows, columns = luma.shape[0] // CELL, luma.shape[1] // CELL
    cells = open_[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL).transpose(0, 2, 1, 3)
    cells = cells.reshape(rows * columns, CELL * CELL)
    at = cells.argmax(axis=1)
    best = cells[np.arange(len(cells)), at]
    order = np.argsort(-best, kind="stable")[:MOST_POINTS]
    order = order[best[order] > 0]
    y = (order // columns) * CELL + at[order] // CELL
    x = (order % columns) * CELL + at[order] % CELL
    xy = cv2.boxFilter(across * down, -1, (9, 9))
    yy = cv2.boxFilter(down * down, -1, (9, 9))
    points = np.stack([x, y], axis=1).astype(np.float32)
    return points, np.stack([xx[y, x], xy[y, x], yy[y, x]], axis=1)


def _hide(energy: Floats, candidate: Face | None) -> None:
    """Set what the candidate covers to nothing: head, shoulders and all below; and the picture's rim."""
    height, width = energy.shape
    for rim in (energy[:4], energy[-4:], energy[:, :4], energy[:, -4:]):
        rim[:] = 0
    if candidate is None:
        return
    middle, face = candidate.centre[0] * width, candidate.width * width
    top = candidate.y - 0.75 * candidate.height
    shoulders = candidate.y + 0.9 * candidate.height
    for half, upper in ((0.95, top), (2.0, shoulders)):
        left, right = int(max(0, middle - half * face)), int(max(0, middle + half * face))
        energy[int(max(0, upper * height)) :, left:right] = 0


def _tracks(shape: tuple[int, ...], start: Floats, found: Floats, tensors: Floats) -> Tracks:
    height, width = shape[:2]
    unit = min(height, width) / 2
    moved = (found - start) / unit
    middle = (start + found) / 2
    return Tracks(
        x=(middle[:, 0] - (width - 1) / 2) / unit, y=(middle[:, 1] - (height - 1) / 2) / unit,
        dx=moved[:, 0], dy=moved[:, 1], xx=tensors[:, 0], xy=tensors[:, 1], yy=tensors[:, 2],
    )


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order[min(len(order) - 1, int(np.searchsorted(reached, reached[-1] / 2)))]])


def half_turn_units(width: int, height: int) -> float:
    """Pixels of one unit of the tracks' coordinates: half of the picture's shorter side."""
    return cast(float, min(width, height) / 2)
