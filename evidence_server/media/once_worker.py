"""One file looked at in a process of its own: that process.

``python -m evidence_server.media.once_worker scan|inspect FILE LIMITS`` reads one JSON object of facts on
standard input and prints one of what it saw. It opens the file and everything it needs first; then it can
open nothing more. Whoever starts it reads its way of dying: :func:`evidence_server.media.once.look_once`.
"""

from __future__ import annotations

import base64
import json
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import av

from evidence_server.media.eye import prepare
from evidence_server.media.inspection import inspect
from evidence_server.media.limits import Limits
from evidence_server.media.scanning import measure_clip
from evidence_server.vision.presence import FaceFinder
from evidence_server.vision.timeline import draw

Facts = Mapping[str, Any]
Seen = tuple[dict[str, Any], bytes]
"""What is told, and a picture."""


def main() -> None:
    """The process; see the module."""
    av.logging.set_level(None)
    kind, path, limits = sys.argv[1], sys.argv[2], Limits(**json.loads(sys.argv[3]))
    facts = json.load(sys.stdin)
    faces = prepare()
    with Path(path).open("rb") as file:
        limits.apply_to_process()
        limits.allow_cpu()
        before_s = _cpu_s()
        try:
            told, picture = _SEE[kind](file, faces, facts)
        except MemoryError:
            told, picture = {"unreadable": "memory_limit"}, b""
        except ValueError as error:
            told, picture = {"unreadable": str(error)}, b""
        shown = {"cpu_s": round(_cpu_s() - before_s, 3), "picture": base64.b64encode(picture).decode()}
        print(json.dumps(told | shown))


def _scan(file: BinaryIO, faces: FaceFinder, facts: Facts) -> Seen:
    measured = measure_clip(file, facts["orientation"], finder=faces, with_strip=facts["picture"])
    if not measured.readable:
        return {"unreadable": measured.told["problem"]}, b""
    return measured.told, measured.strip


def _inspect(file: BinaryIO, faces: FaceFinder, facts: Facts) -> Seen:
    found = inspect(file, faces)
    told = {
        "spans": [span.to_json() for span in found.spans],
        "unchecked": [[round(span.start_s, 3), round(span.end_s, 3)] for span in found.unchecked],
        "duration_s": round(found.duration_s, 3), "looks": found.looks, "undecoded": found.undecoded,
        "problems": list(found.problems),
    }
    return told, draw(found.spans, found.duration_s) if facts["picture"] else b""


_SEE: dict[str, Callable[[BinaryIO, FaceFinder, Facts], Seen]] = {"scan": _scan, "inspect": _inspect}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
