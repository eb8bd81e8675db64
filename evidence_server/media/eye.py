"""The eye: the limited process that looks at pictures and sound.

``python -m evidence_server.media.eye`` speaks :mod:`evidence_server.media.wire` on its standard streams with
:class:`evidence_server.media.eyes.Eyes`. Like the worker that measures packets it has no files, no sockets
and no children once it has begun.

Requests: ``feed`` (seat, container, segment, jump, measure, bytes; ``kind``: run, scan or placement, and what
that one wants to know), ``finish`` (seat), ``close`` (seat). The reply is ``{"seen": {…}}``, null where
nothing was asked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import av
import av.audio.codeccontext
import av.video.codeccontext
import av.video.reformatter
import cv2
import numpy as np
import numpy.fft
import numpy.ma  # like those of av, imported with their first use: too late for us

from evidence_server.media.demuxer import Demuxer, Seat
from evidence_server.media.limits import Limits
from evidence_server.media.scanning import FACE_MODEL
from evidence_server.media.viewing import PlacementView, RunView, ScanView, View
from evidence_server.media.worker import serve
from evidence_server.vision.anchor import Reader
from evidence_server.vision.continuity import Continuity
from evidence_server.vision.frame import Frame
from evidence_server.vision.placement import faces_at_desk, judge_placement
from evidence_server.vision.presence import FaceFinder
from evidence_server.vision.scan import RoomScan
from evidence_server.vision.spans import thumbnail
from evidence_server.vision.strip import draw_strip

_KINDS: dict[str, Callable[..., View]] = {"run": RunView, "scan": ScanView, "placement": PlacementView}


class Eye:
    """Answers requests, one at a time; a seat holds one open view."""

    def __init__(self, limits: Limits, seats: list[Seat], faces: FaceFinder) -> None:
        """``seats`` are started threads."""
        self._limits = limits
        self._seats = seats
        self._faces = faces
        self._views: dict[int, View] = {}

    def answer(self, request: dict[str, Any], piece: bytes) -> dict[str, Any]:
        """The reply to one request.

        Raises:
            MemoryError: the limit was reached; the process must end.
        """
        seat = request["seat"]
        if request["op"] == "feed":
            view = self._views.get(seat) or self._begin(seat, request)
            shown = view.feed(request["segment"], piece, jump=request["jump"], facts=request)
            return {"seen": shown if request["measure"] else None}
        closing = self._views.pop(seat, None)
        if closing is None:
            return {"seen": None}
        seen = closing.conclude(request) if request["op"] == "finish" else None
        closing.close()
        return {"seen": seen}

    def _begin(self, seat: int, request: dict[str, Any]) -> View:
        begin: Callable[[Demuxer], None] = self._seats[seat].begin
        view = _KINDS[request["kind"]](request["container"], self._limits, begin, self._faces)
        self._views[seat] = view
        return view


def rehearse(faces: FaceFinder) -> None:
    """Use everything once: numpy and others import some of their parts when they are first used, and soon
    there will be no files to import from."""
    noise = np.random.default_rng(0)
    pictures = [noise.integers(0, 255, (320, 180, 3), np.uint8) for _ in range(12)]
    frames = [Frame(number / 10, picture) for number, picture in enumerate(pictures)]
    scan, continuity = RoomScan(faces), Continuity(faces)
    for frame in frames:
        scan.take(frame)
        continuity.take_picture(frame)
    scan.progress()
    draw_strip(scan.observations, scan.finish([[frame.t_s, 10 * frame.t_s, 90, 0] for frame in frames]))
    continuity.spans()
    thumbnail(frames[0])
    Reader().read(frames[0].luma, (1,))
    judge_placement(frames, lambda frame: faces_at_desk(frame, faces))


def prepare() -> FaceFinder:
    """Read and import, while there are files, whatever looking needs."""
    cv2.setNumThreads(1)
    faces = FaceFinder(FACE_MODEL)
    rehearse(faces)
    return faces


def main() -> None:
    """The eye's process; its one argument is the limits as JSON."""
    av.logging.set_level(None)
    limits = Limits(**json.loads(sys.argv[1]))
    faces = prepare()
    tools = {"av": av.__version__, "ffmpeg": av.ffmpeg_version_info, "opencv": cv2.__version__}
    serve(sys.stdin.buffer, sys.stdout.buffer, limits, tools, lambda seats: Eye(limits, seats, faces))


if __name__ == "__main__":
    main()
