"""A recording whose sound lacks, at its end or in between, is not taken for whole."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from demo.camera import render
from tests.web.path.numbers import RATE, silent_parts

LENGTH_S = 6


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "camera.mp4"
    render(path, seconds=LENGTH_S, rate=RATE, width=320, height=240)
    return path


def _near(seconds: float) -> object:
    return pytest.approx(seconds, abs=0.2)


def with_sound(film: Path, kept: Callable[[float], bool]) -> bytes:
    """The film with the sound of those moments alone."""
    out = io.BytesIO()
    with av.open(str(film)) as source, av.open(out, "w", format="mp4") as target:
        tracks = {
            stream.index: target.add_stream_from_template(stream)
            for stream in (*source.streams.video, *source.streams.audio)
        }
        for packet in source.demux():
            if packet.dts is None or packet.pts is None:
                continue
            if packet.stream.type == "audio" and not kept(float(packet.pts * packet.time_base)):
                continue
            packet.stream = tracks[packet.stream.index]
            target.mux(packet)
    return out.getvalue()


def test_a_recording_with_sound_lacks_none(film: Path) -> None:
    assert silent_parts(film.read_bytes()) == []
    assert silent_parts(with_sound(film, lambda at: not 2 <= at < 2.3)) == []


def test_a_recording_without_sound_lacks_all(film: Path) -> None:
    assert silent_parts(with_sound(film, lambda at: False)) == [(_near(0), _near(LENGTH_S))]


def test_a_hole_and_an_early_end_are_found(film: Path) -> None:
    found = silent_parts(with_sound(film, lambda at: not 2 <= at < 3.2 and at < 5))
    assert found == [(_near(2), _near(3.2)), (_near(5), _near(LENGTH_S))]
