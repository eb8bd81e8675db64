"""Checks before the exam: camera, sound, storage, clock, battery, network (requirement E1).

Each check gives one sentence on what is wrong and one on what to do.  Nothing is recorded or claimed.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from rich.console import Console
from rich.table import Table

from pairing.errors import PairingError
from phone_client.camera import CameraError, CameraSettings, Capture, Picture
from phone_client.clock import Clock
from phone_client.encode import EncoderSettings
from phone_client.server import Server, TryLater
from phone_client.wording import Wording

WATCH_S = 3
"""How long camera and microphone are watched, in seconds."""

_FEWEST_PICTURES = 5 * WATCH_S
_SILENT_DB = -70
_CLOCK_MS = 2_000
_SLOW_MS = 1_500
_PROBES = 5
_LOW_PERCENT = 80
_POWER = Path("/sys/class/power_supply")
_SPARE = 1.5


@dataclass(frozen=True)
class Check:
    """One check: `passed` is None where there was nothing to check; `says` and `advice` name sentences of the
    locale files, filled with `facts`."""

    name: str
    passed: bool | None
    says: str
    advice: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict)

    def told(self, wording: Wording) -> dict[str, object]:
        """The check in words, for `--json`."""
        return {
            "check": self.name, "passed": self.passed, "says": wording(self.says, **self.facts),
            "do": wording(self.advice) if self.advice else "",
        }


def size(octets: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB"):
        if octets < 1_000:
            return f"{octets:.0f} {unit}"
        octets /= 1_000
    return f"{octets:.1f} GB"


def check_camera_and_sound(settings: CameraSettings, clock: Clock) -> list[Check]:
    """Open both for a few seconds: do pictures come, is the sound louder than nothing?"""
    pictures, width, height, square_sum, samples = 0, 0, 0, 0.0, 0
    try:
        with Capture(settings, clock) as capture:
            until_us = clock.mono_us() + WATCH_S * 1_000_000
            while (left_us := until_us - clock.mono_us()) > 0:
                frame = capture.take(left_us / 1_000_000)
                if isinstance(frame, Picture):
                    pictures, width, height = pictures + 1, frame.frame.width, frame.frame.height
                elif frame is not None:
                    level = _samples(frame.frame)
                    square_sum, samples = square_sum + float(np.sum(level**2)), samples + len(level)
            has_sound, mute = capture.has_sound, capture.sound_failure
    except CameraError as error:
        if pictures < _FEWEST_PICTURES:
            closed = Check("camera", False, "camera-closed", "camera-closed-do", {"detail": error.detail})
            return [closed, Check("sound", None, "skipped")]
        has_sound, mute = samples > 0, ""
    seen: dict[str, str | int] = {
        "pictures": pictures, "seconds": WATCH_S, "width": width, "height": height
    }
    camera = Check("camera", True, "camera-fine", "", seen)
    if pictures < _FEWEST_PICTURES:
        camera = Check("camera", False, "camera-still", "camera-still-do", seen)
    if mute:
        return [camera, Check("sound", False, "sound-closed", "sound-none-do", {"detail": mute})]
    return [camera, _sound(has_sound, square_sum, samples)]


def _samples(frame: AudioFrame) -> np.ndarray:
    """All samples of a frame, full scale being 1."""
    raw = frame.to_ndarray().reshape(-1)
    scale = 1.0 if raw.dtype.kind == "f" else float(2 ** (8 * raw.dtype.itemsize - 1))
    return np.asarray(raw, np.float64) / scale


def _sound(has_sound: bool, square_sum: float, samples: int) -> Check:
    if not has_sound:
        return Check("sound", False, "sound-none", "sound-none-do")
    power = square_sum / samples if samples else 0.0
    level = round(10 * math.log10(power)) if power > 1e-12 else -120
    if level < _SILENT_DB:
        return Check("sound", False, "sound-silent", "sound-silent-do", {"level": level})
    return Check("sound", True, "sound-fine", "", {"level": level})


def check_storage(folder: Path, minutes: int, settings: EncoderSettings) -> Check:
    """Room for one and a half times the exam at the encoder's bit rate."""
    existing = next(place for place in (folder, *folder.resolve().parents) if place.exists())
    need = int((settings.picture_rate + settings.sound_rate) / 8 * minutes * 60 * _SPARE)
    free = shutil.disk_usage(existing).free
    facts: dict[str, str | int] = {"free": size(free), "need": size(need)}
    if free < need:
        return Check("storage", False, "storage-short", "storage-short-do", facts)
    return Check("storage", True, "storage-fine", "", facts)


def check_battery(power: Path = _POWER) -> Check:
    """Charge and charger as the kernel tells them; `power` is its power_supply folder."""
    supplies = sorted(power.iterdir()) if power.is_dir() else []
    charges = [(_read(place / "capacity"), _read(place / "status")) for place in supplies]
    known = [(int(percent), status) for percent, status in charges if percent.isdigit()]
    if not known:
        return Check("battery", None, "battery-none")
    percent, status = min(known)
    charging = status in {"Charging", "Full", "Not charging"}  # the last: full, held by the charger
    facts: dict[str, str | int] = {"percent": percent, "charging": "yes" if charging else "no"}
    if percent < _LOW_PERCENT and not charging:
        return Check("battery", False, "battery-low", "battery-low-do", facts)
    return Check("battery", True, "battery-fine", "", facts)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


async def check_clock_and_network(server: Server | None, clock: Clock) -> list[Check]:
    """How far the clock is off, and how long an answer takes."""
    if server is None:
        return [Check("clock", None, "no-server"), Check("network", None, "no-server")]
    try:
        samples = [await server.clock_sample(clock) for _ in range(_PROBES)]
    except (TryLater, PairingError) as error:
        facts: dict[str, str | int] = {"detail": str(error)}
        away = Check("network", False, "network-none", "network-none-do", facts)
        return [Check("clock", None, "skipped"), away]
    best = min(samples, key=lambda sample: sample.rtt_ms)
    offset = best.wall_ms - best.server_ms
    timing = Check("clock", True, "clock-fine", "", {"offset": offset})
    if abs(offset) > _CLOCK_MS:
        timing = Check("clock", False, "clock-off", "clock-off-do", {"seconds": offset // 1_000})
    rtt: dict[str, str | int] = {"rtt": sorted(s.rtt_ms for s in samples)[_PROBES // 2]}
    if int(rtt["rtt"]) > _SLOW_MS:
        return [timing, Check("network", False, "network-slow", "network-slow-do", rtt)]
    return [timing, Check("network", True, "network-fine", "", rtt)]


def show_checks(checks: list[Check], wording: Wording, console: Console) -> None:
    """The checks as a table."""
    table = Table()
    for heading in ("check", "result", "advice"):
        table.add_column(wording(heading))
    for check in checks:
        colour = {True: "green", False: "bold red", None: "dim"}[check.passed]
        mark = wording({True: "passed", False: "failed", None: "skipped"}[check.passed])
        advice = wording(check.advice) if check.advice else ""
        said = wording(check.says, **check.facts)
        table.add_row(wording(f"check-{check.name}"), f"[{colour}]{mark}[/{colour}] {said}", advice)
    console.print(table)
