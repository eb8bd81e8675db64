"""Repeated pictures: a stretch of the recording that was shown before, as a replayed loop does.

Several looks in a row must each be the very picture of a look so much earlier, while what they show moves: a
calm room looks like itself at any time.

Limits: only key frames are compared, so that a loop is seen when its pictures fall on key frames at the same
moments again (to about one picture): at once if its length is a whole number of key-frame intervals, else
only when its rounds have drifted there, or not at all.  Loops longer than the memory are not seen.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import cast

import cv2
import numpy as np

from evidence_server.vision.continuity_thresholds import REPEATS, RepeatsThresholds
from evidence_server.vision.frame import Picture
from evidence_server.vision.look import Grid, Look

SIGNATURE = (80, 45)
"""Columns and rows of what is remembered of a look, a byte each."""
SUMS = 24
"""Numbers by which looks are found again before they are compared."""


@dataclass(frozen=True)
class Repeated:
    """Whether the picture was shown before, how sure that is, and since when."""

    yes: bool
    confidence: float = 0.0
    since_s: float | None = None


@dataclass(frozen=True, eq=False)
class _Memory:
    t_s: float
    signature: Picture


@dataclass(frozen=True)
class _Row:
    """Looks in a row that repeat what was shown `lag_s` earlier; `moving`: how many of them moved."""

    lag_s: float
    began_s: float
    moving: int


@dataclass
class Repeats:
    """Remembers the looks of the last hour or so and compares each new one with them."""

    limits: RepeatsThresholds = REPEATS
    _memories: deque[_Memory] = field(default_factory=deque)
    _sums: Grid = field(default_factory=lambda: np.zeros((0, SUMS), np.float32))
    _rows: list[_Row] = field(default_factory=list)
    _before: _Memory | None = None

    def take(self, look: Look) -> Repeated:
        """Compare the next look with those before, and remember it."""
        memory = _Memory(look.t_s, _signature(look))
        before, self._before = self._before, memory
        moves = before is not None and _differ(memory.signature, before.signature, self.limits.moved)
        sums = _sums(memory.signature)
        rows = []
        for earlier in self._candidates(sums, look.t_s):
            if not _differ(memory.signature, earlier.signature, self.limits.same):
                rows.append(self._row(look.t_s - earlier.t_s, before, look.t_s, moves))
        self._rows = rows
        self._remember(memory, sums)
        best = max(rows, key=lambda row: row.moving, default=None)
        if best is None or best.moving < self.limits.looks:
            return Repeated(False)
        return Repeated(True, min(0.95, 0.6 + 0.1 * best.moving), best.began_s)

    def _row(self, lag_s: float, before: _Memory | None, t_s: float, moves: bool) -> _Row:
        for row in self._rows:
            if abs(row.lag_s - lag_s) <= self.limits.lag_s:
                return _Row(lag_s, row.began_s, row.moving + moves)
        return _Row(lag_s, t_s if before is None else (before.t_s + t_s) / 2, 1)

    def _candidates(self, sums: Grid, t_s: float) -> list[_Memory]:
        """The memories most like a look, not of the last seconds."""
        if not self._memories:
            return []
        distance = np.abs(self._sums - sums).sum(axis=1)
        nearest = np.argsort(distance, kind="stable")[: self.limits.candidates].tolist()
        # and those that go on what was repeated before
        expected = [t_s - row.lag_s for row in self._rows]
        found = [self._memories[number] for number in nearest]
        near_s = self.limits.lag_s / 2
        found += [
            memory for memory in self._memories if any(abs(memory.t_s - one) < near_s for one in expected)
        ]
        unique = {memory.t_s: memory for memory in found}
        return [memory for memory in unique.values() if t_s - memory.t_s >= self.limits.shortest_s]

    def _remember(self, memory: _Memory, sums: Grid) -> None:
        self._memories.append(memory)
        self._sums = np.concatenate([self._sums, sums[None]])
        if len(self._memories) > self.limits.memories:
            self._memories.popleft()
            self._sums = self._sums[1:]


def _signature(look: Look) -> Picture:
    small = cv2.resize(look.structure, SIGNATURE, interpolation=cv2.INTER_AREA)
    return cast(Picture, cv2.convertScaleAbs(small, alpha=1, beta=128))


def _sums(signature: Picture) -> Grid:
    """The signature folded to a few numbers: every point counts in one, with alternating sign."""
    flat = signature.astype(np.float32).ravel()
    flat[1::2] *= -1
    return cast(Grid, flat.reshape(-1, SUMS).sum(axis=0))


def _differ(one: Picture, other: Picture, by: float) -> bool:
    """Whether more than one point of two hundred differs by so much."""
    return float((cv2.absdiff(one, other) > by).mean()) > 0.005
