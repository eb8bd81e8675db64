"""Placement: does the fixed phone see the candidate, the laptop's screen and the desk, steadily and clearly?

Judged from a few pictures of the first seconds after the phone was fixed (requirement E6).  Nothing here is
certain enough to turn a candidate away: what is not found is named, and a person looks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal, Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.boxes import (
    FAR_PIXELS,
    NEAR_PIXELS,
    Box,
    FarFinding,
    apart,
    faces_in,
    walk,
)
from evidence_server.vision.frame import Frame, Picture

Corners = tuple[tuple[float, float], ...]
"""Four (x, y) in fractions of the picture's width and height, clockwise from the top left."""
Missing = Literal["pictures", "candidate", "alone", "screen", "desk", "steady", "light", "sharpness"]


class Sized(Protocol):
    """A face, in fractions of the picture's width and height."""

    @property
    def width(self) -> float:
        """Its width."""


FindFaces = Callable[[Frame], Sequence[Sized]]


@dataclass(frozen=True)
class PlacementThresholds:
    """What a placement must show.  Luma is 0 (black) to 255; lengths in fractions of the picture's width."""

    fewest: int = 3
    """Pictures below which nothing is said."""
    most: int = 40
    """Pictures looked at, evenly chosen: a few seconds tell; more is a peer's mistake."""
    searched: int = 8
    """Of them, those in which faces are looked for, evenly chosen: each costs 0.1 s."""
    face_score: float = 0.4
    """Confidence worth a closer look: faces of 20 pixels in 640 have 0.48 to 0.85, larger ones more."""
    face_sure: float = 0.75
    """Confidence in the closer look: faces of 25 pixels have 0.83 to 0.93, what else was found in sixty rooms
    without anybody at most 0.69."""
    face_sizes: float = 3.5
    """Side of the closer look, in faces: where the network is surest."""
    most_faces: int = 6
    """Closer looks in one picture."""
    face_share: float = 0.5
    """Of the pictures: a candidate looks down, turns away and is in profile half of the time."""
    other_share: float = 0.34
    """Of the pictures with a second face; one alone may be a false alarm."""
    smallest_face: float = 0.02
    """A face of 26 pixels in 1280: smaller ones are pictures on walls."""
    screen_share: tuple[float, float] = (0.008, 0.5)
    """Of the picture's area: 14 inches at 1.5 m and a wide lens, and a phone right before the screen."""
    screen_fill: float = 0.85
    """Of a quadrilateral by a bright area: hands and cables cover less; a lamp's cone fills 0.7."""
    screen_contrast: float = 25.0
    """Luma between a screen and what is around it; a white wall beside a window has less than 20."""
    desk_beyond_screen: float = 0.6
    """How much of a screen's height must be in the picture below it: a keyboard and the hands on it."""
    desk_beyond_marker: float = 7.0
    """The same in heights of the marker (some 4 cm): the lower part of the screen, then the keyboard."""
    jitter: float = 0.004
    """Median shift between pictures: a phone in a hand moves by 0.01 or more, one on a shelf by 0.0005."""
    drift: float = 0.02
    """Shift from the first picture to the last."""
    dark: float = 45.0
    """Median luma: dim rooms that people work in have 60, a covered lens less than 20."""
    glaring: float = 0.35
    """Share of pixels at full white: a window in the middle of the picture."""
    sharp: float = 7.0
    """98th percentile of the horizontal step between pixels at 320 across: nine rooms 10-38, blurred by a
    sigma of 6 pixels in 1280 6-16, of 14 4-10.  Only what is badly out of focus is found; a marker that was
    read proves the focus."""


THRESHOLDS = PlacementThresholds()


@dataclass(frozen=True)
class Placement:
    """What was found.  `answer` is "review" when anything is `missing`; fractions are of the picture.

    `screen` is how the laptop was recognised: by its marker, as a bright quadrilateral, or not.
    """

    answer: Literal["ok", "review"]
    missing: tuple[Missing, ...]
    pictures: int
    candidate_share: float
    others_share: float
    screen: Literal["marker", "bright", "none"]
    screen_corners: Corners | None
    jitter: float
    drift: float
    luma: float
    glare: float
    sharpness: float

    def to_json(self) -> dict[str, object]:
        """For a journal event."""
        told = asdict(self).items()
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in told}


