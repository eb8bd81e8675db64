"""Makes bad scans out of good ones: cuts, loops, screens, swapped people; each with its truth beside it.

`python -m bench.edited_scans --scans DIR --out DIR` takes every accepted scan of a folder (pictures and truth
as the renderer writes them) and films what somebody could show instead of it. None of them may be accepted.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


@dataclass
class Source:
    """A decoded scan: its pictures at 15 a second, and the yaw of each."""

    pictures: list[Picture]
    yaw: list[float]
    truth: dict[str, Any]

    def between(self, low: float, high: float) -> list[int]:
        """The numbers of the pictures whose turn (to either side) is in the interval."""
        return [at for at, yaw in enumerate(self.yaw) if low <= abs(yaw) < high]


Edit = Callable[[Source, random.Random], list[Picture]]


def hard_cut(source: Source, dice: random.Random) -> list[Picture]:
    """A stretch of 40 to 100 degrees is left out."""
    start = dice.uniform(60, 220)
    gone = set(source.between(start, start + dice.uniform(40, 100)))
    return [picture for at, picture in enumerate(source.pictures) if at not in gone]


def cut_in_a_rush(source: Source, dice: random.Random) -> list[Picture]:
    """The same, between two stretches played four times as fast."""
    start = dice.uniform(90, 180)
    end = start + dice.uniform(50, 90)
    gone = set(source.between(start, end))
    hurried = set(source.between(start - 35, start)[::4] + source.between(end, end + 35)[::4])
    near = set(source.between(start - 35, end + 35))
    return [
        picture for at, picture in enumerate(source.pictures)
        if at not in gone and (at not in near or at in hurried)
    ]


def blended_cut(source: Source, dice: random.Random) -> list[Picture]:
    """The same, cross-faded over half a second."""
    start = dice.uniform(80, 200)
    before, after = source.between(0, start), source.between(start + dice.uniform(50, 90), 999)
    fade = 8
    mixed = [
        cv2.addWeighted(source.pictures[a], 1 - k / fade, source.pictures[b], k / fade, 0)
        for k, (a, b) in enumerate(zip(before[-fade:], after[:fade], strict=False))
    ]
    whole = [[source.pictures[at] for at in part] for part in (before[:-fade], after[fade:])]
    return [*whole[0], *mixed, *whole[1]]


def loop_with_light(source: Source, dice: random.Random) -> list[Picture]:
    """60 to 150 degrees again and again, while the light goes up and down."""
    part = source.between(5, dice.uniform(65, 150))
    times = 1 + round(370 / max(1, abs(source.yaw[part[-1]])))
    pictures = [source.pictures[at] for _ in range(times) for at in part]
    return [
        cv2.convertScaleAbs(picture, alpha=1 + 0.3 * np.sin(at / 23), beta=12 * np.sin(at / 37))
        for at, picture in enumerate(pictures)
    ]


def there_and_back(source: Source, _: random.Random) -> list[Picture]:
    """Half of the turn, then the same backwards."""
    part = source.between(0, 190)
    return [source.pictures[at] for at in [*part, *part[::-1]]]


def mirrored_half(source: Source, _: random.Random) -> list[Picture]:
    """Half of the turn, then the same backwards and mirrored: it seems to go on turning."""
    part = source.between(0, 185)
    return [source.pictures[at] for at in part] + [cv2.flip(source.pictures[at], 1) for at in part[::-1]]


def on_a_screen(source: Source, dice: random.Random) -> list[Picture]:
    """A screen that shows the scan, filmed by a phone that hardly moves."""
    height, width = source.pictures[0].shape[:2]
    around = cv2.GaussianBlur(cv2.resize(source.pictures[0], (width * 2, height * 2)), (0, 0), 3)
    share = dice.uniform(0.55, 0.85)
    inner = (int(width * share), int(height * share))
    out = []
    for at, picture in enumerate(source.pictures):
        x, y = (int(width / 2 + 6 * np.sin(at / a)) for a in (17, 23))
        frame = around[y : y + height, x : x + width].copy()
        left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
        shown = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA)
        frame[top : top + inner[1], left : left + inner[0]] = shown
        out.append(frame)
    return out


def upside_down(source: Source, _: random.Random) -> list[Picture]:
    """The phone held on its head."""
    return [cv2.rotate(picture, cv2.ROTATE_180) for picture in source.pictures]


def on_its_side(source: Source, dice: random.Random) -> list[Picture]:
    """The phone held sideways, its pictures wider than high."""
    turn = dice.choice((cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE))
    return [cv2.rotate(picture, turn) for picture in source.pictures]


def on_its_side_upright(source: Source, dice: random.Random) -> list[Picture]:
    """The same, the pictures cropped to higher than wide."""
    sideways = on_its_side(source, dice)
    height, width = source.pictures[0].shape[:2]
    left = (height - width * width // height) // 2
    part = width * width // height
    return [cv2.resize(picture[:, left : left + part], (width, height)) for picture in sideways]


def stopped_short(source: Source, dice: random.Random) -> list[Picture]:
    """The end is missing: 300 to 342 degrees."""
    return [source.pictures[at] for at in source.between(-1, dice.uniform(300, 342))]


def time_lapse(source: Source, _: random.Random) -> list[Picture]:
    """Eight times as fast."""
    return source.pictures[::8]


def frozen_middle(source: Source, dice: random.Random) -> list[Picture]:
    """The picture stands still, and goes on 60 degrees further."""
    start = dice.uniform(90, 200)
    before, after = source.between(-1, start), source.between(start + 60, 999)
    return [source.pictures[at] for at in [*before, *[before[-1]] * 20, *after]]


def hand_over_the_lens(source: Source, dice: random.Random) -> list[Picture]:
    """60 degrees behind a hand."""
    start = dice.uniform(60, 240)
    hidden = set(source.between(start, start + 60))
    dark = np.full_like(source.pictures[0], 25)
    return [dark if at in hidden else picture for at, picture in enumerate(source.pictures)]


def blurred_room(source: Source, _: random.Random) -> list[Picture]:
    """A lens that shows nobody in the room, and the candidate sharp."""
    height, width = source.pictures[0].shape[:2]
    sharp = np.zeros((height, width, 1), np.float32)
    cv2.ellipse(sharp, (width // 2, int(0.62 * height)), (int(0.24 * width), height // 5), 0, 0, 360, 1, -1)
    out = []
    for picture in source.pictures:
        soft = cv2.GaussianBlur(picture, (0, 0), width / 60).astype(np.float32)
        out.append(np.asarray(soft + (picture - soft) * sharp, np.uint8))
    return out


EDITS: tuple[Edit, ...] = (
    hard_cut, cut_in_a_rush, blended_cut, loop_with_light, there_and_back, mirrored_half, on_a_screen,
    upside_down, on_its_side, on_its_side_upright, stopped_short, time_lapse, frozen_middle,
    hand_over_the_lens, blurred_room,
)


def another_face(first: Source, second: Source, dice: random.Random) -> list[Picture]:
    """Somebody else goes on where the first one stops: the same room and motion, rendered with two people."""
    at = round(len(first.pictures) * dice.uniform(0.3, 0.7))
    return first.pictures[:at] + second.pictures[at:]


def read(clip: Path, truth: dict[str, Any]) -> Source:
    """Every second picture."""
    with av.open(str(clip)) as container:
        pictures = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)][::2]
    return Source(pictures, [frame["yaw"] for frame in truth["frames"]][::2], truth)


def write(pictures: list[Picture], path: Path) -> None:
    """As a phone would: H.264, 15 a second, half a megabit."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        options = {"preset": "veryfast", "tune": "zerolatency"}
        stream = container.add_stream("libx264", rate=15, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", 600_000
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def main() -> None:
    """Edit every accepted scan of a folder in so many ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--edits", type=int, default=2, help="of each scan (default: %(default)s)")
    parser.add_argument("--others", type=Path, help="the same scans with another candidate")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    turn = arguments.seed
    for told in sorted(arguments.scans.glob("*.json")):
        truth = json.loads(told.read_text(encoding="utf-8"))
        clip = told.with_name(truth["video"])
        if truth["verdict"] != "accept" or not clip.exists():
            continue
        source = read(clip, truth)

        def keep(what: str, make: Callable[[random.Random], list[Picture]], of: str = told.stem) -> None:
            name = f"{what}_{arguments.scans.name}_{of}"
            write(make(random.Random(f"{name}{arguments.seed}")), arguments.out / f"{name}.mp4")
            note = {"video": f"{name}.mp4", "verdict": "reject", "reason": what}
            (arguments.out / f"{name}.json").write_text(json.dumps(note), encoding="utf-8")

        for _ in range(arguments.edits):
            edit = EDITS[turn % len(EDITS)]
            keep(edit.__name__, partial(edit, source))
            turn += 1
        if arguments.others is not None and (arguments.others / truth["video"]).exists():
            other = read(arguments.others / truth["video"], truth)
            keep(another_face.__name__, partial(another_face, source, other))


if __name__ == "__main__":
    main()
