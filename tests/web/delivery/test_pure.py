"""The parts of the delivery that need no browser, in Node."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.node import node

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_pure_parts(path: Path) -> None:
    done = subprocess.run(
        [node(), "--test", "--test-reporter=tap", path],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    written = len(re.findall(r"^ *test\(", path.read_text(encoding="utf-8"), re.MULTILINE))
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed
    assert int(passed[1]) >= written
    assert {"# skipped 0", "# todo 0"} <= set(done.stdout.splitlines())
