"""What the eye keeps of a run while it looks at it: one view each of a whole run, a scan and a placement.

Views take pieces in order, decode what they need of them, and hand the pictures to `vision`.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from evidence_server.media.demuxer import Demuxer, Drained, Keep
from evidence_server.media.glance import Glance, Glancer
from evidence_server.media.inspection import Inspector
from evidence_server.media.limits import Limits
from evidence_server.media.measurement import Problem
from evidence_server.media.pictures import PictureDecoder
from evidence_server.media.scanning import for_journal
from evidence_server.media.stream import RunStream
from evidence_server.vision.anchor import Reader
from evidence_server.vision.boxes import Box
from evidence_server.vision.frame import Frame, Picture
from evidence_server.vision.placement import Corners, faces_at_desk, judge_placement
from evidence_server.vision.presence import FaceFinder
from evidence_server.vision.scan import RoomScan
from evidence_server.vision.spans import Span, thumbnail
from evidence_server.vision.strip import draw_strip

MARKER_EVERY = 3
"""Key frames from one search for the laptop's marker to the next: each is shown for 30 s."""
LEAD_US = 5_000_000
"""So much in front of a scan is decoded: a picture needs the key frame before it (protocol §3: 4 s)."""

Facts = Mapping[str, Any]
Seen = dict[str, Any]


class View(ABC):
    """A run that is being looked at."""

    keep: Keep

    def __init__(
        self, container: str, limits: Limits, begin: Callable[[Demuxer], None], faces: FaceFinder
    ) -> None:
        """``container`` is the claimed media type; ``begin`` starts a demuxer in the run's thread."""
        self._limits = limits
        self._faces = faces
        self._stream = RunStream(container, begin, self.keep)

    def feed(self, segment: int, piece: bytes, *, jump: bool, facts: Facts) -> Seen:
        """Look at the run's next segment; ``jump``: some are missing in front of it.

        Raises:
            MemoryError: looking wants more memory than the process may have; it must end.
        """
        problems: list[Problem] = []
        if segment == 0:
            self._begin_with(piece)
        return self._take(self._stream.feed(segment, piece, jump=jump, problems=problems), facts)

    def conclude(self, facts: Facts) -> Seen | None:
        """The answer to all of it."""
        return None

    def close(self) -> None:
        """End the demuxer, so that its thread is free for another run."""
        self._stream.close()

    def _begin_with(self, header: bytes) -> None:
        """A look at the first segment's bytes before they are demuxed, for a view that wants one."""
        del header

    @abstractmethod
    def _take(self, drained: Drained, facts: Facts) -> Seen:
        """What came out of a segment."""


class RunView(View):
    """A whole run: what is wrong with its picture and sound, and the markers seen in it.

    Facts: ``codes``, those that the page has shown; ``fresh_us``, moments at which the phone was put down or
    taken up: what it sees from then on is compared with nothing before.
    """

    keep = Keep.GLANCE

    def __init__(
        self, container: str, limits: Limits, begin: Callable[[Demuxer], None], faces: FaceFinder
    ) -> None:
        """See :class:`View`."""
        super().__init__(container, limits, begin, faces)
        self._inspector = Inspector(faces, limits.pixels, luma_every=MARKER_EVERY)
        self._reader = Reader()
        self._over: list[Span] = []
        self._fresh_s = 0.0
        self._pictured: set[tuple[str, int]] = set()

    def _begin_with(self, header: bytes) -> None:
        self._inspector.turn_as(header)

    def _take(self, drained: Drained, facts: Facts) -> Seen:
        self._begin_afresh(drained, facts)
        glances = self._inspector.take(drained.kept)
        return self._seen([look for glance in glances for look in self._read(glance, facts)])

    def _begin_afresh(self, drained: Drained, facts: Facts) -> None:
        """Begins anew with a piece in which the phone was taken up or put down: it sees something else."""
        ends_us = max((at_us for at_us, *_ in drained.video if at_us is not None), default=0)
        latest_s = max((at_us / 1e6 for at_us in facts["fresh_us"] if at_us <= ends_us), default=0.0)
        if latest_s > self._fresh_s:
            self._fresh_s = latest_s
            self._over += self._inspector.begin_afresh()

    def _read(self, glance: Glance, facts: Facts) -> list[list[int]]:
        if glance.luma is None:
            return []
        found = self._reader.read(glance.luma, facts["codes"])
        return [[round(glance.t_s * 1e6), *(reading.code for reading in found)]]

    def _seen(self, markers: list[list[int]]) -> Seen:
        spans = self._inspector.continuity.spans()
        fresh = [span for span in spans if span.picture and _key(span) not in self._pictured]
        self._pictured |= {_key(span) for span in fresh}
        return {
            "closed": [_row(span) for span in (*self._over, *spans) if not span.open],
            "open": [_row(span) for span in spans if span.open],
            "markers": markers,
            "pictures": [
                {"kind": span.kind, "start_us": _key(span)[1], "jpeg": _text(span.picture)} for span in fresh
            ],
        }


