"""The place that the phone was put in: what it should see, and how much of that a look still shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.continuity_thresholds import PLACE, PlaceThresholds
from evidence_server.vision.look import TILE, Grid, Look, ranked, tiles_of


@dataclass(frozen=True)
class Compared:
    """A look against the place it should show."""

    kept: float | None
    """Share of the steady, textured tiles that still look the same; None with too few of them."""
    shift: float | None
    """How far those tiles moved, in grid points (1 / 160 of the longer side); None where unknown."""
    contrast: float
    """Coarse detail in relation to light, 1 as it should be."""
    sharpness: float
    """Fine detail in relation to coarse detail, 1 as it should be."""


class Place:
    """Learns one view from looks that are in order, and compares others with it.

    The reference follows slowly, so that daylight and things put down become part of it; tiles that keep
    changing (a person, a screen) are left out.
    """

    def __init__(self, thresholds: PlaceThresholds = PLACE) -> None:
        """Nothing is known yet."""
        self._limits = thresholds
        self._structure: Grid | None = None
        self._unrest: Grid | None = None
        self._contrast = 0.0
        self._sharpness = 0.0
        self._looks = 0
        self._alike = 0
        self._last: tuple[Look, Grid] | None = None

    @property
    def established(self) -> bool:
        """Whether enough looks in a row agreed for others to be measured against them."""
        return self._alike >= self._limits.looks_to_establish

    def compare(self, look: Look) -> Compared | None:
        """How a look relates to the place; None before it is established or in another picture size."""
        if not self.established or self._structure is None or self._structure.shape != look.grid.shape:
            return None
        kept, shift = self._kept(look)
        contrast, sharpness = _contrast(look) / self._contrast, look.sharpness / self._sharpness
        return Compared(kept, shift, contrast, sharpness)

    def learn(self, look: Look) -> None:
        """Take a look that is in order into the reference."""
        if self._structure is None or self._unrest is None or self._structure.shape != look.grid.shape:
            self._begin(look)
            return
        kept, _ = self._kept(look, every_tile=True)
        if not self.established and kept is not None and kept < self._limits.kept_to_establish:
            self._begin(look)
            return
        self._alike += 1
        self._looks += 1
        share = max(1 / self._looks, self._limits.follow)
        changed = 1 - self._likeness_of(look)
        self._unrest += np.float32(max(share, 0.05)) * (changed - self._unrest)
        self._last = None
        self._structure += np.float32(share) * (look.structure - self._structure)
        self._contrast += share * (_contrast(look) - self._contrast)
        self._sharpness += share * (look.sharpness - self._sharpness)

    def _begin(self, look: Look) -> None:
        self._structure = look.structure.copy()
        self._unrest = np.zeros_like(tiles_of(look.structure))
        self._contrast, self._sharpness = _contrast(look), look.sharpness
        self._looks, self._alike, self._last = 1, 1, None

    def _kept(self, look: Look, *, every_tile: bool = False) -> tuple[float | None, float | None]:
        if self._structure is None or self._unrest is None:
            return None, None
        textured = tiles_of(self._structure**2) > TILE * TILE * self._limits.textured**2
        steady = textured if every_tile else textured & (self._unrest < self._limits.unrest)
        if steady.sum() < self._limits.tiles:
            steady = textured
        if steady.sum() < self._limits.tiles:
            return None, None
        alike = self._likeness_of(look) > self._limits.alike
        shift = None if every_tile else _shift(self._structure, look.structure, steady)
        return float(alike[steady].mean()), shift

    def _likeness_of(self, look: Look) -> Grid:
        """How like the reference each tile of the look is; asked several times for one look."""
        if self._last is None or self._last[0] is not look:
            structure = look.structure if self._structure is None else self._structure
            self._last = look, _likeness(structure, look.structure)
        return self._last[1]


def _contrast(look: Look) -> float:
    return max(look.coarse, 0.1) / max(look.mean, 8.0)


def _likeness(one: Grid, other: Grid) -> Grid:
    """Normalised correlation of each tile, -1 to 1; 0 where one of them is flat."""
    product, first, second = tiles_of(one * other), tiles_of(one * one), tiles_of(other * other)
    # a grey level of noise a point is no structure
    floor = np.float32(TILE * TILE)
    return cast(Grid, product / np.sqrt(np.maximum(first, floor) * np.maximum(second, floor)))


def _shift(one: Grid, other: Grid, tiles: NDArray[np.bool_]) -> float | None:
    """Median of how far tiles moved, each by itself (Lucas and Kanade 1981), in grid points.

    Right to a tenth below one point, an underestimate above: those tiles no longer look alike.
    """
    mean = (one + other) / 2
    across = cv2.Sobel(mean, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    down = cv2.Sobel(mean, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    change = other - one
    xx, yy, xy = tiles_of(across * across), tiles_of(down * down), tiles_of(across * down)
    xt, yt = tiles_of(across * change), tiles_of(down * change)
    determinant = xx * yy - xy * xy
    usable = tiles & (determinant > 0.05 * (xx + yy) ** 2 / 4 + 1)
    if usable.sum() < 4:
        return None
    dx, dy = (yy * xt - xy * yt)[usable], (xx * yt - xy * xt)[usable]
    return ranked(np.hypot(dx, dy) / determinant[usable], 0.5)
