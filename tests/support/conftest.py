"""A service whose clock stands still, and the support desk's routes on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sittings import Service
from tests.support.desk import Desk


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    service = await Service.open(tmp_path)
    try:
        yield service
    finally:
        await service.close()


@pytest.fixture
async def desk(service: Service, tmp_path: Path) -> AsyncIterator[Desk]:
    async with Desk(service, tmp_path) as desk:
        yield desk
