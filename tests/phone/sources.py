"""What the phone's tests record: a numbered camera file, and sources that fail on cue."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from demo.camera import render
from phone_client.buffer import Buffer
from phone_client.camera import CameraError, CameraSettings, Capture, Frame, Picture, Sound
from phone_client.clock import Clock
from phone_client.record import Recorder

RATE = 15
SECONDS = 10
STEP_US = 1_000_000 // RATE + 1


def camera_file(folder: Path) -> Path:
    """A camera file of `SECONDS` with numbered pictures and beeps."""
    path = folder / "camera.mp4"
    render(path, SECONDS, RATE, 320, 240)
    return path


def hurried_clock() -> Clock:
    """A clock that is always past the next frame's moment: a file plays as fast as it decodes, and its
    frames' moments are still exactly those of the file."""
    ticks = itertools.count(1_000_000_000, 1_000_000)
    return Clock(lambda: next(ticks), lambda: 1_800_000_000_000, "boot")


class Script:
    """A source that gives the frames it was told to, then raises `failure`, or gives nothing more in any time
    it is waited for (a dead camera)."""

    def __init__(self, frames: Sequence[Frame], failure: CameraError | None, has_sound: bool = False) -> None:
        self.has_sound = has_sound
        self.sound_failure = ""
        self.dropped = 0
        self.exhausted = threading.Event()
        self._frames = list(frames)
        self._failure = failure
        self._stop = threading.Event()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def take(self, timeout_s: float) -> Frame | None:
        if self._frames:
            return self._frames.pop(0)
        self.exhausted.set()
        if self._failure is not None:
            raise self._failure
        return None

    def stop(self) -> None:
        self._stop.set()


class Idle(Script):
    """A source whose frames are all given; it stays open until it is stopped."""

    def take(self, timeout_s: float) -> Frame | None:
        if self._frames:
            return self._frames.pop(0)
        self.exhausted.set()
        self._stop.wait()
        return None


def pictures(count: int, first_us: int, step_us: int = STEP_US) -> list[Frame]:
    """Small grey pictures, evenly spaced."""
    found: list[Frame] = []
    for number in range(count):
        shade = np.full((48, 64), number % 200 + 20, np.uint8)
        found.append(Picture(first_us + number * step_us, VideoFrame.from_ndarray(shade, format="gray")))
    return found


def sound(at_us: int, samples: int, rate: int = 48_000, level: float = 0.1) -> Sound:
    """A stretch of constant sound."""
    frame = AudioFrame.from_ndarray(np.full((1, samples), level, np.float32), format="fltp", layout="mono")
    frame.sample_rate = rate
    return Sound(at_us, frame)


def record_file(buffer: Buffer, camera: Path) -> Recorder:
    """Record a whole camera file, then stop."""
    clock = hurried_clock()
    ended = threading.Event()
    recorder = Recorder(
        buffer, lambda: Capture(CameraSettings(str(camera)), clock), clock,
        lambda state: ended.set() if state.doing == "interrupted" else None,
    )
    return record(recorder, ended)


def record(recorder: Recorder, until: threading.Event) -> Recorder:
    """Record until `until`, then stop."""
    recorder.start()
    if not until.wait(60):
        raise TimeoutError(f"never there: {recorder.state} {recorder.failure!r}")
    recorder.stop()
    recorder.join()
    return recorder


def joined(buffer: Buffer, run: int) -> bytes:
    """A run's segments, one after the other."""
    entries = buffer.ledger.runs[run].entries
    return b"".join(buffer.path_of(entry).read_bytes() for entry in entries if entry.segment)
