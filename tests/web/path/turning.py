"""A camera that turns around a room over and over, the candidate in front of it: what a room scan films.

The room is a cylinder papered with scikit-image's photographs; one turn takes `TURN_S` seconds, so any
stretch of the film that is longer is a whole turn, and any that is shorter is not.  No two turns are alike:
the same pictures again would be a replayed film.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

Picture = NDArray[np.uint8]

WIDTH, HEIGHT, RATE, TURN_S, TURNS = 360, 480, 15, 15, 2
FIELD_DEG = 60.0
"""Of the picture's width."""
ARM_M, WALL_M = 0.55, 2.4
_WALL = 2_400, 1_100
"""Pixels around and up: a photograph every tenth of the circle."""


def turning() -> Iterator[Picture]:
    """`TURNS` turns to the right, `RATE` pictures a second, BGR."""
    wall, person = _wall(), _person()
    noise = np.random.default_rng(5)
    focal = WIDTH / 2 / np.tan(np.radians(FIELD_DEG / 2))
    x, y = np.meshgrid(np.arange(WIDTH) - WIDTH / 2, np.arange(HEIGHT) - HEIGHT / 2)
    angle = np.arctan2(x, focal)
    # The camera is held at arm's length and looks back over its holder: it sees more of the wall.
    angle = np.degrees(angle + np.arcsin(ARM_M / WALL_M * np.sin(angle)))
    up = y / np.hypot(x, focal)
    count = RATE * TURN_S
    shake = _shake(noise, count * TURNS)
    for number in range(count * TURNS):
        column = (angle + 360 * number / count + shake[number, 0]) / 360 * _WALL[0]
        row = _WALL[1] / 2 + (up + np.radians(shake[number, 1])) * _WALL[0] / (2 * np.pi)
        picture = cv2.remap(
            wall, (column % _WALL[0]).astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ).astype(np.float32)
        sway = round(4 * np.sin(2 * np.pi * 11 * number / (count * TURNS)))
        _put(picture, person, WIDTH // 2 + sway, HEIGHT)
        picture += noise.normal(0, 2, picture.shape)
        yield np.clip(picture, 0, 255).astype(np.uint8)


def _shake(noise: np.random.Generator, count: int) -> NDArray[np.float64]:
    """A hand's unrest, degrees of yaw and pitch: slow, within a degree or two, and ending as it began: the
    film is played over and over."""
    steps = np.tile(noise.normal(0, 1, (count, 2)), (3, 1))
    slow = cv2.GaussianBlur(steps, (1, 55), sigmaX=1, sigmaY=9)[count : 2 * count]
    return slow / slow.std(axis=0) * np.array([0.6, 1.2])


def _wall() -> Picture:
    """The photographs side by side, each toned in its own way."""
    names = ("coffee", "chelsea", "rocket", "retina", "immunohistochemistry", "brick", "grass", "gravel")
    width = _WALL[0] // len(names)
    parts = []
    for number, name in enumerate(names):
        photograph = getattr(data, name)()
        if photograph.ndim == 2:
            photograph = cv2.cvtColor(photograph, cv2.COLOR_GRAY2RGB)
        part = cv2.resize(photograph[:, :, ::-1], (width, _WALL[1]))
        tint = 0.75 + 0.25 * np.array([np.sin(number), np.cos(number), np.sin(2 * number)])
        parts.append(np.clip(part * tint, 0, 255).astype(np.uint8))
    # A bit more than the wall has, for pictures that look across the seam.
    whole = np.concatenate(parts, axis=1)
    return np.concatenate([whole, whole[:, :2]], axis=1)


def _person() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A head and shoulders, and how opaque each pixel is."""
    portrait = cv2.resize(data.astronaut()[0:300, 70:370, ::-1], (240, 240))
    opaque = np.zeros(portrait.shape[:2], np.float32)
    cv2.ellipse(opaque, (124, 88), (60, 80), 0, 0, 360, 1.0, -1)
    cv2.ellipse(opaque, (120, 240), (112, 88), 0, 0, 360, 1.0, -1)
    return portrait.astype(np.float32), cv2.GaussianBlur(opaque, (0, 0), 3)[:, :, None]


def _put(
    picture: NDArray[np.float32], person: tuple[NDArray[np.float32], NDArray[np.float32]], middle: int,
    bottom: int,
) -> None:
    portrait, opaque = person
    height, width = portrait.shape[:2]
    left = middle - width // 2
    part = picture[bottom - height : bottom, left : left + width]
    part += opaque * (portrait - part)
