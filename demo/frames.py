"""Counts the numbered pictures and the beeps of a camera file, or of what a recorder made of one.

``python -m demo.frames FILE`` decodes everything and prints first, last, missing and repeated numbers,
and how far the sound is from the picture.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from demo.framecode import TONE_MS, TONE_STEP_HZ, TONES, PictureMark, read_bar, tone_hz

#: Half a beep is enough to know it by; noise of a room stays below this share of full scale.
_BEEP_THRESHOLD = 0.05


@dataclass(frozen=True)
class Count:
    """What a recording shows; numbers are those of the camera file's pictures, counted from 0."""

    pictures: int
    """Decoded pictures."""
    unreadable: int
    """Pictures without a number that is certain."""
    first: int | None
    last: int | None
    missing: tuple[int, ...]
    """Numbers between first and last that no picture has."""
    repeated: tuple[int, ...]
    """Numbers that more than one picture has."""
    disordered: int
    """Pictures with a smaller number than the one before."""
    beeps: int
    sound_offset_ms: int | None
    """Median of (beep minus its picture): positive when the sound is late. None without sound or picture."""
    sound_offset_worst_ms: int | None
    """The offset that is furthest from zero."""


def _open(source: str | Path | BinaryIO) -> InputContainer:
    return av.open(str(source) if isinstance(source, str | Path) else source, "r")


def read_marks(source: str | Path | BinaryIO) -> list[tuple[int, PictureMark | None]]:
    """Every decoded picture in order: its time in microseconds, and the mark it bears (None: unreadable).

    Raises:
        av.FFmpegError: the source is not media.
    """
    marks: list[tuple[int, PictureMark | None]] = []
    with _open(source) as container:
        if not container.streams.video:
            return marks
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            luma = frame.reformat(format="gray").to_ndarray().astype(np.uint8, copy=False)
            pts = 0 if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
            marks.append((round(pts * 1_000_000), read_bar(luma)))
    return marks


def read_numbers(source: str | Path | BinaryIO) -> list[tuple[int, int | None]]:
    """Like :func:`read_marks`, with only the picture's number."""
    return [(pts_us, mark.number if mark else None) for pts_us, mark in read_marks(source)]


def read_beeps(source: str | Path | BinaryIO) -> list[tuple[int, int]]:
    """The beeps in order: when each begins, in microseconds, and the camera file's second that it names.

    Raises:
        av.FFmpegError: the source is not media.
    """
    beeps: list[tuple[int, int]] = []
    with _open(source) as container:
        if not container.streams.audio:
            return beeps
        for start_us, rate, samples in _pieces(container):
            beeps.extend((start_us + at_us, second) for at_us, second in _beeps_in(samples, rate))
    return beeps


def _pieces(container: InputContainer) -> Iterable[tuple[int, int, NDArray[np.float32]]]:
    """The sound in pieces without a hole: (time of the first sample in microseconds, rate, samples)."""
    piece: list[NDArray[np.float32]] = []
    start_us = due_us = rate = 0
    for frame in container.decode(container.streams.audio[0]):
        samples = frame.to_ndarray().astype(np.float32)
        if frame.format.name.startswith("s16"):
            samples /= 32768
        if not frame.format.is_planar:
            samples = samples.reshape(-1, frame.layout.nb_channels).T
        at_us = round((frame.pts or 0) * (frame.time_base or 0) * 1_000_000)
        if piece and (abs(at_us - due_us) > 2_000 or frame.sample_rate != rate):
            yield start_us, rate, np.concatenate(piece)
            piece = []
        if not piece:
            start_us, rate = at_us, frame.sample_rate
        piece.append(samples.mean(axis=0))
        due_us = at_us + frame.samples * 1_000_000 // frame.sample_rate
    if piece:
        yield start_us, rate, np.concatenate(piece)


