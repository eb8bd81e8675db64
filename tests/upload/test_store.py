"""The store: what it promises after crashes, on a full disk, and about secrecy."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import resource
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence_server.disk import RETRY_AFTER_FULL_S
from evidence_server.keyring import KeyRing, KeyUnreadableError
from evidence_server.local_store import LocalStore
from evidence_server.part_file import ObjectUnreadableError
from evidence_server.store import Entry, Part, Standing, Stored
from pairing.errors import PairingError

CONTENT = random.Random(2).randbytes(700_001)
HEADER = 16


@contextlib.asynccontextmanager
async def opened(folder: Path, sealed: bool = True) -> AsyncIterator[LocalStore]:
    keys = KeyRing(folder / "keys") if sealed else None
    store = LocalStore(folder / "objects", keys, keep_free_bytes=0)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(params=[True, False], ids=["sealed", "plain"])
async def store(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[LocalStore]:
    async with opened(tmp_path, request.param) as store:
        yield store


@contextlib.asynccontextmanager
async def taken(store: LocalStore, name: str = "n") -> AsyncIterator[Part]:
    part = await store.part("s", name)
    try:
        yield part
    finally:
        await part.close()


async def test_from_part_to_object(store: LocalStore) -> None:
    async with taken(store) as part:
        await part.append([CONTENT[:10], CONTENT[10:300_000]])
        assert (part.written, part.durable) == (300_000, 0)
        assert await part.sync() == 300_000
    standing = await store.standing("s", "n")
    assert (standing.finished, standing.offset) == (False, 300_000)
    async with taken(store) as part:
        assert (part.written, part.durable) == (300_000, 300_000)
        await part.append([CONTENT[300_000:]])
        assert await part.finalise() == Stored(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    standing = await store.standing("s", "n")
    assert (standing.finished, standing.offset) == (True, len(CONTENT))
    assert await store.exists("s", "n")
    assert await store.size("s", "n") == len(CONTENT)
    assert await store.read("s", "n") == CONTENT
    assert b"".join([piece async for piece in store.chunks("s", "n")]) == CONTENT
    assert await store.objects() == await store.objects("s") == [Entry("s", "n", len(CONTENT))]
    with pytest.raises(FileExistsError):
        await store.part("s", "n")


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 0), (0, 1), (15, 2), (16, 16), (33, None), (700_000, 9), (10**6, 1)]
)
async def test_any_range_can_be_read(store: LocalStore, offset: int, length: int | None) -> None:
    await store.put("s", "n", CONTENT)
    wanted = CONTENT[offset:] if length is None else CONTENT[offset : offset + length]
    assert await store.read("s", "n", offset, length) == wanted
    assert b"".join([piece async for piece in store.chunks("s", "n", offset, length)]) == wanted


async def test_put_is_repeatable_and_never_overwrites(store: LocalStore) -> None:
    for _ in range(2):
        await store.put("s", "n", b"first")
    with pytest.raises(FileExistsError):
        await store.put("s", "n", b"other")
    assert await store.read("s", "n") == b"first"
    await store.put("s", "empty", b"")
    assert await store.read("s", "empty") == b""


async def test_discard_release_erase_can_be_repeated(tmp_path: Path, store: LocalStore) -> None:
    async with taken(store, "part") as part:
        await part.append([CONTENT])
        await part.sync()
    await store.put("s", "n", CONTENT)
    for _ in range(2):
        await store.discard("s", "part")
        assert (await store.standing("s", "part")).offset == 0
        await store.release("s", "n")
        assert not await store.exists("s", "n")
    with pytest.raises(FileNotFoundError):
        await store.read("s", "n")
    await store.put("s", "n", CONTENT)
    await store.put("t", "n", b"stays")
    for _ in range(2):
        await store.erase("s")
        assert await store.objects() == [Entry("t", "n", 5)]
    await store.put("s", "n", b"again")
    assert await store.read("s", "n") == b"again"


async def test_on_disk_only_noise_and_after_shredding_no_key(tmp_path: Path) -> None:
    text = b"nobody reads this " * 10_000
    async with opened(tmp_path) as store:
        async with taken(store, "one") as part:
            await part.append([text])
            await part.finalise()
        await store.put("s", "two", text)
        one, two = ((tmp_path / "objects" / "s" / "objects" / name).read_bytes() for name in ("one", "two"))
        assert b"nobody" not in one + two
        assert one[:4] == two[:4] == b"ECO1"
        assert one[4:16] != two[4:16]
        assert one[16:] != two[16:]
    KeyRing(tmp_path / "keys").shred("s")
    async with opened(tmp_path) as store:
        with pytest.raises(KeyUnreadableError):
            await store.read("s", "one")


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../n", "a\0", "ä", "a" * 129])
async def test_what_is_no_name_is_no_path(store: LocalStore, name: str) -> None:
    with pytest.raises(ValueError, match="not an object name"):
        await store.put("s", name, b"")
    with pytest.raises(ValueError, match="not an object name"):
        await store.part("s", name)
    with pytest.raises(ValueError, match="not a sitting id"):
        await store.put("../s", "n", b"")


# --- crashes: what a process finds that starts on the files another left behind --------------------


async def left_behind(folder: Path, sealed: bool, content: bytes = CONTENT) -> tuple[Path, Path]:
    """A part with all of `content`, as a killed process leaves it; its path and its final one."""
    async with opened(folder, sealed) as store:
        part = await store.part("s", "n")
        await part.append([content])
        await part.sync()
        await part.close()
    inside = folder / "objects" / "s"
    return inside / "parts" / "n", inside / "objects" / "n"


async def finished_by_the_next(folder: Path, sealed: bool) -> bytes:
    async with opened(folder, sealed) as store:
        if not (await store.standing("s", "n")).finished:
            async with taken(store) as part:
                await part.append([CONTENT[part.written :]])
                assert part.sha256 == hashlib.sha256(CONTENT).hexdigest()
                await part.finalise()
        return await store.read("s", "n")


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("length", [0, 1, HEADER - 1, HEADER, HEADER + 1, 5000, HEADER + len(CONTENT)])
async def test_a_part_cut_anywhere_goes_on_from_there(tmp_path: Path, sealed: bool, length: int) -> None:
    part, _ = await left_behind(tmp_path, sealed)
    os.truncate(part, min(length, part.stat().st_size))
    async with opened(tmp_path, sealed) as store:
        expected = max(0, part.stat().st_size - (HEADER if sealed else 0))
        assert (await store.standing("s", "n")).offset == expected
    assert await finished_by_the_next(tmp_path, sealed) == CONTENT


@pytest.mark.parametrize("sealed", [True, False])
async def test_a_crash_between_link_and_unlink_leaves_a_finished_object(tmp_path: Path, sealed: bool) -> None:
    part, final = await left_behind(tmp_path, sealed)
    final.hardlink_to(part)
    async with opened(tmp_path, sealed) as store:
        standing = await store.standing("s", "n")
        assert (standing.finished, standing.offset) == (True, len(CONTENT))
    assert not part.exists()
    assert await finished_by_the_next(tmp_path, sealed) == CONTENT


async def test_finalising_again_after_the_link_is_the_same(tmp_path: Path) -> None:
    path, final = await left_behind(tmp_path, True)
    async with opened(tmp_path) as store, taken(store) as part:
        final.hardlink_to(path)
        assert (await part.finalise()).size == len(CONTENT)
        assert not path.exists()
        assert await store.read("s", "n") == CONTENT


async def test_finalising_never_replaces_other_bytes(tmp_path: Path) -> None:
    path, final = await left_behind(tmp_path, False)
    async with opened(tmp_path, sealed=False) as store, taken(store) as part:
        final.write_bytes(b"other")
        with pytest.raises(FileExistsError):
            await part.finalise()
    assert (final.read_bytes(), path.read_bytes()) == (b"other", CONTENT)


async def test_a_file_of_another_format_is_not_taken_for_noise(tmp_path: Path) -> None:
    await left_behind(tmp_path, False)
    async with opened(tmp_path, sealed=True) as store:
        with pytest.raises(ObjectUnreadableError):
            await store.part("s", "n")


async def test_a_part_that_a_power_cut_left_as_zeros_is_begun_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        async with taken(store, "other") as part:
            await part.append([CONTENT])  # makes the folders
        (tmp_path / "objects" / "s" / "parts" / "n").write_bytes(bytes(4096))
        assert (await store.standing("s", "n")).offset == 0
        async with taken(store) as part:
            assert part.durable == 0
            await part.append([CONTENT])
            assert (await part.finalise()).sha256 == hashlib.sha256(CONTENT).hexdigest()
        assert await store.read("s", "n") == CONTENT


async def test_a_cancelled_caller_waits_for_its_write(store: LocalStore) -> None:
    async with taken(store) as part:
        writing = asyncio.create_task(part.append([CONTENT]))
        await asyncio.sleep(0)  # let it begin
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert part.written == len(CONTENT)
        assert await part.sync() == len(CONTENT)


# --- a full disk -----------------------------------------------------------------------------------


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The operating system refuses to let any file of this process grow beyond `size`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_what_does_not_fit_leaves_the_part_where_it_was(store: LocalStore) -> None:
    async with taken(store) as part:
        await part.append([CONTENT[:100_000]])
        await part.sync()
        with largest_file(300_000):
            await part.append([CONTENT[100_000:200_000]])
            with pytest.raises(PairingError, match="storage_full") as caught:
                await part.append([CONTENT[200_000:]])
        assert caught.value.extra["retry_after_s"] == RETRY_AFTER_FULL_S
        assert (part.written, part.durable) == (100_000, 100_000)
        await part.append([CONTENT[100_000:]])
        assert (await part.finalise()).sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert await store.read("s", "n") == CONTENT


async def test_a_part_that_is_begun_again_has_its_name_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("evidence_server.part_file.sync_folder", synced.append)
    async with opened(tmp_path) as store:
        async with taken(store) as part:
            await part.append([CONTENT])
            await part.rewind()  # its header stays
        assert synced == []
        async with taken(store) as part:
            await part.append([CONTENT[:10]])
            await part.sync()
    assert len(synced) == 1


async def test_a_put_that_does_not_fit_leaves_nothing(tmp_path: Path, store: LocalStore) -> None:
    with largest_file(300_000), pytest.raises(PairingError, match="storage_full"):
        await store.put("s", "n", CONTENT)
    assert await store.objects() == []
    assert list((tmp_path / "objects").rglob(".*")) == []


async def test_room_is_asked_for_before_the_bytes_come(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, None, keep_free_bytes=2**62)
    try:
        with pytest.raises(PairingError, match="storage_full"):
            await store.require_room(1)
        with pytest.raises(PairingError, match="storage_full"):
            await store.part("s", "n", expected_bytes=1)
        assert await store.standing("s", "n") == Standing(False, 0, None)
    finally:
        await store.close()


# --- any order of steps ----------------------------------------------------------------------------

steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.binary(max_size=200)),
        st.tuples(st.sampled_from(["sync", "rewind", "reopen", "restart"]), st.just(b"")),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps, st.booleans())
def test_the_part_is_what_was_appended_and_not_rewound(steps: list[tuple[str, bytes]], sealed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(follow(Path(folder), steps, sealed))


async def follow(folder: Path, steps: list[tuple[str, bytes]], sealed: bool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened(folder, sealed))
        part = await store.part("s", "n")
        written, durable = b"", b""
        for step, content in steps:
            if step == "append":
                await part.append([content])
                written += content
            elif step == "sync":
                await part.sync()
                durable = written
            elif step == "rewind":
                await part.rewind()
                written = durable
            else:  # what was not synced is kept, as the file has it
                await part.close()
                if step == "restart":
                    store = await stack.enter_async_context(opened(folder, sealed))
                part = await store.part("s", "n")
                durable = written
            assert (part.written, part.durable) == (len(written), len(durable))
            assert part.sha256 == hashlib.sha256(written).hexdigest()
        await part.finalise()
        await part.close()
        assert await store.read("s", "n") == written
