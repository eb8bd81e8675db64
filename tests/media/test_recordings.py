"""Every case in ``tests/recordings`` is found to have its fault, and no other."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence_server.media import MediaWorker
from evidence_server.media.restart import MP4
from tests.media.recordings import (
    at_fragments,
    codes,
    encoded,
    every,
    measured,
    packets_of,
    silent_mp4,
    totals,
)

CASES = {
    path.parent.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[1] / "recordings").glob("*/case.json"))
}


def cut_out(segments: list[bytes], fault: dict[str, Any]) -> None:
    del segments[fault["segment"]]


def repeat(segments: list[bytes], fault: dict[str, Any]) -> None:
    segments.insert(fault["segment"] + 1, segments[fault["segment"]])


def swap(segments: list[bytes], fault: dict[str, Any]) -> None:
    here = fault["segment"]
    segments[here : here + 2] = reversed(segments[here : here + 2])


def noise(segments: list[bytes], fault: dict[str, Any]) -> None:
    segment = segments[fault["segment"]]
    begin = segment.index(fault["behind"].encode()) + len(fault["behind"])
    segments[fault["segment"]] = segment[:begin] + random.Random(1).randbytes(len(segment) - begin)


def flip(segments: list[bytes], fault: dict[str, Any]) -> None:
    segment = bytearray(segments[fault["segment"]])
    segment[segment.index(fault["before"].encode()) + fault["offset"]] ^= fault["mask"]
    segments[fault["segment"]] = bytes(segment)


def shorten(segments: list[bytes], fault: dict[str, Any]) -> None:
    segments[fault["segment"]] = segments[fault["segment"]][: -fault["by"]]


def end(segments: list[bytes], fault: dict[str, Any]) -> None:
    del segments[fault["segment"] + 1 :]


FAULTS: dict[str, Callable[[list[bytes], dict[str, Any]], None]] = {
    "cut_out": cut_out,
    "repeat": repeat,
    "swap": swap,
    "noise": noise,
    "flip": flip,
    "shorten": shorten,
    "end": end,
}


@pytest.fixture(scope="session")
def sources(camera: Path, mp4: bytes, webm: bytes) -> dict[str, bytes]:
    return {
        "mp4": mp4,
        "webm": webm,
        "silent": silent_mp4(camera),
        "black": encoded("mp4", "libx264", 320, 240),
    }


@pytest.mark.parametrize("name", CASES)
async def test_the_fault_is_found(worker: MediaWorker, sources: dict[str, bytes], name: str) -> None:
    case = CASES[name]
    container = case.get("container", MP4)
    source = sources[case.get("source", container.rpartition("/")[2])]
    segments = every(case["cut"], source) if "cut" in case else at_fragments(container, source)
    withheld: list[int] = []
    for fault in case.get("faults", ()):
        if fault["do"] == "withhold":
            withheld.append(fault["segment"])
        else:
            FAULTS[fault["do"]](segments, fault)

    found = await measured(worker, "run", segments, container, withheld)
    finished = await worker.finish("run")

    problems = {str(number): codes(one) for number, one in found.items() if one.problems}
    if finished is not None and set(codes(finished)) - {"no_audio"}:
        problems["end"] = codes(finished)
    assert problems == case["expected"]
    if "lost_pictures" in case:
        assert packets_of(source)[0] - totals(found)[0] == case["lost_pictures"]
    if "key_frames" in case:
        number, key_frames = case["key_frames"]
        assert (video := found[number].video) is not None
        assert video.key_frames == key_frames
    if "max_step_us" in case:
        number, least, most = case["max_step_us"]
        assert (video := found[number].video) is not None
        assert least <= video.max_step_us <= most
    if "mean_luma" in case:
        number, least, most = case["mean_luma"]
        assert (key_frame := found[number].key_frame) is not None
        assert key_frame.decoded
        assert least <= key_frame.mean_luma <= most


def test_every_case_says_what_it_is_about() -> None:
    assert len(CASES) >= 10
    assert all(case["about"] for case in CASES.values())
