"""The room scan without a guide, and what the server says of it."""

from __future__ import annotations

import re
from pathlib import Path

from phone_client.buffer import Buffer
from phone_client.ledger import Happening
from phone_client.record import Recorder
from tests.phone.fake_server import FakeServer
from tests.phone.running import FIRST_US, phone, still_clock
from tests.phone.sources import Idle, pictures

MARKED = ["scan_begin", "scan_end", "placed"]


async def test_the_room_scan_is_the_first_seconds_and_then_the_phone_stands(
    server: FakeServer, tmp_path: Path
) -> None:
    source = Idle(pictures(30, FIRST_US), None)
    with Buffer(tmp_path) as buffer:
        recorder = Recorder(buffer, lambda: source, still_clock())
        async with phone(server, buffer, recorder, scan_s=20) as running:
            await server.confirm()
            await server.until(lambda: len(server.notes) == 3)
            assert [name for name in running.heard.said if name in {"scan-turn", "scan-done", "placed"}] == [
                "scan-turn", "scan-done", "placed"
            ]  # fmt: skip
    assert [note.note for note in server.notes] == MARKED
    begin, end, _ = (note.mono_ms for note in server.notes)
    run = buffer.ledger.run
    assert run is not None
    assert (begin, end - begin) == (run.base_us // 1_000, 20_000)


async def test_a_scan_that_was_marked_before_a_restart_is_not_marked_again(
    server: FakeServer, tmp_path: Path
) -> None:
    for _ in range(2):
        source = Idle(pictures(30, FIRST_US), None)
        with Buffer(tmp_path) as buffer:
            recorder = Recorder(buffer, lambda one=source: one, still_clock())
            async with phone(server, buffer, recorder, scan_s=20) as running:
                if server.chains is None:
                    await server.confirm()
                await server.until(lambda: len(server.notes) >= 3)
                running.phone.leave()
                await running.done()
    with Buffer(tmp_path) as buffer:
        noted = [entry.what.note for entry in buffer.ledger.entries() if isinstance(entry.what, Happening)]
    assert [note for note in noted if note in MARKED] == MARKED


async def test_the_servers_answers_are_told_once_and_in_words(server: FakeServer, buffer: Buffer) -> None:
    async with phone(server, buffer) as running:
        await server.confirm()
        seen = {"stage": "answered", "accepted": "repeat", "begin_mono_ms": 7,
                "reasons": [{"code": "too_fast"}, {"code": "something_new"}, "broken"]}  # fmt: skip
        server.seen = {"scan": seen, "placement": {"stage": "measuring", "ok": None, "missing": []}}
        await server.tell()
        await running.until_said("other-why")
        server.seen |= {
            "placement": {"stage": "answered", "ok": False, "missing": ["desk"]},
            "alarms": [{"kind": "covered", "since_ms": 5, "until_ms": None},
                       {"kind": "dark", "since_ms": 1, "until_ms": 3}, None],
        }  # fmt: skip
        await server.tell()
        await running.until_said("alarm-covered")
        server.seen |= {"scan": seen | {"accepted": "accept", "begin_mono_ms": 9, "reasons": []}, "alarms": 3}
        await server.tell()
        await running.until_said("scan-accept")
    told = [name for name in running.heard.said if re.match("(scan|place|alarm|other)", name)]
    assert told == [
        "scan-repeat", "scan-why-too-fast", "other-why", "other-why", "place-failed", "place-why-desk",
        "alarm", "alarm-covered", "scan-accept",
    ]  # fmt: skip
