"""Ninety seconds: the server dies ten times, the phone five times, and the network is cut five times."""

from __future__ import annotations

from pathlib import Path

from tests.durability.ordeal import Ordeal, Plan

SEED = 3
SECONDS = 90


async def test_nothing_that_was_promised_is_lost(tmp_path: Path, camera: Path) -> None:
    plan = Plan.of_seed(SEED, SECONDS, kills=10, phone_kills=5, cuts=5)
    ending = await Ordeal(tmp_path, camera, plan).undergo()

    assert ending.struck.server == 10
    assert len(ending.struck.phone_ms) == 5
    assert sorted(ending.struck.cuts) == ["black_hole", "fin", "fin", "rst", "rst"]

    assert ending.lost == set()
    assert ending.held.acknowledged <= set(ending.bundle.entries)
    assert len(ending.receipts) > 10
    assert ending.bundle.undelivered == set()
    assert ending.checked["fine"], ending.checked
    assert ending.checked["segments"] == len(ending.bundle.receipts)

    # Nothing is missing but what the killed phones did not record, and that is named.
    assert (ending.verdict["word"], ending.verdict["missing"]) == ("complete", [])
    assert "crash" in {gap["cause"] for gap in ending.verdict["gaps"]}
    assert ending.unexplained == []
    assert (ending.exit_code, ending.proof) == (0, 0)
