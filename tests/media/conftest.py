"""One clean recording per container for all tests, and a worker per test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from evidence_server.media import MediaWorker
from tests.media import recordings


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.camera_file(tmp_path_factory.mktemp("camera"))


@pytest.fixture(scope="session")
def mp4(camera: Path) -> bytes:
    return recordings.fragmented_mp4(camera)


@pytest.fixture(scope="session")
def webm(camera: Path) -> bytes:
    return recordings.webm(camera)


@pytest.fixture
async def worker() -> AsyncIterator[MediaWorker]:
    async with MediaWorker() as running:
        yield running
