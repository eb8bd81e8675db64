"""The devices' files and a browser with them, made once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.web.capture import cameras
from tests.web.capture.rig import chromium

RATE = 15
SECONDS = 24


@pytest.fixture(scope="session")
def devices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A camera of numbered pictures and a microphone of numbered beeps."""
    folder = tmp_path_factory.mktemp("devices")
    pictures = cameras.numbered(SECONDS, RATE, 640, 480)
    return (
        cameras.write_y4m(folder / "camera.y4m", pictures, RATE),
        cameras.write_sound(folder / "sound.wav", SECONDS),
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(devices: tuple[Path, Path]) -> AsyncIterator[Browser]:
    """One Chromium for all; every test has a profile of its own in it."""
    async with chromium(*devices) as running:
        yield running
