"""The collector: cycles that requests leave behind are found, what the server remembers is left alone."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from evidence_server.collector import MIDDLE, YOUNG, walk_seldom


class Leftover:
    """Something in a cycle, as an exception with its traceback is."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_requests_leave_behind_is_found_without_walking_through_the_rest() -> None:
    walk_seldom()
    before = gc.get_stats()[2]["collections"]
    leftover = weakref.ref(Leftover())
    kept = [[number] for number in range(2 * YOUNG * MIDDLE)]
    assert leftover() is None
    assert gc.get_stats()[2]["collections"] == before
    assert len(kept) == 2 * YOUNG * MIDDLE
