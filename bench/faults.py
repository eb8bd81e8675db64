"""Servers and phones killed hundreds of times, the network cut: what was promised, and what of it is lost.

Sittings of `tests/durability`, some side by side, each with a server, a network and a phone of its own: ten
kills of the server, two or three of the phone and five cuts in ninety seconds of recording, at moments that
the seed decides.  What counts as promised is every acknowledgement and every receipt that has left the
server, whether or not the phone lived to write it down.  It takes real time; progress is on standard error.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from rich.console import Console

from bench.machine import facts
from bench.report import Goal, arguments, scratch, tell
from demo.camera import render
from tests.durability.ordeal import Ending, Ordeal, Plan

KILLS_EACH = 10
CUTS_EACH = 5
CAMERA_S = 240


@dataclass
class Tally:
    """What all sittings came to; `troubles` are what should not be, and is no loss."""

    sittings: int = 0
    kills: int = 0
    phone_kills: int = 0
    cuts: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    receipts: int = 0
    media_bytes: int = 0
    lost: list[str] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)

    def add(self, name: str, ending: Ending) -> bool:
        """Count one sitting; whether all was as it should be."""
        self.sittings += 1
        self.kills += ending.struck.server
        self.phone_kills += len(ending.struck.phone_ms)
        self.cuts.update(ending.struck.cuts)
        self.entries += len(ending.acknowledged)
        self.receipts += len(ending.receipts)
        self.media_bytes += sum(map(len, ending.bundle.media.values()))
        self.lost += sorted(ending.lost)
        self.verdicts[ending.verdict["word"]] += 1
        self.gaps.update(gap["cause"] for gap in ending.verdict["gaps"])
        found = {
            "check": not ending.checked["fine"], "verdict": ending.verdict["word"] != "complete",
            "undelivered": ending.bundle.undelivered, "a kill without a gap": ending.unexplained,
            "verify": ending.proof, "the phone's exit code": ending.exit_code,
        }
        troubles = [f"{name}: {what}: {value}" for what, value in found.items() if value]
        self.troubles += troubles
        return not (ending.lost or troubles)


def plans(seed: int, kills: int, phone_kills: int, seconds: float) -> list[Plan]:
    """As many sittings as it takes, the kills spread evenly over them."""
    count = max(1, -(-kills // KILLS_EACH))

    def share(whole: int, number: int) -> int:
        return whole * (number + 1) // count - whole * number // count

    return [
        Plan.of_seed(
            seed + number, seconds, kills=share(kills, number), phone_kills=share(phone_kills, number),
            cuts=CUTS_EACH,
        )
        for number in range(count)
    ]


async def undergo(folder: Path, camera: Path, chosen: list[Plan], side_by_side: int) -> Tally:
    """All sittings, `side_by_side` at a time; keeps the folder of one that lost something or has trouble."""
    tally, turn, began = Tally(), asyncio.Semaphore(side_by_side), monotonic()

    async def one(number: int, plan: Plan) -> None:
        place = folder / f"sitting-{number}"
        async with turn:
            place.mkdir()
            try:
                fine = tally.add(place.name, await Ordeal(place, camera, plan, Console(quiet=True)).undergo())
            except Exception as error:  # the others' hours are not to be lost for it
                traceback.print_exception(error)
                tally.troubles.append(f"{place.name} did not come to its end: {error!r}")
                fine = False
        if fine:
            shutil.rmtree(place)
        print(
            f"{monotonic() - began:5.0f} s: {tally.sittings} of {len(chosen)} sittings, {tally.kills} and "
            f"{tally.phone_kills} kills, {tally.entries} entries, {tally.receipts} receipts, "
            f"lost {len(tally.lost)}; {tally.troubles[-1:] or 'no trouble'}",
            file=sys.stderr, flush=True,
        )

    async with asyncio.TaskGroup() as group:
        for number, plan in enumerate(chosen):
            group.create_task(one(number, plan))
    return tally


def main() -> None:
    """Run and tell; exit code 1 if anything was lost or is not as it should be."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--kills", type=int, default=20, help="of servers")
    parser.add_argument("--phone-kills", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=90, help="of recording in each sitting")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--side-by-side", type=int, default=3, help="sittings at a time")
    asked = parser.parse_args()
    folder, machine, began = scratch(asked.folder), facts(asked.folder), monotonic()
    render(folder / "camera.mp4", seconds=CAMERA_S, rate=10, width=320, height=240)
    chosen = plans(asked.seed, asked.kills, asked.phone_kills, asked.seconds)
    tally = asyncio.run(undergo(folder, folder / "camera.mp4", chosen, asked.side_by_side))
    if not tally.lost and not tally.troubles:
        shutil.rmtree(folder)
    goals = [Goal("acknowledged entries, receipts and media lost", len(tally.lost), 0, 0, "")]
    detail: dict[str, object] = {
        "kills": tally.kills, "phone_kills": tally.phone_kills, "cuts": dict(tally.cuts),
        "sittings": tally.sittings, "recorded_s": tally.sittings * asked.seconds,
        "acknowledged_entries": tally.entries, "receipts": tally.receipts, "media_bytes": tally.media_bytes,
        "lost": len(tally.lost), "lost_names": tally.lost, "verdicts": dict(tally.verdicts),
        "gaps": dict(tally.gaps), "troubles": tally.troubles, "seed": asked.seed,
        "took_s": round(monotonic() - began),
    }
    tell("faults", machine, goals, detail, asked.json)
    sys.exit(1 if tally.lost or tally.troubles else 0)


if __name__ == "__main__":
    main()
