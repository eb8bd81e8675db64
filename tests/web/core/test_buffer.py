"""The phone's store in a real browser: what was flushed survives a kill of the whole browser at any moment."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from pairing.encoding import sha256_b64u
from tests.web.core.host import Host, hosting
from tests.web.core.killable import KillableChromium, killable_chromium
from tests.web.core.stream import stream_of

KINDS = ["handles", "streams", "rows"]
Kept = dict[str, Any]


async def ask(page: Page, call: str, **argument: object) -> Any:
    """Ask the page's worker (pages/store_worker.mjs)."""
    return await page.evaluate("([call, argument]) => ask(call, argument)", [call, argument])


@asynccontextmanager
async def opened(host: Host, profile: Path, kind: str | None) -> AsyncIterator[KillableChromium]:
    """A browser whose page has its buffer open."""
    async with killable_chromium(profile) as browser:
        await browser.page.goto(f"{host.address}/t/store.html")
        await ask(browser.page, "open", kind=kind)
        yield browser


def segments_of(run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in run["entries"] if entry["segment"]]


def whole_slices(run: Mapping[str, Any]) -> int:
    """How many slices of the known stream a run's segments hold; fails unless they hold just those, in order."""
    size = sum(entry["segment"]["length"] for entry in segments_of(run))
    slices = 0
    while len(stream_of(run["number"], slices)) < size:
        slices += 1
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


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_flushed_survives_a_kill(kind: str, tmp_path: Path) -> None:
    """Twice, each time with the next slice on its way; the second time with what the first left behind it."""
    async with hosting() as host:
        for run, flushed in ((1, 7), (2, 12)):
            async with opened(host, tmp_path, kind) as browser:
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
        assert [run["number"] for run in kept["runs"]] == [1, 2]
        for run in kept["runs"]:
            assert (run["closed"], run["tail"]) == (True, 0)
            # What was answered for, and at most what was flushed without anybody hearing of it.
            assert host.seen[run["number"]] <= whole_slices(run) <= host.seen[run["number"]] + 1
            assert [entry["happening"]["note"] for entry in run["entries"] if entry["happening"]][-1] == "gap_begin"
        assert kept["gap"]["cause"] == "crash"
        first, second = (run["entries"] for run in kept["runs"])
        assert second[0]["happening"] | {"mono_ms": 0} == {
            "note": "gap_end", "cause": "crash", "mono_ms": 0, "wall_ms": 1_000_000
        }  # fmt: skip
        last = segments_of(kept["runs"][0])[-1]["segment"]
        assert first[-1]["happening"]["mono_ms"] == last["mono_ms"][1]
