"""What reaches the buffer is what the camera gave: every frame once, at its moment, with its sound."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from demo.frames import count, read_beeps, read_marks, read_numbers
from pairing.encoding import sha256_b64u
from phone_client.boxes import SliceCutter
from phone_client.buffer import Buffer, BufferLimits
from phone_client.camera import CameraError, Picture
from phone_client.clock import Clock
from phone_client.encode import LEAD_US, RunEncoder
from phone_client.ledger import Happening, Segment
from phone_client.record import SEGMENT_US, Recorder, RecorderState
from tests.phone.sources import (
    RATE,
    SECONDS,
    STEP_US,
    Idle,
    Script,
    hurried_clock,
    joined,
    pictures,
    record,
    record_file,
    sound,
)


def fragment_numbers(stream: bytes) -> list[int]:
    """The sequence numbers that the muxer gave its fragments (`mfhd`)."""
    pieces = SliceCutter().feed(stream)
    assert sum(len(piece.raw) for piece in pieces) == len(stream)
    return [
        int.from_bytes(piece.raw[(at := piece.raw.index(b"mfhd")) + 8 : at + 12], "big")
        for piece in pieces[1:]
    ]


@pytest.fixture(scope="module")
def recorded(camera: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buffer]:
    """A whole camera file, recorded."""
    with Buffer(tmp_path_factory.mktemp("recorded")) as buffer:
        assert record_file(buffer, camera).failure is None
        yield buffer


def test_every_frame_is_there_once_with_its_sound(recorded: Buffer) -> None:
    stream = joined(recorded, 1)
    seen = count(read_marks(io.BytesIO(stream)), read_beeps(io.BytesIO(stream)))
    assert (seen.pictures, seen.first, seen.last) == (SECONDS * RATE, 0, SECONDS * RATE - 1)
    assert (seen.missing, seen.repeated, seen.disordered, seen.unreadable) == ((), (), 0, 0)
    assert seen.beeps == SECONDS
    assert seen.sound_offset_worst_ms is not None
    assert abs(seen.sound_offset_worst_ms) <= 20


def test_pictures_keep_the_moments_of_the_file(recorded: Buffer) -> None:
    for at_us, mark in read_marks(io.BytesIO(joined(recorded, 1))):
        assert mark is not None
        assert abs(at_us - LEAD_US - mark.number * 1_000_000 / RATE) <= 12  # one tick of 90 kHz


def test_the_segments_are_the_whole_container_stream(recorded: Buffer) -> None:
    numbers = fragment_numbers(joined(recorded, 1))
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_segment_is_sealed_at_the_first_slice_boundary_after_four_seconds(recorded: Buffer) -> None:
    run = recorded.ledger.runs[1]
    segments = [entry.segment for entry in run.entries if entry.segment]
    lengths = [segment.media_us[1] - segment.media_us[0] for segment in segments]
    assert len(segments) == 3
    assert all(SEGMENT_US <= length < SEGMENT_US + 600_000 for length in lengths[:-1])
    offset = 0
    for entry in run.entries:
        if entry.segment:
            raw = recorded.path_of(entry).read_bytes()
            assert entry.segment.offset == offset
            assert (entry.segment.length, entry.segment.sha256) == (len(raw), sha256_b64u(raw))
            first_ms, last_ms = entry.segment.mono_ms
            assert first_ms == (run.base_us + entry.segment.media_us[0]) // 1_000
            assert last_ms == (run.base_us + entry.segment.media_us[1]) // 1_000
            offset += len(raw)
    assert offset == run.bytes


def test_the_end_of_the_file_is_a_lost_camera_and_then_a_stop(recorded: Buffer) -> None:
    notes = [entry.what for entry in recorded.ledger.entries() if isinstance(entry.what, Happening)]
    assert [(note.note, note.cause) for note in notes] == [("gap_begin", "camera_lost"), ("stop", "stopped")]
    assert recorded.ledger.stopped


def record_scripts(buffer: Buffer, *scripts: Script) -> list[RecorderState]:
    """Record sources one after the other until the last has given everything; gives the states told."""
    states: list[RecorderState] = []
    waiting = iter(scripts)
    recorder = Recorder(buffer, lambda: next(waiting), hurried_clock(), states.append)
    record(recorder, scripts[-1].exhausted)
    assert recorder.failure is None
    return states


def notes_of(buffer: Buffer) -> list[tuple[str, str]]:
    found = [entry.what for entry in buffer.ledger.entries() if isinstance(entry.what, Happening)]
    return [(note.note, note.cause) for note in found]


def test_a_stop_by_hand_leaves_no_gap(tmp_path: Path) -> None:
    with Buffer(tmp_path) as buffer:
        record_scripts(buffer, Idle(pictures(30, 2_000_000_000), None))
        assert notes_of(buffer) == [("stop", "stopped")]
        assert buffer.ledger.runs[1].closed
        assert len(read_numbers(io.BytesIO(joined(buffer, 1)))) == 30


@pytest.mark.parametrize(
    ("failure", "cause"),
    [(CameraError("camera_lost", "unplugged"), "camera_lost"), (None, "frozen")],
    ids=["unplugged", "no picture any more"],
)
def test_a_camera_that_comes_back_begins_a_new_run(
    tmp_path: Path, failure: CameraError | None, cause: str
) -> None:
    with Buffer(tmp_path) as buffer:
        states = record_scripts(
            buffer, Script(pictures(30, 1_000_000), failure), Idle(pictures(30, 9_000_000), None)
        )
        kinds = [[type(entry.what) for entry in run.entries] for run in buffer.ledger.runs.values()]
        assert kinds == [[Segment, Happening], [Happening, Segment, Happening]]
        assert notes_of(buffer) == [("gap_begin", cause), ("gap_end", cause), ("stop", "stopped")]
        begin, end = buffer.ledger.runs[1].entries[1].what, buffer.ledger.runs[2].entries[0].what
        assert isinstance(begin, Happening)
        assert isinstance(end, Happening)
        assert begin.mono_ms == (1_000_000 + 29 * STEP_US) // 1_000
        assert end.mono_ms == 9_000
        doing = [state.doing for state in states]
        assert doing.index("interrupted") < len(doing) - 1
        assert [len(read_numbers(io.BytesIO(joined(buffer, run)))) for run in (1, 2)] == [30, 30]


def test_pictures_that_never_came_are_a_gap_inside_the_run(tmp_path: Path) -> None:
    with Buffer(tmp_path) as buffer:
        record_scripts(buffer, Idle([*pictures(15, 1_000_000), *pictures(15, 6_000_000)], None))
        assert notes_of(buffer)[:2] == [("gap_begin", "overload"), ("gap_end", "overload")]
        assert list(buffer.ledger.runs) == [1]


def test_a_phone_that_slept_begins_a_new_run_though_its_clock_stood(tmp_path: Path) -> None:
    # Awake when the source is opened and for fifteen pictures, then an hour's sleep.
    readings = iter([0] * 16)
    ticking = hurried_clock()
    clock = Clock(ticking.mono_us, ticking.wall_ms, "boot", lambda: next(readings, 3_600_000_000))
    waiting = iter([Idle(pictures(30, 1_000_000), None), last := Idle(pictures(30, 9_000_000), None)])
    with Buffer(tmp_path) as buffer:
        record(Recorder(buffer, lambda: next(waiting), clock), last.exhausted)
        assert notes_of(buffer) == [("gap_begin", "locked"), ("gap_end", "locked"), ("stop", "stopped")]
        assert [len(read_numbers(io.BytesIO(joined(buffer, run)))) for run in (1, 2)] == [15, 30]


def test_a_full_buffer_closes_the_run_and_says_so(camera: Path, tmp_path: Path) -> None:
    with Buffer(tmp_path, BufferLimits(reserve=0, most=150_000)) as buffer:
        recorder = record_file(buffer, camera)
        assert recorder.failure is None
        assert recorder.state.cause == "storage_full"
        assert notes_of(buffer)[0] == ("gap_begin", "storage_full")
        stream = joined(buffer, 1)
        assert 0 < len(stream) <= 150_000
        numbers = fragment_numbers(stream)
        assert numbers == list(range(1, len(numbers) + 1))


def test_sound_that_skips_or_overlaps_stays_with_the_pictures(tmp_path: Path) -> None:
    frames = [
        *pictures(60, 1_000_000),
        *(sound(1_000_000 + n * 100_000, 4_800) for n in range(10)),  # to 2.0 s
        *(sound(3_000_000 + n * 100_000, 4_800) for n in range(10)),  # a hole of 1 s, to 4.0 s
        *(sound(3_900_000 + n * 100_000, 4_800) for n in range(5)),  # an overlap of 0.1 s, to 4.4 s
    ]
    frames.sort(key=lambda frame: frame.at_us)
    with Buffer(tmp_path) as buffer:
        record_scripts(buffer, Idle(frames, None, has_sound=True))
        with av.open(io.BytesIO(joined(buffer, 1))) as stored:
            heard = [
                (float(frame.pts * frame.time_base), float(np.abs(frame.to_ndarray()).max()), frame.samples)
                for frame in stored.decode(audio=0) if frame.pts is not None and frame.time_base is not None
            ]
    assert abs(sum(samples for _, _, samples in heard) / 48_000 - 3.4) < 0.1
    quiet = [at - LEAD_US / 1e6 for at, level, _ in heard if level < 0.01]
    assert quiet
    assert all(1.0 <= at < 2.05 for at in quiet[1:])


def test_a_source_without_sound_is_recorded_without(tmp_path: Path) -> None:
    with Buffer(tmp_path) as buffer:
        record_scripts(buffer, Idle(pictures(20, 1_000_000), None))
        with av.open(io.BytesIO(joined(buffer, 1))) as stored:
            assert [stream.type for stream in stored.streams] == ["video"]


def test_a_picture_too_wide_is_scaled_down() -> None:
    wide = VideoFrame.from_ndarray(np.zeros((1_080, 1_921, 3), np.uint8)[:, :1_920], format="rgb24")
    encoder = RunEncoder(Picture(1_000_000, wide), False)
    stream = b"".join(piece.raw for piece in [*encoder.add(Picture(1_000_000, wide)), *encoder.finish()])
    with av.open(io.BytesIO(stream)) as stored:
        assert (stored.streams.video[0].width, stored.streams.video[0].height) == (1_280, 720)
