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

from evidence_server.vision.flow import Motion, follow_from, points_of, weighted_median
from evidence_server.vision.frame import Picture
from evidence_server.vision.presence import Face

Doubles = NDArray[np.float64]

SHORTEST, LONGEST = 150.0, 560.0
"""Apparent degrees that a full turn may have at all: lenses of 95 to 40 degrees."""
SMALL = 4
"""Pixels of the frame in one of the comparison."""
REACH_X, REACH_Y = 15, 10
"""Furthest shift that is tried, in pixels of the comparison: a third of the picture's width."""
MOST_PAIRS = 160
ALIKE = 0.33
"""Correlation from which a pair is measured: views of other places reach 0.3, the same view with noise 0.7,
held 11 degrees higher or lower 0.3 to 0.45."""
SURELY_ALIKE = 0.45
"""Correlation below which the flow has to agree better."""
TOGETHER = 2.0
"""Apparent degrees within which revisits agree."""
MEASURED = 30
"""Most alike pairs that are measured by optical flow."""
AGREED = 0.5
"""Share of the revisits (by weight) that must agree."""
SPREAD, AGREEING = 0.035, 0.42
"""Of the flow between two views of the same place: at most this residual (half widths), at least this
share."""
LITTLE_SPREAD, WELL_AGREEING = 0.02, 0.6
"""The same for a pair that is not surely alike: held higher or lower 0.006 to 0.018, and 0.66 to 0.85."""
FEWEST = 3
"""Pairs that must agree."""


@dataclass(frozen=True)
class View:
    """A frame kept for comparison: its number among all frames, its picture, and where the candidate is."""

    index: int
    luma: Picture
    candidate: Face | None

    @cached_property
    def points(self) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """The points to follow from here, and their structure tensors."""
        return points_of(self.luma, self.candidate)

    @cached_property
    def transforms(self) -> tuple[NDArray[np.complex64], NDArray[np.complex64], NDArray[np.complex64]]:
        """Fourier transforms of the picture without local mean and candidate, of its square, and of its
        mask."""
        height, width = self.luma.shape[0] // SMALL, self.luma.shape[1] // SMALL
        small = cv2.resize(self.luma, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        fine = small - cv2.GaussianBlur(small, (0, 0), 4)
        # One bright window must not outshout the room.
        fine /= np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 6)) + 4
        mask = np.ones_like(fine)
        if self.candidate is not None:
            face = self.candidate
            left, right = face.centre[0] - 2.2 * face.width, face.centre[0] + 2.2 * face.width
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
    """Two views of about the same place: how alike they are (0..1), and the pixels by which the second's
    content lies further right and further down (in pixels of the frame)."""

    score: float
    right: float
    down: float


@dataclass(frozen=True)
class Revisit:
    """Two frames, by number, of about the same place, and the apparent degrees by which the second looks
    further right."""

    first: int
    second: int
    offset: float


@dataclass(frozen=True)
class Closure:
    """The apparent degrees of one full turn, the uncertainty of that, and how many pairs of views agree on
    it."""

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
    floor = 0.1 * float(energy_a[REACH_Y, 0] + energy_b[REACH_Y, 0]) + 1.0
    scores = product[near] / np.sqrt(np.maximum(energy_a[near], floor) * np.maximum(energy_b[near], floor))
    best = int(scores.argmax())
    down, right = rows[best // len(columns)], columns[best % len(columns)]
    return Match(float(scores.ravel()[best]), float(right * SMALL), float(down * SMALL))


def find_revisits(views: Sequence[View], yaw: Doubles, lengths: tuple[float, float]) -> list[Revisit]:
    """Pairs of views about a full turn apart that show the same place; `yaw`: apparent degrees at each frame,
    `lengths`: the least and the most that a full turn may be of them.

    Correlation proposes, optical flow decides: in a room with few strong edges the wrong shift may correlate
    best, but then hardly any point finds its place.
    """
    found = []
    for i, j in _pairs_a_turn_apart([float(yaw[view.index]) for view in views], lengths):
        match = compare(views[i], views[j])
        if match.score >= ALIKE:
            found.append((match.score, i, j, match))
    found.sort(key=lambda each: -each[0])
    revisits = []
    for score, i, j, match in found[:MEASURED]:
        moved = offset(views[i], views[j], match)
        spread, agreeing = (SPREAD, AGREEING) if score >= SURELY_ALIKE else (LITTLE_SPREAD, WELL_AGREEING)
        if moved is not None and moved.spread <= spread and moved.agreeing >= agreeing:
            revisits.append(Revisit(views[i].index, views[j].index, float(np.degrees(moved.yaw))))
    return revisits


def closure_of(revisits: Sequence[Revisit], yaw: Doubles) -> Closure | None:
    """The full turn that most of the revisits agree on; None if too few do."""
    if len(revisits) < FEWEST:
        return None
    apart = np.array([yaw[each.second] - yaw[each.first] for each in revisits])
    offsets = np.array([each.offset for each in revisits])
    lengths = np.abs(apart) - offsets * np.sign(apart)
    # Small offsets measure best: their scale matters least.
    weights = np.exp(-np.abs(offsets) / 8)
    support = [float(weights[np.abs(lengths - each) < TOGETHER].sum()) for each in lengths]
    near = np.abs(lengths - lengths[int(np.argmax(support))]) < TOGETHER
    if np.count_nonzero(near) < FEWEST or max(support) < AGREED * float(weights.sum()):
        return None
    chosen, weights = lengths[near], weights[near]
    middle = weighted_median(chosen, weights)
    spread = 1.48 * weighted_median(np.abs(chosen - middle), weights)
    return Closure(middle, spread / len(chosen) ** 0.5, len(chosen))


def _pairs_a_turn_apart(yaw: Sequence[float], lengths: tuple[float, float]) -> list[tuple[int, int]]:
    shortest, longest = max(SHORTEST, lengths[0]), min(LONGEST, lengths[1])
    pairs = [
        (i, j)
        for i, start in enumerate(yaw)
        for j in range(i + 1, len(yaw))
        if shortest <= abs(yaw[j] - start) <= longest
    ]
    if len(pairs) <= MOST_PAIRS:
        return pairs
    return [pairs[int(at)] for at in np.linspace(0, len(pairs) - 1, MOST_PAIRS)]


def offset(first: View, second: View, match: Match) -> Motion | None:
    """The motion from one view to another of the same place, measured by flow from the match on."""
    shift = match.right, match.down
    return follow_from(first.luma, second.luma, first.points, shift, shift)


def _good_size(at_least: int) -> int:
    return cv2.getOptimalDFTSize(at_least)
