"""Each kind of span is found where it is, and not on the other side of its threshold."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np
import pytest

from evidence_server.vision.continuity import Continuity
from evidence_server.vision.frame import Frame, Picture
from evidence_server.vision.spans import Span
from tests.vision.room import STEP_S, MarkFinder, Room

LOOKS, FIRST, LAST = 44, 20, 30
Change = Callable[[Room, int], Picture]


@pytest.fixture(scope="module")
def room() -> Room:
    return Room()


def watched(room: Room, change: Change) -> list[Span]:
    """The spans of a recording in which `change` draws the looks from FIRST up to LAST."""
    continuity = Continuity(MarkFinder())
    for number in range(LOOKS):
        picture = change(room, number) if FIRST <= number < LAST else room.usual(number)
        t_s = number * STEP_S
        for half in range(4):
            continuity.take_sound(t_s + half / 2, 0.5, 0.004)
        continuity.take_picture(room.frame(number, picture))
    continuity.finish(LOOKS * STEP_S)
    return continuity.spans()


def assert_one(spans: list[Span], kind: str) -> None:
    assert [span.kind for span in spans] == [kind]
    assert abs(spans[0].start_s - FIRST * STEP_S) <= STEP_S + 2
    assert abs(spans[0].end_s - LAST * STEP_S) <= STEP_S + 2
    assert 0 < spans[0].confidence <= 1
    assert not spans[0].open


def black(room: Room, number: int) -> Picture:
    return room.seen(np.zeros_like(room.bare()), number)


def covered(room: Room, number: int) -> Picture:
    shade = np.linspace(60, 90, room.bare().shape[1])[None, :, None]
    return room.seen(np.broadcast_to(shade, room.bare().shape), number)


def frozen(room: Room, number: int) -> Picture:
    return room.usual(FIRST)


def repeated(room: Room, number: int) -> Picture:
    return room.usual(number - 12)


def moved(room: Room, number: int) -> Picture:
    return room.seen(room.person(room.bare(30, -12), number), number)


def absent(room: Room, number: int) -> Picture:
    return room.seen(room.bare(), number)


def two_people(room: Room, number: int) -> Picture:
    return room.seen(room.person(room.person(room.bare(), number), number, x=250), number)


def blurred(room: Room, number: int) -> Picture:
    soft = cv2.GaussianBlur(room.person(room.bare(), number), (0, 0), 2.5)
    return room.seen(soft, number)


def dark(room: Room, number: int) -> Picture:
    return room.seen(room.person(room.bare(), number) * 0.2, number)


CHANGES = {
    "black": black, "covered": covered, "frozen": frozen, "repeated": repeated, "moved": moved,
    "absent": absent, "people": two_people, "blurred": blurred, "dark": dark,
}


@pytest.mark.parametrize("kind", CHANGES)
def test_found(room: Room, kind: str) -> None:
    assert_one(watched(room, CHANGES[kind]), kind)


def a_little_dim(room: Room, number: int) -> Picture:
    return room.seen(room.person(room.bare(), number) * 0.7, number)


def a_little_soft(room: Room, number: int) -> Picture:
    return room.seen(cv2.GaussianBlur(room.person(room.bare(), number), (0, 0), 0.4), number)


def nudged(room: Room, number: int) -> Picture:
    shaken = room.person(room.bare(), number)
    half_a_pixel = np.array([[1, 0, 0.5], [0, 1, 0.3]])
    size = shaken.shape[1::-1]
    return room.seen(cv2.warpAffine(shaken, half_a_pixel, size, borderMode=cv2.BORDER_REPLICATE), number)


def partly_covered(room: Room, number: int) -> Picture:
    picture = room.person(room.bare(), number)
    picture[:, :90] = 80
    return room.seen(picture, number)


def turned_away(room: Room, number: int) -> Picture:
    return room.seen(room.person(room.bare(), number, face=False), number)


def sitting_still(room: Room, number: int) -> Picture:
    return room.seen(room.person(room.bare(), FIRST), number)


def a_poster(room: Room, number: int) -> Picture:
    picture = room.person(room.bare(), number)
    cv2.rectangle(picture, (270, 20), (295, 45), (0, 255, 0), -1)
    return room.seen(picture, number)


@pytest.mark.parametrize(
    "change", [a_little_dim, a_little_soft, nudged, partly_covered, turned_away, a_poster]
)
def test_not_found(room: Room, change: Change) -> None:
    assert watched(room, change) == []


def test_somebody_who_sits_still_is_neither_gone_nor_a_loop(room: Room) -> None:
    assert {span.kind for span in watched(room, sitting_still)} <= {"frozen"}


def test_an_undisturbed_empty_room_repeats_nothing(room: Room) -> None:
    continuity = Continuity(MarkFinder())
    for number in range(60):
        continuity.take_picture(room.frame(number, room.seen(room.bare(), number)))
    assert {span.kind for span in continuity.spans()} <= {"silent"}


def test_without_a_finder_nobody_is_looked_for(room: Room) -> None:
    continuity = Continuity(None)
    for number in range(12):
        continuity.take_picture(room.frame(number, absent(room, number)))
    assert not {"absent", "people"} & {span.kind for span in continuity.spans()}


def test_black_from_the_beginning_to_the_end(room: Room) -> None:
    continuity = Continuity(MarkFinder())
    for number in range(10):
        continuity.take_picture(room.frame(number, black(room, number)))
    continuity.finish(20.0)
    (span,) = (span for span in continuity.spans() if span.kind == "black")
    assert (span.start_s, span.end_s, span.open) == (0.0, 20.0, True)


def test_where_it_stays_is_its_place_after_some_time(room: Room) -> None:
    continuity = Continuity(None)
    for number in range(90):
        picture = room.usual(number) if number < 20 else moved(room, number)
        continuity.take_picture(room.frame(number, picture))
    (span,) = (span for span in continuity.spans() if span.kind == "moved")
    assert abs(span.start_s - 40) <= 4
    assert 120 <= span.end_s - span.start_s <= 140
    assert not span.open


def test_a_picture_shows_what_is_meant(room: Room) -> None:
    (span,) = watched(room, two_people)
    assert span.picture is not None
    assert len(span.picture) <= 20_000
    shown = cv2.imdecode(np.frombuffer(span.picture, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape[1] <= 320
    assert len(MarkFinder().find(cv2.medianBlur(shown, 3), 0.5)) in (1, 2)


def test_time_must_grow(room: Room) -> None:
    continuity = Continuity(None)
    continuity.take_picture(room.frame(3, room.usual(3)))
    with pytest.raises(ValueError, match="after"):
        continuity.take_picture(room.frame(3, room.usual(3)))


@pytest.mark.parametrize("shape", [(1, 1), (2, 700), (700, 2), (720, 1280), (360, 640), (1280, 720)])
def test_frames_of_any_shape(shape: tuple[int, int]) -> None:
    continuity = Continuity(MarkFinder())
    chance = np.random.default_rng(1)
    for number in range(6):
        picture = chance.integers(0, 255, (*shape, 3), dtype=np.uint8)
        continuity.take_picture(Frame(float(number), picture))
    continuity.spans()


def test_frames_that_change_their_shape(room: Room) -> None:
    continuity = Continuity(MarkFinder())
    for number in range(20):
        picture = room.usual(number)
        continuity.take_picture(room.frame(number, picture if number % 4 else np.rot90(picture).copy()))


def alternating(room: Room, count: int) -> Iterable[Frame]:
    usual = cv2.resize(room.usual(1), (64, 36)).astype(np.uint8, copy=False)
    black_picture = np.zeros_like(usual)
    return (room.frame(number, usual if number % 2 else black_picture) for number in range(count))


def test_a_recording_that_flickers_gives_no_more_than_a_hundred_spans(room: Room) -> None:
    continuity = Continuity(None)
    for frame in alternating(room, 240):
        continuity.take_picture(frame)
    found = [span for span in continuity.spans() if span.kind == "black"]
    assert len(found) <= 101
    assert found[-1].end_s > 470


def test_memory_is_bounded(room: Room) -> None:
    continuity = Continuity(None)
    for number in range(30):
        continuity.take_sizes([(0.0, 1.0)] * 100_000)
        continuity.take_picture(room.frame(number, room.usual(number)))
    assert len(continuity._sizes) == 0
    repeats = continuity._repeats
    for _ in range(100):
        repeats._memories.extend(repeats._memories[0] for _ in range(50))
    assert repeats.limits.memories * 80 * 45 < 10_000_000


def test_a_chair_that_was_always_empty(room: Room) -> None:
    """Nobody was ever seen, and nothing moves but the laptop's marker, every half minute."""
    spans = seen_for(room, 110, lambda number: marked(room, number // 15))
    assert [(span.kind, span.start_s < 8, span.end_s) for span in spans] == [("absent", True, 220)]
    assert spans[0].confidence == 0.5


def test_who_comes_at_last_ends_it(room: Room) -> None:
    spans = seen_for(room, 130, lambda number: room.bare() if number < 100 else someone(room, number))
    assert [span.kind for span in spans] == ["absent"]
    assert abs(spans[0].end_s - 200) <= STEP_S + 2


def test_where_a_little_moves_in_one_look_of_six_somebody_may_be(room: Room) -> None:
    """As seldom as anybody moves, and no more of it is seen than a hand."""
    spans = seen_for(room, 110, lambda number: fidgeting(room, number // 6))
    assert "absent" not in {span.kind for span in spans}


def test_an_empty_chair_for_two_minutes_is_nothing_yet(room: Room) -> None:
    assert seen_for(room, 60, lambda number: room.bare()) == []


def seen_for(room: Room, looks: int, draw: Callable[[int], Picture]) -> list[Span]:
    """The spans of a recording of so many looks, with sound."""
    continuity = Continuity(MarkFinder())
    for number in range(looks):
        for half in range(4):
            continuity.take_sound(number * STEP_S + half / 2, 0.5, 0.004)
        continuity.take_picture(room.frame(number, room.seen(draw(number), number)))
    continuity.finish(looks * STEP_S)
    return continuity.spans()


def someone(room: Room, number: int) -> Picture:
    return room.person(room.bare(), number, face=False)


def fidgeting(room: Room, number: int) -> Picture:
    """The room with a hand that is now here, now there: 100 points of the grid change."""
    picture = room.bare()
    pattern = np.random.default_rng(0).integers(0, 2, (10, 10), np.uint8).repeat(2, 0).repeat(2, 1)
    picture[60:80, 200:220] = ((pattern + number) % 2 * 220)[..., None]
    return picture


def marked(room: Room, number: int) -> Picture:
    """The room with a marker of some squares on a screen."""
    picture = room.bare()
    chance = np.random.default_rng(number)
    squares = chance.integers(0, 2, (4, 4), np.uint8).repeat(3, 0).repeat(3, 1) * 220
    picture[60:72, 200:212] = squares[..., None]
    return picture
