"""Rectangles in fractions of a picture, and what finds faces in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import cv2
import numpy as np

from evidence_server.vision.frame import Frame, Picture


class FaceBox(Protocol):
    """A face in fractions of the picture it was found in, and how sure the finder is, 0 to 1."""

    @property
    def x(self) -> float:
        """Left edge."""

    @property
    def y(self) -> float:
        """Upper edge."""

    @property
    def width(self) -> float:
        """Of the box."""

    @property
    def height(self) -> float:
        """Of the box."""

    @property
    def score(self) -> float:
        """Confidence."""


class FaceFinding(Protocol):
    """What finds faces in a picture; :class:`evidence_server.vision.presence.FaceFinder` does."""

    def find(self, bgr: Picture, threshold: float) -> Sequence[FaceBox]:
        """The faces whose confidence reaches `threshold`."""


class FarFinding(FaceFinding, Protocol):
    """What finds small faces, too, less surely and in more time."""

    def find_far(self, bgr: Picture, threshold: float) -> Sequence[FaceBox]:
        """The faces whose confidence reaches `threshold`."""


Find = Callable[[Picture, float], Sequence[FaceBox]]

NEAR_PIXELS, FAR_PIXELS = 128, 192
"""Sides of the networks' inputs: more is not given to them."""


@dataclass(frozen=True)
class Box:
    """A rectangle in fractions of the picture's width and height, and how sure it is."""

    x: float
    y: float
    width: float
    height: float
    score: float = 0.0

    @property
    def centre(self) -> tuple[float, float]:
        """The middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height

    def grown(self, left: float, above: float, right: float, below: float) -> Box:
        """Larger by so many of its own widths and heights, and cut off at the picture's edges."""
        x, y = max(0.0, self.x - left * self.width), max(0.0, self.y - above * self.height)
        far_x = min(1.0, self.x + (1 + right) * self.width)
        far_y = min(1.0, self.y + (1 + below) * self.height)
        return Box(x, y, max(0.0, far_x - x), max(0.0, far_y - y), self.score)

    def is_near(self, other: Box, sizes: float) -> bool:
        """Whether another box's middle is no further than so many of this one's sizes."""
        return self.grown(sizes, sizes, sizes, sizes).holds(*other.centre)

    def is_like(self, other: Box) -> bool:
        """Whether both have about the same size."""
        return 0.55 < self.width / max(other.width, 1e-6) < 1.8

    def cut(self, height: int, width: int) -> tuple[slice, slice]:
        """The part of a grid of that shape: rows and columns, at least one of each."""
        top, left = min(int(self.y * height), height - 1), min(int(self.x * width), width - 1)
        bottom, right = round((self.y + self.height) * height), round((self.x + self.width) * width)
        return slice(top, max(top + 1, bottom)), slice(left, max(left + 1, right))

    def square(self, frame: Frame, sizes: float) -> Box:
        """A square of so many of its own sizes around it, inside the frame."""
        side = sizes * max(self.width * frame.width, self.height * frame.height)
        wide, high = min(1.0, side / frame.width), min(1.0, side / frame.height)
        x, y = self.centre
        return Box(min(max(0.0, x - wide / 2), 1 - wide), min(max(0.0, y - high / 2), 1 - high), wide, high)


def walk(frame: Frame) -> list[Box]:
    """Overlapping squares that cover the frame: of its shorter side, and of two thirds of it."""
    squares = []
    for part in (1.0, 0.67):
        side = part * min(frame.width, frame.height)
        wide, high = side / frame.width, side / frame.height
        columns, rows = _steps(wide), _steps(high)
        squares += [
            Box((1 - wide) * column / max(1, columns - 1), (1 - high) * row / max(1, rows - 1), wide, high)
            for row in range(rows) for column in range(columns)
        ]
    return squares


def _steps(part: float) -> int:
    """How many pieces of a length cover the whole, each overlapping its neighbour by 40 %."""
    return 1 if part >= 1 else min(8, int((1 - part) / (part * 0.6) + 0.999) + 1)


def faces_in(frame: Frame, piece: Box, find: Find, threshold: float, pixels: int) -> list[Box]:
    """The faces in a piece of the frame, in fractions of the frame; `pixels`: of the piece, at most."""
    rows, columns = piece.cut(frame.height, frame.width)
    cut = frame.bgr[rows, columns]
    wide, high = cut.shape[1] / frame.width, cut.shape[0] / frame.height
    scale = pixels / max(cut.shape[:2])
    if scale < 1:
        size = max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))
        cut = cast(Picture, cv2.resize(cut, size, interpolation=cv2.INTER_AREA))
    left, top = columns.start / frame.width, rows.start / frame.height
    return [
        Box(left + face.x * wide, top + face.y * high, face.width * wide, face.height * high, face.score)
        for face in find(np.ascontiguousarray(cut), threshold)
    ]


def apart(faces: Sequence[Box]) -> list[Box]:
    """The faces, the surest first, without those that are one face found twice."""
    kept: list[Box] = []
    for face in sorted(faces, key=lambda one: -one.score):
        if not any(other.is_near(face, 0.3) for other in kept):
            kept.append(face)
    return kept
