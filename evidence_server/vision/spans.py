"""Spans: stretches of a recording in which something is not as it should be, and how they open and close."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2

from evidence_server.vision.frame import Frame

KINDS = (
    "black", "covered", "frozen", "repeated", "moved", "absent", "people", "blurred", "dark", "silent",
)
UNCHECKED = "unchecked"
"""No kind of what was seen: a stretch with pictures none of which could be looked at."""
UNCHECKED_S = 12.0
"""Longest time between two key frames that decode which is not told: phones are asked for one every 2 s, and
browsers that do not listen make one every 10 s."""
HOLE_S = 2.0
"""Where no picture comes for longer nothing is recorded: that is a gap, and others measure it."""
PICTURE_WIDTH, PICTURE_BYTES = 320, 20_000
"""Of a span's picture: wide enough to see what is meant, small enough to keep hundreds."""


@dataclass(frozen=True)
class Span:
    """One stretch, [start_s, end_s) in seconds of the recording, and how sure it is, 0 to 1.

    An edge lies halfway between the last picture without and the first one with it (or the reverse): with a
    key frame every two seconds it is right to within one.  `open`: it still went on when last looked.
    """

    kind: str
    start_s: float
    end_s: float
    confidence: float
    open: bool
    picture: bytes | None = None
    """JPEG of a moment inside it, at most `PICTURE_WIDTH` wide and `PICTURE_BYTES` long."""

    def to_json(self) -> dict[str, Any]:
        """Kind, edges and confidence as JSON values."""
        return {
            "kind": self.kind, "start": round(self.start_s, 2), "end": round(self.end_s, 2),
            "confidence": round(self.confidence, 2),
        }


def thumbnail(frame: Frame) -> bytes:
    """The frame as a JPEG of at most `PICTURE_WIDTH` pixels and `PICTURE_BYTES` bytes."""
    scale = min(1.0, PICTURE_WIDTH / frame.width, PICTURE_WIDTH / frame.height)
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    picture = cv2.resize(frame.bgr, size, interpolation=cv2.INTER_AREA)
    for quality in (80, 60, 40, 20, 5):
        _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(encoded) <= PICTURE_BYTES:
            break
    return encoded.tobytes()


class SpanKeeper:
    """Turns one kind's observations, in order of time, into spans.

    A span opens after `confirm` observations in a row that say yes, and closes after `release` that say no;
    its edges are where those began.  An observation that cannot tell changes nothing.  Spans beyond `limit`
    are joined with the last: a recording that flickers for hours gives no more.
    """

    def __init__(self, kind: str, confirm: int = 1, release: int = 1, limit: int = 100) -> None:
        """One kind of spans."""
        self._kind = kind
        self._confirm, self._release, self._limit = confirm, release, limit
        self._closed: list[Span] = []
        self._open: Span | None = None
        self._last_s: float | None = None  # last definite answer, and last of any kind
        self._before_s: float | None = None
        self._edge_s = 0.0  # where the row of yes (or, inside a span, of no) began
        self._row = 0
        self._row_confidence = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a span is going on."""
        return self._open is not None

    @property
    def is_rising(self) -> bool:
        """Whether there was a yes that is not confirmed yet."""
        return self._open is None and self._row > 0

    def observe(
        self, t_s: float, yes: bool | None, confidence: float = 1.0, frame: Frame | None = None,
        since_s: float | None = None,
    ) -> None:
        """Say whether it is so at `t_s`; None: cannot tell.

        `since_s`: when it became so, if that is known.
        """
        if yes is None:
            self._before_s = t_s
            return
        if yes == self.is_open:
            self._row, self._row_confidence = 0, 0.0
            if self._open is not None:
                self._extend(t_s, confidence, frame)
        elif self._open is None:
            self._rise(t_s, confidence, frame, since_s)
        else:
            self._fall(t_s, since_s)
        self._last_s = self._before_s = t_s

    def finish(self, end_s: float) -> None:
        """Say that nothing comes any more: what goes on goes on to `end_s`."""
        if self._open is not None:
            self._open = replace(self._open, end_s=max(end_s, self._open.end_s))

    def spans(self) -> list[Span]:
        """All so far, in order; the open one last."""
        return self._closed + ([self._open] if self._open else [])

    def _rise(self, t_s: float, confidence: float, frame: Frame | None, since_s: float | None) -> None:
        if self._row == 0:
            self._edge_s = self._edge(t_s, since_s)
        self._row += 1
        self._row_confidence = max(self._row_confidence, confidence)
        if self._row < self._confirm:
            return
        picture = thumbnail(frame) if frame else None
        if len(self._closed) >= self._limit:
            last = self._closed.pop()
            self._open = replace(last, end_s=t_s, open=True)
        else:
            self._open = Span(self._kind, self._edge_s, t_s, self._row_confidence, True, picture)
        self._row = 0

    def _extend(self, t_s: float, confidence: float, frame: Frame | None) -> None:
        if self._open is None:
            return
        surest = max(self._open.confidence, confidence)
        picture = self._open.picture
        if frame and confidence > self._open.confidence + 0.1:
            picture = thumbnail(frame)
        self._open = replace(self._open, end_s=t_s, confidence=surest, picture=picture)

    def _fall(self, t_s: float, since_s: float | None) -> None:
        if self._open is None:
            return
        if self._row == 0:
            self._edge_s = max(self._open.start_s, self._edge(t_s, since_s))
        self._row += 1
        if self._row >= self._release:
            self._closed.append(replace(self._open, end_s=self._edge_s, open=False))
            self._open, self._row, self._row_confidence = None, 0, 0.0

    def _edge(self, t_s: float, since_s: float | None) -> float:
        """Where an edge lies: between the last definite answer and now, but not before an unclear one."""
        after_s = self._closed[-1].end_s if self._closed else None
        if since_s is not None:
            edge = since_s
        elif self._before_s is None:
            edge = t_s
        elif self._last_s is None or self._last_s < self._before_s:
            edge = self._before_s
        else:
            edge = (self._last_s + t_s) / 2
        return edge if after_s is None else max(edge, after_s)


class Sight:
    """Follows a recording's pictures, in order of time, for stretches in which none could be looked at."""

    def __init__(self, limit: int = 100) -> None:
        """Spans beyond `limit` are joined with the last."""
        self._limit = limit
        self._closed: list[Span] = []
        self._since_s: float | None = None  # the last picture that was looked at, or the first behind a hole
        self._newest_s = 0.0

    def there(self, t_s: float) -> None:
        """There is a picture at `t_s`."""
        if self._since_s is None or t_s - self._newest_s > HOLE_S:
            self._close()
            self._since_s = t_s
        self._newest_s = max(self._newest_s, t_s)

    def looked(self, t_s: float) -> None:
        """The picture at `t_s` was looked at."""
        self.there(t_s)
        self._close()
        self._since_s = t_s

    def spans(self) -> list[Span]:
        """All so far; one that goes on is open."""
        going_on = self._going_on()
        return [*self._closed, *([going_on] if going_on else [])]

    def _going_on(self) -> Span | None:
        since_s = self._since_s
        if since_s is None or self._newest_s - since_s <= UNCHECKED_S:
            return None
        return Span(UNCHECKED, since_s, self._newest_s, 1.0, True)

    def _close(self) -> None:
        over = self._going_on()
        if over is None:
            return
        if len(self._closed) >= self._limit:
            over = replace(over, start_s=self._closed.pop().start_s)
        self._closed.append(replace(over, open=False))
