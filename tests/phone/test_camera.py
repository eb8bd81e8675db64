"""Sources: a file at its own rate, a dead one, clocks of devices."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path

import pytest

from phone_client.camera import CameraError, CameraSettings, Capture, Intake, Picture, Sound, to_monotonic_us
from phone_client.clock import Clock
from phone_client.encode import RunEncoder
from tests.phone.sources import RATE, SECONDS, hurried_clock, pictures

MONO_US, WALL_MS = 5_000_000_000, 1_800_000_000_000


def standing_clock() -> Clock:
    return Clock(lambda: MONO_US, lambda: WALL_MS, "boot")


def drain(capture: Capture) -> tuple[list[Picture], list[Sound], CameraError]:
    """All frames of a file, and how it ended."""
    seen: list[Picture] = []
    heard: list[Sound] = []
    while True:
        try:
            frame = capture.take(60)
        except CameraError as error:
            return seen, heard, error
        if isinstance(frame, Picture):
            seen.append(frame)
        elif frame is not None:
            heard.append(frame)


def test_a_file_gives_every_frame_in_order_of_time_and_then_is_a_lost_camera(camera: Path) -> None:
    clock = hurried_clock()
    with Capture(CameraSettings(str(camera)), clock) as capture:
        seen, heard, end = drain(capture)
    assert len(seen) == SECONDS * RATE
    steps = {later.at_us - earlier.at_us for earlier, later in itertools.pairwise(seen)}
    assert steps <= {66_666, 66_667}
    assert sum(sound.frame.samples for sound in heard) >= SECONDS * 48_000
    assert (end.cause, end.can_return) == ("camera_lost", False)
    assert capture.dropped == 0


def test_a_file_is_not_played_ahead_of_its_time(camera: Path) -> None:
    clock = Clock()
    with Capture(CameraSettings(str(camera)), clock) as capture:
        for _ in range(20):
            frame = capture.take(60)
            assert frame is not None
            assert frame.at_us <= clock.mono_us()


@pytest.mark.parametrize("name", ["no-such-file", "/dev/no-such-camera"])
def test_what_cannot_be_opened_is_a_lost_camera(name: str) -> None:
    with pytest.raises(CameraError) as failure, Capture(CameraSettings(name), Clock()):
        pass
    assert failure.value.cause == "camera_lost"


def test_without_its_microphone_it_goes_on_without_sound(camera: Path) -> None:
    with Capture(CameraSettings(str(camera), sound="no-such-microphone"), hurried_clock()) as capture:
        assert "no-such-microphone" in capture.sound_failure
        assert not capture.has_sound
        seen, heard, _ = drain(capture)
    assert (len(seen), heard) == (SECONDS * RATE, [])


def test_a_source_that_hangs_can_be_left(tmp_path: Path) -> None:
    """A pipe whose writer falls silent stands in for a device that never returns from a read."""
    encoder = RunEncoder(pictures(1, 1_000_000)[0], False)
    frames = pictures(60, 1_000_000)
    stream = b"".join(piece.raw for frame in frames for piece in encoder.add(frame))
    encoder.finish()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    let_go = threading.Event()

    def write() -> None:
        with pipe.open("wb") as file:
            file.write(stream)
            file.flush()
            let_go.wait(60)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with Capture(CameraSettings(str(pipe)), hurried_clock()) as capture:
            while capture.take(1.0) is not None:
                pass
        assert writer.is_alive()
    finally:
        let_go.set()
        writer.join()


def test_a_full_intake_drops_and_counts_what_a_device_gives_and_makes_a_file_wait() -> None:
    intake = Intake(frames=3)
    intake.add_readers(1)
    given = pictures(5, 1_000_000)
    for frame in given:
        intake.offer(frame)
    assert intake.dropped == 2
    player = threading.Thread(target=lambda: intake.put(given[4]))
    player.start()
    assert [intake.take(1) for _ in range(4)] == [*given[:3], given[4]]
    player.join()
    assert intake.dropped == 2


def test_a_closed_intake_lets_a_waiting_file_go() -> None:
    intake = Intake(frames=1)
    first, second = pictures(2, 1_000_000)
    assert intake.put(first)
    answers: list[bool] = []
    player = threading.Thread(target=lambda: answers.append(intake.put(second)))
    player.start()
    intake.close()
    player.join()
    assert answers == [False]
    assert intake.take(1) == first
    assert intake.take(1) is None


@pytest.mark.parametrize(
    ("stamp_us", "moment_us"),
    [
        pytest.param(MONO_US - 40_000, MONO_US - 40_000, id="stamped by the monotonic clock"),
        pytest.param(MONO_US + 40_000, MONO_US, id="never in the future"),
        pytest.param(WALL_MS * 1_000 - 40_000, MONO_US - 40_000, id="stamped by the wall clock"),
        pytest.param(0, MONO_US, id="a stamp that means nothing"),
    ],
)
def test_a_devices_stamp_is_placed_on_the_monotonic_clock(stamp_us: int, moment_us: int) -> None:
    assert to_monotonic_us(stamp_us, standing_clock()) == moment_us
