"""The carry file at the desk: what it brings, and what no file can do."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from evidence_server.routes import support
from pairing.carry import MAX_DIRECTORY, MAX_LINES, open_archive, open_carry
from pairing.chain import decode_entry
from pairing.errors import PairingError
from pairing.jws import read_unverified, sign
from pairing.messages import MAX_BATCH, Head
from tests.sittings import Exam, Service, codes, script
from tests.support.desk import Desk, carry_file, film_alone

HOUR_S = 3_600


async def offline(service: Service, **exam: Any) -> Exam:
    """A sitting whose phone has recorded all of its minute and told nobody."""
    begun = await Exam.begin(service, **exam)
    film_alone(begun.phone, 0, 60)
    await begun.end(60)
    return begun


async def events(service: Service, kind: str) -> list[dict[str, Any]]:
    """The bodies of the journal's events of one kind."""
    return [json.loads(event.body) for event in await service.journal.read("s_1") if event.kind == kind]


async def stored(service: Service) -> int:
    """How many segments have a receipt."""
    return sum(
        segment.stored_at_ms is not None for segment in (await service.register.look("s_1")).segments()
    )


# --- what it brings ------------------------------------------------------------------------------


async def test_it_brings_everything(desk: Desk, service: Service) -> None:
    exam = await offline(service)
    status, told = await desk.accept("s_1", carry_file(exam.phone), "no network at home")
    assert status == 200
    assert {name: told[name] for name in ("entries", "stored", "left", "manifest")} == {
        "entries": 12, "stored": 12, "left": 0, "manifest": True,
    }
    (accepted,) = await events(service, "accepted")
    assert accepted["reason"] == "no network at home"
    assert {one["by"] for one in await events(service, "committed")} == {"carry"}
    state = await service.register.look("s_1")
    for piece in exam.phone.pieces:
        found = state.find_segment(piece.name)
        assert found is not None
        assert found[1].stored_seq is not None
        assert await service.store.read("s_1", piece.name) == piece.content
    claims = await exam.verdict()
    assert claims is not None
    assert (claims["word"], claims["shown_ms"]) == ("complete", 60_000)
    assert [item for item in claims["review"] if item["code"] == "committed_late"] == [
        {"code": "committed_late", "start_ms": claims["required_ms"][0], "end_ms": claims["required_ms"][1]}
    ]


async def test_after_the_deadline_it_is_late(desk: Desk, service: Service) -> None:
    exam = await offline(service)
    exam.clock.to(60 + HOUR_S + 1)
    first = await exam.verdict()
    assert first is not None
    assert codes(first["reasons"]) == {"no_recording"}
    assert (await desk.accept("s_1", carry_file(exam.phone)))[0] == 200
    claims = await exam.verdict()
    assert claims is not None
    assert (claims["word"], claims["version"], claims["late"]["segments"]) == ("late", 2, 12)


async def test_what_was_committed_in_time_is_not_late_for_its_media(desk: Desk, service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 60)
    await exam.end(60)
    assert (await desk.accept("s_1", carry_file(exam.phone)))[1]["stored"] == 12
    claims = await exam.verdict()
    assert claims is not None
    assert (claims["word"], "committed_late" in codes(claims["review"])) == ("complete", False)


async def test_it_brings_what_a_replaced_phone_recorded_before(desk: Desk, service: Service) -> None:
    exam = await Exam.begin(service)
    old = exam.phone
    film_alone(old, 0, 30)
    new = await exam.rebind()
    late = film_alone(old, 30.5, 40.5) + film_alone(old, 40.5, 45.5, run=2)  # it does not know yet
    await new.film(30, 60)
    await new.upload()
    await new.manifest()
    await exam.end(60)
    _, told = await desk.accept("s_1", carry_file(old))
    assert (told["entries"], told["left"], told["stored"], told["manifest"]) == (6, len(late), 6, False)
    exam.clock.to(60 + HOUR_S + 1)
    claims = await exam.verdict()
    assert claims is not None
    assert (claims["word"], claims["shown_ms"], len(claims["generations"])) == ("complete", 60_000, 2)
    assert "no_manifest" in codes(claims["review"])


