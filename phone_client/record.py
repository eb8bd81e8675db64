"""The recorder: camera → encoder → buffer, in a thread of its own, until it is told to stop.

Nothing that happens to the network reaches it.  Whatever interrupts the camera closes the run with a
`gap_begin` note, and the next frame opens a new run with `gap_end`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import av

from phone_client.boxes import BoxError, Slice
from phone_client.buffer import Buffer, BufferFull
from phone_client.camera import CameraError, Frame, Picture, Source
from phone_client.clock import Clock
from phone_client.encode import EncoderSettings, RunEncoder

SEGMENT_US = 4_000_000
"""A segment is sealed at the first slice boundary at or after this much media."""

STALL_S = 5.0
"""No picture for this long: the camera is dead whatever it says."""

_HOLE_US = 1_000_000
_REOPEN_S = 1.0


@dataclass(frozen=True)
class RecorderState:
    """What the recorder is doing: `doing` is starting, recording, interrupted or stopped.

    `cause` says why it is interrupted ("muted" while recording: without sound), `can_return` whether it can
    go on by itself; `dropped` counts frames that came and could not be recorded."""

    doing: str = "starting"
    cause: str = ""
    detail: str = ""
    can_return: bool = True
    pictures: int = 0
    dropped: int = 0


class _Stop(Exception):  # noqa: N818  not an error
    """Somebody asked for the recording to end."""


class Recorder:
    """Use: `start`, later `stop` and `join`.  `on_state` is called in the recorder's thread."""

    def __init__(
        self,
        buffer: Buffer,
        open_source: Callable[[], Source],
        clock: Clock,
        on_state: Callable[[RecorderState], None] = lambda _: None,
        encoder: EncoderSettings | None = None,
    ) -> None:
        self.state = RecorderState()
        self.failure: BaseException | None = None
        self._buffer = buffer
        self._open_source = open_source
        self._clock = clock
        self._on_state = on_state
        self._encoder_settings = encoder
        self._stopping = threading.Event()
        self._for_good = True
        self._source: Source | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to record; once is enough."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self, for_good: bool = True) -> None:
        """Ask for the end; `join` waits for it.

        The run is sealed with a `stop` note, or, where the recording is only left to be gone on with later,
        with a `gap_begin`."""
        if not self._stopping.is_set():
            self._for_good = for_good
        self._stopping.set()
        source = self._source
        if source is not None:
            source.stop()

    def join(self) -> None:
        """Wait until the recorder has stopped and everything is sealed."""
        if self._thread.ident is not None:
            self._thread.join()

    # --- the thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._record_until_interrupted()
            ledger = self._buffer.ledger
            if self._for_good and ledger.run is not None and ledger.run.closed and not ledger.stopped:
                # Stopped while interrupted: the chain still has to say so.
                self._buffer.note("stop", "stopped", self._clock.instant())
        except BaseException as error:
            self.failure = error
        finally:
            self._tell(doing="stopped")

    def _tell(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]  # fields by name
        self._on_state(self.state)

    def _record_until_interrupted(self) -> None:
        """Open the source, record one run.  Returns when it is time to open the source again or to stop."""
        again = True
        try:
            self._buffer.check_room()
            self._close_left_open()
            with self._open_source() as source:
                self._source = source
                if self._stopping.is_set():
                    return
                recording = _RunRecorder(
                    self._buffer, source, self._clock, self._encoder_settings, self._tell
                )
                recording.record(lambda: "stop" if self._for_good else "gap_begin")
        except _Stop:
            return
        except CameraError as error:
            again = error.can_return
            self._interrupted(error.cause, error.detail, again)
        except BufferFull as error:
            self._interrupted("storage_full", str(error))
        except (av.FFmpegError, BoxError, OSError) as error:
            self._interrupted("unknown", str(error))
        finally:
            self._source = None
        self._stopping.wait(_REOPEN_S if again else None)

    def _close_left_open(self) -> None:
        """A full disk may have kept the last run's end out of the journal."""
        run = self._buffer.ledger.run
        if run is not None and not run.closed:
            self._buffer.close_run("gap_begin", "storage_full", self._clock.instant())

    def _interrupted(self, cause: str, detail: str, can_return: bool = True) -> None:
        self._tell(doing="interrupted", cause=cause, detail=detail, can_return=can_return)


