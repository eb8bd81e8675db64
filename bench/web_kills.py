"""The phone's browser killed again and again while it records: how soon it records again, and what is lost.

Real Chromium, real server; each kill is SIGKILL to the whole browser at another place in a segment, then it
is reopened and tapped once. Lost is what the gap ledger has besides the time until it records again.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

from rich.console import Console

from bench.machine import facts
from bench.report import Goal, arguments, scratch, tell
from tests.path.rig import Rig, verify
from tests.web.capture import cameras
from tests.web.path.candidate import Candidate
from tests.web.path.course import Kill, bind, finish, kill
from tests.web.path.numbers import FILM_S, RATE, lost_pictures

PAUSES_S = (0.3, 0.9, 1.5, 2.1, 2.7, 3.3, 3.9)
POLICY = '{"max_gap_s": 60, "max_gap_total_s": 3600, "checks": {"scan": "review"}}'


async def undergo(folder: Path, kills: int) -> tuple[dict[str, object], list[Goal]]:
    """One sitting with so many kills."""
    film = (
        cameras.write_y4m(folder / "camera.y4m", cameras.numbered(FILM_S, RATE, 640, 480), RATE),
        cameras.write_sound(folder / "sound.wav", FILM_S),
    )
    done: list[Kill] = []
    async with Rig(folder, film[0], Console(quiet=True)) as rig:
        async with Candidate(folder / "profile", film, rig.server.public_url) as phone:
            sitting = await bind(rig, phone, "--policy", POLICY)
            for number in range(kills):
                done.append(await kill(rig, phone, sitting, PAUSES_S[number % len(PAUSES_S)]))
                print(
                    f"{number + 1} of {kills}: again after {done[-1].took_ms} ms", file=sys.stderr, flush=True
                )
            verdict = await finish(rig, phone, sitting)
        bundle = await rig.export(sitting)
        proven = await verify(bundle.path)
        gaps = bundle.verdicts[-1]["gaps"]
        causes = sorted({gap["cause"] for gap in gaps})
        lost = [one.lost_ms(gap) for one, gap in zip(done, gaps, strict=False)]
        pictures = lost_pictures(bundle)
    took_s = max(one.took_ms for one in done) / 1000
    goals = [
        Goal("longest time from reopening until it records again", took_s, 10, 10, "s"),
        Goal("most media lost per kill, besides that time", max(lost) / 1000, 3, 3, "s"),
        Goal("gaps in the ledger without a kill, or kills without a gap", abs(len(gaps) - kills), 0, 0, ""),
        Goal("places where pictures are missing within a run", len(pictures), 0, 0, ""),
    ]
    detail: dict[str, object] = {
        "kills": kills, "verdict": verdict["word"], "verify_exit_code": proven.code, "causes": causes,
        "took_ms": [one.took_ms for one in done], "lost_ms": lost, "faults_of_the_page": phone.faults,
    }
    return detail, goals


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--kills", type=int, default=20)
    asked = parser.parse_args()
    folder, machine = scratch(asked.folder), facts(asked.folder)
    detail, goals = asyncio.run(undergo(folder, asked.kills))
    shutil.rmtree(folder)
    tell("web_kills", machine, goals, detail, asked.json)


if __name__ == "__main__":
    main()
