"""How the room moved between two frames: points followed by optical flow, and the turn that explains most of
them.

Points are chosen for their horizontal gradient (a bare wall has a few vertical edges and no corners) and
weighed by their structure tensor, as in Lucas and Kanade (1981) and Baker and Matthews, "Lucas-Kanade 20
years on" (2004): an edge counts across itself only, noise hardly at all.
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
"""Focal length in half widths of the picture: 66 degrees across, the middle of what phones' front cameras
have."""
CELL = 5
"""Half pixels of the squares of which each gives its best point: ten pixels of the picture."""
MOST_POINTS = 70
"""On the walls."""
OTHER_POINTS = 15
"""On ceiling and floor, for tilt and for rooms with bare walls."""
BODY = 2.5
"""Half of the candidate's body, in widths of the face: broad clothes and elbows reach 2.2."""
WINDOW = (11, 11)
WIDE_WINDOW = (21, 21)
UNSURE = 0.012
"""Residual (half widths) from which a motion is measured again: good steps stay below 0.01."""
LEVELS = 3
"""Levels of the pyramid: follows up to about 40 of 180 pixels, 16 degrees between two frames."""
STRONG = 30.0
"""Gradient energy (grey levels squared per pixel squared) beyond which a point counts hardly more."""
FEWEST_POINTS = 5
ROUNDS = 4
DAMPING = np.diag([1e-8, 3e-3, 3e-3])
"""Keeps pitch and roll where nothing shows them."""
BAND = (-0.9, 0.6)
"""Rows that tell the turn, in half widths from the middle: ceiling and floor are too near, their parallax too
large."""


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

    Radians: `yaw` to the right, `pitch` up, `roll` clockwise as seen. `spread` is the residual's (half
    widths, robust standard deviation), `agreeing` the share of the points' weight that fits, `still` the
    share of it that did not move at all, `energy` and `best_energy` the points' horizontal gradient energy,
    median and 90th percentile.
    """

    yaw: float
    pitch: float
    roll: float
    spread: float
    agreeing: float
    still: float
    energy: float
    best_energy: float
    tracks: Tracks


def follow(
    before: Picture, after: Picture, candidate: Face | None, expected: tuple[float, float] | None = None
) -> Motion | None:
    """The motion between two luma pictures alike in size, by points outside of the candidate.

    The search begins at the yaw and pitch that are `expected`, in radians. Where that finds nothing that
    agrees, smoothed pictures and a larger window are tried: slower, and surer on a bare or a blurred wall.
    """
    guess = None
    if expected is not None:
        unit = NOMINAL_FOCAL * min(before.shape) / 2
        guess = (-expected[0] * unit, expected[1] * unit)
    return follow_from(before, after, points_of(before, candidate), guess, None)


def follow_from(
    before: Picture,
    after: Picture,
    chosen: tuple[Floats, Floats],
    guess: tuple[float, float] | None,
    again_from: tuple[float, float] | None,
) -> Motion | None:
    """The same with points that are chosen already, from a first displacement in pixels; the search in the
    smoothed pictures begins at `again_from`."""
    points, tensors = chosen
    if not len(points):
        return None
    found = motion(track(before, after, points, tensors, guess))
    if found is not None and found.spread <= UNSURE:
        return found
    soft = [cast(Picture, cv2.GaussianBlur(each, (0, 0), 1.2)) for each in (before, after)]
    again = motion(track(soft[0], soft[1], points, tensors, again_from, WIDE_WINDOW))
    if found is None or (again is not None and again.spread < found.spread):
        return again
    return found


def track(
    before: Picture,
    after: Picture,
    points: Floats,
    tensors: Floats,
    guess: tuple[float, float] | None = None,
    window: tuple[int, int] = WINDOW,
) -> Tracks:
    """Find n x 2 points of `before` in `after`; `guess` is a first displacement in pixels."""
    start = points[:, None].astype(np.float32)
    first = start if guess is None else start + np.array(guess, np.float32)
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        before, after, start, first.copy(), winSize=window, maxLevel=LEVELS,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.02),
        flags=0 if guess is None else cv2.OPTFLOW_USE_INITIAL_FLOW, minEigThreshold=1e-6,
    )
    kept = status[:, 0] > 0
    return _tracks(before.shape, points[kept], found[kept, 0], tensors[kept])


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
    weight = energy * damping
    focal = NOMINAL_FOCAL
    # What a small yaw, pitch and roll do to a point (Longuet-Higgins and Prazdny 1980), and the two rows of
    # each point weighed by the root of its tensor (Cholesky), so that squared errors are tensor norms.
    across = np.stack([-(focal + x * x / focal), x * y / focal, y])
    down = np.stack([-x * y / focal, focal + y * y / focal, -x])
    a = np.sqrt(xx * damping + 1e-9)
    b = xy * damping / a
    c = np.sqrt(np.maximum(yy * damping - b * b, 0))
    design = np.concatenate([a * across + b * down, c * down], axis=1)
    target = np.concatenate([a * dx + b * dy, c * dy])
    right, lower = weighted_median(dx, xx * damping), weighted_median(dy, yy * damping)
    turn = np.array([-right / focal, lower / focal, 0.0])
    spread, fits, count = 0.0, np.ones(len(x)), len(x)
    for _ in range(ROUNDS):
        left = (target - turn @ design) ** 2
        error = np.sqrt((left[:count] + left[count:]) / (weight + 1e-9))
        spread = max(1.48 * weighted_median(error, weight), 0.003)
        fits = 1 / (1 + (error / (2 * spread)) ** 2)
        weighed = design * np.concatenate([fits, fits])
        turn = np.linalg.solve(weighed @ design.T + DAMPING, weighed @ target)
    moved = np.hypot(dx, dy)
    total = float(weight.sum()) + 1e-9
    return Motion(
        yaw=float(turn[0]), pitch=float(turn[1]), roll=float(turn[2]), spread=float(spread),
        agreeing=float((weight * fits).sum()) / total,
        still=float(weight[moved < 0.005].sum()) / total,
        energy=float(np.median(tracks.xx)), best_energy=float(np.percentile(tracks.xx, 90)), tracks=tracks,
    )


def points_of(luma: Picture, candidate: Face | None) -> tuple[Floats, Floats]:
    """The points worth following outside of the candidate, n x 2 pixels, and their structure tensors, n x
    3."""
    # Every second row and column: the window's sums hardly differ, and it takes a quarter of the time.
    grey = luma.astype(np.int16)
    across = (grey[1:-1:2, 2::2] - grey[1:-1:2, :-2:2]).astype(np.float32)
    down = (grey[2::2, 1:-1:2] - grey[:-2:2, 1:-1:2]).astype(np.float32)
    xx, xy, yy = (
        cv2.boxFilter(product, -1, (5, 5)) / 4 for product in (across * across, across * down, down * down)
    )
    open_ = xx.copy()
    _hide(open_, candidate)
    rows, columns = open_.shape[0] // CELL, open_.shape[1] // CELL
    tiles = open_[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL)
    cells = tiles.transpose(0, 2, 1, 3).reshape(rows * columns, CELL * CELL)
    at = cells.argmax(axis=1)
    best = cells[np.arange(len(cells)), at]
    order = np.argsort(-best, kind="stable")
    order = order[best[order] > 0]
    # A lamp or a beam overhead may have the strongest edges; it is the walls that tell the turn.
    unit = min(open_.shape) / 2
    height = ((order // columns + 0.5) * CELL - open_.shape[0] / 2) / unit
    walls = (height > BAND[0]) & (height < BAND[1])
    order = np.concatenate([order[walls][:MOST_POINTS], order[~walls][:OTHER_POINTS]])
    y = (order // columns) * CELL + at[order] // CELL
    x = (order % columns) * CELL + at[order] % CELL
    points = np.stack([2 * x + 1, 2 * y + 1], axis=1).astype(np.float32)
    return points, np.stack([xx[y, x], xy[y, x], yy[y, x]], axis=1)


def _hide(energy: Floats, candidate: Face | None) -> None:
    """Set what the candidate covers to nothing: head, shoulders and all below; and the picture's rim."""
    for rim in (energy[:2], energy[-2:], energy[:, :2], energy[:, -2:]):
        rim[:] = 0
    if candidate is None:
        return
    energy[body_mask(energy.shape, candidate)] = 0


