"""A room with a desk, put together from the photographs in scikit-image's wheel, and its filming.

Only pictures that lie inside the wheel are used: nothing is downloaded.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]

#: The scene is drawn at this size and filmed through a smaller window, so that the camera can pan.
WIDTH, HEIGHT = 1040, 780
_DESK_TOP = 560


def _photograph(name: str) -> Picture:
    """A photograph of the wheel, as BGR. Read as a file: importing scikit-image takes a second."""
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        raise FileNotFoundError("scikit-image, which carries the photographs, is not installed")
    path = Path(package.origin).parent / "data" / name
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.uint8)[..., ::-1].copy()


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _tinted(texture: Picture, size: tuple[int, int], colour: tuple[int, int, int], depth: float) -> Picture:
    """A texture stretched to ``size``, in a BGR ``colour``, with ``depth`` of the photograph's contrast."""
    grey = cv2.cvtColor(cv2.resize(texture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    relief = 1 + depth * (grey.astype(np.float32) / 128 - 1)
    return np.clip(relief[..., None] * np.array(colour, np.float32), 0, 255).astype(np.uint8)


def _paste(
    scene: Picture, picture: Picture, left: int, top: int, mask: NDArray[np.float32] | None = None
) -> None:
    height, width = picture.shape[:2]
    place = scene[top : top + height, left : left + width]
    if mask is None:
        place[:] = picture
    else:
        place[:] = (place + (picture.astype(np.float32) - place) * mask[..., None]).astype(np.uint8)


def _softened(mask: NDArray[Any], radius: int) -> NDArray[np.float32]:
    return cv2.GaussianBlur(mask, (0, 0), radius).astype(np.float32, copy=False)


def _framed(picture: Picture, border: int, colour: tuple[int, int, int]) -> Picture:
    framed = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_CONSTANT, value=colour)
    return np.asarray(framed, dtype=np.uint8)


def _person() -> tuple[Picture, NDArray[np.float32]]:
    """The astronaut without the studio behind her: picture and soft mask."""
    picture = _photograph("astronaut.png")
    mask = np.full(picture.shape[:2], cv2.GC_PR_BGD, np.uint8)
    cv2.rectangle(mask, (0, 0), (511, 20), cv2.GC_BGD, -1)
    cv2.rectangle(mask, (300, 0), (511, 230), cv2.GC_BGD, -1)
    cv2.rectangle(mask, (0, 0), (130, 230), cv2.GC_BGD, -1)
    cv2.ellipse(mask, (222, 130), (85, 115), 0, 0, 360, cv2.GC_PR_FGD, -1)
    cv2.ellipse(mask, (222, 130), (45, 70), 0, 0, 360, cv2.GC_FGD, -1)
    cv2.ellipse(mask, (225, 420), (215, 200), 0, 0, 360, cv2.GC_PR_FGD, -1)
    cv2.ellipse(mask, (225, 440), (120, 180), 0, 0, 360, cv2.GC_FGD, -1)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(picture, mask, (0, 0, 1, 1), *models, 3, cv2.GC_INIT_WITH_MASK)
    soft = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    return picture, _softened(soft, 2)


def room() -> Picture:
    """The whole scene, BGR, ``WIDTH`` x ``HEIGHT``."""
    scene = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    _paste(scene, _tinted(_photograph("brick.png"), (WIDTH, _DESK_TOP), (178, 190, 196), 0.35), 0, 0)
    desk = _photograph("grass.png")[:24, :]
    _paste(scene, _tinted(desk, (WIDTH, HEIGHT - _DESK_TOP), (62, 92, 138), 0.45), 0, _DESK_TOP)
    scene[_DESK_TOP : _DESK_TOP + 5] = scene[_DESK_TOP : _DESK_TOP + 5] // 2
    _paste(scene, _framed(_resized(_photograph("rocket.jpg"), (210, 140)), 9, (40, 52, 66)), 70, 100)
    _paste(scene, _framed(_resized(_photograph("chelsea.png"), (165, 110)), 9, (60, 60, 60)), 800, 110)
    _paste(scene, _resized(_photograph("motorcycle_left.png"), (190, 128)), 800, 290)
    picture, mask = _person()
    _paste(scene, _resized(picture, (440, 440)), 300, 150, _softened(cv2.resize(mask, (440, 440)), 1))
    _paste(scene, _tinted(desk, (WIDTH, HEIGHT - _DESK_TOP - 30), (66, 98, 146), 0.45), 0, _DESK_TOP + 30)
    screen = _framed(_resized(_photograph("page.png"), (270, 170)), 10, (24, 24, 24))
    _paste(scene, screen, 90, 440)
    cv2.fillPoly(scene, [np.array([[90, 630], [380, 630], [420, 700], [50, 700]], np.int32)], (92, 90, 88))
    coffee = _resized(_photograph("coffee.png"), (240, 130))
    cup = np.zeros((130, 240), np.float32)
    cv2.ellipse(cup, (118, 65), (98, 58), 0, 0, 360, 1.0, -1)
    _paste(scene, coffee, 690, 600, _softened(cup, 3))
    return scene


class Film:
    """Films :func:`room` with a slow pan and a sensor's noise; the same seed gives the same pictures."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        """Pictures are ``width`` x ``height`` pixels."""
        self._room = room()
        self._size = (width, height)
        self._zoom = min(WIDTH / width, HEIGHT / height) * 0.94
        random = np.random.default_rng(seed)
        self._phase = float(random.uniform(0, 2 * np.pi))
        # A few noise fields, shifted at random, look like a new one each time and cost a copy.
        self._noise = random.normal(0, 3, (4, height + 16, width + 16, 1)).round().astype(np.int16)
        self._random = random

    def picture(self, seconds: float) -> Picture:
        """The picture at a time of the film; to be called in the film's order."""
        width, height = self._size
        sway = 0.8 * np.sin(2 * np.pi * seconds / 11 + self._phase)
        nod = 0.7 * np.sin(2 * np.pi * seconds / 7.3)
        left = (WIDTH - width * self._zoom) / 2 * (1 + sway)
        top = (HEIGHT - height * self._zoom) / 2 * (1 + nod)
        view = np.array([[self._zoom, 0, left], [0, self._zoom, top]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = cv2.warpAffine(self._room, view, self._size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        field, across, down = (int(n) for n in self._random.integers(0, (4, 16, 16)))
        noise = self._noise[field, down : down + height, across : across + width]
        noisy: Picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
        return noisy
