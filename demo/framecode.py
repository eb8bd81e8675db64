"""The code that a camera file carries: a number in every picture, a number at every second of its sound.

Written by :mod:`demo.camera`, read by :mod:`demo.frames`; both sides share only this module.

Picture. A bar along the upper edge, ``BAR_SHARE`` of the height, is divided into ``CELLS`` columns, two rows.
A bit is *which of the two rows is lighter*, so the reader needs no threshold for brightness, and a
column without contrast is known to be unreadable. The bits are: frame number (18), frames per second (6),
check (12), most significant first. Where the check is wrong, the reader says "no number", never a wrong one.

Sound. Every whole second begins with two tones of ``TONE_MS`` each: the first tone's pitch is the second
within its minute, the second one's is the minute within its hour.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUMBER_BITS = 18
RATE_BITS = 6
CHECK_BITS = 12
CELLS = NUMBER_BITS + RATE_BITS + CHECK_BITS
BAR_SHARE = 1 / 15
#: Least difference of the mean luma of a column's two rows that counts as a bit; drawn difference: 219.
MIN_CONTRAST = 40

TONE_MS = 60
TONE_LOWEST_HZ = 600
TONE_STEP_HZ = 50
TONES = 60

_LIGHT, _DARK = 235, 16


@dataclass(frozen=True)
class PictureMark:
    """A picture's bar: its ``number`` (from 0) and the camera file's ``rate`` (frames per second)."""

    number: int
    rate: int

    @property
    def due_us(self) -> int:
        """When the camera file shows this picture, in microseconds from its beginning."""
        return self.number * 1_000_000 // self.rate


def _check(payload: int) -> int:
    return zlib.crc32(payload.to_bytes(4, "big")) & ((1 << CHECK_BITS) - 1)


def draw_bar(mark: PictureMark, width: int, height: int) -> NDArray[np.uint8]:
    """The bar of ``mark`` for a picture of ``width`` x ``height``, as luma.

    Raises:
        ValueError: the number or the rate does not fit its field.
    """
    if not 0 <= mark.number < 1 << NUMBER_BITS or not 0 < mark.rate < 1 << RATE_BITS:
        raise ValueError(f"frame {mark.number} at {mark.rate} per second does not fit the code")
    payload = mark.number << RATE_BITS | mark.rate
    code = payload << CHECK_BITS | _check(payload)
    bits = np.array([code >> (CELLS - 1 - i) & 1 for i in range(CELLS)], dtype=bool)
    columns = bits[np.arange(width) * CELLS // width]
    rows = max(2, round(height * BAR_SHARE)) // 2
    upper = np.where(columns, _LIGHT, _DARK).astype(np.uint8)
    lower = np.where(columns, _DARK, _LIGHT).astype(np.uint8)
    return np.vstack([np.tile(upper, (rows, 1)), np.tile(lower, (rows, 1))])


def read_bar(luma: NDArray[np.uint8]) -> PictureMark | None:
    """The mark in a picture's luma, scaled to whatever size; None if it can't be read for certain."""
    height, width = luma.shape
    rows = round(height * BAR_SHARE) // 2
    cell = width / CELLS
    if rows < 3 or cell < 3:
        return None
    # The middle of each block only: scaling and the encoder blur the edges.
    upper = luma[rows // 4 : rows - rows // 4].mean(axis=0)
    lower = luma[rows + rows // 4 : 2 * rows - rows // 4].mean(axis=0)
    difference = upper - lower
    code = 0
    for index in range(CELLS):
        left, right = round((index + 0.25) * cell), round((index + 0.75) * cell)
        contrast = float(difference[left : max(right, left + 1)].mean())
        if abs(contrast) < MIN_CONTRAST:
            return None
        code = code << 1 | (contrast > 0)
    payload, check = code >> CHECK_BITS, code & ((1 << CHECK_BITS) - 1)
    number, rate = payload >> RATE_BITS, payload & ((1 << RATE_BITS) - 1)
    if check != _check(payload) or rate == 0:
        return None
    return PictureMark(number, rate)


def tone_hz(digit: int) -> int:
    """The pitch that stands for ``digit`` (taken modulo ``TONES``)."""
    return TONE_LOWEST_HZ + TONE_STEP_HZ * (digit % TONES)


def draw_beep(second: int, sample_rate: int) -> NDArray[np.float64]:
    """The two tones of a whole second, between -1 and 1."""
    count = sample_rate * TONE_MS // 1000
    time = np.arange(count) / sample_rate
    tones = (tone_hz(second), tone_hz(second // TONES))
    return np.concatenate([np.sin(2 * np.pi * hz * time) for hz in tones])
