"""Placing what a phone recorded on the server's clock, with an honest uncertainty.

A run's monotonic clock is tied to the server's by clock samples (the server's time at the middle of a
round trip, as in NTP, RFC 5905 §8, so the error is at most half the round trip).  A run without a
sample is placed by the phone's wall clock and the nearest sample of another run: uncertainty, not a gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pairing.messages import ClockSample

UNSAMPLED_MS = 5_000
"""Uncertainty of a placement by wall clock alone: what an unattended phone clock may have been stepped."""


@dataclass(frozen=True)
class Placement:
    """Server time = monotonic time + `offset_ms`, give or take `uncertainty_ms`."""

    offset_ms: int
    uncertainty_ms: int

    def server_ms(self, mono_ms: int) -> int:
        """`mono_ms` on the server's clock."""
        return mono_ms + self.offset_ms


def place_by_samples(samples: Iterable[ClockSample]) -> Placement | None:
    """The placement of a run by its own samples: the one with the shortest round trip; None without any."""
    best = min(samples, key=lambda sample: (sample.rtt_ms, sample.server_ms), default=None)
    if best is None:
        return None
    return Placement(best.server_ms - best.mono_ms, (best.rtt_ms + 1) // 2)


def place_by_wall(mono_ms: int, wall_ms: int, samples: Iterable[ClockSample]) -> Placement:
    """The placement of a run that never met the server: at `mono_ms` its wall clock read `wall_ms`.

    The nearest sample (by wall time) of any run tells how far the wall clock was from the server's;
    without any the wall clock is taken at its word.
    """
    nearest = min(samples, key=lambda sample: abs(sample.wall_ms - wall_ms), default=None)
    skew = nearest.server_ms - nearest.wall_ms if nearest is not None else 0
    rtt = nearest.rtt_ms if nearest is not None else 0
    return Placement(wall_ms + skew - mono_ms, UNSAMPLED_MS + (rtt + 1) // 2)
