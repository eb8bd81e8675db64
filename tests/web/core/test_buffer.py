"""The phone's store in a real browser: what was flushed survives a kill of the whole browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page

from pairing.encoding import sha256_b64u
from tests.page.browser import chromium
from tests.web.core.host import Host, hosting
from tests.web.core.killable import KillableChromium, killable_chromium
from tests.web.core.stream import slices_in, stream_of

KINDS = ["handles", "streams", "rows"]
SMALL = 6_000_000
RESERVE = 1_500_000  # Chromium hands room out by the MiB
Kept = dict[str, Any]


async def ask(page: Page, call: str, **argument: object) -> Any:
    """Ask the page's worker (pages/store_worker.mjs)."""
    async with asyncio.timeout(60):
        return await page.evaluate("([call, argument]) => ask(call, argument)", [call, argument])


@asynccontextmanager
async def opened(host: Host, profile: Path, kind: str | None) -> AsyncIterator[KillableChromium]:
    """A browser whose page has its buffer open."""
    async with killable_chromium(profile) as browser:
        await browser.page.goto(f"{host.address}/t/store.html")
        await ask(browser.page, "open", kind=kind)
        yield browser


@asynccontextmanager
async def limited(host: Host, profile: Path) -> AsyncIterator[tuple[Page, Callable[[int], Awaitable[None]]]]:
    """A page whose origin may keep SMALL bytes, until the function that is given with it allows more."""
    async with killable_chromium(profile) as browser:
        await browser.page.goto(f"{host.address}/t/store.html")
        devtools = await browser.page.context.new_cdp_session(browser.page)

        async def limit(quota: int) -> None:
            await devtools.send(
                "Storage.overrideQuotaForOrigin", {"origin": host.address, "quotaSize": quota}
            )

        await limit(SMALL)
        yield browser.page, limit


def segments_of(run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in run["entries"] if entry["segment"]]


def whole_slices(run: Mapping[str, Any]) -> int:
    """How many slices of the known stream a run's segments hold; fails unless they hold just those."""
    size = sum(entry["segment"]["length"] for entry in segments_of(run))
    slices = slices_in(run["number"], size)
    stream = stream_of(run["number"], slices)
    assert (len(stream), run["bytes"]) == (size, size), "a slice is there only in part"
    at = 0
    for entry in segments_of(run):
        segment = entry["segment"]
        assert segment["offset"] == at
        at += segment["length"]
        expected = sha256_b64u(stream[segment["offset"] : at])
        assert (segment["sha256"], entry["hash"], entry["size"]) == (expected, expected, segment["length"])
    return slices


@asynccontextmanager
async def store(kind: str | None = None, **how: object) -> AsyncIterator[Page]:
    """A page of a fresh profile with its buffer open."""
    async with hosting() as host, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{host.address}/t/store.html")
        await ask(page, "open", kind=kind, **how)
        yield page


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_flushed_survives_a_kill(kind: str, tmp_path: Path) -> None:
    """Twice, each time with the next slice on its way; the second time with what the first left behind it."""
    keys = []
    async with hosting() as host:
        for run, flushed in ((1, 7), (2, 12)):
            async with opened(host, tmp_path, kind) as browser:
                keys.append(await ask(browser.page, "key"))
                assert await ask(browser.page, "begin") == run
                await browser.page.evaluate("run => void ask('stream', {run})", run)
                await host.until_seen(run, flushed)
                await browser.kill()
        async with opened(host, tmp_path, kind) as browser:
            kept = await ask(browser.page, "inspect")
            # Opened again, nothing changes any more.
            await browser.page.reload()
            await ask(browser.page, "open", kind=kind)
            assert await ask(browser.page, "inspect") == kept
        assert keys[0] == keys[1]
        assert keys[0]["extractable"] is False
        assert [run["number"] for run in kept["runs"]] == [1, 2]
        for run in kept["runs"]:
            assert (run["closed"], run["tail"]) == (True, 0)
            # What was answered for, and at most what was flushed without anybody hearing of it.
            assert host.seen[run["number"]] <= whole_slices(run) <= host.seen[run["number"]] + 1
            assert run["entries"][-1]["happening"]["note"] == "gap_begin"
        assert kept["gap"]["cause"] == "crash"
        first, second = (run["entries"] for run in kept["runs"])
        assert second[0]["happening"] | {"mono_ms": 0} == {
            "note": "gap_end", "cause": "crash", "mono_ms": 0, "wall_ms": 1_000_000
        }  # fmt: skip
        last = segments_of(kept["runs"][0])[-1]["segment"]
        assert first[-1]["happening"]["mono_ms"] == last["mono_ms"][1]


