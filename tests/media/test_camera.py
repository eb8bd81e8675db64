"""The camera file's numbers can be counted after re-encoding, and its reader notices what is wrong."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest

from demo import camera as camera_module
from demo import frames
from demo.framecode import NUMBER_BITS, PictureMark, draw_bar, read_bar
from tests.media.recordings import HEIGHT, RATE, SECONDS, WIDTH, at_fragments

PICTURES = RATE * SECONDS


def counted(run: bytes) -> frames.Count:
    return frames.count(frames.read_marks(io.BytesIO(run)), frames.read_beeps(io.BytesIO(run)))


def test_the_camera_file_itself(camera: Path) -> None:
    numbers = frames.read_numbers(camera)
    assert [number for _, number in numbers] == list(range(PICTURES))
    assert all(
        abs(at_us - number * 1_000_000 // RATE) < 1000 for at_us, number in numbers if number is not None
    )
    beeps = frames.read_beeps(camera)
    assert [second for _, second in beeps] == list(range(SECONDS))
    assert all(abs(at_us - second * 1_000_000) < 20_000 for at_us, second in beeps)


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_counted_after_a_recorder(request: pytest.FixtureRequest, form: str) -> None:
    found = counted(request.getfixturevalue(form))
    assert (found.pictures, found.first, found.last) == (PICTURES, 0, PICTURES - 1)
    assert (found.unreadable, found.missing, found.repeated, found.disordered) == (0, (), (), 0)
    assert found.beeps == SECONDS
    assert found.sound_offset_ms is not None
    assert abs(found.sound_offset_ms) < 20


def test_missing_and_repeated_pictures_are_named(mp4: bytes) -> None:
    header, first, _, third, *_ = at_fragments("video/mp4", mp4)
    found = counted(header + first + third)
    assert found.missing == tuple(range(2 * RATE, 4 * RATE))
    marks = frames.read_marks(io.BytesIO(mp4))
    found = frames.count([*marks, *marks[:RATE], (0, None)], [])
    assert (found.disordered, found.repeated, found.unreadable) == (1, tuple(range(RATE)), 1)
    assert found.sound_offset_ms is None


def test_sound_that_is_late_is_measured(camera: Path, tmp_path: Path) -> None:
    late = tmp_path / "late.mp4"
    with av.open(str(camera)) as source, av.open(str(late), "w") as target:
        tracks = {stream: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None or packet.pts is None:
                continue
            if packet.stream.type == "audio":
                packet.pts += 48_000 * 150 // 1000
                packet.dts += 48_000 * 150 // 1000
            packet.stream = tracks[packet.stream]
            target.mux(packet)
    found = frames.count(frames.read_marks(late), frames.read_beeps(late))
    assert found.sound_offset_ms is not None
    assert 130 <= found.sound_offset_ms <= 170


@pytest.mark.parametrize("number", [0, 1, 899, (1 << NUMBER_BITS) - 1])
@pytest.mark.parametrize("size", [(160, 120), (640, 480), (1280, 720)])
def test_a_bar_reads_as_it_was_drawn(number: int, size: tuple[int, int]) -> None:
    picture = np.full(size[::-1], 128, np.uint8)
    bar = draw_bar(PictureMark(number, 15), *size)
    picture[: len(bar)] = bar
    assert read_bar(picture) == PictureMark(number, 15)


def test_a_bar_in_doubt_gives_no_number() -> None:
    picture = np.full((HEIGHT, WIDTH), 128, np.uint8)
    assert read_bar(picture) is None
    bar = draw_bar(PictureMark(77, 15), WIDTH, HEIGHT)
    for column in range(0, WIDTH, WIDTH // 36):
        picture[: len(bar)] = bar
        swapped = slice(column, column + WIDTH // 36)
        picture[: len(bar), swapped] = bar[::-1, swapped]
        assert read_bar(picture) in (None, PictureMark(77, 15))
        picture[: len(bar), swapped] = 128
        assert read_bar(picture) in (None, PictureMark(77, 15))


@pytest.mark.parametrize("number", [-1, 1 << NUMBER_BITS])
def test_a_number_that_does_not_fit(number: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        draw_bar(PictureMark(number, 15), WIDTH, HEIGHT)


def test_the_command_lines(tmp_path: Path, mp4: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "one.mp4"
    assert camera_module.main([str(out), "--seconds", "1", "--size", "160x120"]) == 0
    assert frames.main([str(out)]) == 0
    assert "last: 14" in capsys.readouterr().out
    header, first, _, third, *_ = at_fragments("video/mp4", mp4)
    holed = tmp_path / "holed.mp4"
    holed.write_bytes(header + first + third)
    assert frames.main([str(holed), "--json"]) == 1
    with pytest.raises(SystemExit):
        camera_module.main([str(out), "--size", "161x120"])


def test_the_same_seed_renders_the_same_film(tmp_path: Path) -> None:
    films = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        camera_module.render(tmp_path / name, 1, 5, 160, 120, seed)
        films.append(frames_of(tmp_path / name))
    assert films[0] == films[1]
    assert films[0] != films[2]


def frames_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]