def _beeps_in(samples: NDArray[np.float32], rate: int) -> list[tuple[int, int]]:
    step = rate // 1000
    count = len(samples) // step
    loud = np.sqrt((samples[: count * step].reshape(count, step) ** 2).mean(axis=1)) > _BEEP_THRESHOLD
    beeps: list[tuple[int, int]] = []
    at = 0
    while at < count:
        if not loud[at]:
            at += 1
            continue
        end = min(at + 2 * TONE_MS, count)
        if end - at == 2 * TONE_MS and loud[at:end].mean() > 0.8:
            tone = samples[at * step : (at + TONE_MS) * step]
            second = _digit(tone, rate), _digit(samples[(at + TONE_MS) * step : end * step], rate)
            if None not in second:
                onset = _onset(samples, at * step, rate, tone_hz(second[0] or 0))
                beeps.append((onset * 1_000_000 // rate, (second[1] or 0) * TONES + (second[0] or 0)))
        at = end
    return beeps


def _digit(tone: NDArray[np.float32], rate: int) -> int | None:
    """The digit of a tone, by its strongest pitch; None if that is not the pitch of a digit."""
    window = np.hanning(len(tone))
    spectrum = np.abs(np.fft.rfft(tone * window, n=rate // 5))
    hz = int(np.argmax(spectrum)) * 5
    digit = round((hz - tone_hz(0)) / TONE_STEP_HZ)
    return digit if 0 <= digit < TONES and abs(tone_hz(digit) - hz) <= TONE_STEP_HZ // 3 else None


def _onset(samples: NDArray[np.float32], near: int, rate: int, hz: int) -> int:
    """The sample at which a tone begins: where its envelope, 10 ms wide, passes half of its height."""
    reach, half = rate // 25, rate // 200
    left = max(0, near - reach)
    piece = samples[left : near + reach]
    turned = piece * np.exp(-2j * np.pi * hz * np.arange(len(piece)) / rate)
    envelope = np.abs(np.convolve(turned, np.ones(2 * half) / (2 * half), mode="same"))
    above = np.flatnonzero(envelope > envelope[: len(piece) - half].max() / 2)
    return left + int(above[0]) if len(above) else near


def count(marks: Sequence[tuple[int, PictureMark | None]], beeps: Sequence[tuple[int, int]]) -> Count:
    """Judge what :func:`read_marks` and :func:`read_beeps` have read."""
    read = [(pts_us, mark) for pts_us, mark in marks if mark]
    numbers = [mark.number for _, mark in read]
    seen = set(numbers)
    first, last = (min(seen), max(seen)) if seen else (None, None)
    missing = () if first is None or last is None else tuple(n for n in range(first, last) if n not in seen)
    shown: dict[int, int] = {}
    for pts_us, mark in read:
        shown.setdefault(mark.number, pts_us)
    rate = read[0][1].rate if read else 1
    offsets = [round((at - shown[s * rate]) / 1000) for at, s in beeps if s * rate in shown]
    return Count(
        pictures=len(marks),
        unreadable=len(marks) - len(read),
        first=first,
        last=last,
        missing=missing,
        repeated=tuple(sorted(n for n in seen if numbers.count(n) > 1)) if len(seen) < len(numbers) else (),
        disordered=sum(later < earlier for earlier, later in pairwise(numbers)),
        beeps=len(beeps),
        sound_offset_ms=round(statistics.median(offsets)) if offsets else None,
        sound_offset_worst_ms=max(offsets, key=abs) if offsets else None,
    )


def main(arguments: list[str] | None = None) -> int:
    """The command line; exit code 0 if no picture is missing, repeated, disordered or unreadable, else 1."""
    parser = argparse.ArgumentParser(
        prog="demo.frames", description="Count the numbered pictures of a recording."
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(arguments)
    found = count(read_marks(options.file), read_beeps(options.file))
    facts = asdict(found)
    if options.json:
        print(json.dumps(facts))
    else:
        for name, value in facts.items():
            print(f"{name}: {', '.join(map(str, value)) or 'none' if isinstance(value, tuple) else value}")
    faults = found.missing or found.repeated or found.disordered or found.unreadable
    return 1 if faults or not found.pictures else 0


if __name__ == "__main__":
    raise SystemExit(main())
