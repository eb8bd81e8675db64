"""A service whose clock stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sittings import Service


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    service = await Service.open(tmp_path)
    try:
        yield service
    finally:
        await service.close()
