"""One film for all tests of the delivery, and a rig for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phone_client.boxes import Slice
from tests.web.delivery.rig import Rig, rigged
from tests.web.delivery.stream import recorded


@pytest.fixture(scope="session")
def stream(tmp_path_factory: pytest.TempPathFactory) -> list[Slice]:
    return recorded(tmp_path_factory.mktemp("delivery-film"), seconds=24)


@pytest.fixture
async def rig(tmp_path: Path, stream: list[Slice]) -> AsyncIterator[Rig]:
    async with rigged(tmp_path, stream) as started:
        yield started
