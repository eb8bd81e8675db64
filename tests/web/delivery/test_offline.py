"""No network: recording goes on, also with the page loaded anew; a file is brought by hand."""

from __future__ import annotations

import io
import json
import time
import zipfile

from tests.path.evidence import hash_of
from tests.path.rig import verify
from tests.web.delivery.network import Way
from tests.web.delivery.rig import Phone, Rig
from tests.web.delivery.stream import RATE
from tests.web.path.numbers import silences


async def bound_and_cut_off(rig: Rig) -> tuple[Phone, str]:
    """A phone that is bound to a sitting that began a minute ago, and has no network any more."""
    phone = await rig.phone()
    start_ms = time.time_ns() // 1_000_000 - 60_000
    created = await rig.sitting("--start", str(start_ms))
    shown = await phone.claim(created["link"])
    await rig.confirm(created["sitting_id"], shown)
    await phone.until("state.stage === 'bound'")
    await rig.keep_the_app()
    rig.network.cut(Way.DOWN)
    await phone.until("!state.online")
    return phone, created["sitting_id"]


async def test_offline_until_after_the_end_with_a_page_loaded_anew(rig: Rig) -> None:
    phone, sitting = await bound_and_cut_off(rig)
    await phone.record(0, 12, note="gap_begin", late_s=45)  # over half a minute: committed late
    before = await phone.until("state.segments.recorded === 3 && state.gap !== null && state.run === null")
    assert before["segments"]["committed"] == 0

    opened = await phone.open()
    assert (opened["stage"], opened["sitting"]) == ("bound", sitting)
    assert opened["segments"] == before["segments"]
    assert opened["gap"]["cause"] == "camera_lost"
    await phone.record(12, 24, note="stop")
    stopped = await phone.until("state.stopped && state.segments.recorded === 6")
    assert not stopped["online"]
    assert stopped["waiting"]["segments"] == 6
    assert stopped["gap"] is None
    await rig.server.command("end", sitting)

    rig.network.restore()
    await phone.ask("retryNow")
    decided = await phone.until("state.verdict !== null && state.listed")
    assert decided["verdict"]["word"] == "complete"
    assert "committed_late" in {finding["code"] for finding in decided["verdict"]["review"]}
    bundle = await rig.export(sitting)
    assert [(shown.pictures, shown.missing) for shown in bundle.shown().values()] == [(12 * RATE, ())] * 2
    assert silences(bundle) == []
    assert (await verify(bundle.path)).code == 0


async def test_a_page_that_is_killed_in_a_slice_goes_on_with_what_was_flushed(rig: Rig) -> None:
    phone, sitting = await bound_and_cut_off(rig)
    await phone.record(0, 10, late_s=20)
    await phone.until("state.run === 1 && state.segments.recorded === 2")
    opened = await phone.open()
    assert opened["crashed"]
    assert opened["run"] is None
    assert opened["gap"]["cause"] == "crash"
    assert opened["recorded_ms"] >= 9_900
    await phone.record(10, 24, note="stop")
    rig.network.restore()
    await rig.server.command("end", sitting)
    decided = await phone.until("state.verdict !== null")
    assert decided["verdict"]["word"] == "complete"
    bundle = await rig.export(sitting)
    assert sum(shown.pictures for shown in bundle.shown().values()) == 24 * RATE
    assert silences(bundle) == []
    causes = [(claims["note"], claims["cause"]) for claims in bundle.entries.values() if "note" in claims]
    assert causes == [("gap_begin", "crash"), ("gap_end", "crash"), ("stop", "stopped")]


async def test_what_the_network_will_not_take_is_brought_by_hand(rig: Rig) -> None:
    phone, sitting = await bound_and_cut_off(rig)
    await phone.record(0, 20, note="stop", late_s=2)
    await phone.until("state.stopped")
    await rig.server.command("end", sitting)
    carried = await phone.carry()

    with zipfile.ZipFile(io.BytesIO(carried)) as archive:
        assert archive.testzip() is None
        records = archive.read("entries.txt").decode().split()
        segments = [name for name in archive.namelist() if name.startswith("segments/")]
        assert json.loads(archive.read("carry.json")) == {"sitting": sitting, "generation": 1}
        assert (len(records), len(segments)) == (6, 5)
    path = rig.folder / "phone.carry.zip"
    path.write_bytes(carried)
    told = await rig.server.command("accept", sitting, str(path), "--reason", "no network", "--json")
    assert (json.loads(told)["entries"], json.loads(told)["stored"]) == (6, 5)

    sent = rig.network.sent
    rig.network.restore()
    decided = await phone.until("state.verdict !== null && state.segments.stored === 5")
    assert decided["verdict"]["word"] == "complete"
    media = sum(len(piece) for piece in (await rig.export(sitting)).media.values())
    assert rig.network.sent - sent < media / 10, "what was brought is not uploaded again"
    assert {hash_of(record) for record in records} <= set((await rig.export(sitting)).entries)


async def test_a_second_page_waits_until_the_first_lets_go(rig: Rig) -> None:
    first = await rig.phone()
    second = Phone(await rig.context.new_page(), rig.address, [])
    await second.page.goto(f"{rig.address}/p/rig/index.html")
    await second.page.wait_for_function("globalThis.phone !== undefined")
    opening = second.page.evaluate_handle("({ opened: phone.open() })")
    handle = await opening
    await second.page.wait_for_function("phone.heard.includes('elsewhere')")
    assert await second.page.evaluate("phone.state") is None
    await first.page.close()
    state = await handle.evaluate("({ opened }) => opened")
    assert state["stage"] == "start"
