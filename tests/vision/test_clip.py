"""Clips: frames at their times, upright, and as many as a damaged file has."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from evidence_server.__main__ import app
from evidence_server.media.clip import Clip, ClipLimits
from evidence_server.media.scanning import measure_clip
from evidence_server.vision.pace import Pace
from evidence_server.vision.presence import FaceFinder
from evidence_server.vision.scan import RoomScan
from tests.vision.scan_room import film, turn

VP8 = {"deadline": "realtime", "cpu-used": "-8"}


def encoded(pictures: list[np.ndarray], times_ms: list[int] | None = None, container: str = "mp4") -> bytes:
    """A clip of these pictures, fifteen a second or at the given times."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream("libx264" if container == "mp4" else "libvpx", rate=15)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 800_000
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"preset": "ultrafast", "tune": "zerolatency"} if container == "mp4" else VP8
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = round(number * 1000 / 15) if times_ms is None else times_ms[number]
            frame.time_base = Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


def bars(count: int, height: int = 128, width: int = 96) -> list[np.ndarray]:
    """Pictures whose left half is darker than the right, brighter from one to the next."""
    pictures = []
    for number in range(count):
        picture = np.full((height, width, 3), 60 + number, np.uint8)
        picture[:, width // 2 :] = 200
        pictures.append(picture)
    return pictures


def test_frames_have_their_own_times() -> None:
    times = [0, 40, 300, 1200, 1240, 1900, 3000]
    clip = Clip(io.BytesIO(encoded(bars(7), times)))
    assert [round(frame.t_s * 1000) for frame in clip.frames()] == [0, 300, 1200, 1900, 3000]
    assert clip.duration_s == pytest.approx(3.0)
    assert clip.problem == ""


def test_frames_are_small_upright_and_full_range() -> None:
    clip = Clip(io.BytesIO(encoded(bars(4, 640, 360))))
    frame = next(iter(clip.frames()))
    assert (frame.height, frame.width) == (320, 180)
    assert frame.luma[:, :70].mean() == pytest.approx(60, abs=4)
    assert frame.luma[:, 110:].mean() == pytest.approx(200, abs=4)


def test_webm_is_read_as_well() -> None:
    assert len(list(Clip(io.BytesIO(encoded(bars(15), container="webm"))).frames())) == 8


def test_a_truncated_clip_gives_what_there_is() -> None:
    dice = np.random.default_rng(3)
    noise = [dice.integers(0, 256, (64, 48, 3)).astype(np.uint8) for _ in range(30)]
    whole = encoded(noise, container="webm")
    counts = [len(list(Clip(io.BytesIO(whole[: len(whole) * share // 10])).frames())) for share in (5, 8, 10)]
    assert 0 < counts[0] < counts[1] < counts[2] == 16


@pytest.mark.parametrize("junk", [b"", b"nothing", bytes(10_000), encoded(bars(3))[:200]])
def test_what_is_no_clip_gives_no_frames(junk: bytes) -> None:
    clip = Clip(io.BytesIO(junk))
    assert list(clip.frames()) == []
    assert clip.problem in {"not_media", "no_frames", "undecodable"}


def test_large_and_long_clips_are_bounded() -> None:
    raw = encoded(bars(40))
    assert Clip(io.BytesIO(raw), ClipLimits(pixels=1000)).problem == ""
    large = Clip(io.BytesIO(raw), ClipLimits(pixels=1000))
    assert list(large.frames()) == []
    assert large.problem == "pixel_limit"
    long = Clip(io.BytesIO(raw), ClipLimits(duration_s=1))
    assert max(frame.t_s for frame in long.frames()) <= 1
    assert long.problem == "time_limit"
    many = Clip(io.BytesIO(raw), ClipLimits(decoded_frames=10))
    assert len(list(many.frames())) <= 10
    assert many.problem == "frame_limit"


def test_junk_is_measured_as_a_scan_to_repeat(finder: FaceFinder) -> None:
    measured = measure_clip(io.BytesIO(b"nothing"), finder=finder, with_strip=True)
    assert not measured.readable
    assert measured.told["accepted"] == "repeat"
    assert measured.told["problem"] == "not_media"


def test_the_command_tells_a_scan(tmp_path: Path) -> None:
    clip, strip = tmp_path / "scan.mp4", tmp_path / "strip.jpg"
    clip.write_bytes(encoded([frame.bgr for frame in film(turn(376, speed=36, rate_hz=15), rate_hz=15)]))
    result = CliRunner().invoke(app, ["scan", str(clip), "--json", "--strip", str(strip)])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["accepted"] == "accept"
    assert told["net_yaw"] == pytest.approx(376, abs=1.5)
    assert told["cpu_s"] > 0
    assert strip.read_bytes()[:2] == b"\xff\xd8"


def test_the_commands_exit_codes(tmp_path: Path) -> None:
    short, junk, angles = tmp_path / "short.mp4", tmp_path / "junk.mp4", tmp_path / "angles.json"
    short.write_bytes(encoded(bars(30)))
    junk.write_bytes(b"nothing")
    angles.write_text("{}", encoding="utf-8")
    run = CliRunner().invoke
    assert run(app, ["scan", str(short)]).exit_code == 1
    assert run(app, ["scan", str(junk)]).exit_code == 3
    assert run(app, ["scan", str(tmp_path / "none.mp4")]).exit_code == 2
    assert run(app, ["scan", str(short), "--orientation", str(angles)]).exit_code == 2


def test_the_containers_rotation_is_applied() -> None:
    """A phone on its side says in the track's matrix that a clockwise quarter turn shows it upright."""
    raw = encoded(bars(4, 96, 128))
    one, none = (0x10000).to_bytes(4, "big"), bytes(4)
    upright = one + none * 3 + one
    quarter = none + one + none + (-0x10000).to_bytes(4, "big", signed=True) + none
    track = raw.index(b"tkhd")
    at = raw.index(upright, track)
    clip = Clip(io.BytesIO(raw[:at] + quarter + raw[at + len(upright) :]))
    frame = next(iter(clip.frames()))
    assert (frame.width, frame.height) == (96, 128)
    assert frame.luma[:50].mean() < 100
    assert frame.luma[78:].mean() > 150


def test_the_pace_holds_on_average_and_changes_as_it_goes() -> None:
    pace, times = Pace(8), [number / 30 for number in range(91)]
    usual = [t_s for t_s in times[:61] if pace.wants(t_s)]
    assert len(usual) == pytest.approx(16, abs=1)
    pace.rate_hz = 16
    assert sum(pace.wants(t_s) for t_s in times[61:]) == pytest.approx(16, abs=1)


def test_the_pace_makes_nothing_up_for_what_came_late() -> None:
    pace = Pace(8)
    assert pace.wants(0.0)
    assert pace.wants(3.0)
    assert not pace.wants(3.03)
    assert pace.wants(3.1)


def test_a_quick_turn_is_looked_at_more_often(finder: FaceFinder) -> None:
    fastest = {}
    for speed in (20, 60):
        scan, rates = RoomScan(finder), set()
        for frame in film(turn(120, speed), 8):
            scan.take(frame)
            rates.add(scan.pace.rate_hz)
        fastest[speed] = max(rates)
    assert fastest == {20: 8, 60: 16}