class ScanView(View):
    """A room scan.  Facts: ``from_us`` and ``to_us``; at the end ``orientation``."""

    keep = Keep.PICTURES

    def __init__(
        self, container: str, limits: Limits, begin: Callable[[Demuxer], None], faces: FaceFinder
    ) -> None:
        """See :class:`View`."""
        super().__init__(container, limits, begin, faces)
        self._scan = RoomScan(faces)
        self._pictures = PictureDecoder(self._scan.pace)

    def _begin_with(self, header: bytes) -> None:
        self._pictures.turn_as(header)

    def _take(self, drained: Drained, facts: Facts) -> Seen:
        from_us, to_us = facts["from_us"], facts["to_us"]
        for packet in drained.kept.pictures:
            at_us = round((packet.pts or 0) * (packet.time_base or 0) * 1_000_000)
            if at_us < from_us - LEAD_US or (to_us is not None and at_us > to_us):
                continue
            for frame in self._pictures.decode(packet):
                if frame.t_s * 1e6 >= from_us and (to_us is None or frame.t_s * 1e6 <= to_us):
                    self._scan.take(replace(frame, t_s=frame.t_s - from_us / 1e6))
        progress = self._scan.progress()
        return {"progress": {"yaw_deg": round(progress.yaw), "sectors": list(progress.sectors)}}

    def conclude(self, facts: Facts) -> Seen:
        result = self._scan.finish(facts["orientation"] or None)
        strip = draw_strip(self._scan.observations, result)
        return {"result": for_journal(result), "picture": _text(strip)}


class PlacementView(View):
    """Where the phone was put.  Facts: ``from_us`` and ``to_us``."""

    keep = Keep.GLANCE

    def __init__(
        self, container: str, limits: Limits, begin: Callable[[Demuxer], None], faces: FaceFinder
    ) -> None:
        """See :class:`View`."""
        super().__init__(container, limits, begin, faces)
        self._glancer = Glancer(limits.pixels, luma_every=1)
        self._reader = Reader()
        self._frames: list[Frame] = []
        self._marker: Corners | None = None

    def _begin_with(self, header: bytes) -> None:
        self._glancer.turn_as(header)

    def _take(self, drained: Drained, facts: Facts) -> Seen:
        for packet in drained.kept.keys:
            glance = self._glancer.look(packet)
            if glance is None or glance.frame is None or glance.luma is None:
                continue
            if facts["from_us"] <= glance.t_s * 1e6 <= facts["to_us"]:
                self._frames.append(glance.frame)
                self._marker = self._marker or self._find(glance.luma)
        return {}

    def _find(self, luma: Picture) -> Corners | None:
        """Any marker's corners, in fractions: whose it is, is judged along the whole recording."""
        height, width = luma.shape
        for reading in self._reader.read(luma):
            return tuple((x / width, y / height) for x, y in reading.corners)
        return None

    def conclude(self, facts: Facts) -> Seen | None:
        """See :class:`View`."""
        placement = judge_placement(self._frames, self._faces_in, self._marker)
        picture = _text(thumbnail(self._frames[-1])) if self._frames else ""
        result = {
            "ok": placement.answer == "ok", "missing": list(placement.missing), "screen": placement.screen,
        }
        return {"result": result, "picture": picture}

    def _faces_in(self, frame: Frame) -> list[Box]:
        return faces_at_desk(frame, self._faces)


def _key(span: Span) -> tuple[str, int]:
    return span.kind, round(span.start_s * 1e6)


def _row(span: Span) -> dict[str, Any]:
    kind, start_us = _key(span)
    return {
        "kind": kind, "start_us": start_us, "end_us": round(span.end_s * 1e6),
        "confidence_percent": round(span.confidence * 100),
    }


def _text(jpeg: bytes | None) -> str:
    return base64.b64encode(jpeg or b"").decode()