def judge_placement(
    frames: Sequence[Frame], faces: FindFaces, marker: Corners | None = None,
    thresholds: PlacementThresholds = THRESHOLDS,
) -> Placement:
    """Judges pictures of a few seconds, of one size, in order.

    `faces` finds the faces of a picture; `marker` are the corners of the anchor's black square, if it was
    read in one of these pictures at full size (`anchor.Reading.corners`, divided by that picture's size).
    """
    limits = thresholds
    if len(frames) > limits.most:
        frames = [frames[int(at)] for at in np.linspace(0, len(frames) - 1, limits.most)]
    count = len(frames)
    if count < limits.fewest or len({frame.bgr.shape for frame in frames}) > 1:
        return Placement("review", ("pictures",), count, 0, 0, "none", None, 0, 0, 0, 0, 0)
    searched = [frames[int(at)] for at in np.linspace(0, count - 1, min(count, limits.searched))]
    found = [sum(face.width >= limits.smallest_face for face in faces(frame)) for frame in searched]
    candidate = sum(number > 0 for number in found) / len(found)
    others = sum(number > 1 for number in found) / len(found)
    small = [_scaled(frame.luma, 320) for frame in frames]
    middle = small[count // 2]
    corners = marker or _bright_screen(cast(Picture, np.median(small, axis=0).astype(np.uint8)), limits)
    jitter, drift = _motion([_scaled(picture, 160) for picture in small])
    luma = float(np.median(middle))
    glare = float((middle >= 250).mean())
    sharpness = float(np.median([_sharpness(picture) for picture in small]))
    desk = corners is not None and _sees_below(
        corners, limits.desk_beyond_screen if marker is None else limits.desk_beyond_marker
    )
    holds: dict[Missing, bool] = {
        "candidate": candidate >= limits.face_share,
        "alone": others < limits.other_share,
        "screen": corners is not None,
        "desk": desk,
        "steady": jitter <= limits.jitter and drift <= limits.drift,
        "light": luma >= limits.dark and glare <= limits.glaring,
        "sharpness": marker is not None or sharpness >= limits.sharp,
    }
    missing = tuple(name for name, held in holds.items() if not held)
    how: Literal["marker", "bright", "none"] = "marker" if marker else "bright" if corners else "none"
    return Placement(
        "review" if missing else "ok", missing, count, candidate, others, how, corners, jitter, drift, luma,
        glare, sharpness,
    )


def faces_at_desk(
    frame: Frame, finder: FarFinding, thresholds: PlacementThresholds = THRESHOLDS
) -> list[Box]:
    """The faces of the whole picture, each confirmed in a closer look, the surest first.

    Somebody at a desk has a face of a twentieth of the picture's width, too small for either network in the
    whole of it: so it is looked for in overlapping squares.
    """
    limits = thresholds
    perhaps = apart([
        face for square in walk(frame)
        for face in faces_in(frame, square, finder.find_far, limits.face_score, FAR_PIXELS)
        if face.width >= limits.smallest_face
    ])
    sure = []
    for face in perhaps[: limits.most_faces]:
        square = face.square(frame, limits.face_sizes)
        closer = faces_in(frame, square, finder.find, limits.face_sure, NEAR_PIXELS)
        sure += [one for one in closer if face.is_near(one, 0.5)][:1]
    return apart(sure)


def _scaled(picture: Picture, width: int) -> Picture:
    """No wider than `width`."""
    height, now = picture.shape[:2]
    if now <= width:
        return picture
    size = width, max(round(height * width / now), 1)
    return cast(Picture, cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _bright_screen(luma: Picture, limits: PlacementThresholds) -> Corners | None:
    """The largest bright quadrilateral that stands out from what is around it."""
    height, width = luma.shape
    soft = cv2.GaussianBlur(luma, (0, 0), 1.5)
    otsu, _ = cv2.threshold(soft, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    best, largest = None, 0.0
    for level in {float(otsu), *(float(level) for level in np.percentile(soft, (75, 85, 93)))}:
        bright = (soft > level).astype(np.uint8)
        contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            share = cv2.contourArea(contour) / (width * height)
            if not max(limits.screen_share[0], largest) < share < limits.screen_share[1]:
                continue
            quad = _quadrilateral(cast(NDArray[np.int32], contour), limits.screen_fill)
            if quad is not None and _stands_out(soft, quad, limits.screen_contrast):
                best, largest = quad, share
    if best is None:
        return None
    return tuple((float((x + 0.5) / width), float((y + 0.5) / height)) for x, y in best)


def _quadrilateral(contour: NDArray[np.int32], fill: float) -> NDArray[np.float32] | None:
    """The corners of a nearly quadrilateral outline, top left first, clockwise; None if it is none."""
    hull = cv2.convexHull(contour)
    corners = cv2.approxPolyDP(hull, 0.05 * cv2.arcLength(hull, True), True)
    if len(corners) != 4 or cv2.contourArea(contour) < fill * cv2.contourArea(hull):
        return None
    if abs(cv2.contourArea(corners) / cv2.contourArea(hull) - 1) > 1 - fill:
        return None
    points = corners[:, 0].astype(np.float32)
    around = points - points.mean(axis=0)
    points = points[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]  # clockwise, as y points down
    sides = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    # a screen of 16 : 10 seen from 60° aside is still half as wide as high
    if not 0.5 <= (sides[0] + sides[2]) / max(sides[1] + sides[3], 1e-6) <= 3.2:
        return None
    return np.roll(points, -int(np.argmin(points.sum(axis=1))), axis=0)


def _stands_out(luma: NDArray[np.generic], quad: NDArray[np.float32], contrast: float) -> bool:
    """Whether the inside is brighter than a margin around it, on at least three of the four sides."""
    middle = quad.mean(axis=0)
    outside = middle + 1.15 * (quad - middle)
    inside = middle + 0.85 * (quad - middle)
    return sum(
        _along(luma, inside, side) - _along(luma, outside, side) >= contrast for side in range(4)
    ) >= 3


def _along(luma: NDArray[np.generic], quad: NDArray[np.float32], side: int) -> float:
    """The median luma along one side of a quadrilateral, what lies outside of the picture left out."""
    start, end = quad[side], quad[(side + 1) % 4]
    points = np.round(start + np.linspace(0.1, 0.9, 24)[:, None] * (end - start)).astype(int)
    height, width = luma.shape
    x, y = points.T
    there = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return float(np.median(luma[y[there], x[there]])) if there.any() else 255.0


def _sees_below(corners: Corners, heights: float) -> bool:
    """Whether the picture goes on for so many heights below a quadrilateral, in its own direction."""
    top_left, top_right, bottom_right, bottom_left = (np.array(corner) for corner in corners)
    top, bottom = (top_left + top_right) / 2, (bottom_left + bottom_right) / 2
    x, y = bottom + heights * (bottom - top)
    return bool(0 <= x <= 1 and 0 <= y <= 1)


def _motion(pictures: Sequence[Picture]) -> tuple[float, float]:
    """Median shift from picture to picture, and that from the first to the last; fractions of the width."""
    plain = [picture.astype(np.float32) for picture in pictures]
    height, width = plain[0].shape
    if min(width, height) < 2:
        return 0.0, 0.0
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    shifts = [cv2.phaseCorrelate(*pair, window)[0] for pair in (*pairwise(plain), (plain[0], plain[-1]))]
    *steps, drift = (math.hypot(*shift) / width for shift in shifts)
    return float(np.median(steps)), drift


def _sharpness(luma: Picture) -> float:
    if luma.shape[1] < 2:
        return 0.0
    return float(np.percentile(np.abs(np.diff(luma.astype(np.int16), axis=1)), 98))
