"""Group commit: who shares a transaction with whom, and whose failure it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from evidence_server.group import MOST_TOGETHER, Conflict, Group

SAFETY_S = 30


class Disk:
    """Writes groups; each waits for `synced` and fails as `refuses` says."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.durable: list[str] = []
        self.began = asyncio.Event()
        self.synced = asyncio.Event()
        self.refuses: dict[str, Exception] = {}

    async def write(self, items: Sequence[str]) -> None:
        self.groups.append(list(items))
        self.began.set()
        await self.synced.wait()
        for item in items:
            if item in self.refuses:
                raise self.refuses[item]
        self.durable.extend(items)


async def started(group: Group[str], disk: Disk, *items: str) -> list[asyncio.Task[BaseException | None]]:
    """The first item is being written, the others wait behind it."""
    adding = [asyncio.create_task(group.add(items[0]))]
    await disk.began.wait()
    adding += [asyncio.create_task(group.add(item)) for item in items[1:]]
    await asyncio.sleep(0)  # each has taken its place
    return adding


async def test_whoever_comes_during_a_sync_shares_the_next_one_in_order() -> None:
    disk = Disk()
    adding = await started(Group(disk.write), disk, "a", "b", "c", "d")
    disk.synced.set()
    async with asyncio.timeout(SAFETY_S):
        assert await asyncio.gather(*adding) == [None] * 4
    assert disk.groups == [["a"], ["b", "c", "d"]]


async def test_nobody_is_told_before_the_sync() -> None:
    disk = Disk()
    adding = await started(Group(disk.write), disk, "a", "b")
    for _ in range(100):
        await asyncio.sleep(0)
    assert not any(task.done() for task in adding)
    disk.synced.set()
    await asyncio.gather(*adding)
    assert disk.durable == ["a", "b"]


async def test_one_conflict_fails_nobody_else() -> None:
    disk = Disk()
    disk.refuses["c"] = Conflict()
    adding = await started(Group(disk.write), disk, "a", "b", "c", "d")
    disk.synced.set()
    fates = await asyncio.gather(*adding)
    assert [type(fate) for fate in fates] == [type(None), type(None), Conflict, type(None)]
    assert disk.durable == ["a", "b", "d"]


async def test_a_disk_that_fails_fails_all_who_share_and_only_them() -> None:
    disk = Disk()
    disk.refuses["c"] = OSError("full")
    group = Group(disk.write)
    adding = await started(group, disk, "a", "b", "c", "d")
    disk.synced.set()
    fates = await asyncio.gather(*adding)
    assert fates == [None, *[disk.refuses["c"]] * 3]
    assert disk.groups == [["a"], ["b", "c", "d"]]
    assert await group.add("e") is None
    assert disk.durable == ["a", "e"]


async def test_a_group_has_an_end() -> None:
    disk = Disk()
    adding = await started(Group(disk.write), disk, *map(str, range(2 * MOST_TOGETHER + 2)))
    disk.synced.set()
    await asyncio.gather(*adding)
    assert [len(group) for group in disk.groups] == [1, MOST_TOGETHER, MOST_TOGETHER, 1]


@pytest.mark.parametrize("which", [0, 1], ids=["being written", "waiting"])
async def test_a_cancelled_caller_leaves_only_when_its_fate_is_known(which: int) -> None:
    disk = Disk()
    adding = await started(Group(disk.write), disk, "a", "b", "c")
    adding[which].cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not adding[which].done()
    disk.synced.set()
    async with asyncio.timeout(SAFETY_S):
        fates = await asyncio.gather(*adding, return_exceptions=True)
    assert isinstance(fates.pop(which), asyncio.CancelledError)
    assert fates == [None, None]
    assert disk.durable == ["a", "b", "c"]


def test_a_loop_that_ends_leaves_nobody_waiting() -> None:
    disk = Disk()

    async def leave() -> None:
        await started(Group(disk.write), disk, "a", "b")

    asyncio.run(asyncio.wait_for(leave(), SAFETY_S))
    assert disk.durable == []
