"""Camera and microphone files for Chromium's fake devices, with numbered pictures and beeps."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.framecode import PictureMark, draw_bar, draw_beep
from demo.scene import Film

SAMPLE_RATE = 48_000
Picture = NDArray[np.uint8]


def write_y4m(out: Path, pictures: Iterable[Picture], rate: int) -> Path:
    """Writes BGR pictures, all of one size, as Y4M: Chromium plays it at its own rate, over and over."""
    with out.open("wb") as file:
        for number, picture in enumerate(pictures):
            height, width = picture.shape[:2]
            if not number:
                file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
            file.write(b"FRAME\n" + cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).tobytes())
    return out


def numbered(seconds: int, rate: int, width: int, height: int) -> Iterator[Picture]:
    """A filmed room with a number in every picture."""
    film = Film(width, height, 1)
    for number in range(seconds * rate):
        picture = film.picture(number / rate)
        bar = draw_bar(PictureMark(number, rate), width, height)
        picture[: bar.shape[0]] = bar[..., None]
        yield picture


def write_sound(out: Path, seconds: int, silent_from: int | None = None) -> Path:
    """A room's noise with a beep at every second; from `silent_from` seconds on nothing at all."""
    random = np.random.default_rng(1)
    samples = random.normal(0, 0.004, seconds * SAMPLE_RATE)
    for second in range(seconds):
        beep = draw_beep(second, SAMPLE_RATE)
        samples[second * SAMPLE_RATE :][: len(beep)] += 0.25 * beep
    if silent_from is not None:
        samples[silent_from * SAMPLE_RATE :] = 0
    with wave.open(str(out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
    return out


FAULTY_RATE = 15
_FAULT_S = 6


def faulty() -> Iterator[Picture]:
    """Noise, then black, then noise, then one picture again and again, for some seconds each."""
    random = np.random.default_rng(1)

    def noise() -> Picture:
        return random.integers(60, 200, (120, 160, 3), dtype=np.uint8)

    still = noise()
    for number in range(4 * _FAULT_S * FAULTY_RATE):
        part = number // (_FAULT_S * FAULTY_RATE)
        yield np.zeros((120, 160, 3), np.uint8) if part == 1 else still if part == 3 else noise()
