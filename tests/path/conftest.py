"""One numbered camera file for all tests of the whole path, and a rig for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.camera import render
from tests.path.rig import Rig


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("path-camera") / "camera.mp4"
    render(path, seconds=60, rate=15, width=320, height=240)
    return path


@pytest.fixture
async def rig(tmp_path: Path, camera: Path) -> AsyncIterator[Rig]:
    async with Rig(tmp_path, camera) as started:
        yield started
