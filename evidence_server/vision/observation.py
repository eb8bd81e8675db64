"""What is measured of a scan frame by frame, cheaply and in order; the judgement comes at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision import flow
from evidence_server.vision.closure import View
from evidence_server.vision.distant import Distant
from evidence_server.vision.frame import Frame, Picture
from evidence_server.vision.pace import Pace
from evidence_server.vision.presence import Face, FaceFinder, Sighting, Watch
from evidence_server.vision.thresholds import ScanThresholds

THUMB = (18, 32)
"""Width and height of the picture kept of every frame."""
VIEW_EVERY = 3.5
"""Apparent degrees between two frames kept for comparing and for the strip."""
MOST_VIEWS = 400
"""Frames kept: three full turns."""
LARGEST_SIDE = 400
"""Pixels; larger frames are scaled first."""
USUAL_HZ, QUICK_HZ = 8.0, 16.0
"""Frames a second, usually and in a quick turn: the flow loses steps of more than 9 degrees on poor walls."""
STEP_ROWS = 8
"""Rows over which a step in the light is looked for."""
LEAST_STEP = 12.0
"""Grey levels of a step that tells something about sharpness: noise steps by less."""
QUICK = 30.0
"""Apparent degrees a second from which a turn is quick."""


@dataclass
class Observations:
    """One entry a frame in each list, in order of time; `motions` has one less: from each frame to the
    next."""

    t_s: list[float] = field(default_factory=list)
    luma: list[float] = field(default_factory=list)
    """Mean luma, 0..255."""
    contrast: list[float] = field(default_factory=list)
    """Standard deviation of the thumb."""
    gradient: list[float] = field(default_factory=list)
    """98th percentile of the horizontal gradient."""
    sharpness: list[float] = field(default_factory=list)
    """How sudden the room's steps from row to row are, 0.125..1; one a look, none where there is no step."""
    thumbs: list[NDArray[np.float32]] = field(default_factory=list)
    """The picture at 18 x 32, mean 0, length 1."""
    motions: list[flow.Motion | None] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    """One a look, five times a second."""
    views: list[View] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    """The views in colour."""
    landscape: bool = False
    """The pictures are wider than high."""
    cut_off: bool = False
    """The scan went on beyond what is looked at."""