@pytest.mark.parametrize("kind", KINDS)
async def test_bytes_that_no_fact_speaks_of_are_cut_off(kind: str) -> None:
    """A kill between the flush and the fact: nobody was answered, so the slice is not there."""
    async with store(kind) as page:
        await ask(page, "begin")
        assert await ask(page, "slices", run=1, **{"from": 0, "to": 1}) == {"taken": 1, "refusal": None}
        await ask(page, "leave")
        await ask(page, "spoil", at=None, byte=7)
        assert await ask(page, "sizes") == {"0001-000000000000.part": len(stream_of(1, 1)) + 1}
        await ask(page, "open", kind=kind)
        (run,) = (await ask(page, "inspect"))["runs"]
        assert whole_slices(run) == 1
        assert await ask(page, "sizes") == {"0001-000000000000.part": len(stream_of(1, 1))}


async def test_a_damaged_slice_is_not_vouched_for() -> None:
    """A phone that lost power: the journal has come further than the media."""
    async with store("handles") as page:
        await ask(page, "begin")
        await ask(page, "slices", run=1, **{"from": 0, "to": 1})
        await ask(page, "leave")
        await ask(page, "spoil", at=100, byte=7)
        await ask(page, "open", kind="handles")
        (run,) = (await ask(page, "inspect"))["runs"]
        assert (run["closed"], segments_of(run), await ask(page, "sizes")) == (True, [], {})


async def test_segments_are_four_seconds_of_whole_slices() -> None:
    async with store() as page:
        await ask(page, "begin")
        await ask(page, "slices", run=1, **{"from": 0, "to": 5})
        (run,) = (await ask(page, "inspect"))["runs"]
        assert (run["tail"], len(segments_of(run))) == (1, 2)
        await ask(page, "close", run=1, note="stop", cause="stopped")
        kept = await ask(page, "inspect")
        (run,) = kept["runs"]
        assert whole_slices(run) == 5
        assert [entry["segment"]["media_us"] for entry in segments_of(run)] == [
            [0, 4_000_000], [4_000_000, 8_000_000], [8_000_000, 10_000_000]
        ]  # fmt: skip
        spans = [entry["segment"]["mono_ms"] for entry in segments_of(run)]
        assert spans == [[0, 4_000], [4_000, 8_000], [8_000, 10_000]]
        walls = [entry["segment"]["wall_ms"] for entry in segments_of(run)]
        assert walls == [1_000_000, 1_004_000, 1_008_000]
        assert kept["totals"] == {
            "recorded": 3, "committed": 0, "stored": 0, "bytes_held": run["bytes"], "recorded_us": 10_000_000
        }  # fmt: skip


@pytest.mark.parametrize("last", [None, "slice", "beginRun"])
async def test_the_phones_direction_is_a_run_of_its_own_and_comes_after_a_kill(
    last: str | None, tmp_path: Path
) -> None:
    """Killed behind each step of keeping it; the camera's run knows nothing of it."""
    async with hosting() as host:
        async with opened(host, tmp_path, None) as browser:
            await ask(browser.page, "begin")
            await ask(browser.page, "slices", run=1, **{"from": 0, "to": 1})
            digest = await ask(browser.page, "turn", last=last)
            # The camera goes on beside it.
            await ask(browser.page, "slices", run=1, **{"from": 1, "to": 3})
            await browser.kill()
        async with opened(host, tmp_path, None) as browser:
            kept = await ask(browser.page, "inspect")
            camera, turn = kept["runs"]
            assert (whole_slices(camera), camera["source"], turn["source"]) == (3, "camera", "orientation")
            assert (camera["closed"], turn["closed"]) == (True, True)
            segments = segments_of(turn)
            assert [one["hash"] for one in segments] == ([] if last == "beginRun" else [digest])
            assert len(turn["entries"]) == len(segments), "only the camera's run ends with a note"
            for one in segments:
                assert one["segment"]["mono_ms"] == [0, 6_000]
                assert one["segment"]["media_us"] == [0, 6_000_000]
                assert one["segment"]["wall_ms"] == 1_000_000
            assert kept["totals"]["recorded_us"] == 6_000_000
            assert await ask(browser.page, "begin") == 3


