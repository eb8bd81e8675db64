"""The anchor: is the marker seen in every period, is anything misread, and at what cost; against cv2.aruco.

    python -m bench.anchor [--scenes DIR] [--clips N] [--seed S] [--json]

Each clip is a rendered view of a screen in a room (`tests.vision.screens`), six seconds of 720p15 at 1 Mbit/s
with a key frame every two: the four key frames stand for one period of 30 s, of whose fifteen a server reads
five.  All pictures are read besides, to count misreadings.  A 6 × 6 marker of cv2.aruco's stock
dictionary, of the same size, stands beside ours, and cv2.aruco reads the key frames.  The other clips show
what must not be accepted.
"""

from __future__ import annotations

import statistics
import time
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.machine import facts
from bench.report import Goal, arguments, tell
from evidence_server.anchor import code_at, expected_codes
from evidence_server.vision.anchor import Reader
from tests.vision import screens as rooms

FRAMES = 3 * rooms.KEY_FRAME_EVERY + 1
STOCK = cv2.aruco.DICT_6X6_250
OTHERS = (
    cv2.aruco.DICT_4X4_50, cv2.aruco.DICT_5X5_100, cv2.aruco.DICT_6X6_1000, cv2.aruco.DICT_7X7_250,
    cv2.aruco.DICT_APRILTAG_36H11,
)
SHARES = {"ours": 1.0, "none": 0.3, "other sitting": 0.4, "other dictionary": 0.4, "random squares": 0.4}
"""How many clips of each kind, for each of ours."""
OWN, OTHER = b"the bench's own sitting, 32 byte", b"another sitting at the same time"


@dataclass
class Tally:
    """What came of the clips of one kind."""

    clips: int = 0
    pictures: int = 0
    key_frames: int = 0
    seen_periods: int = 0
    seen_key_frames: int = 0
    accepted_wrongly: int = 0
    misread: int = 0
    others_read: int = 0
    stock_periods: int = 0
    stock_key_frames: int = 0
    stock_misread: int = 0
    ms: list[float] = field(default_factory=list)
    stock_ms: list[float] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def clip(rng: np.random.Generator, kind: str, room: rooms.Grey, number: int, tally: Tally) -> None:
    """Films one view and reads it."""
    at_ms = 1_790_000_000_000 + 30_000 * number + 15_000
    slot = at_ms // 30_000
    own, other = code_at(OWN, slot), code_at(OTHER, slot)
    stock = int(rng.integers(250))
    squares: Sequence[rooms.Grey] = {
        "ours": lambda: [rooms.marker_square(own), rooms.stock_square(STOCK, stock)],
        "none": lambda: [np.full((190, 190), 255, np.uint8)],
        "other sitting": lambda: [rooms.marker_square(other), rooms.marker_square(code_at(OTHER, slot + 9))],
        "other dictionary": lambda: [rooms.stock_square(int(rng.choice(OTHERS)), int(rng.integers(50)))] * 2,
        "random squares": lambda: [rooms.random_square(rng), rooms.random_square(rng)],
    }[kind]()
    shown = {"ours": {own}, "other sitting": {other, code_at(OTHER, slot + 9)}}.get(kind, set())
    view = rooms.View.draw(rng)
    screen, about = rooms.page(rng, squares)
    picture = rooms.still(rng, room, screen, about, view)
    film = rooms.compressed(rooms.filmed(rng, picture, VISITOR, view.noise, FRAMES))
    expected = expected_codes(OWN, at_ms, 12_000)
    seen = stock_seen = 0
    for key_frame, luma in film:
        began = time.process_time()
        codes = {reading.code for reading in READER.read(luma, expected)}
        if key_frame:
            tally.ms.append((time.process_time() - began) * 1000)
            tally.key_frames += 1
            seen += own in codes
        tally.pictures += 1
        tally.accepted_wrongly += len(codes & set(expected) - shown)
        tally.misread += len(codes - shown)
        tally.others_read += len(codes & shown - set(expected))
        if key_frame:
            began = time.process_time()
            _, found, _ = STOCK_DETECTOR.detectMarkers(luma)
            tally.stock_ms.append((time.process_time() - began) * 1000)
            numbers = set() if found is None else {int(one) for one in found.ravel()}
            stock_seen += kind == "ours" and stock in numbers
            # of the larger dictionaries, numbers below 250 may be the stock one's own
            if kind != "other dictionary":
                tally.stock_misread += len(numbers - ({stock} if kind == "ours" else set()))
    tally.clips += 1
    tally.seen_key_frames += seen
    tally.seen_periods += seen > 0
    tally.stock_key_frames += stock_seen
    tally.stock_periods += stock_seen > 0
    if kind == "ours" and not seen:
        tally.missed.append(str(view))


