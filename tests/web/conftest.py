"""A real browser records in real time here, and shares two processors with everything else on the machine.

So a test that fails is run once more.  Nothing is hidden by that: a first failure is reported as a rerun, and
what fails twice has failed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))
