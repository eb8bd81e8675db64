"""Each check before the exam, on both sides of its limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from phone_client.camera import CameraSettings
from phone_client.clock import Clock
from phone_client.encode import EncoderSettings, RunEncoder
from phone_client.preflight import (
    Check,
    check_battery,
    check_camera_and_sound,
    check_clock_and_network,
    check_storage,
    size,
)
from phone_client.server import Server
from phone_client.wording import LANGUAGES, Wording
from tests.phone.fake_server import NOW_MS, FakeServer, refused
from tests.phone.sources import hurried_clock, pictures, sound


def verdicts(checks: list[Check]) -> dict[str, bool | None]:
    return {check.name: check.passed for check in checks}


def has_words(checks: list[Check]) -> None:
    """Every check can be told in both languages; a failed one says what to do."""
    for check in checks:
        for language in LANGUAGES:
            said = check.told(Wording(language))
            assert said["says"]
            assert bool(said["do"]) == (check.passed is False)


def test_a_camera_that_works(camera: Path) -> None:
    checks = check_camera_and_sound(CameraSettings(str(camera)), Clock())
    assert verdicts(checks) == {"camera": True, "sound": True}
    has_words(checks)


@pytest.mark.parametrize("name", ["no-such-file.mp4", "/dev/no-such-camera"])
def test_a_camera_that_cannot_be_opened(name: str) -> None:
    checks = check_camera_and_sound(CameraSettings(name), Clock())
    assert verdicts(checks) == {"camera": False, "sound": None}
    has_words(checks)


@pytest.mark.parametrize(
    ("level", "says"), [(None, "sound-none"), (0.0, "sound-silent"), (0.1, "sound-fine")]
)
def test_silence_is_not_sound(tmp_path: Path, level: float | None, says: str) -> None:
    frames = pictures(60, 1_000_000)
    if level is not None:
        frames += [sound(1_000_000 + n * 100_000, 4_800, level=level) for n in range(40)]
    frames.sort(key=lambda frame: frame.at_us)
    encoder = RunEncoder(pictures(1, 1_000_000)[0], level is not None)
    pieces = [piece for frame in frames for piece in encoder.add(frame)] + encoder.finish()
    (tmp_path / "camera.mp4").write_bytes(b"".join(piece.raw for piece in pieces))
    checks = check_camera_and_sound(CameraSettings(str(tmp_path / "camera.mp4")), hurried_clock())
    assert checks[1].says == says
    has_words(checks)


def test_a_microphone_that_cannot_be_opened_is_not_the_cameras_fault(camera: Path) -> None:
    checks = check_camera_and_sound(CameraSettings(str(camera), sound="no-such-microphone"), Clock())
    assert verdicts(checks) == {"camera": True, "sound": False}
    has_words(checks)


def test_storage_for_one_and_a_half_times_the_exam(tmp_path: Path) -> None:
    settings = EncoderSettings(picture_rate=8_000_000, sound_rate=0)
    enough = check_storage(tmp_path / "not" / "yet", 1, settings)
    short = check_storage(tmp_path, 1 << 40, settings)
    assert verdicts([enough]) == {"storage": True}
    assert verdicts([short]) == {"storage": False}
    assert enough.facts["need"] == "90 MB"  # 1 MB/s for 60 s, and half as much again
    has_words([enough, short])


@pytest.mark.parametrize(
    ("percent", "status", "passed"),
    [("79", "Discharging", False), ("80", "Discharging", True), ("5", "Charging", True), ("", "", None)],
)
def test_battery_or_charger(tmp_path: Path, percent: str, status: str, passed: bool | None) -> None:
    (tmp_path / "AC").mkdir()
    (tmp_path / "BAT0").mkdir()
    if percent:
        (tmp_path / "BAT0" / "capacity").write_text(f"{percent}\n")
        (tmp_path / "BAT0" / "status").write_text(f"{status}\n")
    check = check_battery(tmp_path)
    assert check.passed is passed
    has_words([check])


def test_no_battery_at_all(tmp_path: Path) -> None:
    assert check_battery(tmp_path / "none").passed is None


@pytest.mark.parametrize(("off_ms", "passed"), [(0, True), (2_000, True), (-2_001, False), (60_000, False)])
async def test_how_far_the_clock_is_off(off_ms: int, passed: bool) -> None:
    async with FakeServer().serving() as fake, Server(fake.base) as server:
        checks = await check_clock_and_network(server, Clock(lambda: 0, lambda: NOW_MS + off_ms, "boot"))
    assert verdicts(checks) == {"clock": passed, "network": True}
    has_words(checks)


async def test_a_slow_network() -> None:
    ticks = iter(range(0, 100_000_000, 1_600_000))  # each answer takes 1.6 s of this clock
    async with FakeServer().serving() as fake, Server(fake.base) as server:
        clock = Clock(lambda: next(ticks), lambda: NOW_MS - 800, "boot")
        checks = await check_clock_and_network(server, clock)
    assert verdicts(checks) == {"clock": True, "network": False}
    has_words(checks)


async def test_no_server_to_reach() -> None:
    fake = FakeServer()
    async with fake.serving():
        pass
    async with Server(fake.base) as server:
        checks = await check_clock_and_network(server, Clock())
    assert verdicts(checks) == {"clock": None, "network": False}
    has_words(checks)


@pytest.mark.parametrize("fault", [refused("busy"), lambda _: web.Response(text="hello")])
async def test_a_server_that_does_not_answer_as_one(
    fault: Callable[[web.Request], web.StreamResponse],
) -> None:
    fake = FakeServer()
    fake.fail("GET /v1/time", fault)
    async with fake.serving(), Server(fake.base) as server:
        checks = await check_clock_and_network(server, Clock())
    assert verdicts(checks)["network"] is False


async def test_without_a_server_there_is_nothing_to_check() -> None:
    checks = await check_clock_and_network(None, Clock())
    assert verdicts(checks) == {"clock": None, "network": None}
    has_words(checks)


@pytest.mark.parametrize(
    ("octets", "text"), [(999, "999 B"), (1_000, "1 kB"), (2_500_000, "2 MB"), (1.25e9, "1.2 GB")]
)
def test_sizes_for_people(octets: float, text: str) -> None:
    assert size(octets) == text
