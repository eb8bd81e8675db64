"""Where pictures and sound come from: a camera and a microphone, or a file played at its own rate.

Every frame carries the monotonic moment it belongs to.  Reading runs in threads of its own behind one
bounded intake, so that a slow encoder can't stall a device; what a device delivers while the intake is
full is dropped and counted.  A file is never dropped from: it waits.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.video.frame import VideoFrame

from phone_client.clock import Clock

INTAKE_FRAMES = 128
"""Frames of either kind that wait for the encoder: about 3 s of picture and sound."""

_LOOKAHEAD = 96
_LET_GO_S = 2.0
_CLOCK_TOLERANCE_US = 10_000_000
_ALSA_CONFIG = Path("/usr/share/alsa/alsa.conf")


class CameraError(Exception):
    """The camera or microphone can't be opened or has stopped.  `cause` is the gap cause it amounts to;
    `can_return` is False for a file that has been played."""

    def __init__(self, cause: str, detail: str, can_return: bool = True) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail
        self.can_return = can_return


@dataclass(frozen=True)
class Picture:
    """One picture; `at_us` is the monotonic moment it was taken."""

    at_us: int
    frame: VideoFrame


@dataclass(frozen=True)
class Sound:
    """One stretch of sound; `at_us` is the monotonic moment of its first sample."""

    at_us: int
    frame: AudioFrame


Frame: TypeAlias = Picture | Sound


@dataclass(frozen=True)
class CameraSettings:
    """What to open.  `camera` is a V4L2 device or a file; `sound` an ALSA device, or None for the file's own
    sound (or none).  Size and rate are wishes to a device; a file keeps its own."""

    camera: str
    sound: str | None = None
    width: int = 640
    height: int = 480
    rate: int = 15

    @property
    def is_device(self) -> bool:
        """Whether `camera` is a character device rather than a file."""
        return Path(self.camera).is_char_device() or self.camera.startswith("/dev/")


class Intake:
    """The bounded queue between the reading threads and the encoder."""

    def __init__(self, frames: int = INTAKE_FRAMES) -> None:
        self._frames = frames
        self._waiting: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._failure: CameraError | None = None
        self._open_readers = 0
        self._closed = False
        self.dropped = 0

    def add_readers(self, count: int) -> None:
        """Announce threads that will offer frames."""
        with self._changed:
            self._open_readers += count

    def reader_done(self, failure: CameraError | None) -> None:
        """A reading thread has ended; the first failure is the one that is told."""
        with self._changed:
            self._open_readers -= 1
            self._failure = self._failure or failure
            self._changed.notify_all()

    def offer(self, frame: Frame) -> None:
        """Hand over a frame from a device: when the intake is full the frame is dropped and counted."""
        with self._changed:
            if len(self._waiting) >= self._frames:
                self.dropped += 1
                return
            self._waiting.append(frame)
            self._changed.notify_all()

    def put(self, frame: Frame) -> bool:
        """Hand over a frame from a file: waits for room.  False once the intake is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._frames)
            if self._closed:
                return False
            self._waiting.append(frame)
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float) -> Frame | None:
        """The next frame; None when none came in `timeout_s` or the intake is closed and empty.

        Raises CameraError when the source has failed or ended and everything it gave has been taken."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._failure or self._closed or not self._open_readers, timeout_s
            )
            if self._waiting:
                frame = self._waiting.popleft()
                self._changed.notify_all()
                return frame
            if self._failure is not None:
                raise self._failure
            return None

    def close(self) -> None:
        """Let waiting readers go; frames already waiting stay to be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def to_monotonic_us(stamp_us: int, clock: Clock) -> int:
    """A device's time stamp on the monotonic clock.

    Drivers stamp with the monotonic clock (UVC) or the wall clock (ALSA); whichever the stamp is near to is
    the one it was.  A stamp near neither is worth nothing and the moment of arrival is taken instead."""
    now = clock.instant()
    if abs(stamp_us - now.mono_us) < _CLOCK_TOLERANCE_US:
        return min(stamp_us, now.mono_us)
    age_us = now.wall_ms * 1_000 - stamp_us
    if abs(age_us) < _CLOCK_TOLERANCE_US:
        return now.mono_us - max(0, age_us)
    return now.mono_us


def _stamp_us(frame: VideoFrame | AudioFrame) -> int | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return int(frame.pts * frame.time_base * 1_000_000)


