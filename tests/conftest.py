"""The service that many tests use, how hypothesis looks for counterexamples (the same ones each time, however
busy the machine is), and which tests are run once more.

A real browser works in real time, and shares two processors with everything else on the machine.  So a test
with one that fails is run once more.  Nothing is hidden by that: a first failure is reported as a rerun, and
what fails twice has failed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.sittings import Service

BROWSERS = tuple(Path(__file__).parent / name for name in ("page", "web"))

settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that have a browser."""
    for item in items:
        if any(folder in item.path.parents for folder in BROWSERS):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """The server's stages on a folder of their own; the clock stands still."""
    service = await Service.open(tmp_path)
    try:
        yield service
    finally:
        await service.close()
