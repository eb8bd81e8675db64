"""The devices' files, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.capture import cameras

RATE = 15
SECONDS = 40


@pytest.fixture(scope="session")
def devices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A camera of numbered pictures and a microphone of numbered beeps."""
    folder = tmp_path_factory.mktemp("devices")
    pictures = cameras.numbered(SECONDS, RATE, 640, 480)
    return (
        cameras.write_y4m(folder / "camera.y4m", pictures, RATE),
        cameras.write_sound(folder / "sound.wav", SECONDS),
    )
