"""One application for the tests of a module; those that need one of their own take `fresh_server`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bad_input.hosted import Hosted, hosting
from tests.sittings import FakeClock


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hosted]:
    async with hosting(tmp_path_factory.mktemp("bad-input") / "data", FakeClock()) as running:
        yield running


@pytest.fixture
async def fresh_server(tmp_path: Path) -> AsyncIterator[Hosted]:
    async with hosting(tmp_path / "data", FakeClock()) as running:
        yield running
