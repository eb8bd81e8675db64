"""The web app's ledger is the Python client's: of whatever facts, both know the same and refuse the same."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from phone_client.ledger import LedgerError
from tests.node import node
from tests.web.core.facts import Fact, FactMaker, outcome_of

HERE = Path(__file__).parent
SEEDS = range(150)
MOST = 90


def test_both_ledgers_fold_the_same_facts_into_the_same_state(tmp_path: Path) -> None:
    sequences: list[list[Fact]] = []
    expected: list[dict[str, Any]] = []
    for seed in SEEDS:
        maker = FactMaker(seed)
        facts = [maker.draw() for _ in range(1 + seed * MOST // len(SEEDS))]
        expected.append({"refused": -1, "ledger": outcome_of(maker.ledger)})
        sequences.append(facts)
    found = _replayed(tmp_path, sequences)
    assert found == expected
    held = sum(len(one["ledger"]["deliverable"]) for one in expected)
    assert held > len(SEEDS), "sequences without entries prove nothing"


def test_both_ledgers_refuse_what_has_no_place(tmp_path: Path) -> None:
    sequences: list[list[Fact]] = []
    for seed in SEEDS:
        maker = FactMaker(seed)
        facts = [maker.draw() for _ in range(seed % 40)]
        impossible = maker.draw_impossible()
        with pytest.raises(LedgerError):
            maker.ledger.apply(impossible)
        sequences.append([*facts, impossible])
    found = _replayed(tmp_path, sequences)
    assert [one["refused"] for one in found] == [len(facts) - 1 for facts in sequences]


def _replayed(folder: Path, sequences: list[list[Fact]]) -> list[dict[str, Any]]:
    path = folder / "sequences.json"
    path.write_text(json.dumps(sequences), encoding="utf-8")
    done = subprocess.run(
        [node(), HERE / "replay.mjs", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_what_only_the_web_app_knows() -> None:
    done = subprocess.run(
        [node(), "--test", "--test-reporter=tap", *HERE.glob("*.test.mjs")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"# skipped 0", "# todo 0"} <= set(done.stdout.splitlines())