def body_mask(shape: tuple[int, ...], candidate: Face) -> NDArray[np.bool_]:
    """Where in a picture of this height and width the candidate is: head, shoulders, and all below."""
    height, width = shape[:2]
    mask = np.zeros((height, width), bool)
    middle, face = candidate.centre[0] * width, candidate.width * width
    top = candidate.y - 0.85 * candidate.height
    shoulders = candidate.y + 0.9 * candidate.height
    for half, upper in ((1.15, top), (BODY, shoulders)):
        left, right = int(max(0, middle - half * face)), int(max(0, middle + half * face))
        mask[int(max(0, upper * height)) :, left:right] = True
    return mask


def _tracks(shape: tuple[int, ...], start: Floats, found: Floats, tensors: Floats) -> Tracks:
    height, width = shape[:2]
    unit = min(height, width) / 2
    moved = (found - start) / unit
    middle = (start + found) / 2
    return Tracks(
        x=(middle[:, 0] - (width - 1) / 2) / unit, y=(middle[:, 1] - (height - 1) / 2) / unit,
        dx=moved[:, 0], dy=moved[:, 1], xx=tensors[:, 0], xy=tensors[:, 1], yy=tensors[:, 2],
    )


def weighted_median(values: Floats, weights: Floats) -> float:
    """The value that half of the weight lies below."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order[min(len(order) - 1, int(np.searchsorted(reached, reached[-1] / 2)))]])
