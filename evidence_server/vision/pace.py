"""How many of a film's pictures are looked at: so many a second, more of them while much changes."""

from __future__ import annotations


class Pace:
    """Says of each picture, in order of time, whether it is wanted: `rate_hz` a second on average.

    Whoever looks at the pictures may change the rate as it goes on.
    """

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._last_s: float | None = None

    def wants(self, t_s: float) -> bool:
        """Whether the picture at `t_s` is due; if so, the next one is a step later."""
        step_s = 1 / self.rate_hz
        if self._last_s is None:
            self._last_s = t_s
            return True
        due_s = self._last_s + step_s
        if t_s + 1e-6 < due_s:
            return False
        # From where it was due, so that the rate holds on average; of what is late nothing is made up for.
        self._last_s = max(due_s, t_s - step_s / 2)
        return True