async def test_what_is_late_costs_no_more_than_its_length(
    desk: Desk, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many runs of a replaced phone, each refused for itself; meanwhile the server goes on with its work."""
    exam = await Exam.begin(service)
    old = exam.phone
    await exam.rebind()
    lengths = [200, 200] + [3] * 20
    for run, length in enumerate(lengths, 1):
        film_alone(old, 300 * run, 300 * run + length, piece_s=1, run=run)
    raw = carry_file(old, segments=[])
    decoded, turns = [0], [0]

    def decode(record: str) -> Any:
        decoded[0] += 1
        return decode_entry(record)

    async def others() -> None:
        while True:
            turns.append(decoded[0])
            await asyncio.sleep(0)

    monkeypatch.setattr(support, "decode_entry", decode)
    working = asyncio.create_task(others())
    status, told = await desk.accept("s_1", raw)
    working.cancel()
    assert (status, told["entries"], told["left"]) == (200, 0, sum(lengths))
    assert decoded[0] <= sum(lengths) + len(lengths) * MAX_BATCH
    assert max(later - before for before, later in pairwise(turns)) <= 2 * MAX_BATCH


async def test_the_same_file_again_brings_nothing_new(desk: Desk, service: Service) -> None:
    exam = await offline(service)
    raw = carry_file(exam.phone)
    await desk.accept("s_1", raw)
    status, told = await desk.accept("s_1", raw, "to be sure")
    assert (status, told["stored"]) == (200, 0)
    given = [one["reason"] for one in await events(service, "accepted")]
    assert given == ["no network at home", "to be sure"]
    assert len(await events(service, "committed")) == 1
    assert len(await events(service, "stored")) == 12


async def test_two_segments_with_the_same_bytes_are_in_it_once(desk: Desk, service: Service) -> None:
    exam = await Exam.begin(service)
    same = script(0, 5_000_000)
    for second in (0, 5):
        exam.phone.head(second, second + 5, media=same)
    raw = carry_file(exam.phone)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert len([name for name in archive.namelist() if name.startswith("segments/")]) == 1
    assert (await desk.accept("s_1", raw))[1]["stored"] == 2


async def test_two_desks_bring_the_same_file_at_once(desk: Desk, service: Service) -> None:
    exam = await offline(service)
    raw = carry_file(exam.phone)
    told = await asyncio.gather(desk.accept("s_1", raw), desk.accept("s_1", raw))
    assert [status for status, _ in told] == [200, 200]
    assert len(await events(service, "stored")) == await stored(service) == 12


async def test_an_older_file_than_what_has_arrived_is_no_mistake(desk: Desk, service: Service) -> None:
    exam = await Exam.begin(service)
    film = film_alone(exam.phone, 0, 30)
    old = carry_file(exam.phone)
    film += film_alone(exam.phone, 30, 60)
    await exam.phone.commit(*(piece.record for piece in film))
    await exam.phone.manifest(version=2)
    status, told = await desk.accept("s_1", old)
    assert (status, told["stored"], told["manifest"]) == (200, 6, False)


async def test_more_entries_than_a_request_takes(desk: Desk, service: Service) -> None:
    exam = await Exam.begin(service)
    film_alone(exam.phone, 0, 65, piece_s=1)
    await exam.end(65)
    _, told = await desk.accept("s_1", carry_file(exam.phone))
    assert (told["entries"], told["stored"], await stored(service)) == (65, 65, 65)
    assert [len(one["entries"]) for one in await events(service, "committed")] == [64, 1]


async def test_cut_off_anywhere_it_goes_on(desk: Desk, service: Service) -> None:
    exam = await offline(service)
    raw = carry_file(exam.phone)
    for part in range(1, 8):
        status, told = await desk.accept("s_1", raw[: len(raw) * part // 8])
        assert (status, told["error"]) == (422, "carry_invalid")
    assert len((await service.register.look("s_1")).generations[0].segments) == 0
    assert (await desk.accept("s_1", raw))[1]["stored"] == 12


@pytest.mark.parametrize("done", [0, 1, 7])
async def test_a_server_that_dies_while_storing_goes_on(desk: Desk, service: Service, done: int) -> None:
    """As it is on disk then: entries committed, some objects put, fewer of them journalled."""
    exam = await offline(service)
    film = exam.phone.pieces
    await service.recorder.commit("s_1", exam.phone.thumb, [piece.record for piece in film], by="carry")
    for piece in film[: done + 1]:
        await service.store.put("s_1", piece.name, piece.content)
    for piece in film[:done]:
        await service.uploads.finished(await service.uploads.of_segment("s_1", piece.name))
    _, told = await desk.accept("s_1", carry_file(exam.phone))
    assert (told["stored"], await stored(service)) == (12 - done, 12)
    assert len(await events(service, "stored")) == 12


async def test_a_connection_that_breaks_takes_nothing_in(desk: Desk, service: Service) -> None:
    exam = await offline(service)
    raw = carry_file(exam.phone)
    before = (await service.register.look("s_1")).seq
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    head = f"POST /v1/sittings/s_1/carry HTTP/1.1\r\nHost: x\r\nContent-Length: {len(raw)}\r\n"
    head += f"Evidence-Reason: x\r\nAuthorization: {desk.key['Authorization']}\r\n\r\n"
    writer.write(head.encode() + raw[:-1])
    writer.write_eof()
    async with asyncio.timeout(20):
        await reader.read()
    writer.close()
    assert (await service.register.look("s_1")).seq == before
    assert (await desk.accept("s_1", raw))[0] == 200


# --- what no file can do -------------------------------------------------------------------------


async def test_a_segment_that_was_changed_is_not_stored(desk: Desk, service: Service) -> None:
    exam = await offline(service)
    pieces = exam.phone.pieces
    changed = [piece.content for piece in pieces[:3]] + [b"x" + piece.content[1:] for piece in pieces[3:]]
    status, told = await desk.accept("s_1", carry_file(exam.phone, segments=changed))
    assert (status, told["stored"]) == (200, 3)
    assert await stored(service) == 3
    named_wrongly = carry_file(exam.phone).replace(pieces[3].content, b"y" + pieces[3].content[1:])
    assert (await desk.accept("s_1", named_wrongly))[1]["stored"] == 8
    assert (await desk.accept("s_1", carry_file(exam.phone)))[1]["stored"] == 1


async def test_a_segment_of_another_length_than_its_head_is_not_stored(desk: Desk, service: Service) -> None:
    exam = await Exam.begin(service)
    piece = exam.phone.head(0, 5, media=script(0, 5_000_000))
    claims = read_unverified(piece.record, Head.TYP)[0]
    lying = sign(exam.phone.key, Head.TYP, {**claims} | {"length": len(piece.content) + 1})
    status, told = await desk.accept(
        "s_1", carry_file(exam.phone, entries=[lying], segments=[piece.content], manifest=None)
    )
    assert (status, told["entries"], told["stored"]) == (200, 1, 0)
    assert await service.store.objects("s_1") == []


async def test_a_refused_entry_keeps_nothing_back_of_what_came_before(desk: Desk, service: Service) -> None:
    exam = await Exam.begin(service)
    film_alone(exam.phone, 0, 66, piece_s=1)
    entries = [piece.record for piece in exam.phone.pieces]
    entries[64] = entries[64][:-4] + "AAAA"
    status, told = await desk.accept("s_1", carry_file(exam.phone, entries=entries, manifest=None))
    assert (status, told["error"]) == (422, "signature_invalid")
    assert await stored(service) == 64


async def test_another_phones_entries_are_refused(desk: Desk, service: Service) -> None:
    exam = await offline(service)
    await exam.rebind()
    status, told = await desk.accept("s_1", carry_file(exam.phone, generation=2))
    assert (status, told["error"]) == (422, "signature_invalid")
    assert await exam.segments() == []


def zipped(*entries: tuple[str, bytes], packed: bool = False) -> bytes:
    """A ZIP of `entries`, names repeated as they are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED if packed else None)
    return file.getvalue()


