"""The page's pure parts, in Node."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.node import node

HERE = Path(__file__).parent
TESTS = sorted(HERE.glob("*.test.mjs"))


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_in_node(file: Path) -> None:
    done = subprocess.run(
        [node(), "--test", "--test-reporter=tap", file],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    written = len(re.findall(r"^test\(", file.read_text(encoding="utf-8"), re.MULTILINE))
    assert f"# pass {written}" in done.stdout.splitlines()
