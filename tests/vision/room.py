"""Small pictures of a room that a fixed camera sees, without any encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from demo import scene
from evidence_server.vision.frame import Frame, Picture

WIDTH, HEIGHT = 320, 180
STEP_S = 2.0


@dataclass(frozen=True)
class Found:
    """A face as a finder gives it."""

    x: float
    y: float
    width: float
    height: float
    score: float


class MarkFinder:
    """Finds pure green squares instead of faces: what the tests put on heads."""

    def __init__(self) -> None:
        self.calls = 0

    def find(self, bgr: Picture, threshold: float) -> list[Found]:
        self.calls += 1
        green = (bgr[..., 1] > 200) & (bgr[..., 0] < 60) & (bgr[..., 2] < 60)
        _, _, stats, _ = cv2.connectedComponentsWithStats(green.astype(np.uint8))
        height, width = bgr.shape[:2]
        return [
            Found(left / width, top / height, wide / width, high / height, 0.95)
            for left, top, wide, high, area in stats[1:].tolist() if area >= 60
        ]


class Room:
    """Draws what the camera sees at its nth look; every noise and movement follows from n."""

    def __init__(self, seed: int = 1) -> None:
        wall = scene._photograph("motorcycle_left.png")
        self._wall = cv2.resize(wall, (WIDTH + 80, HEIGHT + 80), interpolation=cv2.INTER_AREA)
        self._seed = seed

    def bare(self, dx: int = 0, dy: int = 0) -> Picture:
        """The room without anybody, seen by a camera that was moved by so many pixels."""
        return self._wall[40 + dy : 40 + dy + HEIGHT, 40 + dx : 40 + dx + WIDTH].copy()

    def person(self, picture: Picture, number: int, x: int = 150, face: bool = True) -> Picture:
        """Somebody at x who moves a little from look to look, with or without the face shown."""
        chance = np.random.default_rng((7, number, x))
        x, y = x + int(chance.integers(-7, 8)), 70 + int(chance.integers(-4, 5))
        cv2.ellipse(picture, (x + 12, y + 90), (38, 70), 0, 0, 360, (160, 70, 60), -1)
        cv2.rectangle(picture, (x - 4, y - 6), (x + 28, y + 30), (40, 40, 90), -1)
        if face:
            cv2.rectangle(picture, (x, y), (x + 23, y + 23), (0, 255, 0), -1)
        return picture

    def seen(self, picture: NDArray[Any], number: int, noise: float = 1.0) -> Picture:
        """The picture with the sensor's noise of look `number`."""
        grain = np.random.default_rng((self._seed, number)).normal(0, noise, picture.shape)
        return np.clip(picture + grain, 0, 255).astype(np.uint8)

    def usual(self, number: int) -> Picture:
        """The room and the candidate, noise and all."""
        return self.seen(self.person(self.bare(), number), number)

    def frame(self, number: int, picture: Picture) -> Frame:
        """As look `number`, two seconds behind the one before."""
        return Frame(number * STEP_S, picture)
