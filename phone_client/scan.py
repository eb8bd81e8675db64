"""The room scan and the placement of a camera without a guide: notes around the recording's first seconds."""

from __future__ import annotations

import asyncio

from phone_client.buffer import Buffer
from phone_client.clock import Clock, Instant
from phone_client.ledger import Happening, Ledger
from phone_client.pacing import Signal
from phone_client.progress import View


async def mark_scan(buffer: Buffer, clock: Clock, changed: Signal, view: View, seconds: int) -> None:
    """Marks the first `seconds` of the recording as the room scan, and behind them that the phone stands.

    What was turned in between is measured by the server.  A scan that was marked before a restart stays the
    one; one that a kill broke off is made again, from the beginning of the run that follows."""
    if _is_marked(buffer.ledger):
        return
    while (run := buffer.ledger.run) is None or run.closed:
        await changed.wait()
    begin = Instant(run.base_us, run.wall_ms)
    end = Instant(begin.mono_us + seconds * 1_000_000, begin.wall_ms + seconds * 1_000)
    buffer.note("scan_begin", "none", begin)
    view.say("scan-turn", seconds=seconds)
    await asyncio.sleep(max(0, end.mono_us - clock.mono_us()) / 1_000_000)
    buffer.note("scan_end", "none", end)
    view.say("scan-done")
    buffer.note("placed", "none", clock.instant())
    view.say("placed")


def _is_marked(ledger: Ledger) -> bool:
    happenings = (entry.what for entry in ledger.entries())
    return any(isinstance(what, Happening) and what.note == "scan_end" for what in happenings)
