"""What could not be looked at is named: no key frames, or none that decodes, while pictures are recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.rooms import Plan, write
from evidence_server.media.demuxer import Kept
from evidence_server.media.glance import Glance
from evidence_server.media.inspection import Inspector, inspect
from evidence_server.vision.spans import UNCHECKED, UNCHECKED_S, Sight
from tests.vision.room import Room


def unchecked(sight: Sight) -> list[tuple[float, float, bool]]:
    return [(span.start_s, span.end_s, span.open) for span in sight.spans()]


def filmed(sight: Sight, from_s: float, to_s: float, *, looked_every_s: float | None = None) -> None:
    """Four pictures a second, some of which are looked at."""
    for quarter in range(round(from_s * 4), round(to_s * 4)):
        t_s = quarter / 4
        if looked_every_s and t_s % looked_every_s == 0:
            sight.looked(t_s)
        else:
            sight.there(t_s)


def test_between_two_looks_and_at_the_end() -> None:
    sight = Sight()
    filmed(sight, 0, 20, looked_every_s=2)
    filmed(sight, 20, 50)
    assert unchecked(sight) == [(18, 49.75, True)]
    filmed(sight, 50, 60, looked_every_s=2)
    filmed(sight, 60, 80)
    assert unchecked(sight) == [(18, 50, False), (58, 79.75, True)]


@pytest.mark.parametrize("every_s", [2, 4, 10, UNCHECKED_S])
def test_key_frames_as_browsers_make_them_are_enough(every_s: float) -> None:
    sight = Sight()
    filmed(sight, 0, 120, looked_every_s=every_s)
    assert unchecked(sight) == []


def test_before_the_first_look() -> None:
    sight = Sight()
    filmed(sight, 5, 20)
    sight.looked(20)
    assert unchecked(sight) == [(5, 20, False)]


def test_where_nothing_is_recorded_nothing_is_missed() -> None:
    """Gaps are measured elsewhere."""
    sight = Sight()
    filmed(sight, 0, 20, looked_every_s=2)
    filmed(sight, 100, 111)
    filmed(sight, 200, 211)
    assert unchecked(sight) == []
    filmed(sight, 300, 320)
    filmed(sight, 400, 401, looked_every_s=0.5)
    assert unchecked(sight) == [(300, 319.75, False)]


def test_there_are_never_many() -> None:
    sight = Sight(limit=3)
    for number in range(6):
        filmed(sight, number * 40, number * 40 + 20)
        filmed(sight, number * 40 + 20, number * 40 + 40, looked_every_s=2)
    spans = unchecked(sight)
    assert len(spans) == 3
    assert (spans[0][0], spans[-1][1]) == (0, 220)


def test_a_recording_with_a_key_frame_every_half_minute(tmp_path: Path) -> None:
    path = tmp_path / "sparse.mp4"
    write(Plan(7, 66, fps=4, width=320, height=180, bit_rate=200_000, key_s=30), path)
    with path.open("rb") as source:
        found = inspect(source, None)
    stretches = [(round(span.start_s), round(span.end_s)) for span in found.unchecked]
    assert stretches == [(0, 30), (30, 60)]


def test_key_frames_that_do_not_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted, and the stretch is named."""
    room, inspector = Room(), Inspector(None, 1 << 22)
    broken = range(5, 15)

    def look(number: int) -> Glance:
        frame = room.frame(number, room.usual(number))
        return Glance(frame.t_s, None, problem="damaged") if number in broken else Glance(frame.t_s, frame)

    monkeypatch.setattr(inspector._glancer, "look", look)
    inspector.take(Kept(list(range(25)), [], []))  # type: ignore[arg-type]
    assert inspector.undecoded == len(broken)
    spans = [span for span in inspector.continuity.spans() if span.kind == UNCHECKED]
    assert [(span.start_s, span.end_s) for span in spans] == [(8, 30)]


def test_taking_the_phone_up_does_not_begin_the_time_anew() -> None:
    inspector = Inspector(None, 1 << 22)
    for second in range(40):
        inspector.take(Kept([], [], [(second * 1_000_000, 100)]))
        if second % 8 == 7:
            assert inspector.begin_afresh() == []
    assert [(span.start_s, span.open) for span in inspector.continuity.spans()] == [(0, True)]