class Observer:
    """Takes the frames of one scan; memory is bounded by the thresholds' longest scan."""

    def __init__(self, finder: FaceFinder, thresholds: ScanThresholds) -> None:
        """A new scan."""
        self._thresholds = thresholds
        self._watch = Watch(finder, thresholds.face_confident, thresholds.face_doubtful)
        self._distant = Distant(finder, thresholds)
        self._before: Picture | None = None
        self._looked_s = float("-inf")
        self._plain = [0.0]
        self._kept = 0.0
        self._rate = 0.0, 0.0
        """Yaw and pitch, radians a second, where the flow was clear last."""
        self.seen = Observations()
        self.pace = Pace(USUAL_HZ)

    @property
    def plain_turn(self) -> float:
        """The sum of the turns so far, apparent degrees."""
        return self._plain[-1]

    def plain_at(self, index: int) -> float:
        """The same at an earlier frame."""
        return self._plain[index]

    def take(self, frame: Frame) -> None:
        """Measure the next frame; one that is not later than the one before is left out."""
        seen, limits = self.seen, self._thresholds
        if seen.t_s and frame.t_s <= seen.t_s[-1]:
            return
        if frame.t_s > limits.longest_s or len(seen.t_s) >= limits.most_frames:
            seen.cut_off = True
            return
        larger = frame.larger or (lambda _: frame.bgr)
        frame = _small(frame)
        if self._before is not None and frame.luma.shape != self._before.shape:
            # A camera that changes its picture's size in mid-scan cannot be compared across the change.
            frame = Frame(frame.t_s, np.ascontiguousarray(_fitted(frame.bgr, self._before.shape)))
        seen.landscape = seen.landscape or frame.width > frame.height
        self._look(frame, larger)
        self._measure(frame)

    def _look(self, frame: Frame, larger: Callable[[int], Picture]) -> None:
        if frame.t_s - self._looked_s >= self._thresholds.face_every_s:
            self._looked_s = frame.t_s
            sighting = self._watch.look(frame.t_s, frame.bgr)
            self.seen.sightings.append(self._distant.look(sighting, larger, self.plain_turn))
            sharpness = _sharpness(frame.luma, self._watch.candidate)
            if sharpness is not None:
                self.seen.sharpness.append(sharpness)

    def _measure(self, frame: Frame) -> None:
        seen, luma = self.seen, frame.luma
        thumb = cv2.resize(luma, THUMB, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        mean, contrast = float(thumb.mean()), float(thumb.std())
        steps = np.abs(luma[::4, 2::4].astype(np.int16) - luma[::4, :-2:4]).ravel()
        high = int(0.98 * len(steps))
        seen.t_s.append(frame.t_s)
        seen.luma.append(mean)
        seen.contrast.append(contrast)
        seen.gradient.append(float(np.partition(steps, high)[high]) / 2)
        seen.thumbs.append((thumb - mean) / np.float32(contrast * thumb.size**0.5 + 1e-6))
        if self._before is not None:
            passed_s = seen.t_s[-1] - seen.t_s[-2]
            expected = self._rate[0] * passed_s, self._rate[1] * passed_s
            motion = flow.follow(self._before, luma, self._watch.candidate, expected)
            seen.motions.append(motion)
            step = 0.0 if motion is None else float(np.degrees(motion.yaw))
            self._plain.append(self._plain[-1] + step)
            clear = motion is not None and motion.spread <= self._thresholds.lost_spread
            if clear and motion is not None:
                self._rate = motion.yaw / passed_s, motion.pitch / passed_s
            # What could not be followed may have been too quick for that.
            quick = not clear or abs(step) > QUICK * passed_s
            self.pace.rate_hz = QUICK_HZ if quick else USUAL_HZ
        self._before = luma
        self._keep_view(frame)

    def _keep_view(self, frame: Frame) -> None:
        seen = self.seen
        if seen.views and abs(self._plain[-1] - self._kept) < VIEW_EVERY:
            return
        if len(seen.views) < MOST_VIEWS:
            self._kept = self._plain[-1]
            seen.views.append(View(len(seen.t_s) - 1, frame.luma, self._watch.candidate))
            seen.pictures.append(frame.bgr)


def _sharpness(luma: Picture, candidate: Face | None) -> float | None:
    """Of the room's largest steps in the light over some rows, the share that lies between two rows.

    From row to row, because a turn to the side blurs along the rows only.
    """
    rows = luma.astype(np.int16)
    near = np.abs(rows[1:] - rows[:-1])[: -(STEP_ROWS - 1)]
    far = np.abs(rows[STEP_ROWS:] - rows[:-STEP_ROWS])
    if candidate is not None:
        room = ~flow.body_mask(luma.shape, candidate)[:-STEP_ROWS]
        near, far = near[room], far[room]
    if not far.size:
        return None
    at = int(0.99 * far.size)
    step = float(np.partition(far.ravel(), at)[at])
    return None if step < LEAST_STEP else float(np.partition(near.ravel(), at)[at]) / step


def _small(frame: Frame) -> Frame:
    longest = max(frame.width, frame.height)
    if longest <= LARGEST_SIDE:
        return frame
    scale = LARGEST_SIDE / longest
    size = (max(16, round(frame.width * scale)), max(16, round(frame.height * scale)))
    return Frame(frame.t_s, np.asarray(cv2.resize(frame.bgr, size, interpolation=cv2.INTER_AREA), np.uint8))


def _fitted(bgr: Picture, shape: tuple[int, ...]) -> Picture:
    return np.asarray(cv2.resize(bgr, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.uint8)