def measure(scenes: Path | None, clips: int, seed: int) -> dict[str, Tally]:
    """All clips of all kinds; `clips` of ours."""
    rng = np.random.default_rng(seed)
    backgrounds = rooms.rooms(scenes)
    tallies: dict[str, Tally] = {}
    for kind, share in SHARES.items():
        tally = tallies[kind] = Tally()
        for number in range(max(round(clips * share), 1)):
            clip(rng, kind, backgrounds[number % len(backgrounds)], number, tally)
    return tallies


def main() -> None:
    """Measure and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--scenes", type=_folder, help="photographs of rooms (default: scikit-image's)")
    parser.add_argument("--clips", type=int, default=60, help="views with our marker (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of views and noise (default: %(default)s)")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    tallies = measure(chosen.scenes, chosen.clips, chosen.seed)
    ours, every = tallies["ours"], list(tallies.values())
    pictures = sum(tally.pictures for tally in every)
    key_frames = sum(tally.key_frames for tally in every)
    misread = sum(tally.misread for tally in every)
    stock_misread = sum(tally.stock_misread for tally in every)
    cost = statistics.median(ms for tally in every for ms in tally.ms)
    stock_cost = statistics.median(ms for tally in every for ms in tally.stock_ms)
    stock_periods = 100 * ours.stock_periods / ours.clips
    goals = [
        Goal("anchor: periods in which the marker is seen", 100 * ours.seen_periods / ours.clips, 95, 90, "%",
             more_is_better=True, peer=f"cv2.aruco, 6x6 beside it: {stock_periods:.4g} %"),
        Goal(f"anchor: readings of a marker not shown, in {pictures:,} pictures", misread, 0, 0, "",
             peer=f"cv2.aruco: {stock_misread} in {key_frames:,} key frames"),
        Goal("anchor: another sitting's, another dictionary's or a random marker accepted",
             sum(tally.accepted_wrongly for tally in every), 0, 0, ""),
        Goal("anchor: CPU a 1280x720 picture (median)", round(cost, 2), 4, 8, "ms",
             peer=f"cv2.aruco: {stock_cost:.3g} ms"),
    ]
    tell("anchor", facts(chosen.folder), goals, _detail(chosen, tallies), chosen.json)


def _detail(chosen: Any, tallies: dict[str, Tally]) -> dict[str, object]:
    detail: dict[str, object] = {
        "seed": chosen.seed, "rooms": "given" if chosen.scenes else "scikit-image",
        "stream": "1280x720, 15 fps, H.264 1 Mbit/s, key frame every 2 s", "marker_width_px": "40 to 90",
    }
    for kind, tally in tallies.items():
        told = dict(vars(tally))
        for name in ("ms", "stock_ms"):
            times = sorted(told.pop(name))
            told[f"{name}_p50"], told[f"{name}_p95"] = (
                round(times[int(share * (len(times) - 1))], 2) for share in (0.5, 0.95)
            )
        if kind != "ours":
            for name in ("seen_periods", "seen_key_frames", "stock_periods", "stock_key_frames", "missed"):
                told.pop(name)
        detail[kind] = told
    return detail


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise ArgumentTypeError(f"{text} is no folder")
    return path


READER = Reader()
STOCK_DETECTOR = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(STOCK))
VISITOR = rooms.visitor()

if __name__ == "__main__":
    main()
