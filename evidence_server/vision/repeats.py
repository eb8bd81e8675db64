"""Repeated pictures: a stretch of the recording that was shown before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evidence_server.vision.look import Look


@dataclass(frozen=True)
class Repeated:
    """Whether the picture was shown before (None: cannot tell), how sure that is, and since when."""

    yes: bool | None
    confidence: float = 0.0
    since_s: float | None = None


class Repeats:
    """Compares what changes from look to look with what changed before."""

    def take_sizes(self, sizes: Sequence[tuple[float, float]]) -> None:
        """Sizes."""

    def take(self, look: Look) -> Repeated:
        """The next look."""
        return Repeated(False)
