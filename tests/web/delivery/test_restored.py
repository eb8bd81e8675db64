"""A server that was restored from a backup: the phone notices what it has forgotten and sends it again."""

from __future__ import annotations

import shutil

from tests.path.rig import verify
from tests.web.delivery.rig import Rig
from tests.web.delivery.stream import RATE


async def test_what_a_restored_server_has_forgotten_is_sent_again(rig: Rig) -> None:
    phone = await rig.phone()
    created = await rig.sitting()
    sitting = created["sitting_id"]
    await rig.confirm(sitting, await phone.claim(created["link"]))
    await phone.record(0, 8, note="gap_begin")
    await phone.until("state.segments.stored === 2 && state.segments.committed === 2")
    await rig.server.stop()
    shutil.copytree(rig.server.data, rig.folder / "backup")
    await rig.server.start()

    await phone.record(8, 20, note="stop")
    await phone.until("state.segments.stored === 5 && state.listed")
    await rig.server.kill()
    shutil.rmtree(rig.server.data)
    shutil.move(rig.folder / "backup", rig.server.data)
    await rig.server.start()

    await rig.server.until(
        sitting, lambda state: bool(state["phone"]) and state["phone"]["segments"]["stored"] == 5
    )
    await rig.server.command("end", sitting)
    decided = await phone.until("state.verdict !== null && state.listed && state.segments.stored === 5")
    assert decided["verdict"]["word"] == "complete"
    bundle = await rig.export(sitting)
    assert sum(shown.pictures for shown in bundle.shown().values()) == 20 * RATE
    assert (await verify(bundle.path)).code == 0
