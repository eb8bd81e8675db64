"""Reads the anchor's markers (`marker`) from a full-resolution grey picture.

The picture is searched at half its size and smaller: dark islands (adaptive threshold, connected components)
of a plausible size are taken for a square by their outline, checked coarsely for a black border in a white
zone, and only those few are located to a fraction of a pixel in the full picture and read.  Black and white
are planes through the border and the quiet zone, so that a gradient of light does no harm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision import marker
from evidence_server.vision.frame import Picture

Points = NDArray[np.float64]
"""n × 2 (x, y) in pixels; a pixel's centre has whole coordinates."""


@dataclass(frozen=True)
class AnchorThresholds:
    """What counts as a marker.  The figures are of `bench.anchor`'s development scenes."""

    levels: tuple[int, ...] = (2, 4)
    """The levels searched, each so much smaller than the last: markers of 30 to 150 pixels, and to 600."""
    longest_px: int = 8192
    """Of a picture: no camera's is longer, and cv2 fails at 32,768."""
    window_px: int = 25
    """Adaptive threshold: wide enough to see white beyond the border of the largest marker of a level."""
    darker_by: int = 10
    """Luma below the window's mean: twice the noise of a dark, compressed picture; a dim screen has 60."""
    smallest_px: int = 9
    """Shortest side of an island at its level: a marker of 28 pixels, tilted by 50°."""
    largest_px: int = 76
    """Longest side of an island at its level; what is longer is for the next."""
    candidates: int = 80
    """Most islands looked at in a level, the largest: rooms have up to 40, more only make a picture slow."""
    fill: tuple[float, float] = (0.2, 0.95)
    """Of an island in its box: a ring fills 0.44, half that where it stands on a corner."""
    longest_shape: float = 3.0
    """Longest side of that box in shortest ones: a square seen from 60° aside has 2."""
    outline_error: float = 0.2
    """How far the area of four corners may be from the outline's: small, blurred squares have round ones."""
    coarse_share: float = 0.75
    """Share of border and of quiet modules that look right before the corners are located."""
    contrast: float = 20.0
    """Luma between white and black: a screen in full sun keeps more."""
    border_share: float = 0.85
    """Share of the border's 28 modules that must be black."""
    quiet_share: float = 0.85
    """Share of the quiet zone's 36 modules that must be white."""
    forgiven: int = 2
    """Wrong modules forgiven to an expected code; one not expected must be flawless (see `marker`)."""


THRESHOLDS = AnchorThresholds()


@dataclass(frozen=True)
class Reading:
    """A marker in a picture: its code, how many modules were misread, and its black square's corners.

    The corners are (x, y) in pixels, from the marker's own top left one clockwise.
    """

    code: int
    wrong_modules: int
    corners: tuple[tuple[float, float], ...]


Modules = NDArray[np.float64]
"""10 × 10 luma values: quiet zone, border and the bits."""


class _Island(NamedTuple):
    """A dark connected area: its number among the labels, and its box."""

    label: int
    left: int
    top: int
    width: int
    height: int


