"""Frozen pictures: the camera stopped, although pictures go on.

A frozen picture differs from a calm room in that the sensor's noise stops with it; and where somebody moved
all the time, in that nothing moves at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from evidence_server.vision.continuity_thresholds import STILL, StillThresholds
from evidence_server.vision.look import Look


@dataclass
class Stillness:
    """Compares each look with the one before."""

    limits: StillThresholds = STILL
    noise_gone: bool = False
    """Whether the last look shows the very picture of the one before."""
    _before: Look | None = None
    _grain: float | None = None
    _size: float | None = None
    _lively: int = 0
    _row: int = 0
    _row_began_s: float = 0.0

    def take(
        self, look: Look, coded_bytes: float | None, *, somebody: bool
    ) -> tuple[bool | None, float, float | None]:
        """Whether the picture is frozen, how sure that is, and since when; None for the first look.

        `coded_bytes` is the median size of the coded pictures since the look before, if known: a frozen
        picture needs few.  `somebody` says that a person sits there, who never keeps quite still.
        """
        before, self._before = self._before, look
        if before is None or before.grid.shape != look.grid.shape:
            return None, 0.0, None
        change = cv2.absdiff(look.structure, before.structure)
        still = float((change >= self.limits.motion).mean()) < self.limits.moving
        grain = look.grain_change(before)
        noise_gone = self.noise_gone = still and self._noise_gone(grain, coded_bytes)
        if not still:
            self._row = 0
            self._lively = min(self._lively + 1, self.limits.lively_looks)
        else:
            if self._row == 0:
                self._row_began_s = before.t_s
            self._row += 1
        life_gone = somebody and self._row >= self.limits.looks and self._lively >= self.limits.lively_looks
        if still and not (noise_gone or life_gone) and self._row > self.limits.looks:
            self._lively = 0
        if not noise_gone:
            self._follow(grain, coded_bytes)
        if noise_gone:
            return True, 0.95, self._row_began_s
        return life_gone, 0.6, self._row_began_s if life_gone else None

    def forget(self) -> None:
        """Say that the next look does not follow on the last one."""
        self._before, self._row = None, 0

    def _noise_gone(self, grain: float, coded_bytes: float | None) -> bool:
        if self._grain is None:
            return grain < self.limits.no_grain
        part = grain / max(self._grain, self.limits.no_grain)
        if part < self.limits.grain_part:
            return True
        known = coded_bytes is not None and self._size is not None and self._size > 0
        small = known and (coded_bytes or 0) < self.limits.size_part * (self._size or 0)
        return small and part < self.limits.grain_part_small

    def _follow(self, grain: float, coded_bytes: float | None) -> None:
        """Learn the usual noise (it falls at once, and rises slowly: light adds to it) and size."""
        if self._grain is None:
            self._grain = grain
        self._grain += (grain - self._grain) * (0.2 if grain < self._grain else 0.03)
        if coded_bytes is not None:
            self._size = coded_bytes if self._size is None else self._size + 0.05 * (coded_bytes - self._size)
