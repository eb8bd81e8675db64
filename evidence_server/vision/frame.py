"""The one kind of picture that all measurements take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""Height × width × 3 (blue, green, red) or height × width (grey), 0 is black and 255 white."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a recording, upright, already scaled to a working size of a few hundred pixels.

    `t_s` is its presentation time in seconds from the recording's first picture; times grow strictly.
    `bgr` is height × width × 3, uint8, full range (a camera's luma 16 has become 0).
    """

    t_s: float
    bgr: Picture
    larger: Callable[[int], Picture] | None = None
    """Makes the same picture with so many pixels along its shorter side, or as many as there are; to be asked
    at once: what it is made from is not kept."""

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self.bgr.shape[1])

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self.bgr.shape[0])

    @cached_property
    def luma(self) -> Picture:
        """The picture in grey (ITU-R BT.601), height × width."""
        return cast(Picture, cv2.cvtColor(self.bgr, cv2.COLOR_BGR2GRAY))
