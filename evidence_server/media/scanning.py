"""Measures a clip as a room scan; runs where media is decoded and imports nothing that reaches further."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from evidence_server.media.clip import Clip, ClipLimits
from evidence_server.vision.presence import FaceFinder
from evidence_server.vision.scan import RoomScan, ScanResult
from evidence_server.vision.strip import draw_strip

#: Comes from npm at set-up (setup/face_model.sh).
FACE_MODEL = Path(__file__).parents[1] / "vision" / "models" / "face_detection_short_range.tflite"


@dataclass(frozen=True)
class MeasuredClip:
    """A scan's measurements as one object for programs (see `ScanResult.to_json`), and its picture.

    `told` also has `problem`: why fewer frames were seen than the clip promises, or empty.
    """

    told: dict[str, Any]
    strip: bytes
    """JPEG; empty where nothing could be seen or none was asked for."""

    @property
    def readable(self) -> bool:
        """Whether any frame could be decoded."""
        return bool(self.told["yaw"])


def measure_clip(
    source: BinaryIO | Path,
    orientation: Iterable[Sequence[float]] | None = None,
    *,
    finder: FaceFinder,
    with_strip: bool = False,
    limits: ClipLimits | None = None,
) -> MeasuredClip:
    """Decode and judge a clip. `orientation`: [t, alpha, beta, gamma], seconds from its first picture, and
    degrees.

    Damaged media gives an answer, not an exception. Raises MemoryError where decoding wants more than there
    may be.
    """
    clip = Clip(source, limits or ClipLimits())
    scan = RoomScan(finder)
    for frame in clip.frames(scan.pace):
        scan.take(frame)
    result = scan.finish(orientation)
    strip = draw_strip(scan.observations, result) if with_strip else b""
    return MeasuredClip({**result.to_json(), "problem": clip.problem}, strip)


def for_journal(result: ScanResult) -> dict[str, Any]:
    """What of a scan is journalled and shown: whole numbers only, without the course frame by frame."""
    return {
        "accepted": str(result.accepted),
        "reasons": [{name: _whole(value) for name, value in one.to_json().items()} for one in result.reasons],
        "net_yaw_deg": round(result.net_yaw),
        "net_yaw_interval_deg": [round(each) for each in result.net_yaw_interval],
        "sectors_covered": list(result.sectors_covered),
        "sectors_missing": list(result.sectors_missing),
        "sectors_unverified": list(result.sectors_unverified),
        "closed": result.closed,
        "direction": result.direction,
        "face_percent": round(result.face_fraction * 100),
        "people_max": result.people_max,
        "longest_absence_ms": round(result.longest_absence_s * 1000),
        "duration_ms": round(result.duration_s * 1000),
    }


def _whole(value: Any) -> Any:
    return round(value) if isinstance(value, float) else value