class _RunRecorder:
    """Records one run and closes it, whatever ends it."""

    def __init__(
        self, buffer: Buffer, source: Source, clock: Clock, settings: EncoderSettings | None,
        tell: Callable[..., None],
    ) -> None:
        self._buffer = buffer
        self._source = source
        self._clock = clock
        self._settings = settings
        self._tell = tell
        self._encoder: RunEncoder | None = None
        self._run_open = False
        self._torn = False
        self._last = clock.instant()
        self._asleep_us = clock.asleep_us()

    def record(self, note_of_stop: Callable[[], str]) -> None:
        """Until the source ends or fails (raises what did it) or is stopped (raises _Stop)."""
        note, cause = "gap_begin", "unknown"
        try:
            self._frames()
        except _Stop:
            note, cause = note_of_stop(), "stopped"
            raise
        except CameraError as error:
            cause = error.cause
            raise
        except BufferFull:
            cause = "storage_full"
            raise
        finally:
            self._close(note, cause)

    def _frames(self) -> None:
        early: list[Frame] = []
        while True:
            frame = self._source.take(STALL_S)
            if frame is None:
                if self._source.stopped:
                    raise _Stop
                raise CameraError("frozen", f"no frame for {STALL_S:g} s")
            if isinstance(frame, Picture):
                self._watch(frame)
            elif frame.at_us - self._last.mono_us > STALL_S * 1_000_000:
                raise CameraError("frozen", f"no picture for {STALL_S:g} s")
            if self._encoder is None:
                if not isinstance(frame, Picture):
                    early.append(frame)
                    continue
                self._open(frame)
                for waiting in early:
                    self._keep(waiting)
            self._keep(frame)

    def _open(self, first: Picture) -> None:
        self._encoder = RunEncoder(first, self._source.has_sound, self._settings)
        base, moment = self._clock.at(self._encoder.base_us), self._clock.at(first.at_us)
        self._buffer.open_run(base, moment, self._clock.boot)
        self._run_open = True
        mute = self._source.sound_failure
        self._tell(doing="recording", cause="muted" if mute else "", detail=mute)

    def _watch(self, frame: Picture) -> None:
        """Notice what the frames themselves do not tell: a sleep of the phone, pictures that never came."""
        if abs(self._clock.asleep_us() - self._asleep_us) > Clock.SLEPT_US:
            # The monotonic clock stood meanwhile: what follows belongs to a run that is placed anew.
            raise CameraError("locked", "the phone was asleep")
        now = self._clock.at(frame.at_us)
        if self._run_open and frame.at_us - self._last.mono_us > _HOLE_US:
            self._buffer.note("gap_begin", "overload", self._last)
            self._buffer.note("gap_end", "overload", now)
        self._last = now

    def _keep(self, frame: Frame) -> None:
        if self._encoder is None:
            raise RuntimeError("a frame before its encoder")
        self._store(self._encoder.add(frame))
        if isinstance(frame, Picture):
            self._tell(pictures=self._encoder.pictures, dropped=self._source.dropped + self._encoder.doubled)

    def _store(self, slices: list[Slice]) -> None:
        for piece in slices:
            self._torn = True  # until this slice is durable, none may follow it
            self._buffer.append(piece, self._clock.instant())
            self._torn = False
            if self._buffer.tail_us() >= SEGMENT_US:
                self._buffer.seal()

    def _close(self, note: str, cause: str) -> None:
        """End the container stream, keep what it still gives, seal and close the run."""
        if self._encoder is None or not self._run_open:
            return
        with suppress(BufferFull, av.FFmpegError, BoxError):  # then the run just ends a slice earlier
            last = self._encoder.finish()
            if not self._torn:
                self._store(last)
        self._buffer.close_run(note, cause, self._last)