class Reader:
    """Finds markers; holds no state between pictures."""

    def __init__(self, thresholds: AnchorThresholds = THRESHOLDS) -> None:
        self._limits = thresholds

    def read(self, luma: Picture, expected: Collection[int] = ()) -> list[Reading]:
        """The markers in a picture, each code once.

        `luma` is height × width, uint8, of full range or video's; nothing is found in a picture of absurd
        size.  Codes in `expected` are recognised with up to two wrong modules, all others only if their check
        fits exactly.  Raises ValueError if the picture isn't of that kind.
        """
        if luma.ndim != 2 or luma.dtype != np.uint8:
            raise ValueError("a picture is height × width of uint8")
        if max(luma.shape) > self._limits.longest_px:
            return []
        patterns = {code: marker.pattern(code) for code in expected}
        found: dict[int, Reading] = {}
        for corners in self._squares(luma):
            reading = self._decode(luma, corners, patterns)
            if reading is not None:
                known = found.get(reading.code)
                if known is None or reading.wrong_modules < known.wrong_modules:
                    found[reading.code] = reading
        return list(found.values())

    def _squares(self, luma: Picture) -> Iterator[Points]:
        """Corners of what may be markers, located in the full picture."""
        level, shrink = luma, 1
        for step in self._limits.levels:
            if min(level.shape) < step * self._limits.window_px:
                return
            level, shrink = _reduced(level, step), shrink * step
            labels, islands = self._islands(level, 0 if shrink == step else self._limits.largest_px / step)
            for island in islands:
                outline = _outline(labels, island, self._limits.outline_error)
                if outline is None:
                    continue
                corners = (outline + 0.5) * shrink - 0.5
                if self._looks_right(_modules(luma, corners, 1), self._limits.coarse_share):
                    yield _locate(luma, corners)

    def _islands(self, level: Picture, longer_than: float) -> tuple[NDArray[np.int32], list[_Island]]:
        """The labels of a level's dark areas, and those that may be a marker's border."""
        limits = self._limits
        dark = cv2.adaptiveThreshold(
            level, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, limits.window_px, limits.darker_by
        )
        _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(dark, 8, cv2.CV_32S, cv2.CCL_BBDT)
        large = np.flatnonzero(stats[:, 2:4].min(axis=1) >= limits.smallest_px)
        left, top, width, height, area = stats[large].T
        long = np.maximum(width, height)
        fits = (large > 0) & (long > longer_than) & (long <= limits.largest_px)  # label 0 is what isn't dark
        fits &= long <= limits.longest_shape * np.minimum(width, height)
        fill = area / (width * height)
        fits &= (fill > limits.fill[0]) & (fill < limits.fill[1])
        # the quiet zone is in the picture too
        fits &= (left > 0) & (top > 0)
        fits &= (left + width < level.shape[1]) & (top + height < level.shape[0])
        chosen = large[fits]
        if len(chosen) > limits.candidates:
            chosen = chosen[np.argsort(-stats[chosen, 4])[: limits.candidates]]
        islands = [_Island(int(label), *(int(side) for side in stats[label, :4])) for label in chosen]
        return cast(NDArray[np.int32], labels), islands

    def _looks_right(self, modules: Modules, share: float) -> bool:
        """Whether there is a black border in a white zone, judged by `share` of the modules of each."""
        quiet, border = modules[_QUIET], modules[_BORDER]
        white, black = float(quiet.sum()) / len(quiet), float(border.sum()) / len(border)
        middle = (white + black) / 2
        bright, dark = np.count_nonzero(quiet > middle), np.count_nonzero(border < middle)
        enough = bright >= share * len(quiet) and dark >= share * len(border)
        return bool(enough and white - black >= self._limits.contrast)

    def _decode(self, luma: Picture, corners: Points, patterns: dict[int, int]) -> Reading | None:
        modules = _modules(luma, corners, _FINE)
        if not self._looks_right(modules, self._limits.border_share):
            return None
        white = _WHITE_PLANE @ modules[_QUIET]
        black = _BLACK_PLANE @ modules[_BORDER]
        level = (modules.ravel() - (white + black) / 2).reshape(modules.shape)
        best = self._recognised(_sharpened(level)[2:-2, 2:-2] > 0, patterns)
        if best is None:
            return None
        wrong, code, turns = best
        return Reading(code, wrong, tuple((float(x), float(y)) for x, y in np.roll(corners, -turns, axis=0)))

    def _recognised(self, bits: NDArray[np.bool_], patterns: dict[int, int]) -> tuple[int, int, int] | None:
        """Wrong modules, code, and quarter turns anticlockwise until it reads upright."""
        seen = [int(np.rot90(bits, turns).ravel() @ _PLACE_VALUES) for turns in range(4)]
        near = [
            (marker.distance(seen[turns], pattern), code, turns)
            for code, pattern in patterns.items()
            for turns in range(4)
        ]
        best = min(near, default=None)
        if best is not None and best[0] <= self._limits.forgiven:
            return best
        codes = [marker.code_of(pattern) for pattern in seen]
        flawless = [(0, code, turns) for turns, code in enumerate(codes) if code is not None]
        # one pattern in a thousand is another code's when turned: it tells neither
        return flawless[0] if len(flawless) == 1 else None


