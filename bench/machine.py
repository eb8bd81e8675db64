"""What a result was measured on, and what a process cost there."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """Which core the measured server has for itself, and which are left to the load."""

    server: int
    load: frozenset[int]

    @classmethod
    def here(cls) -> Cores:
        """The last core is the server's; with a single one the load shares it."""
        usable = os.sched_getaffinity(0)
        server = max(usable)
        return cls(server, frozenset(usable - {server}) or frozenset({server}))


def facts(folder: Path, node: Path | None = None) -> dict[str, object]:
    """The machine, the disk of `folder`, and the versions of what runs the servers."""
    told: dict[str, object] = {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "kernel": platform.release(),
        "file_system": _file_system(folder),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "aiohttp": version("aiohttp"),
    }
    if node is not None:
        told["node"] = subprocess.check_output([node, "--version"], text=True).strip()
    return told


def cpu_s(pid: int) -> float:
    """Processor seconds, user and system, of a process, of its living children, and of those it buried."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(ticks) for ticks in fields[11:15]) / TICKS
    return own + sum(cpu_s(child) for child in children(pid))


def children(pid: int) -> list[int]:
    """The living children of a process, started by any of its threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def memory_mb(pid: int, field: str = "VmRSS") -> float:
    """Resident memory in MB (10^6 bytes); `VmHWM` gives the most there ever was."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError(field)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the file system that `folder` is on: the longest mount point in front of it."""
    best, kind = "", "unknown"
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, type_, *_ = line.split()
        if len(point) >= len(best) and folder.resolve().is_relative_to(point):
            best, kind = point, type_
    return kind
