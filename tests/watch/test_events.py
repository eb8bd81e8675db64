"""Recordings with something wrong in them, from encoded media to the verdict: nothing is scripted (E7).

Each is 72 s of a drawn room, encoded, cut, committed, stored, measured and looked at by the product's own
processes; what is wrong is put into pictures or sound before encoding.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bench.rooms import Event, Plan, write
from evidence_server.media import MediaWorker
from evidence_server.media.eyes import Eyes
from evidence_server.media.restart import MP4
from evidence_server.shown import nothing_yet, seen
from evidence_server.sitting import Sitting
from evidence_server.verdict import COMPLETE, INCOMPLETE
from tests.media.recordings import at_fragments
from tests.sittings import Exam, Service, at

LENGTH_S, PIECE_S, KEY_S = 72, 4, 2
BEGIN_S, END_S = 33, 53
"""Of what is wrong: a camera's usual place, and who usually sits there, are learned in the half minute
before."""
TOLERANCE_MS = 1_000 * (KEY_S + 2)
POLICY = {"checks": {
    "scan": "off", "placement": "off", "anchor": "off", "continuity": "required",
}}  # fmt: skip
STRENGTH = {
    "black": 1, "covered": 2, "frozen": 1, "repeated": 8, "moved": 60, "absent": 1, "people": 1,
    "blurred": 6, "dark": 0.15, "silent": 1,
}
"""A cover's light, seconds repeated, pixels of 1280, sigma, light; else without meaning."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def eyes() -> AsyncIterator[Eyes]:
    async with Eyes() as eyes:
        yield eyes


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker() -> AsyncIterator[MediaWorker]:
    async with MediaWorker() as worker:
        yield worker


@pytest_asyncio.fixture(loop_scope="module")
async def service(tmp_path: Path, eyes: Eyes, worker: MediaWorker) -> AsyncIterator[Service]:
    """The stages with the processes that really look."""
    service = await Service.open(tmp_path, worker=worker, eyes=eyes)
    try:
        yield service
    finally:
        await service.close()


def recorded(folder: Path, *events: Event) -> list[bytes]:
    """A recording with these events, in segments of `PIECE_S`."""
    path = folder / "recording.mp4"
    write(Plan(7, LENGTH_S, fps=2, width=640, height=360, events=events, bit_rate=400_000, key_s=KEY_S), path)
    header, *seconds = at_fragments(MP4, path.read_bytes())
    assert len(seconds) == LENGTH_S
    pieces = [b"".join(seconds[first : first + PIECE_S]) for first in range(0, LENGTH_S, PIECE_S)]
    return [header + pieces[0], *pieces[1:]]


async def play(exam: Exam, pieces: list[bytes], from_s: int, to_s: int) -> Sitting:
    """The phone films and uploads a part of the recording; what then is known."""
    for begin_s in range(from_s, to_s, PIECE_S):
        piece = exam.phone.head(begin_s, begin_s + PIECE_S, media=pieces[begin_s // PIECE_S])
        exam.clock.to(begin_s + PIECE_S)
        await exam.phone.commit(piece.record)
        await exam.phone.upload(piece)
    return await exam.settle()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", [*STRENGTH, None])
async def test_an_event_and_its_alarm_and_its_verdict(
    service: Service, tmp_path: Path, kind: str | None
) -> None:
    events = () if kind is None else (Event(kind, BEGIN_S, END_S, STRENGTH[kind]),)
    pieces = recorded(tmp_path, *events)
    exam = await Exam.begin(service, length_s=LENGTH_S, policy=POLICY)

    during = await play(exam, pieces, 0, 52)
    alarms = seen(during, during.bound, nothing_yet)["alarms"]
    assert [(one["kind"], one["until_ms"]) for one in alarms] == ([] if kind is None else [(kind, None)])
    assert all(abs(one["since_ms"] - at(BEGIN_S)) <= TOLERANCE_MS for one in alarms)

    await play(exam, pieces, 52, LENGTH_S)
    await exam.end(LENGTH_S)
    await exam.phone.manifest()
    verdict = await exam.verdict()
    assert verdict is not None
    assert verdict["word"] == (COMPLETE if kind is None else INCOMPLETE), verdict
    if kind is None:
        assert (verdict["reasons"], verdict["review"]) == ([], [])
        return
    [reason] = verdict["reasons"]
    assert (reason["code"], reason["kind"]) == ("continuity_failed", kind)
    assert abs(reason["start_ms"] - at(BEGIN_S)) <= TOLERANCE_MS, reason
    assert abs(reason["end_ms"] - at(END_S)) <= TOLERANCE_MS, reason