def _reduced(picture: Picture, shrink: int) -> Picture:
    height, width = picture.shape
    # whole steps: averaging over fractions of pixels costs thirty times as much
    even = picture[: height // shrink * shrink, : width // shrink * shrink]
    return cast(Picture, cv2.resize(even, (width // shrink, height // shrink), interpolation=cv2.INTER_AREA))


def _outline(labels: NDArray[np.int32], island: _Island, error: float) -> Points | None:
    """The four corners of an island's hull, clockwise from wherever; None if four don't describe it."""
    _, left, top, width, height = island
    mask = (labels[top : top + height, left : left + width] == island.label).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(contours[0])
    area = cv2.contourArea(hull)
    for share in (0.04, 0.07, 0.1):
        corners = cv2.approxPolyDP(hull, share * cv2.arcLength(hull, True), True)
        if len(corners) <= 4:
            break
    if len(corners) != 4 or area <= 0 or abs(cv2.contourArea(corners) / area - 1) > error:
        return None
    points = corners[:, 0, :].astype(np.float64)
    if cv2.contourArea(corners, oriented=True) < 0:
        points = points[::-1]
    # the outline runs through the centres of dark pixels: the edge is half a pixel further out
    middle = points.sum(axis=0) / 4
    grown = 1 + 1 / max(width, height)
    return cast(Points, middle + grown * (points - middle) + (float(left), float(top)))


def _modules(luma: Picture, corners: Points, fine: int) -> Modules:
    """The luma of the 10 × 10 modules, by the corners of the black square; each from (fine - 2)² places.

    `fine` 1 takes the middle of each alone.
    """
    square = ((_CORNERS + 1 / (marker.SIDE + 2)) * fine * (marker.SIDE + 2) - 0.5).astype(np.float32)
    transform = cv2.getPerspectiveTransform(corners.astype(np.float32), square)
    side = fine * marker.MODULES
    flat = cv2.warpPerspective(
        luma, transform, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if fine > 1:
        cells = flat.reshape(marker.MODULES, fine, marker.MODULES, fine)
        flat = cells[:, 1:-1, :, 1:-1].mean(axis=(1, 3))
    return flat.astype(np.float64)


def _locate(luma: Picture, corners: Points) -> Points:
    """The corners moved to where the border's outer edges really are, by lines through steepest steps.

    Each side is looked at in its own coordinates: how far along it, and how far out of it.
    """
    along = np.roll(corners, -1, axis=0) - corners
    length = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    out = np.stack((along[:, 1], -along[:, 0]), axis=1) / length
    reach = max(float(length.mean()) / (marker.SIDE + 2) * 0.9, 2.0)
    steps = np.linspace(-reach, reach, _STEPS)
    # sides × places × steps × (x, y)
    places = corners[:, None, None] + _PLACES[:, None, None] * along[:, None, None]
    grid = (places + steps[:, None] * out[:, None, None]).reshape(-1, _STEPS, 2).astype(np.float32)
    profile = cv2.remap(
        luma, grid[..., 0].copy(), grid[..., 1].copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    rise = np.maximum(np.diff(profile.astype(np.float64), axis=1), 0) ** 2  # the steepest step counts most
    middles = (steps[:-1] + steps[1:]) / 2
    offset = ((rise @ middles) / np.maximum(rise.sum(axis=1), 1e-6)).reshape(4, -1)
    start, slope = _lines(offset)
    base, direction = corners + start[:, None] * out, along + slope[:, None] * out
    # each corner is where its side meets the one before
    before, heading = np.roll(base, 1, axis=0), np.roll(direction, 1, axis=0)
    cross = _cross(direction, heading)
    if np.abs(cross).min() < 0.1 * float(length.min()) ** 2:
        return corners
    moved = base + direction * (_cross(before - base, heading) / cross)[:, None]
    return moved if float(np.abs(moved - corners).max()) <= 2.5 * reach else corners


def _lines(offset: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Start and slope of each row's line through its offsets at `_PLACES`; the worst quarter is left out."""
    fitted = offset @ _LINE_FIT
    residual = np.abs(offset - fitted[:, :1] - fitted[:, 1:] * _PLACES)
    keep = residual <= np.partition(residual, 11, axis=1)[:, 11:12]
    count = keep.sum(axis=1)
    place = (keep * _PLACES).sum(axis=1) / count
    mean = (keep * offset).sum(axis=1) / count
    away = keep * (_PLACES - place[:, None])
    slope = (away * offset).sum(axis=1) / (away**2).sum(axis=1)
    return mean - slope * place, slope


def _cross(one: Points, other: Points) -> NDArray[np.float64]:
    return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]


def _sharpened(level: Modules) -> Modules:
    """Each module against its four neighbours: blur has mixed them."""
    around = np.zeros_like(level)
    around[1:-1, 1:-1] = (level[:-2, 1:-1] + level[2:, 1:-1] + level[1:-1, :-2] + level[1:-1, 2:]) / 4
    return level + _SHARPEN * (level - around)


def _plane(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The matrix that turns the values of the modules in `mask` to their least-squares plane over all."""
    rows, columns = np.mgrid[: marker.MODULES, : marker.MODULES]
    design = np.stack((np.ones(rows.size), rows.ravel(), columns.ravel()), axis=1)
    return cast(NDArray[np.float64], design @ np.linalg.pinv(design[mask.ravel()]))


def _ring(distance: int) -> NDArray[np.bool_]:
    """The modules at `distance` from the outside."""
    mask = np.zeros((marker.MODULES, marker.MODULES), bool)
    inside = slice(distance, marker.MODULES - distance)
    mask[inside, inside] = True
    further = slice(distance + 1, marker.MODULES - distance - 1)
    mask[further, further] = False
    return mask


_CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64)
_QUIET, _BORDER = _ring(0), _ring(1)
_WHITE_PLANE, _BLACK_PLANE = _plane(_QUIET), _plane(_BORDER)
_FINE = 5
_PLACES = np.linspace(0.08, 0.92, 16)
_LINE_FIT = np.linalg.pinv(np.stack((np.ones(16), _PLACES), axis=1)).T
_STEPS = 15
_PLACE_VALUES = 1 << np.arange(marker.SIDE**2 - 1, -1, -1, dtype=np.int64)
_SHARPEN = 0.4
