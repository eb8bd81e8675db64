"""The phone's browser on a network that fails every half minute: what arrives, and what it costs on the wire.

FIN, RST, black holes and a line of 64 kbit/s, in turn, for as long as asked; then the exam ends.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from itertools import cycle, islice
from pathlib import Path
from time import monotonic

from rich.console import Console

from bench.machine import facts
from bench.report import Goal, arguments, scratch, tell
from tests.durability.network import Cut
from tests.path.rig import Rig
from tests.web.capture import cameras
from tests.web.path.candidate import Candidate
from tests.web.path.course import bind, finish, suffer
from tests.web.path.network import PhoneNetwork
from tests.web.path.numbers import FILM_S, RATE, lost_pictures

ROUND = (
    (Cut.FIN, 6.0, 20.0), (Cut.BLACK_HOLE, 18.0, 20.0), (None, 20.0, 20.0), (Cut.RST, 10.0, 20.0),
    (Cut.BLACK_HOLE, 8.0, 20.0),
)
ROUND_S = sum(away + back for _, away, back in ROUND)


async def undergo(folder: Path, minutes: float) -> tuple[dict[str, object], list[Goal]]:
    """One sitting on that network."""
    film = (
        cameras.write_y4m(folder / "camera.y4m", cameras.numbered(FILM_S, RATE, 640, 480), RATE),
        cameras.write_sound(folder / "sound.wav", FILM_S),
    )
    cuts = list(islice(cycle(ROUND), round(minutes * 60 / ROUND_S * len(ROUND))))
    async with Rig(folder, film[0], Console(quiet=True)) as rig:
        network = PhoneNetwork(rig.server.port)
        await network.start()
        origin = f"http://127.0.0.1:{network.port}"
        try:
            async with Candidate(folder / "profile", film, origin) as phone:
                sitting = await bind(rig, phone, origin=origin, recording=network.count_anew)
                began = monotonic()
                for number, cut in enumerate(cuts):
                    await suffer(network, [cut])
                    print(
                        f"{monotonic() - began:.0f} s: {number + 1} of {len(cuts)} failures",
                        file=sys.stderr, flush=True,
                    )
                lasted = monotonic() - began
                verdict = await finish(rig, phone, sitting)
        finally:
            await network.stop()
        bundle = await rig.export(sitting)
    media = sum(len(piece) for piece in bundle.media.values())
    goals = [
        Goal("places where pictures are missing", len(lost_pictures(bundle)), 0, 0, ""),
        Goal("segments that did not arrive", len(bundle.undelivered), 0, 0, ""),
        Goal("bytes sent by the phone / bytes of media", round(network.sent / media, 3), 1.2, 1.2, "×"),
    ]
    detail: dict[str, object] = {
        "minutes": round(lasted / 60, 1), "failures": len(cuts), "verdict": verdict["word"],
        "gaps": bundle.verdicts[-1]["gaps"], "runs": len(bundle.runs()), "media_bytes": media,
        "sent_bytes": network.sent, "faults_of_the_page": phone.faults,
    }
    return detail, goals


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    folder, machine = scratch(asked.folder), facts(asked.folder)
    detail, goals = asyncio.run(undergo(folder, asked.minutes))
    shutil.rmtree(folder)
    tell("web_network", machine, goals, detail, asked.json)


if __name__ == "__main__":
    main()
