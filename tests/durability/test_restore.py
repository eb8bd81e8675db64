"""The rehearsal: a server is lost that gave receipts after its backup, and restored; the phone goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console

from demo.commands import command
from tests.durability.ordeal import POLICY
from tests.path.rig import Rig, run, verify
from tests.path.test_faults import begin, finish, lost


async def test_what_was_acknowledged_after_the_backup_is_sent_again(tmp_path: Path, camera: Path) -> None:
    async with Rig(tmp_path, camera) as rig:
        created, phone = await begin(rig, POLICY)
        sitting, backup, keys = created["sitting_id"], tmp_path / "backup", tmp_path / "keys.json"
        before = await told(rig, "backup", str(backup), "--media", "--keys", str(keys))
        assert (before["sittings"], before["missing"]) == (1, [])

        await rig.until_receipted(before["objects"] + 2)
        promised = rig.held()
        await rig.server.kill()
        shutil.move(rig.server.data, tmp_path / "lost")

        report = await told(rig, "restore", str(backup), "--keys", str(keys))
        assert (report["fine"], report["segments"]) == (True, before["objects"])
        assert report["segments"] <= len(promised.receipts) - 2
        await rig.server.start()
        code, bundle = await finish(rig, sitting, phone, len(promised.receipts) + 1)
        held = rig.held()
        await rig.server.stop()

    assert code == 0
    assert lost(held, bundle) == set()
    assert promised.acknowledged <= set(bundle.entries)
    assert set(promised.receipts) <= set(bundle.receipts)
    assert bundle.undelivered == set()
    verdict = bundle.verdicts[-1]
    assert (verdict["word"], verdict["missing"]) == ("complete", [])
    assert (await verify(bundle.path)).code == 0
    checked = await run("evidence_server", "check", "--data", str(rig.server.data), "--json")
    assert json.loads(checked.output)["segments"] == len(bundle.receipts)
    # The receipts of before the loss are still the phone's, and still the server's word.
    journal = (rig.buffer / "journal.jsonl").read_text()
    assert all(receipt in journal for receipt in promised.receipts.values())


async def told(rig: Rig, *arguments: str) -> dict[str, Any]:
    """What a command that works on the data folder prints."""
    where = ("--data", str(rig.server.data), "--json")
    report: dict[str, Any] = json.loads(await command(Console(width=200), *arguments, *where))
    return report
