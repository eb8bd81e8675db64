"""The modules of the recording that need no browser, in Node."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.node import node

PURE = sorted((Path(__file__).parent / "pure").glob("*.mjs"))


@pytest.mark.parametrize("tests", PURE, ids=[path.stem for path in PURE])
def test_in_node(tests: Path) -> None:
    ran = subprocess.run([node(), "--test", tests], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
