"""What the media worker may use. The numbers are far above any honest segment and far below what hurts."""

from __future__ import annotations

import math
import resource
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of the worker; one object for both sides."""

    address_space_bytes: int = 768 << 20
    """RLIMIT_AS. The worker itself takes about 300 MB of addresses and 60 MB of memory."""
    cpu_s: int = 5
    """Processor seconds for one segment (RLIMIT_CPU, raised before each); an honest one takes 0.01."""
    wall_s: int = 120
    """Seconds without an answer after which the worker is taken for stuck and ended."""
    start_s: int = 60
    """Seconds for the worker to start."""
    segment_bytes: int = 64 << 20
    """A larger segment is not read at all."""
    pixels: int = 4096 * 2304
    """Of the picture: width times height. A larger one is not decoded."""
    open_runs: int = 96
    """Runs kept open; the least recently used is closed, and read again from its start if it goes on."""

    def apply_to_process(self) -> None:
        """Bind the calling process for good: no files or sockets, no children, no core, bounded memory.

        Everything must have been imported and every thread started. Standard streams stay usable.
        """
        resource.setrlimit(resource.RLIMIT_AS, (self.address_space_bytes,) * 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Only descriptors 0 to 2 exist; no number is left for another.
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        # Counts the user's threads: neither fork nor a new thread. (The superuser is exempt.)
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))

    def allow_cpu(self) -> None:
        """Give the calling process ``cpu_s`` from now on; the kernel ends it by SIGXCPU beyond that."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = math.ceil(used.ru_utime + used.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (spent + self.cpu_s, resource.RLIM_INFINITY))
