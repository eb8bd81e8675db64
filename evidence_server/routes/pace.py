"""How long a body that arrives slowly can be left alone.

A phone on a slow line sends a few KiB at a time.  Being woken for each costs more than the bytes do: the
poll, the read, the parser, the task.  Left in the kernel for a moment they come as one.  Nothing waits for
them meanwhile: they are promised to nobody before the body's end.
"""

from __future__ import annotations

TOGETHER_BYTES = 32 * 1024
"""What is to come at once: half of what Linux takes on a new connection (tcp_rmem's default) before the
sender has to wait, so that a line that gets faster is seen to and not held up."""
LONGEST_S = 0.25
"""The most that a lost connection is noticed later."""
_SHORTEST_S = 0.04
_MEASURED_S = 0.2


class Pace:
    """The rate of one body, measured anew over a fifth of a second or the last rest.  Times in seconds."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._received = 0

    def rest_s(self, received: int, missing: int | None, now: float) -> float:
        """How long to leave the body alone after `received` bytes more; 0: not at all.

        `missing` bytes are still to come, None if nobody knows: nobody waits long for fewer than
        TOGETHER_BYTES.
        """
        self._received += received
        passed = now - self._since
        if passed < _MEASURED_S:
            return 0.0
        expected = TOGETHER_BYTES if missing is None else min(TOGETHER_BYTES, missing)
        rest = min(LONGEST_S, expected * passed / self._received) if self._received else 0.0
        self._since, self._received = now, 0
        return rest if rest >= _SHORTEST_S else 0.0
