"""The room scan: frames in, an answer with reasons and measurements out (promises E5, E6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.course import Course, find_course, full_turn_of
from evidence_server.vision.flow import NOMINAL_FOCAL
from evidence_server.vision.frame import Frame
from evidence_server.vision.judgement import (
    Answer,
    Reason,
    longest_run,
    other_people,
    people_reasons,
    picture_reasons,
    repetition_reasons,
    turn_reasons,
)
from evidence_server.vision.observation import Observations, Observer
from evidence_server.vision.orientation import sensed_turn
from evidence_server.vision.pace import Pace
from evidence_server.vision.presence import FaceFinder
from evidence_server.vision.sectors import COUNT, sectors_at, sectors_passed
from evidence_server.vision.thresholds import ScanThresholds

FEWEST_FRAMES = 10


@dataclass(frozen=True)
class Progress:
    """What can be told while the candidate still turns: the scale is only known at the end."""

    t_s: float
    yaw: float
    sectors: tuple[int, ...]
    candidate: bool


@dataclass(frozen=True)
class ScanResult:
    """The answer, and what it rests on. Yaw in degrees relative to the first frame, growing to the right."""

    accepted: Answer
    reasons: tuple[Reason, ...]
    net_yaw: float
    net_yaw_interval: tuple[float, float]
    sectors_covered: tuple[int, ...]
    sectors_unverified: tuple[int, ...]
    closed: bool
    yaw: tuple[tuple[float, float], ...]
    """(seconds, degrees) for each frame."""
    direction: str
    """right, left, or none."""
    fastest: float
    """Degrees a second, over half a second."""
    face_fraction: float
    longest_absence_s: float
    people_max: int
    duration_s: float
    room_shape: float | None
    sensors_alike: float | None

    @property
    def sectors_missing(self) -> tuple[int, ...]:
        """Those the camera did not look at."""
        return tuple(sorted(set(range(COUNT)) - set(self.sectors_covered)))

    def to_json(self) -> dict[str, Any]:
        """One object for programs; the keys are those of `python -m evidence_server scan --json`."""
        return {
            "accepted": str(self.accepted),
            "reasons": [reason.to_json() for reason in self.reasons],
            "net_yaw": round(self.net_yaw, 2),
            "net_yaw_interval": [round(each, 2) for each in self.net_yaw_interval],
            "sectors_covered": list(self.sectors_covered),
            "sectors_missing": list(self.sectors_missing),
            "sectors_unverified": list(self.sectors_unverified),
            "closed": self.closed,
            "yaw": [[round(t_s, 3), round(degrees, 2)] for t_s, degrees in self.yaw],
            "direction": self.direction,
            "fastest": round(self.fastest, 1),
            "face_fraction": round(self.face_fraction, 3),
            "longest_absence_s": round(self.longest_absence_s, 2),
            "people_max": self.people_max,
            "duration_s": round(self.duration_s, 3),
            "room_shape": None if self.room_shape is None else round(self.room_shape, 3),
            "sensors_alike": None if self.sensors_alike is None else round(self.sensors_alike, 3),
        }


class RoomScan:
    """One scan: take every frame in order, then finish."""

    def __init__(self, finder: FaceFinder, thresholds: ScanThresholds | None = None) -> None:
        """`finder` is shared by the scans of a thread: loading it costs more than a second of frames."""
        self._thresholds = thresholds or ScanThresholds()
        self._observer = Observer(finder, self._thresholds)

    @property
    def pace(self) -> Pace:
        """How many frames it wants."""
        return self._observer.pace

    @property
    def observations(self) -> Observations:
        """All that was measured frame by frame; the strip is drawn from it."""
        return self._observer.seen

    def take(self, frame: Frame) -> None:
        """Measure the next frame, one that `pace` wants; more are no better."""
        self._observer.take(frame)

    def progress(self) -> Progress:
        """How far the turn has come, at the scale of an ordinary room: cheap, and good to a tenth."""
        seen = self._observer.seen
        factor = 360 / full_turn_of(1 / (NOMINAL_FOCAL**2 * 0.8), 0.75)
        yaw = np.array([self._observer.plain_at(view.index) for view in seen.views]) * factor
        sectors = sectors_passed(yaw, np.ones(len(yaw), bool)) if len(yaw) else []
        last = seen.sightings[-1].candidate if seen.sightings else None
        now = seen.t_s[-1] if seen.t_s else 0.0
        return Progress(now, self._observer.plain_turn * factor, tuple(sectors), last is not None)

    def finish(self, orientation: Iterable[Sequence[float]] | None = None) -> ScanResult:
        """Judge the whole; `orientation`: [t, alpha, beta, gamma] in seconds of the frames' clock, and
        degrees."""
        seen, limits = self._observer.seen, self._thresholds
        if len(seen.t_s) < FEWEST_FRAMES:
            return _too_short(seen)
        sensed = None if orientation is None else sensed_turn(orientation)
        course = find_course(seen, sensed, limits)
        reasons = [
            *picture_reasons(seen, limits), *repetition_reasons(seen, course, limits),
            *people_reasons(seen, limits), *turn_reasons(seen, course, limits),
        ]
        times = np.array(seen.t_s)
        usable = _usable(seen, course, limits, limits.fast)
        covered = sectors_passed(course.yaw, usable)
        passed = sectors_passed(course.yaw, _usable(seen, course, limits, limits.too_fast))
        unverified = set(sectors_at(course.yaw, ~usable)) - set(covered)
        missing = set(range(COUNT)) - set(passed) - unverified
        repeat = any(each.answer is Answer.REPEAT for each in reasons)
        if course.closure is not None and missing and not repeat:
            reasons.append(Reason("sectors_missing", Answer.REPEAT, {"sectors": sorted(missing)}))
        answer = max((each.answer for each in reasons), key=list(Answer).index, default=Answer.ACCEPT)
        looked = [look.t_s for look in seen.sightings]
        there = np.array([look.candidate is not None for look in seen.sightings])
        return ScanResult(
            accepted=answer,
            reasons=tuple(reasons),
            net_yaw=course.total,
            net_yaw_interval=(course.low, course.high),
            sectors_covered=tuple(covered),
            sectors_unverified=tuple(sorted(unverified)),
            closed=course.closure is not None and float(np.ptp(course.yaw)) >= limits.closed_turn,
            yaw=tuple(zip(seen.t_s, course.yaw.tolist(), strict=True)),
            direction="none" if abs(course.total) < 45 else "right" if course.total > 0 else "left",
            fastest=_fastest(times, course.yaw),
            face_fraction=float(there.mean()),
            longest_absence_s=longest_run(np.array(looked), ~there)[1],
            people_max=_people_max(seen, limits),
            duration_s=float(times[-1] - times[0]),
            room_shape=course.shape,
            sensors_alike=course.sensors_alike,
        )


def _usable(
    seen: Observations, course: Course, limits: ScanThresholds, fastest: float
) -> NDArray[np.bool_]:
    """Frames that show their sector: open lens, light, slow enough, and measured from the frame before or
    after."""
    light = (np.array(seen.contrast) >= limits.covered_contrast) & (np.array(seen.luma) > 28)
    rate = np.abs(np.gradient(course.yaw, np.array(seen.t_s)))
    apart = np.concatenate([[True], course.lost]) & np.concatenate([course.lost, [True]])
    return np.asarray(light & (rate < fastest) & ~apart)


def _people_max(seen: Observations, limits: ScanThresholds) -> int:
    """Most people at once; one other at most is told apart."""
    others = set(other_people(seen.sightings, limits)[0])
    counts = [int(look.candidate is not None) + int(look.t_s in others) for look in seen.sightings]
    return max(counts, default=0)


def _fastest(times: NDArray[np.float64], yaw: NDArray[np.float64]) -> float:
    span = min(5, len(times) - 1)
    return float((np.abs(yaw[span:] - yaw[:-span]) / (times[span:] - times[:-span])).max())


def _too_short(seen: Observations) -> ScanResult:
    reason = Reason("too_short", Answer.REPEAT, {"frames": len(seen.t_s)})
    return ScanResult(
        accepted=Answer.REPEAT, reasons=(reason,), net_yaw=0.0, net_yaw_interval=(-360.0, 360.0),
        sectors_covered=(), sectors_unverified=(), closed=False, yaw=tuple((t_s, 0.0) for t_s in seen.t_s),
        direction="none", fastest=0.0, face_fraction=0.0, longest_absence_s=0.0, people_max=0,
        duration_s=seen.t_s[-1] - seen.t_s[0] if seen.t_s else 0.0, room_shape=None, sensors_alike=None,
    )
