"""An hour of recording in the phone's browser: memory, processor, pictures lost, the longest gap.

Real Chromium, encoding in software what a phone encodes in hardware; the stored media is decoded and its
numbered pictures counted.  Memory is the proportional set size of all the browser's processes.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import mean

from rich.console import Console

from bench.machine import cpu_s, facts
from bench.report import Goal, arguments, scratch, tell
from demo.frames import read_numbers
from tests.path.evidence import Bundle
from tests.path.rig import Rig
from tests.web.capture import cameras
from tests.web.core.killable import descendants
from tests.web.path.candidate import Candidate
from tests.web.path.course import bind, finish
from tests.web.path.numbers import FILM_S, PICTURES, RATE


async def undergo(folder: Path, minutes: int) -> tuple[dict[str, object], list[Goal]]:
    """One sitting of that length."""
    film = (
        cameras.write_y4m(folder / "camera.y4m", cameras.numbered(FILM_S, RATE, 640, 480), RATE),
        cameras.write_sound(folder / "sound.wav", FILM_S),
    )
    memory: list[float] = []
    processor: list[float] = []
    by_kind: list[dict[str, int]] = []
    async with (
        Rig(folder, film[0], Console(quiet=True)) as rig,
        Candidate(folder / "profile", film, rig.server.public_url) as phone,
    ):
        sitting = await bind(rig, phone)
        for minute in range(minutes):
            before = cpu_s(phone.pid)
            await asyncio.sleep(60)
            processor.append(cpu_s(phone.pid) - before)
            processes = {pid: pss_mb(pid) for pid in (phone.pid, *descendants(phone.pid))}
            memory.append(sum(processes.values()))
            if minute % 5 == 4:
                by_kind.append(of_kinds(processes))
            print(
                f"{minute + 1} min: {memory[-1]:.0f} MB, {processor[-1]:.1f} s of processor",
                file=sys.stderr, flush=True,
            )
        verdict = await finish(rig, phone, sitting)
        # Before the browser is closed: nothing that goes wrong there may cost the hour.
        bundle = await rig.export(sitting)
    pictures, missing, longest_s = shown(bundle)
    fifth = max(1, minutes // 5)
    growth = mean(memory[-fifth:]) / mean(memory[:fifth]) - 1
    goals = [
        Goal("pictures lost", round(100 * missing / (pictures + missing), 4), 0.1, 0.1, "%"),
        Goal("longest time between two pictures", longest_s, 0.5, 0.5, "s"),
        Goal("growth of memory from the first to the last fifth", round(100 * growth, 1), 10, 20, "%"),
    ]
    detail: dict[str, object] = {
        "minutes": minutes, "verdict": verdict["word"], "gaps": bundle.verdicts[-1]["gaps"],
        "pictures": pictures, "missing": missing, "runs": len(bundle.runs()),
        "memory_mb": [round(value) for value in memory], "memory_mb_by_kind_every_5_min": by_kind,
        "processor_s_a_minute": round(mean(processor), 1), "faults_of_the_page": phone.faults,
    }
    return detail, goals


def pss_mb(pid: int) -> float:
    """Proportional set size of a process in MB (10^6 bytes); 0 once it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / 1e6
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0.0


def of_kinds(processes: dict[int, float]) -> dict[str, int]:
    """Memory by what the browser calls its processes."""
    kinds: Counter[str] = Counter()
    for pid, memory in processes.items():
        try:
            # The browser's children write theirs anew, with spaces.
            told = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        names = ("--type=", "--utility-sub-type=")
        given = [word.partition("=")[2] for word in told if word.startswith(names)]
        kinds["/".join(given) or "browser"] += round(memory)
    return dict(kinds)


def shown(bundle: Bundle) -> tuple[int, int, float]:
    """Pictures stored, pictures missing between them, and the longest step between two, in seconds."""
    pictures = missing = longest_us = 0
    for media in bundle.runs().values():
        marks = read_numbers(io.BytesIO(media))
        pictures += len(marks)
        for (before_us, before), (after_us, after) in pairwise(marks):
            longest_us = max(longest_us, after_us - before_us)
            if before is not None and after is not None:
                missing += max(0, (after - before) % PICTURES - 1)
    return pictures, missing, round(longest_us / 1e6, 3)


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--minutes", type=int, default=60)
    asked = parser.parse_args()
    folder, machine = scratch(asked.folder), facts(asked.folder)
    detail, goals = asyncio.run(undergo(folder, asked.minutes))
    shutil.rmtree(folder)
    tell("web_soak", machine, goals, detail, asked.json)


if __name__ == "__main__":
    main()