def claiming(raw: bytes, directory: int) -> bytes:
    """The same ZIP with a directory that is said to be so long."""
    return raw[:-10] + struct.pack("<L", directory) + raw[-6:]


def claiming_long(raw: bytes, directory: int) -> bytes:
    """The same in ZIP64, which goes before what the short form says."""
    end = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, directory, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(raw) - 22, 1)
    return raw[:-22] + end + locator + raw[-22:]


def resized(raw: bytes, name: bytes, packed: int, size: int) -> bytes:
    """The same ZIP with other sizes of one entry in its directory."""
    at = raw.rindex(name) - 46
    return raw[: at + 20] + struct.pack("<LL", packed, size) + raw[at + 28 :]


PLACE = ("carry.json", b'{"sitting":"s_1","generation":1}')
NONE = ("entries.txt", b"")
SEGMENT = "segments/" + "A" * 43
FINE = zipped(PLACE, NONE)
REFUSED = {
    "nothing": b"", "no ZIP": b"\0\xff" * 500, "cut off": FINE[:-1], "something behind it": FINE + b"x",
    "no ZIP but its end": FINE[-22:],
    "another sitting": zipped(("carry.json", b'{"sitting":"s_2","generation":1}'), NONE),
    "another phone": zipped(("carry.json", b'{"sitting":"s_1","generation":2}'), NONE),
    "packed": zipped(PLACE, NONE, packed=True),
    "a bomb": zipped(PLACE, NONE, (SEGMENT, bytes(32 << 20)), packed=True),
    "a name outside": zipped(PLACE, NONE, ("../../keys/api.key", b"x")),
    "a name from the root": zipped(PLACE, NONE, ("/etc/passwd", b"x")),
    "a folder": zipped(PLACE, NONE, ("segments/", b"")),
    "a long name": zipped(PLACE, NONE, ("segments/" + "A" * 60_000, b"x")),
    "no hash for a name": zipped(PLACE, NONE, ("segments/..", b"x")),
    "too many entries": zipped(PLACE, ("entries.txt", b"a\n" * (MAX_LINES + 1))),
    "a directory of gigabytes": claiming(FINE, 2**32 - 2),
    "a directory of exabytes": claiming_long(FINE, 2**60),
    "a directory a little too long": claiming(FINE, MAX_DIRECTORY + 1),
    "an entry larger than the file": resized(FINE, b"carry.json", 2**32 - 2, 2**32 - 2),
    "an entry packed to more than it is": resized(FINE, b"carry.json", 2**31, len(PLACE[1])),
}


