"""A small room for tests: photographs on a round wall, a camera that circles inside, a candidate in front of
it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from evidence_server.vision.frame import Frame, Picture

WIDTH, HEIGHT = 180, 320
FOCAL = 1.5
"""In half widths: 67 degrees across."""
ARM, WALL = 0.55, 2.4
"""Metres from the candidate to the camera and to the wall."""
COLUMNS, ROWS = 1800, 700
TALL = 6.0
"""Metres of wall that the texture's height is."""


@cache
def wall() -> Picture:
    """The unrolled wall, COLUMNS wide."""
    photographs = [
        data.coffee(), data.cat(), data.rocket(), data.camera(), data.chelsea()[::-1], data.coffee()[:, ::-1],
        data.rocket()[:, ::-1],
    ]
    each = COLUMNS // len(photographs) + 1
    paint = np.full((ROWS, each * len(photographs), 3), 150, np.uint8)
    for at, picture in enumerate(photographs):
        colour = picture if picture.ndim == 3 else np.stack([picture] * 3, axis=2)
        shown = cv2.resize(np.ascontiguousarray(colour[..., ::-1]), (each * 4 // 5, ROWS // 2))
        lower = ROWS // 4 + 12 * (at % 3)
        paint[lower : lower + ROWS // 2, at * each : at * each + shown.shape[1]] = shown
    return np.ascontiguousarray(paint[:, :COLUMNS])


@cache
def _three_walls() -> Picture:
    """The wall three times side by side, so that no view crosses its end."""
    return np.concatenate([wall()] * 3, axis=1)


@cache
def person() -> tuple[Picture, NDArray[np.float32]]:
    """Head and shoulders, 110 x 200 pixels, and how much they cover (0..1)."""
    body = np.full((200, 110, 3), (60, 70, 90), np.uint8)
    body[:127] = cv2.resize(np.ascontiguousarray(data.astronaut()[0:300, 90:350, ::-1]), (110, 127))
    covers = np.zeros((200, 110, 1), np.float32)
    cv2.ellipse(covers, (56, 46), (28, 42), 0, 0, 360, 1.0, -1)
    cv2.ellipse(covers, (56, 150), (54, 70), 0, 0, 360, 1.0, -1)
    cv2.rectangle(covers, (3, 150), (109, 200), 1.0, -1)
    return body, cv2.GaussianBlur(covers, (5, 5), 0)[..., None]


@dataclass(frozen=True)
class Look:
    """What one picture shows: where the camera looks (degrees), and who is there."""

    yaw: float
    pitch: float = 0.0
    candidate: bool = True
    other_at: float | None = None
    """Yaw at which somebody else stands."""
    light: float = 1.0
    covered: bool = False


@dataclass
class Camera:
    """Films looks; its noise comes from a seed."""

    seed: int = 0
    width: int = WIDTH
    height: int = HEIGHT
    noise: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        noise = np.random.default_rng(self.seed).normal(0, 2.0, (self.height + 40, self.width + 40, 1))
        self.noise = noise.astype(np.float32)

    def picture(self, look: Look, number: int = 0) -> Picture:
        """One picture of the room."""
        if look.covered:
            picture = np.full((self.height, self.width, 3), 30, np.float32)
        else:
            picture = self._room(look).astype(np.float32)
            if look.other_at is not None:
                aside = (look.other_at - look.yaw + 180) % 360 - 180
                if abs(aside) < 60:
                    self._stand(picture, 0.5 + math.tan(math.radians(aside)) * FOCAL / 2, 0.42)
            if look.candidate:
                self._stand(picture, 0.5 + 0.02 * math.sin(number / 5), 0.38)
        down, right = number * 7 % 40, number * 13 % 40
        noise = self.noise[down : down + self.height, right : right + self.width]
        return np.asarray(np.clip(picture * look.light + noise, 0, 255).astype(np.uint8))

    def _room(self, look: Look) -> Picture:
        # Every fourth ray is enough of a map: it is smooth.
        x, y = np.meshgrid(
            *((np.arange(side // 4, dtype=np.float32) * 4 + 1.5 - (side - 1) / 2) * 2 / self.width / FOCAL
              for side in (self.width, self.height))
        )
        yaw, pitch = math.radians(look.yaw), math.radians(look.pitch)
        forward, down = math.cos(pitch) + y * math.sin(pitch), y * math.cos(pitch) - math.sin(pitch)
        # Relative to the direction of the camera, which stands ARM behind the middle: where the ray meets the
        # wall.
        a = x**2 + forward**2
        b = -forward * ARM
        t = (-b + np.sqrt(b**2 + a * (WALL**2 - ARM**2))) / a
        azimuth = np.arctan2(t * x, t * forward - ARM)
        column = azimuth / (2 * math.pi) * COLUMNS + yaw / (2 * math.pi) % 1 * COLUMNS + COLUMNS
        row = (t * down / TALL + 0.5) * ROWS
        maps = [cv2.resize(each.astype(np.float32), (self.width, self.height)) for each in (column, row)]
        around = _three_walls()
        return cv2.remap(around, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)

    def _stand(self, picture: NDArray[np.float32], middle: float, top: float) -> None:
        """Paste the person, head at `top`, in front of whatever is there."""
        body, covers = person()
        left, upper = round(middle * self.width - body.shape[1] / 2), round(top * self.height)
        first, last = max(0, left), min(self.width, left + body.shape[1])
        lower = min(self.height, upper + body.shape[0])
        if first >= last:
            return
        there = picture[upper:lower, first:last]
        part = (slice(0, lower - upper), slice(first - left, last - left))
        there += (body[part] - there) * covers[part]


def turn(total: float, speed: float = 32.0, rate_hz: float = 8.0, pitch: float = 3.0) -> list[Look]:
    """Looks of an even turn that starts and ends standing still; `total` in degrees, positive to the
    right."""
    count = round(abs(total) / speed * rate_hz)
    yaw = [0.0] * 4 + [total * at / count for at in range(1, count + 1)] + [total] * 4
    return [Look(angle, pitch * math.sin(at / 9)) for at, angle in enumerate(yaw)]


def film(looks: Iterable[Look], rate_hz: float = 8.0, camera: Camera | None = None) -> Iterator[Frame]:
    """Frames of the looks at a steady rate."""
    camera = camera or Camera()
    for number, look in enumerate(looks):
        yield Frame(number / rate_hz, camera.picture(look, number))


def orientation(looks: list[Look], rate_hz: float = 8.0, zero: float = 70.0) -> list[list[float]]:
    """What DeviceOrientation gives for these looks: a phone upright in portrait, its screen towards the
    view."""
    samples = []
    for number, look in enumerate(looks):
        yaw, pitch = math.radians(look.yaw + zero), math.radians(look.pitch + 0.5)
        out = np.array([math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), math.sin(pitch)])
        right = np.cross([0, 0, 1], out)
        right /= np.linalg.norm(right)
        samples.append([number / rate_hz, *angles(np.stack([right, np.cross(out, right), out], axis=1))])
    return samples


def angles(matrix: NDArray[np.float64]) -> tuple[float, float, float]:
    """Alpha, beta, gamma in degrees of a rotation matrix (W3C's Z-X'-Y'' order)."""
    beta = math.asin(float(np.clip(matrix[2, 1], -1, 1)))
    if matrix[2, 2] >= 0:
        alpha, gamma = math.atan2(-matrix[0, 1], matrix[1, 1]), math.atan2(-matrix[2, 0], matrix[2, 2])
    else:
        alpha, gamma = math.atan2(matrix[0, 1], -matrix[1, 1]), -math.atan2(matrix[2, 0], -matrix[2, 2])
        beta = math.pi - beta
    return math.degrees(alpha) % 360, math.degrees(beta), math.degrees(gamma)
