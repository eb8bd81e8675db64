"""How often Python's collector of reference cycles walks through all that the server remembers."""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 10_000, 20, 100
"""Thresholds of the three generations; Python's own are 700, 10 and 10."""


def walk_seldom() -> None:
    """For a process that remembers much and drops little: call it once all is imported.

    Folded sittings have no cycles in them.  Walking through them stops every request, and with Python's own
    thresholds that happens often.  What is young is still walked through often: there are the cycles, in what
    requests leave behind.
    """
    gc.freeze()  # modules, routes and models, which stay anyway
    gc.set_threshold(YOUNG, MIDDLE, OLD)
