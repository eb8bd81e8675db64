"""The turn as the phone's own sensors felt it: W3C DeviceOrientation to yaw.

A phone held upright has beta near 90 degrees, where alpha and gamma alone mean nothing (gimbal lock). The
rotation matrix does: its third column is the direction out of the screen, where the front camera looks (W3C
Device Orientation and Motion, section "deviceorientation event"; R = Rz(alpha) Rx(beta) Ry(gamma),
east-north-up).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

MOST_SAMPLES = 60 * 400
"""Beyond that nothing is read: 400 s at the browsers' 60 Hz."""
UPRIGHT_PITCH = 60.0
"""Degrees up or down from which the direction's compass angle is not trusted."""


@dataclass(frozen=True)
class SensedTurn:
    """Yaw in degrees (growing to the right, unwrapped, any zero) at times in seconds, both growing with
    time."""

    t_s: Doubles
    yaw: Doubles

    def at(self, times: Doubles) -> Doubles:
        """Yaw at the given times, relative to the first of them; constant before the first and after the last
        sample."""
        yaw = np.interp(times, self.t_s, self.yaw)
        return np.asarray(yaw - yaw[0])

    def covers(self, start_s: float, end_s: float) -> bool:
        """Whether samples span the interval and leave no second of it out."""
        if self.t_s[0] > start_s + 1 or self.t_s[-1] < end_s - 1:
            return False
        inside = self.t_s[(self.t_s > start_s) & (self.t_s < end_s)]
        return bool(np.diff(np.concatenate([[start_s], inside, [end_s]])).max() <= 1)


def sensed_turn(samples: Iterable[Sequence[float]]) -> SensedTurn | None:
    """From samples [t, alpha, beta, gamma] in seconds and degrees; None if too few of them make sense.

    What is no number, out of order or looks at the ceiling is left out.
    """
    times: list[float] = []
    angles: list[float] = []
    for count, sample in enumerate(samples):
        if count >= MOST_SAMPLES:
            break
        numbers = [value for value in sample[:4] if isinstance(value, int | float) and math.isfinite(value)]
        if len(numbers) < 4:
            continue
        t_s, alpha, beta, gamma = numbers
        east, north, up = _out_of_the_screen(alpha, beta, gamma)
        if (times and t_s <= times[-1]) or abs(up) > math.sin(math.radians(UPRIGHT_PITCH)):
            continue
        times.append(t_s)
        angles.append(math.atan2(east, north))
    if len(times) < 10:
        return None
    return SensedTurn(np.array(times), np.degrees(np.unwrap(np.array(angles))))


def _out_of_the_screen(alpha: float, beta: float, gamma: float) -> tuple[float, float, float]:
    """The matrix's third column: east, north, up."""
    a, b, g = (math.radians(angle) for angle in (alpha, beta, gamma))
    return (
        math.cos(a) * math.sin(g) + math.sin(a) * math.sin(b) * math.cos(g),
        math.sin(a) * math.sin(g) - math.cos(a) * math.sin(b) * math.cos(g),
        math.cos(b) * math.cos(g),
    )
