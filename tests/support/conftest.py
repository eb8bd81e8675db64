"""The support desk's routes on a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sittings import Service
from tests.support.desk import Desk


@pytest.fixture
async def desk(service: Service, tmp_path: Path) -> AsyncIterator[Desk]:
    async with Desk(service, tmp_path) as desk:
        yield desk
