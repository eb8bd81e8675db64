"""One file looked at in a process of its own, under the same limits as what the server's eye may do.

``python -m evidence_server.media.once scan|inspect FILE LIMITS`` reads one JSON object of facts on standard
input and prints one of what it saw. It opens the file and everything it needs first; then it can open nothing
more. Whoever starts it reads its way of dying: see :func:`look_once`.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from evidence_server.media.limits import Limits

if TYPE_CHECKING:
    from evidence_server.vision.presence import FaceFinder

Facts = Mapping[str, Any]
Seen = tuple[dict[str, Any], bytes]
"""What is told, and a picture."""

ONCE = Limits(address_space_bytes=1536 << 20, cpu_s=900, wall_s=3600)
"""Half a day of recording, or a scan of five minutes in a format that is slow to decode."""


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
    command = (sys.executable, "-P", "-m", __name__, kind, str(path.absolute()), json.dumps(asdict(limits)))
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


def main() -> None:
    """The process; see the module."""
    # Imported here: who only starts it does without.
    import av

    from evidence_server.media.eye import prepare

    av.logging.set_level(None)
    kind, path, limits = sys.argv[1], sys.argv[2], Limits(**json.loads(sys.argv[3]))
    facts = json.load(sys.stdin)
    faces = prepare()
    with Path(path).open("rb") as file:
        before_s = _cpu_s()
        limits.apply_to_process()
        limits.allow_cpu()
        try:
            seen, picture = _SEE[kind](file, faces, facts)
        except MemoryError:
            seen, picture = {"unreadable": "memory_limit"}, b""
        except ValueError as error:
            seen, picture = {"unreadable": str(error)}, b""
        shown = {"cpu_s": round(_cpu_s() - before_s, 3), "picture": base64.b64encode(picture).decode()}
        print(json.dumps(seen | shown))


def _scan(file: BinaryIO, faces: FaceFinder, facts: Facts) -> Seen:
    from evidence_server.media.scanning import measure_clip

    measured = measure_clip(file, facts["orientation"], finder=faces, with_strip=facts["picture"])
    if not measured.readable:
        return {"unreadable": measured.told["problem"]}, b""
    return measured.told, measured.strip


_SEE: dict[str, Callable[[BinaryIO, FaceFinder, Facts], Seen]] = {"scan": _scan}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
