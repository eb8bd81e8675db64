"""What the folded state keeps of a segment: little, and all that is asked of it."""

from __future__ import annotations

import gc
import tracemalloc

from evidence_server.segment import Measured
from evidence_server.sitting import fold
from tests.sittings import Exam, Service

SEGMENTS = 400
SAMPLED_EVERY = 7
"""A phone reads the server's clock every half minute."""
MOST_BYTES = 320


async def test_a_segment_takes_a_third_of_a_kilobyte(service: Service) -> None:
    """80 phones for an hour are 72,000 of them."""
    exam = await Exam.begin(service, length_s=SEGMENTS * 4)
    for first in range(0, SEGMENTS, SAMPLED_EVERY):
        exam.phone.sample_next = True
        await exam.phone.film(first * 4, min(first + SAMPLED_EVERY, SEGMENTS) * 4, piece_s=4)
        await exam.phone.upload()
        while await service.verifier.step(exam.sitting):
            pass
    events = await service.journal.read(exam.sitting)
    before = fold(exam.sitting, events[: len(events) // 2])
    earlier = len(list(before.segments()))
    tracemalloc.start()
    try:
        state = fold(exam.sitting, events[: len(events) // 2])
        gc.collect()
        first, _ = tracemalloc.get_traced_memory()
        for event in events[len(events) // 2 :]:
            state.apply(event)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    segments = list(state.segments())
    assert len(segments) == SEGMENTS
    assert all(segment.stored_seq and segment.measurement for segment in segments)
    assert (taken - first) / (SEGMENTS - earlier) < MOST_BYTES


def test_a_track_without_packets_shows_nothing() -> None:
    track = {"packets": 0, "first_us": None, "end_us": None, "max_step_us": 0}
    nothing = {"video": track, "audio": None, "key_frame": None, "problems": [{"code": "no_packets"}]}
    found = Measured.of(nothing)
    assert found == Measured(False, 0, 0, 0, 0, 0, False, ("no_packets",))
    assert Measured.of({"problems": [], "bytes": 5}) == Measured(False, 0, 0, 0, 0, 0, False, ())
