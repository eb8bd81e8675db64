"""What all the phone's tests record: one numbered camera file, and a buffer; and the server they meet."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from phone_client.buffer import Buffer
from phone_client.record import Recorder
from tests.phone.fake_server import FakeServer
from tests.phone.running import FIRST_US, still_clock
from tests.phone.sources import Idle, camera_file, pictures, record


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return camera_file(tmp_path_factory.mktemp("phone-camera"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A buffer with one stopped run of 9 s: three segments, recorded before anything was bound."""
    folder = tmp_path_factory.mktemp("recorded")
    with Buffer(folder) as buffer:
        source = Idle(pictures(135, FIRST_US), None)
        record(Recorder(buffer, lambda: source, still_clock()), source.exhausted)
    return folder


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer().serving() as serving:
        yield serving


@pytest.fixture
def buffer(template: Path, tmp_path: Path) -> Iterator[Buffer]:
    with Buffer(shutil.copytree(template, tmp_path / "buffer")) as opened:
        yield opened