def repeated(name: str) -> bytes:
    """A carry file that has `name` twice."""
    other = name.replace("s", "z")
    raw = zipped(PLACE, NONE, (SEGMENT, b"x"), (other, b"x"))
    return raw.replace(other.encode(), name.encode())


@pytest.mark.parametrize("why", REFUSED)
async def test_what_is_no_carry_file_changes_nothing(desk: Desk, service: Service, why: str) -> None:
    await Exam.begin(service)
    before = (await service.register.look("s_1")).seq
    status, told = await desk.accept("s_1", REFUSED[why])
    assert (status, told["error"]) == (422, "carry_invalid")
    assert (await service.register.look("s_1")).seq == before
    assert await service.store.objects("s_1") == []


@pytest.mark.parametrize("why", [why for why in REFUSED if why.startswith("a directory")])
def test_a_directory_is_not_read_before_its_length(why: str) -> None:
    with pytest.raises(PairingError, match="lists too many entries"):
        open_archive(io.BytesIO(REFUSED[why]))


@pytest.mark.parametrize("name", ["entries.txt", SEGMENT])
async def test_a_name_comes_once(desk: Desk, service: Service, name: str) -> None:
    await Exam.begin(service)
    status, told = await desk.accept("s_1", repeated(name))
    assert (status, told["error"], told["detail"]) == (
        422, "carry_invalid", "two of its entries have one name",
    )