async def test_a_reload_is_survived_like_a_kill() -> None:
    """The page before may hold its file for a while yet."""
    async with hosting() as host, chromium() as browser:
        page = await browser.new_page()
        for run in (1, 2):
            await page.goto(f"{host.address}/t/store.html")
            await ask(page, "open")
            assert await ask(page, "begin") == run
            await page.evaluate("run => void ask('stream', {run})", run)
            await host.until_seen(run, 5)
        await page.goto(f"{host.address}/t/store.html")
        await ask(page, "open")
        for run in (await ask(page, "inspect"))["runs"]:
            assert run["closed"]
            assert host.seen[run["number"]] <= whole_slices(run) <= host.seen[run["number"]] + 1


@pytest.mark.parametrize("kind", ["handles", "rows"])
async def test_no_room_refuses_a_slice_and_goes_on_when_there_is_some(kind: str, tmp_path: Path) -> None:
    async with hosting() as host, limited(host, tmp_path) as (page, limit):
        await ask(page, "open", kind=kind, reserve=RESERVE)
        await ask(page, "begin")
        full = await ask(page, "slices", run=1, **{"from": 0, "to": 1_000})
        assert full["refusal"] == "BufferFull"
        # With a slice missing nothing may follow, even if there were room for it.
        taken = full["taken"]
        assert await ask(page, "slices", run=1, **{"from": taken + 1, "to": taken + 2}) == {
            "taken": 0, "refusal": "BufferFull"
        }  # fmt: skip
        if kind != "rows":  # whose reserve is not free at once
            # What was recorded can still be closed, signed and told of.
            await ask(page, "close", run=1, note="gap_begin", cause="storage_full")
            await ask(page, "sign")
        with pytest.raises(PlaywrightError, match="BufferFull"):
            await ask(page, "begin")
        await limit(10 * SMALL)
        assert await ask(page, "begin") == 2
        assert (await ask(page, "slices", run=2, **{"from": 0, "to": 2}))["refusal"] is None
        await ask(page, "leave")
        await ask(page, "open", kind=kind)
        first, second = (await ask(page, "inspect"))["runs"]
        assert (whole_slices(first), whole_slices(second)) == (taken, 2)
        assert first["entries"][-1]["happening"]["cause"] == "storage_full"
        assert second["entries"][0]["happening"]["note"] == "gap_end"


@pytest.mark.parametrize("kind", ["handles", "rows"])
async def test_only_what_is_named_is_deleted(kind: str) -> None:
    async with store(kind) as page:
        await ask(page, "begin")
        await ask(page, "slices", run=1, **{"from": 0, "to": 4})
        await ask(page, "close", run=1, note="stop", cause="stopped")
        await ask(page, "sign")
        assert await ask(page, "delete", segments=1) == len(stream_of(1, 2))
        assert await ask(page, "delete", segments=1) == 0
        left = {f"0001-{len(stream_of(1, 2)):012}.part": len(stream_of(1, 4)) - len(stream_of(1, 2))}
        assert await ask(page, "sizes") == left
        await ask(page, "leave")
        await ask(page, "open", kind=kind)
        (run,) = (await ask(page, "inspect"))["runs"]
        assert [(entry["deleted"], entry["size"]) for entry in segments_of(run)] == [
            (True, None), (False, *left.values())
        ]  # fmt: skip
        await ask(page, "leave")
        await ask(page, "remove")
        await ask(page, "open", kind=kind)
        assert ((await ask(page, "inspect"))["runs"], await ask(page, "sizes")) == ([], {})


@pytest.mark.parametrize("kind", ["handles", "rows"])
@pytest.mark.parametrize("durable", [False, True])
async def test_a_lost_connection_loses_nothing_and_adds_nothing_twice(kind: str, durable: bool) -> None:
    async with store(kind) as page:
        run = await ask(page, "begin")
        for number in range(5):
            await ask(page, "loseConnection", durable=durable)
            taken = await ask(page, "slices", run=run, **{"from": number}, to=number + 1)
            assert taken == {"taken": 1, "refusal": None}
        await ask(page, "close", run=run, note="stop", cause="stopped")
        await ask(page, "loseConnection", durable=False)
        kept = await ask(page, "inspect")
        assert whole_slices(kept["runs"][0]) == 5
        await page.reload()
        await ask(page, "open", kind=kind)
        assert await ask(page, "inspect") == kept
        assert await ask(page, "lost") == []


async def test_a_database_that_is_gone_is_said_to_be() -> None:
    async with store("handles") as page:
        run = await ask(page, "begin")
        devtools = await page.context.new_cdp_session(page)
        origin = await page.evaluate("location.origin")
        await devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "indexeddb"})
        taken = await ask(page, "slices", run=run, **{"from": 0}, to=1)
        assert taken["taken"] == 0
        assert len(await ask(page, "lost")) > 0
        # No empty one has taken its place.
        assert await page.evaluate("indexedDB.databases()") == []
