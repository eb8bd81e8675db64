"""Whether the end of a scan shows its beginning again, and how much apparent turn lies between.

Frames about one full turn apart are compared by masked, normalised cross-correlation (Padfield 2012, with the
local mean taken out beforehand); the pairs that agree on one length of the full turn are measured again by
optical flow. At the same yaw the circling camera stands at the same place, so a true closure fits everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.flow import NOMINAL_FOCAL, Motion, motion, points_of, track
from evidence_server.vision.frame import Picture
from evidence_server.vision.presence import Face

Doubles = NDArray[np.float64]

SHORTEST, LONGEST = 230.0, 338.0
"""Apparent degrees that a full turn may have: lenses of 58 to 76 degrees, walls from 1.6 m on."""
SMALL = 4
"""Pixels of the frame in one of the comparison."""
REACH_X, REACH_Y = 15, 10
"""Furthest shift that is tried, in pixels of the comparison: a third of the picture's width."""
MOST_PAIRS = 240
ALIKE = 0.45
"""Correlation from which a pair votes: views of other places reach 0.3, the same view with noise 0.7."""
TOGETHER = 3.0
"""Apparent degrees within which votes are for the same length."""
MEASURED = 10
"""Pairs that are measured again by optical flow."""
SPREAD, AGREEING = 0.035, 0.42
"""Of the flow between two views of the same place: at most this residual (half widths), at least this share."""
FEWEST = 3
"""Pairs that must agree."""


@dataclass(frozen=True)
class View:
    """A frame kept for comparison: its number among all frames, its picture, and where the candidate is."""

    index: int
    luma: Picture
    candidate: Face | None

    @cached_property
    def transforms(self) -> tuple[NDArray[np.complex64], NDArray[np.complex64], NDArray[np.complex64]]:
        """Fourier transforms of the picture without local mean and candidate, of its square, and of its mask."""
        height, width = self.luma.shape[0] // SMALL, self.luma.shape[1] // SMALL
        small = cv2.resize(self.luma, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        fine = small - cv2.GaussianBlur(small, (0, 0), 4)
        mask = np.ones_like(fine)
        if self.candidate is not None:
            face = self.candidate
            left, right = face.centre[0] - 2 * face.width, face.centre[0] + 2 * face.width
            top = face.y - 0.7 * face.height
            mask[max(0, int(top * height)) :, max(0, int(left * width)) : max(0, int(right * width))] = 0
        fine *= mask
        shape = (_good_size(height + REACH_Y), _good_size(width + REACH_X))
        image, square, open_ = (
            np.fft.rfft2(each, shape).astype(np.complex64) for each in (fine, fine * fine, mask)
        )
        return image, square, open_


@dataclass(frozen=True)
class Match:
    """Two views of about the same place: how alike they are (0..1), and the pixels by which the second's content
    lies further right and further down (in pixels of the frame)."""

    score: float
    right: float
    down: float


@dataclass(frozen=True)
class Closure:
    """The apparent degrees of one full turn, the uncertainty of that, and how many pairs of views agree on it."""

    full_turn: float
    uncertainty: float
    pairs: int


def compare(first: View, second: View) -> Match:
    """The shift at which two views are most alike, among those within reach."""
    (image_a, square_a, mask_a), (image_b, square_b, mask_b) = first.transforms, second.transforms
    height, width = first.luma.shape[0] // SMALL, first.luma.shape[1] // SMALL
    shape = (_good_size(height + REACH_Y), _good_size(width + REACH_X))
    product = np.fft.irfft2(np.conj(image_a) * image_b, shape)
    energy_a = np.fft.irfft2(np.conj(square_a) * mask_b, shape)
    energy_b = np.fft.irfft2(np.conj(mask_a) * square_b, shape)
    rows, columns = np.arange(-REACH_Y, REACH_Y + 1), np.arange(-REACH_X, REACH_X + 1)
    near = np.ix_(rows, columns)
    floor = 1e-3 * float(energy_a[0, 0] + energy_b[0, 0]) + 1.0
    scores = product[near] / np.sqrt(np.maximum(energy_a[near], floor) * np.maximum(energy_b[near], floor))
    best = int(scores.argmax())
    down, right = rows[best // len(columns)], columns[best % len(columns)]
    return Match(float(scores.ravel()[best]), float(right * SMALL), float(down * SMALL))


def find_closure(views: Sequence[View], yaw: Doubles) -> Closure | None:
    """The closure of a scan whose apparent turn at each frame is `yaw` (degrees); None if it shows none."""
    pairs = _pairs_a_turn_apart([float(yaw[view.index]) for view in views])
    votes: list[tuple[float, float, int, int, Match]] = []
    for i, j in pairs:
        match = compare(views[i], views[j])
        if match.score >= ALIKE:
            apart = float(yaw[views[j].index] - yaw[views[i].index])
            degrees = np.degrees(np.arctan(match.right / (views[i].luma.shape[1] / 2) / NOMINAL_FOCAL))
            length = abs(apart) + float(degrees * np.sign(apart))
            votes.append((length, match.score - ALIKE + 0.05, i, j, match))
    if len(votes) < FEWEST:
        return None
    lengths, weights = np.array([vote[0] for vote in votes]), np.array([vote[1] for vote in votes])
    support = [(weights * np.exp(-(((lengths - each) / TOGETHER) ** 2))).sum() for each in lengths]
    chosen = lengths[int(np.argmax(support))]
    near = [vote for vote in votes if abs(vote[0] - chosen) < TOGETHER]
    # Small shifts measure best: their scale matters least.
    near.sort(key=lambda vote: abs(vote[4].right) / 40 - vote[1])
    measured = [
        length
        for _, _, i, j, match in near[:MEASURED]
        if (length := _measured(views[i], views[j], match, yaw)) is not None
    ]
    if len(measured) < FEWEST:
        return None
    middle = float(np.median(measured))
    agreeing = [each for each in measured if abs(each - middle) < TOGETHER]
    if len(agreeing) < FEWEST:
        return None
    spread = 1.48 * float(np.median(np.abs(np.array(agreeing) - middle)))
    return Closure(float(np.median(agreeing)), spread / len(agreeing) ** 0.5, len(agreeing))


def _pairs_a_turn_apart(yaw: Sequence[float]) -> list[tuple[int, int]]:
    pairs = [
        (i, j)
        for i, start in enumerate(yaw)
        for j in range(i + 1, len(yaw))
        if SHORTEST <= abs(yaw[j] - start) <= LONGEST
    ]
    if len(pairs) <= MOST_PAIRS:
        return pairs
    return [pairs[int(at)] for at in np.linspace(0, len(pairs) - 1, MOST_PAIRS)]


def offset(first: View, second: View, match: Match) -> Motion | None:
    """The motion from one view to another of the same place, measured by flow from the match on."""
    points, tensors = points_of(first.luma, first.candidate)
    if len(points) == 0:
        return None
    return motion(track(first.luma, second.luma, points, tensors, (match.right, match.down)))


def _measured(first: View, second: View, match: Match, yaw: Doubles) -> float | None:
    found = offset(first, second, match)
    if found is None or found.spread > SPREAD or found.agreeing < AGREEING:
        return None
    apart = float(yaw[second.index] - yaw[first.index])
    return abs(apart) - float(np.degrees(found.yaw) * np.sign(apart))


def _good_size(at_least: int) -> int:
    return cv2.getOptimalDFTSize(at_least)
