"""One application for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bad_input.hosted import Hosted, hosting
from tests.sittings import FakeClock


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Hosted]:
    async with hosting(tmp_path / "data", FakeClock()) as running:
        yield running
