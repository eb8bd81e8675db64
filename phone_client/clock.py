"""The two clocks of the phone, read together, so that every record can carry both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def mono_us() -> int:
    """Microseconds of the monotonic clock: never set, never stepping back, zero at the phone's start."""
    return time.monotonic_ns() // 1_000


def wall_ms() -> int:
    """Milliseconds since the epoch as the phone believes them; may be wrong and may be set at any time."""
    return time.time_ns() // 1_000_000


def asleep_us() -> int:
    """Microseconds that the phone has slept since its start: time that the monotonic clock does not count."""
    return (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)) // 1_000


def boot() -> str:
    """Which start of the phone the monotonic clock counts from."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""


@dataclass(frozen=True)
class Instant:
    """One moment on both clocks."""

    mono_us: int
    wall_ms: int


@dataclass(frozen=True)
class Clock:
    """Where the client reads time; tests hand in clocks of their own."""

    SLEPT_US: ClassVar[int] = 500_000
    """Two readings of `asleep_us` that differ by more than this have a sleep between them."""

    mono_us: Callable[[], int] = mono_us
    wall_ms: Callable[[], int] = wall_ms
    boot: str = field(default_factory=boot)
    asleep_us: Callable[[], int] = asleep_us

    def instant(self) -> Instant:
        """Both clocks now."""
        return Instant(self.mono_us(), self.wall_ms())

    def at(self, moment_us: int) -> Instant:
        """Both clocks at a monotonic moment near now (the wall clock is taken to have run evenly since)."""
        now = self.instant()
        return Instant(moment_us, now.wall_ms + (moment_us - now.mono_us) // 1_000)
