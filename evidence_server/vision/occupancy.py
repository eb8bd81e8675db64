"""Whether anybody is there, also where no face is seen: by movement, and by what used to move.

Whoever sits there moves at least a little from look to look.  When nothing moves any more, what used to move
either looks as it did between its last two movements (somebody sits still) or not (the seat is empty).

Limits: a film on a screen moves, too, so that in front of one an empty seat is not noticed; somebody who
stops moving in the very moment of changing posture counts as gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.continuity_thresholds import OCCUPANCY, OccupancyThresholds
from evidence_server.vision.frame import Picture
from evidence_server.vision.look import Grid, Look


@dataclass
class Occupancy:
    """Follows the movement in one recording; looks come in order."""

    limits: OccupancyThresholds = OCCUPANCY
    reach: Picture | None = None
    """Where movement counts, 1 on the grid; None: everywhere."""
    moves: bool = False
    """Whether enough moved at the last look."""
    quiet: int = 0
    """Looks in a row without a sign of anybody."""
    emptied_s: float = 0.0
    """When that began."""
    filled_s: float = 0.0
    """When somebody was there again."""
    _before: Look | None = None
    _heat: Grid | None = None
    _between: Grid | None = None
    _row: int = 0
    _row_began_s: float = 0.0
    _known: bool = False

    @property
    def known(self) -> bool:
        """Whether something as large as a person ever moved again and again."""
        return self._known

    def changed(self, look: Look) -> Picture:
        """Which points of the grid changed since the last look: 1 or 0.  To be asked before :meth:`take`."""
        if self._before is None or self._before.grid.shape != look.grid.shape:
            return np.zeros(look.grid.shape, np.uint8)
        change = np.abs(look.structure - self._before.structure)
        return cast(Picture, (change > self.limits.change).astype(np.uint8))

    def in_doubt(self, look: Look, changed: Picture) -> bool:
        """Whether movement alone does not tell that somebody is there."""
        if self._heat is None or self._heat.shape != changed.shape:
            return True
        return self.quiet > 0 or not (self._stirs(changed) or self._as_before(look))

    def take(self, look: Look, changed: Picture, *, seen: bool) -> bool:
        """Whether anybody is there; `seen`: a face was."""
        before, self._before = self._before, look
        if before is None or before.grid.shape != look.grid.shape:
            self._heat, self._between, self._row = None, None, 0
            return True
        did_move, self.moves = self.moves, self._stirs(changed)
        self._row = self._row + 1 if self.moves else 0
        if self._row == 1:
            self._row_began_s = (before.t_s + look.t_s) / 2
        if self._heat is None:
            self._heat = np.zeros(changed.shape, np.float32)
        if self.moves:
            self._heat += np.float32(self.limits.heat_share) * (changed - self._heat)
        self._known = self._known or float((self._heat > self.limits.hot).mean()) > self.limits.person
        there = self.quiet < self.limits.quiet
        if self._row > 1 and self.quiet == 0:
            # Not this look: whoever leaves is seen to move, too.
            self._between = before.structure
        if seen or self._row >= (1 if self.quiet == 0 else self.limits.stirs_again) or (
            there and not self.moves and self._as_before(look)
        ):
            self.filled_s = (before.t_s + look.t_s) / 2 if seen and not self.moves else self._row_began_s
            self.quiet = 0
        elif not self.moves:
            if self.quiet == 0:
                # Whoever leaves moves: if something moved last time, that was it.
                self.emptied_s = before.t_s if did_move else (before.t_s + look.t_s) / 2
            self.quiet += 1
        return self.quiet < self.limits.quiet

    def _stirs(self, changed: Picture) -> bool:
        """Whether as much changed as when a person moves: a good part of what usually does."""
        limits = self.limits
        if float(changed.mean()) > limits.stir_anywhere:
            return True
        if self._heat is None:
            return float(changed.mean()) > limits.stir
        hot = float(self._within(self._heat > limits.hot).mean())
        warm = self._within(self._heat > limits.warm)
        return float((changed * warm).mean()) > max(limits.stir, limits.stir_part * hot)

    def _as_before(self, look: Look) -> bool:
        """Whether what usually moves looks as it did between its last two movements."""
        if self._between is None or self._heat is None or self._heat.shape != look.structure.shape:
            return False
        hot = self._within(self._heat > self.limits.hot)
        if not hot.any():
            return False
        other = np.abs(look.structure - self._between)[hot] > self.limits.change
        return float(other.mean()) < self.limits.left

    def _within(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The part of a mask where movement counts; all of it if nothing in there ever moves."""
        if self.reach is None or self.reach.shape != mask.shape:
            return mask
        inside = mask & (self.reach > 0)
        return inside if inside.any() else mask
