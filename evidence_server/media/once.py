"""One file looked at in a process of its own, under limits like those of the eye: the caller's side."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evidence_server.media.limits import Limits

ONCE = Limits(address_space_bytes=1536 << 20, cpu_s=900, wall_s=3600)
"""Half a day of recording, or a scan of five minutes in a format that is slow to decode."""
PROGRAM = "evidence_server.media.once_worker"


def look_once(kind: str, path: Path, facts: dict[str, Any], limits: Limits = ONCE) -> dict[str, Any]:
    """What was seen in a file: the result's members, ``cpu_s``, and ``picture`` as base64; where nothing
    could be, ``unreadable``, a code. Whatever the file does to its reader is an answer, not an exception.

    Raises:
        OSError: the reader can't be started.
    """
    root = str(Path(__file__).parents[2])
    environment = {
        "PATH": os.defpath, "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""),
        "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
        "MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1",
    }
    command = (sys.executable, "-P", "-m", PROGRAM, kind, str(path.absolute()), json.dumps(asdict(limits)))
    try:
        ended = subprocess.run(  # noqa: S603  our own program; a path is never one of its options
            command, input=json.dumps(facts).encode(), capture_output=True, env=environment, check=False,
            timeout=limits.wall_s,
        )
    except subprocess.TimeoutExpired:
        return {"unreadable": "time_limit"}
    if ended.returncode == 0:
        seen: dict[str, Any] = json.loads(ended.stdout)
        return seen
    return {"unreadable": "time_limit" if ended.returncode == -signal.SIGXCPU else "undecodable"}
