"""What continuity keeps of one picture: a small grid of light, its structure, and a few figures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.frame import Frame, Picture

GRID = 160
"""Points along the longer side: each averages 64 pixels of 720p, which takes the sensor's noise out."""
FINE = 320
"""The same for fine detail, where blur shows first."""
TILE = 10
"""Grid points along the side of a tile: where structure is compared piece by piece."""
EVEN_LIGHT = 110.0
"""Mean that grids are scaled to before they are compared, so that daylight and exposure do not count."""
_STRUCTURE_SIGMA = 4.0
"""Structure is what is left of the grid without its blurred self, in grid points."""
_MIN_SIDE = 2 * TILE

Grid = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Look:
    """Figures of one picture.  Grey levels are 0 (black) to 255."""

    t_s: float
    grid: Grid
    """Light, averaged; about 160 × 90."""
    mean: float
    bright: float
    """98th percentile of the grid."""
    spread: float
    """Standard deviation of the light at the scale of tiles: how much there is to tell apart."""
    detail: float
    """Mean step between neighbours of the fine grid, sideways and down."""
    coarse: float
    """The same of the grid averaged down to half: what is left of detail when the picture is blurred."""
    grain: Picture
    """The picture's middle rows as they are, to see whether the sensor's noise goes on."""

    @classmethod
    def at(cls, frame: Frame) -> Look:
        """Look at a frame of any size and shape."""
        luma = frame.luma
        fine = _scaled(luma, FINE).astype(np.float32)
        grid = _scaled(fine, GRID)
        half = _scaled(grid, GRID // 2)
        tiles = _scaled(grid, GRID // TILE)
        middle = luma.shape[0] // 2
        return cls(
            frame.t_s, grid, float(grid.mean()), ranked(grid, 0.98), float(tiles.std()),
            _steps(fine), _steps(half), luma[max(0, middle - 32) : middle + 32]
        )

    @cached_property
    def structure(self) -> Grid:
        """Edges and patterns without the light: the even-lit grid less its surroundings."""
        even = self.grid * np.float32(EVEN_LIGHT / max(self.mean, 8.0))
        return cast(Grid, even - cv2.GaussianBlur(even, (0, 0), _STRUCTURE_SIGMA))

    @property
    def sharpness(self) -> float:
        """Fine detail in relation to coarse detail: independent of light and contrast."""
        return self.detail / max(self.coarse, 0.5)

    def grain_change(self, before: Look) -> float:
        """Median change of single pixels' light since another look, over small patches; 0 if shapes differ.

        Noise that goes on changes them all, whatever moves.
        """
        if self.grain.shape != before.grain.shape:
            return 0.0
        change = cv2.absdiff(self.grain, before.grain).astype(np.float32)
        height, width = (max(1, side // 16) for side in change.shape)
        return ranked(cv2.resize(change, (width, height), interpolation=cv2.INTER_AREA), 0.5)


def ranked(grid: NDArray[Any], part: float) -> float:
    """The value that so large a part of all lies below: 0.5 gives the median, in a tenth of numpy's time."""
    flat = grid.ravel()
    rank = int(part * (flat.size - 1))
    return float(np.partition(flat, rank)[rank])


def tiles_of(grid: NDArray[Any]) -> NDArray[np.float32]:
    """Sums over tiles of `TILE` × `TILE` grid points; what does not fill a tile is left out."""
    rows, columns = grid.shape[0] // TILE, grid.shape[1] // TILE
    # The mean over whole squares, and several times as fast as summing them.
    means = cv2.resize(
        grid[: rows * TILE, : columns * TILE], (columns, rows), interpolation=cv2.INTER_AREA
    )
    return cast("NDArray[np.float32]", means * np.float32(TILE * TILE))


def _scaled(picture: NDArray[Any], longer: int) -> NDArray[Any]:
    height, width = picture.shape[:2]
    scale = longer / max(height, width)
    least = max(1, longer * _MIN_SIDE // GRID)
    size = max(least, round(width * scale)), max(least, round(height * scale))
    return cast("NDArray[Any]", cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _steps(grid: Grid) -> float:
    across, down = cv2.absdiff(grid[:, 1:], grid[:, :-1]), cv2.absdiff(grid[1:], grid[:-1])
    return float(cv2.mean(across)[0] + cv2.mean(down)[0])