async def test_entries_do_not_overlap(desk: Desk, service: Service) -> None:
    """Many names for the same bytes: each costs as much as all of them."""
    await Exam.begin(service)
    raw = zipped(PLACE, NONE, (SEGMENT, bytes(1_000)))
    at = raw.index(b"PK\1\2", raw.index(bytes(1_000)))
    directory, end = raw[at:-22], raw[-22:]
    entry = directory[directory.rindex(b"PK\1\2") :]
    more = [entry.replace(b"A" * 43, f"{number:043d}".encode()) for number in range(50)]
    count, size = 53, len(directory) + 50 * len(entry)
    raw = raw[:-22] + b"".join(more) + end[:8] + struct.pack("<HHLL", count, count, size, at) + b"\0\0"
    status, told = await desk.accept("s_1", raw)
    assert (status, told["error"], told["detail"]) == (422, "carry_invalid", "its entries overlap")


def test_no_flipped_bit_is_more_than_invalid() -> None:
    for place, byte in enumerate(FINE):
        for bit in range(8):
            flipped = FINE[:place] + bytes([byte ^ 1 << bit]) + FINE[place + 1 :]
            try:
                open_carry(open_archive(io.BytesIO(flipped)))
            except PairingError as refusal:
                assert refusal.code == "carry_invalid"  # noqa: PT017  either outcome is right


def test_short_lines_cost_no_more_than_long_ones() -> None:
    lines = b"ab\n" * (1 << 20)
    file = io.BytesIO(zipped(PLACE, ("entries.txt", lines)))
    tracemalloc.start()
    try:
        with pytest.raises(PairingError, match="more than"):
            open_carry(open_archive(file))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(lines)


async def in_chunks(raw: bytes, size: int) -> AsyncIterator[bytes]:
    """A body whose length nobody is told."""
    for at in range(0, len(raw), size):
        yield raw[at : at + size]


async def test_a_file_of_unknown_length_leaves_the_journal_its_room(
    desk: Desk, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    exam = await offline(service)
    raw = carry_file(exam.phone)
    room = 2 * len(raw) - 1

    async def require_room(length: int) -> None:
        if length > room:
            raise PairingError("storage_full", "no room", retry_after_s=30)

    monkeypatch.setattr(service.store, "require_room", require_room)
    before = (await service.register.look("s_1")).seq
    for body in (raw, in_chunks(raw, len(raw))):
        status, told = await desk.accept("s_1", body)
        assert (status, told["error"]) == (507, "storage_full")
    assert (await service.register.look("s_1")).seq == before
    room += 1
    assert (await desk.accept("s_1", in_chunks(raw, 4_096)))[0] == 200


@pytest.mark.parametrize("head", ["Content-Length: 20\r\n\r\nP", "Transfer-Encoding: chunked\r\n\r\n"])
async def test_a_file_that_stops_coming_is_not_waited_for(
    service: Service, tmp_path: Path, head: str
) -> None:
    await Exam.begin(service)
    async with Desk(service, tmp_path, idle_body_s=1) as desk:
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
        asked = "POST /v1/sittings/s_1/carry HTTP/1.1\r\nHost: x\r\nEvidence-Reason: x\r\n"
        writer.write(f"{asked}Authorization: {desk.key['Authorization']}\r\n{head}".encode())
        async with asyncio.timeout(20):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
async def test_no_file_without_a_reason(desk: Desk, service: Service, reason: str) -> None:
    exam = await offline(service)
    status, told = await desk.accept("s_1", carry_file(exam.phone), reason)
    assert (status, told["error"]) == (400, "malformed")
    assert await events(service, "accepted") == []


async def test_no_file_for_a_sitting_that_is_not_there(desk: Desk, service: Service) -> None:
    exam = await offline(service)
    status, told = await desk.accept("s_2", carry_file(exam.phone))
    assert (status, told["error"]) == (404, "sitting_unknown")


async def test_a_file_larger_than_any_is_refused_before_it_is_read(desk: Desk, service: Service) -> None:
    await Exam.begin(service)
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    head = "POST /v1/sittings/s_1/carry HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n"
    writer.write(f"{head}Evidence-Reason: x\r\nAuthorization: {desk.key['Authorization']}\r\n\r\n".encode())
    async with asyncio.timeout(20):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