def _open(name: str, cause: str, format_name: str | None, options: dict[str, str]) -> InputContainer:
    try:
        return av.open(name, "r", format=format_name, options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise CameraError(cause, f"{name}: {error}") from error


class Source(Protocol):
    """What the recorder reads from: a context manager, opened anew for every run."""

    has_sound: bool
    sound_failure: str
    """Why the microphone could not be opened; empty where it was, or where none was asked for."""

    @property
    def dropped(self) -> int:
        """Frames that came and were not handed out."""

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""

    def __enter__(self) -> Source:
        """Open it.  Raises CameraError."""

    def __exit__(self, *_: object) -> None:
        """Close it."""

    def take(self, timeout_s: float) -> Frame | None:
        """The next frame, or None when none came in time.  Raises CameraError at the source's end."""

    def stop(self) -> None:
        """Stop reading; what has been read can still be taken.  May be called from any thread."""


class Capture:
    """The source that `CameraSettings` name."""

    def __init__(self, settings: CameraSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._intake = Intake()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.has_sound = False
        self.sound_failure = ""

    @property
    def dropped(self) -> int:
        """Frames that came while the intake was full and were not recorded."""
        return self._intake.dropped

    def __enter__(self) -> Capture:
        if self._settings.is_device:
            self._open_camera()
        else:
            self._open_file()
        if self._settings.sound is not None:
            try:
                self._open_sound(self._settings.sound)
            except CameraError as error:
                # Pictures without sound are worth more than neither.
                self.sound_failure = error.detail
        self._intake.add_readers(len(self._threads))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._intake.close()
        for thread in self._threads:
            # A dead device may never return from a read; its thread is left behind and lets go by itself.
            thread.join(_LET_GO_S)

    def take(self, timeout_s: float) -> Frame | None:
        """The next frame, or None when none came in time.  Raises CameraError at the source's end."""
        return self._intake.take(timeout_s)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Stop reading; what has been read can still be taken.  May be called from any thread."""
        self._stop.set()
        self._intake.close()

    def _open_camera(self) -> None:
        wish = self._settings
        container = _open(
            wish.camera,
            "camera_lost",
            "video4linux2,v4l2",
            {"video_size": f"{wish.width}x{wish.height}", "framerate": str(wish.rate)},
        )
        self._read_in_thread("camera", container, lambda: self._read_device(container, "camera_lost"))

    def _open_sound(self, device: str) -> None:
        if _ALSA_CONFIG.exists():
            # PyAV's wheel carries an ALSA library that looks for its configuration where it was built.
            os.environ.setdefault("ALSA_CONFIG_PATH", str(_ALSA_CONFIG))
        container = _open(device, "muted", "alsa", {"sample_rate": "48000", "channels": "1"})
        self.has_sound = True
        self._read_in_thread("sound", container, lambda: self._read_device(container, "muted"))

    def _open_file(self) -> None:
        container = _open(self._settings.camera, "camera_lost", None, {})
        if not container.streams.video:
            container.close()
            raise CameraError("camera_lost", f"{self._settings.camera}: no pictures in this file")
        own_sound = self._settings.sound is None and bool(container.streams.audio)
        self.has_sound = own_sound
        self._read_in_thread("file", container, lambda: self._play(container, own_sound))

    def _read_in_thread(self, name: str, container: InputContainer, work: Callable[[], None]) -> None:
        def run() -> None:
            failure: CameraError | None = None
            try:
                work()
            except CameraError as error:
                failure = error
            except (av.FFmpegError, OSError) as error:
                failure = CameraError("camera_lost", f"{name}: {error}")
            finally:
                container.close()
            self._intake.reader_done(failure)

        self._threads.append(threading.Thread(target=run, name=f"capture-{name}", daemon=True))

    def _read_device(self, container: InputContainer, cause: str) -> None:
        for frame in container.decode(container.streams[0]):
            if self._stop.is_set():
                return
            if not isinstance(frame, (VideoFrame, AudioFrame)):
                continue
            stamp = _stamp_us(frame)
            at_us = self._clock.mono_us() if stamp is None else to_monotonic_us(stamp, self._clock)
            self._intake.offer(
                Picture(at_us, frame) if isinstance(frame, VideoFrame) else Sound(at_us, frame)
            )
        raise CameraError(cause, "the device has ended its stream")

    def _play(self, container: InputContainer, own_sound: bool) -> None:
        """Hand out a file's frames when their moment comes; the file's first moment is now."""
        origin: int | None = None
        first_us = 0
        for stamp, frame in _in_order(container, own_sound):
            if origin is None:
                origin, first_us = self._clock.mono_us(), stamp
            at_us = origin + stamp - first_us
            while (early_us := at_us - self._clock.mono_us()) > 0:
                if self._stop.wait(early_us / 1_000_000):
                    return
            kept: Frame = Picture(at_us, frame) if isinstance(frame, VideoFrame) else Sound(at_us, frame)
            if self._stop.is_set() or not self._intake.put(kept):
                return
        raise CameraError("camera_lost", f"{self._settings.camera}: end of the file", can_return=False)


def _in_order(container: InputContainer, own_sound: bool) -> Iterator[tuple[int, VideoFrame | AudioFrame]]:
    """A file's frames by time over both streams; containers interleave only roughly."""
    streams = [container.streams.video[0], *(container.streams.audio[:1] if own_sound else ())]
    waiting: dict[int, deque[tuple[int, VideoFrame | AudioFrame]]] = {s.index: deque() for s in streams}
    queues = list(waiting.values())
    for packet in container.demux(streams):
        for frame in packet.decode():
            if isinstance(frame, (VideoFrame, AudioFrame)) and (stamp := _stamp_us(frame)) is not None:
                waiting[packet.stream.index].append((stamp, frame))
        while all(queues) or any(len(q) > _LOOKAHEAD for q in queues):
            yield min((q for q in queues if q), key=lambda q: q[0][0]).popleft()
    while any(queues):
        yield min((q for q in queues if q), key=lambda q: q[0][0]).popleft()
