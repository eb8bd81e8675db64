"""The phone against a server that keeps the protocol and fails on order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pairing.chain import Chains
from pairing.errors import PairingError
from pairing.jws import new_server_key, record_hash
from phone_client.buffer import Buffer
from phone_client.ledger import Segment
from phone_client.record import Recorder
from tests.phone.fake_server import FakeServer, error_answer, refused
from tests.phone.running import FIRST_MS, FIRST_US, phone, still_clock
from tests.phone.sources import Idle, joined, pictures


def all_stored(server: FakeServer, segments: int = 3) -> bool:
    return len(server.stored) == segments


async def test_the_whole_path(server: FakeServer, tmp_path: Path) -> None:
    source = Idle(pictures(135, FIRST_US), None)
    with Buffer(tmp_path) as buffer:
        recorder = Recorder(buffer, lambda: source, still_clock())
        async with phone(server, buffer, recorder) as running:
            await asyncio.to_thread(source.exhausted.wait, 60)
            assert server.heads == {}  # recording does not wait for the confirm, heads do
            await server.confirm()
            await server.until(lambda: all_stored(server, 2))
            assert server.manifests == []
            await server.end(FIRST_MS + 9_000)
            await server.until(lambda: len(server.manifests) == 1)
            await server.until(lambda: all_stored(server))
            await server.decide("complete")
            outcome = await running.done()
        assert outcome.verdict is not None
        assert (outcome.verdict.word, outcome.owed, outcome.freed) == ("complete", 0, 0)
        assert b"".join(server.stored[name] for name in server.heads) == joined(buffer, 1)
        assert buffer.ledger.totals().bytes_held == len(joined(buffer, 1))
        assert running.heard.refusals == []


async def test_heads_reach_the_server_before_any_media(server: FakeServer, buffer: Buffer) -> None:
    async with phone(server, buffer):
        await server.confirm()
        await server.until(lambda: all_stored(server))
        assert server.asked.index("POST /v1/entries") < server.asked.index("PATCH /uploads")
        for entry in buffer.ledger.entries():
            assert entry.record is not None
            assert entry.committed


async def test_a_connection_cut_in_mid_patch_goes_on_where_the_server_stands(
    server: FakeServer, buffer: Buffer
) -> None:
    server.cut_after = 1_000
    async with phone(server, buffer):
        await server.confirm()
        await server.until(lambda: all_stored(server))
    assert b"".join(server.stored[name] for name in server.heads) == joined(buffer, 1)
    assert server.asked.count("PATCH /uploads") == 4


@pytest.mark.parametrize("kind", ["POST /v1/entries", "PATCH /uploads", "POST /v1/manifests", "GET /v1/time"])
async def test_a_server_in_trouble_is_asked_again(server: FakeServer, buffer: Buffer, kind: str) -> None:
    server.fail(kind, refused("busy", Retry_After="0"), refused("internal"))
    async with phone(server, buffer) as running:
        await server.confirm()
        await server.until(lambda: all_stored(server) and len(server.manifests) == 1)
        assert running.heard.refusals == []


async def test_the_servers_order_to_stay_away_is_kept(server: FakeServer, buffer: Buffer) -> None:
    server.fail("POST /v1/entries", refused("busy", Retry_After="2"))
    loop = asyncio.get_running_loop()
    async with phone(server, buffer):
        await server.confirm()
        await server.until(lambda: "POST /v1/entries" in server.asked)
        refused_at = loop.time()
        await server.until(lambda: len(server.heads) == 3)
        assert loop.time() - refused_at >= 1.9


async def test_a_server_that_went_away_finds_everything_kept(buffer: Buffer) -> None:
    server = FakeServer()
    async with server.serving(), phone(server, buffer) as running:
        await server.until(lambda: "GET /v1/binding" in server.asked)
    port = int(server.base.rpartition(":")[2])
    async with phone_without_server(server, buffer) as running, server.serving(port):
        await server.confirm()
        await server.until(lambda: all_stored(server))
        assert running.heard.refusals == []


def phone_without_server(server: FakeServer, buffer: Buffer) -> Any:
    """The same phone, started while nobody answers: its claim is in the buffer."""
    return phone(server, buffer)


async def test_an_upload_the_server_forgot_gets_its_address_again(
    server: FakeServer, buffer: Buffer
) -> None:
    server.fail("HEAD /uploads", refused("upload_unknown"))
    async with phone(server, buffer):
        await server.confirm()
        await server.until(lambda: all_stored(server))
    assert server.asked.count("POST /v1/entries") >= 2


async def test_bytes_damaged_on_their_way_are_sent_again(server: FakeServer, buffer: Buffer) -> None:
    server.fail("PATCH /uploads", refused("upload_hash"))
    async with phone(server, buffer):
        await server.confirm()
        await server.until(lambda: all_stored(server))


async def test_bytes_damaged_on_the_phone_are_named_and_hold_up_nothing_else(
    server: FakeServer, buffer: Buffer
) -> None:
    second = [entry for entry in buffer.ledger.entries() if entry.segment][1]
    path = buffer.path_of(second)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    async with phone(server, buffer, wait=False) as running:
        await server.confirm()
        outcome = await running.done()
    assert outcome.owed == 1
    assert len(server.stored) == 2
    assert running.heard.said.count("trouble") == 1


async def test_a_server_restored_from_a_backup_is_told_again(server: FakeServer, buffer: Buffer) -> None:
    async with phone(server, buffer):
        await server.confirm()
        await server.until(lambda: len(server.heads) == 3)
        before = dict(server.heads)
        server.chains = Chains("s_test", 1, record_hash(server.binding()))
        server.heads.clear()
        buffer.note("placed", "none", still_clock().instant())
        await server.until(lambda: len(server.heads) == 3)
        assert server.heads == before


async def test_a_restored_server_says_what_it_has_and_the_phone_sends_the_rest(
    server: FakeServer, buffer: Buffer
) -> None:
    """Nothing new happens on the phone: only what the server reads out tells that it has forgotten."""
    async with phone(server, buffer):
        await server.confirm()
        await server.until(lambda: all_stored(server) and len(server.manifests) == 1)
        heads, stored, manifest = dict(server.heads), dict(server.stored), server.manifests[0]

        server.stored.clear()
        server.parts.clear()
        await server.tell()
        await server.until(lambda: server.stored == stored)

        server.manifests.clear()
        await server.tell()
        await server.until(lambda: server.manifests == [manifest])

        server.chains = Chains("s_test", 1, record_hash(server.binding()))
        server.heads.clear()
        server.stored.clear()
        server.parts.clear()
        server.manifests.clear()
        await server.tell()
        await server.until(lambda: server.stored == stored and server.manifests == [manifest])
        assert server.heads == heads


async def test_what_begins_after_the_end_stays_on_the_phone(server: FakeServer, buffer: Buffer) -> None:
    segments = [entry.segment for entry in buffer.ledger.entries() if entry.segment]
    end_ms = FIRST_MS + segments[2].mono_ms[0] - segments[0].mono_ms[0] - 50
    await server.end(end_ms)
    async with phone(server, buffer, wait=False) as running:
        await server.confirm()
        outcome = await running.done()
    assert outcome.owed == 0
    assert len(server.stored) == 2
    assert len(server.heads) == 3
    assert all(buffer.path_of(entry).exists() for entry in buffer.ledger.entries() if entry.segment)


async def test_a_verdict_of_another_key_is_not_believed(server: FakeServer, buffer: Buffer) -> None:
    async with phone(server, buffer) as running:
        await server.confirm()
        await server.until(lambda: all_stored(server) and bool(server.manifests))
        honest, server.key = server.key, new_server_key()
        await server.decide("complete")
        outcome = await running.done()
        server.key = honest
    assert outcome.failure is not None
    assert outcome.failure.code == "signature_invalid"
    assert outcome.verdict is None


async def test_nothing_that_does_not_hold_ends_a_recording(server: FakeServer, tmp_path: Path) -> None:
    source = Idle(pictures(135, FIRST_US), None)
    with Buffer(tmp_path) as buffer:
        recorder = Recorder(buffer, lambda: source, still_clock())
        async with phone(server, buffer, recorder) as running:
            await server.confirm()
            await server.until(lambda: all_stored(server, 2))
            honest, server.key = server.key, new_server_key()
            await server.decide("complete")
            server.key = honest
            server.fail("GET /v1/binding", refused("unauthorised"))
            await server.until(lambda: len(running.heard.refusals) >= 2)
            assert set(running.heard.refusals) == {"signature_invalid", "unauthorised"}
            assert recorder.state.doing == "recording"
            server.verdicts.clear()
            await server.end(FIRST_MS + 9_000)
            await server.until(lambda: bool(server.manifests))
            await server.decide("complete")
            outcome = await running.done()
    assert outcome.failure is None
    assert outcome.verdict is not None


async def test_run_again_delivers_the_rest_and_waits_for_the_newer_verdict(
    server: FakeServer, buffer: Buffer
) -> None:
    server.fail("PATCH /uploads", *[refused("busy", Retry_After="0")] * 1_000)
    async with phone(server, buffer) as running:
        await server.confirm()
        await server.until(lambda: bool(server.manifests))
        await server.decide("incomplete")
        first = await running.done()
    assert first.verdict is not None
    assert (first.verdict.word, first.owed) == ("incomplete", 3)
    server.faults.clear()
    async with phone(server, buffer) as running:
        await server.until(lambda: all_stored(server))
        await server.decide("late")
        second = await running.done()
    assert second.verdict is not None
    assert (second.verdict.word, second.verdict.version, second.owed) == ("late", 2, 0)
    async with phone(server, buffer) as running:
        assert (await running.done()).verdict == second.verdict


async def test_a_replaced_phone_delivers_what_came_before_and_is_done(
    server: FakeServer, buffer: Buffer
) -> None:
    first = [entry for entry in buffer.ledger.entries() if isinstance(entry.what, Segment)][:2]
    turned_away = PairingError("binding_replaced", "another phone", run=first[1].run, seq=first[1].seq + 1)
    server.fail("POST /v1/entries", lambda _: error_answer(turned_away))
    async with phone(server, buffer) as running:
        await server.confirm()
        await server.until(lambda: all_stored(server, 2) and bool(server.manifests))
        server.stage = "replaced"
        await server.tell()
        outcome = await running.done()
    assert outcome.owed == 0
    (listed,) = server.manifests[-1].runs
    assert (listed.entries, listed.tip) == (first[1].seq + 1, first[1].name)
    held = sum(entry.what.length for entry in buffer.ledger.entries() if isinstance(entry.what, Segment))
    assert buffer.ledger.totals().bytes_held == held, "what is not taken stays on the phone"


async def decided(server: FakeServer, buffer: Buffer) -> None:
    async with phone(server, buffer) as running:
        await server.confirm()
        await server.until(lambda: all_stored(server) and bool(server.manifests))
        await server.decide("complete")
        await running.done()


async def test_a_release_deletes_what_it_names_and_nothing_else(server: FakeServer, buffer: Buffer) -> None:
    await decided(server, buffer)
    entries = [entry for entry in buffer.ledger.entries() if isinstance(entry.what, Segment)]
    held = buffer.ledger.totals().bytes_held
    server.release(entries[0].name, entries[2].name, "A" * 43)
    async with phone(server, buffer) as running:
        outcome = await running.done()
    assert [buffer.path_of(entry).exists() for entry in entries] == [False, True, False]
    kept = entries[1].segment
    assert kept is not None
    assert outcome.freed == held - kept.length
    assert buffer.ledger.totals().bytes_held == kept.length
    async with phone(server, buffer) as running:
        assert (await running.done()).freed == 0


async def test_a_release_of_another_key_deletes_nothing(server: FakeServer, buffer: Buffer) -> None:
    await decided(server, buffer)
    entries = [entry for entry in buffer.ledger.entries() if entry.segment]
    server.release(*(entry.name for entry in entries), key=new_server_key())
    async with phone(server, buffer) as running:
        outcome = await running.done()
    assert outcome.failure is not None
    assert all(buffer.path_of(entry).exists() for entry in entries)


@pytest.mark.parametrize("stage", ["lapsed", "refused"])
async def test_a_claim_that_came_to_nothing_leaves_the_recording(
    server: FakeServer, buffer: Buffer, stage: str
) -> None:
    whole = joined(buffer, 1)
    server.stage = stage
    async with phone(server, buffer) as running:
        outcome = await running.done()
    assert outcome.failure is not None
    assert outcome.failure.code == f"claim_{stage}"
    server.stage = "claimed"
    async with phone(server, buffer):
        await server.confirm()
        await server.until(lambda: all_stored(server))
    assert b"".join(server.stored[name] for name in server.heads) == whole


async def test_recording_on_after_the_end_is_possible_and_not_uploaded(
    server: FakeServer, tmp_path: Path
) -> None:
    source = Idle(pictures(135, FIRST_US), None)
    with Buffer(tmp_path) as buffer:
        recorder = Recorder(buffer, lambda: source, still_clock())
        async with phone(server, buffer, recorder, keep_recording=True) as running:
            await server.confirm()
            await server.end(FIRST_MS + 2_000)
            await server.until(lambda: all_stored(server, 1) and len(server.heads) == 2)
            assert not source.stopped
            running.phone.interrupt()
            await server.until(lambda: bool(server.manifests))
    assert len(server.stored) == 1


async def test_stopping_before_the_end_takes_asking_twice(server: FakeServer, tmp_path: Path) -> None:
    source = Idle(pictures(30, FIRST_US), None)
    with Buffer(tmp_path) as buffer:
        recorder = Recorder(buffer, lambda: source, still_clock())
        async with phone(server, buffer, recorder) as running:
            await server.confirm()
            await asyncio.to_thread(source.exhausted.wait, 60)
            running.phone.interrupt()
            assert running.heard.said[-1] == "stop-asked"
            assert not source.stopped
            running.phone.interrupt()
            await server.until(lambda: bool(server.manifests))
        assert buffer.ledger.stopped
