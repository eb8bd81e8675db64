"""A picture of a recording's spans: one line for each kind, time to the right."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from evidence_server.vision.spans import KINDS, Span

WIDTH, LINE, LEFT, TOP = 1200, 26, 90, 30
_INK, _PALE, _RED = (60, 60, 60), (235, 235, 235), (60, 60, 200)


def draw(spans: Sequence[Span], duration_s: float) -> bytes:
    """PNG of the spans over a recording of `duration_s`; the surer a span, the darker."""
    picture = np.full((TOP + LINE * len(KINDS) + 10, WIDTH, 3), 255, np.uint8)
    scale = (WIDTH - LEFT - 10) / max(duration_s, 1e-3)
    step_s = next((step for step in (10, 60, 300, 600, 1800, 3600) if duration_s / step <= 12), 7200)
    for number, kind in enumerate(KINDS):
        top = TOP + number * LINE
        cv2.rectangle(picture, (LEFT, top), (WIDTH - 10, top + LINE - 6), _PALE, -1)
        _write(picture, kind, 6, top + 15)
        for span in spans:
            if span.kind == kind:
                left, right = (round(LEFT + t_s * scale) for t_s in (span.start_s, span.end_s))
                shade = [round(255 - (255 - part) * (0.3 + 0.7 * span.confidence)) for part in _RED]
                cv2.rectangle(picture, (left, top), (max(right, left + 1), top + LINE - 6), shade, -1)
    for mark in range(int(duration_s // step_s) + 1):
        x, t_s = round(LEFT + mark * step_s * scale), int(mark * step_s)
        cv2.line(picture, (x, TOP - 6), (x, picture.shape[0] - 10), (200, 200, 200), 1)
        _write(picture, f"{t_s // 3600}:{t_s // 60 % 60:02}:{t_s % 60:02}", x + 2, TOP - 10)
    _, encoded = cv2.imencode(".png", picture)
    return encoded.tobytes()


def _write(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], text: str, x: int, y: int) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
