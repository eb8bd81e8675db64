"""Placement: what is found in pictures of a desk, and what each fault is called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from skimage import data

from evidence_server.vision.frame import Frame, Picture
from evidence_server.vision.placement import Corners, FindFaces, faces_at_desk, judge_placement
from evidence_server.vision.presence import FaceFinder

WIDTH, HEIGHT = 640, 360
SCREEN = ((250, 90), (430, 100), (425, 215), (255, 210))
MARKER: Corners = ((0.55, 0.30), (0.58, 0.30), (0.58, 0.35), (0.55, 0.35))
ROOM = cv2.resize(cv2.GaussianBlur(data.coffee(), (0, 0), 1), (WIDTH, HEIGHT))


@dataclass(frozen=True)
class Face:
    width: float = 0.1


def sees(*faces: Face) -> FindFaces:
    return lambda _frame: faces


def desk(screen: Sequence[tuple[int, int]] = SCREEN, light: float = 0.6, white: int = 235) -> Picture:
    """A room with a lit laptop screen in a dark frame; none with an empty `screen`."""
    room = (ROOM * light).clip(0, 255).astype(np.uint8)
    if screen:
        corners = np.array(screen, np.int32)
        cv2.polylines(room, [corners], True, (20, 20, 20), 14)
        cv2.fillPoly(room, [corners], (white, white, white))
        for row in range(4):
            left, top = corners[0] + np.array((20, 20 + 20 * row))
            cv2.rectangle(room, (int(left), int(top), 90, 6), (90, 90, 90), -1)
    return room


def filmed(picture: Picture, shift: float = 0.0, noise: float = 2.0, count: int = 8) -> list[Frame]:
    """Noisy pictures a quarter of a second apart, each `shift` pixels further to the side."""
    rng = np.random.default_rng(1)
    frames = []
    for number in range(count):
        across = np.float32([[1, 0, shift * number], [0, 1, shift * number / 3]])
        size = picture.shape[1], picture.shape[0]
        moved = cv2.warpAffine(picture, across, size, borderMode=cv2.BORDER_REFLECT)
        grain = rng.normal(0, noise, picture.shape)
        frames.append(Frame(number / 4, (moved + grain).clip(0, 255).astype(np.uint8)))
    return frames


def test_a_good_placement_is_ok() -> None:
    found = judge_placement(filmed(desk()), sees(Face()))
    assert (found.answer, found.missing, found.screen) == ("ok", (), "bright")
    assert found.screen_corners is not None
    truth = np.array(SCREEN) / (WIDTH, HEIGHT)
    assert np.abs(np.array(found.screen_corners) - truth).max() < 0.03


@pytest.mark.parametrize(
    ("frames", "missing"),
    [
        (filmed(desk(())), ("screen", "desk")),
        (filmed(desk([(x, y + 125) for x, y in SCREEN])), ("desk",)),
        (filmed(desk(), shift=4.5), ("steady",)),
        (filmed(desk(light=0.12, white=120)), ("light",)),
        (filmed(cv2.GaussianBlur(desk(), (0, 0), 25)), ("sharpness",)),
    ],
    ids=["no screen", "screen at the lower edge", "held in a hand", "dark", "out of focus"],
)
def test_what_is_wrong_is_named(frames: list[Frame], missing: tuple[str, ...]) -> None:
    found = judge_placement(frames, sees(Face()))
    assert found.answer == "review"
    assert set(missing) <= set(found.missing)
    # what spoils the picture may hide the screen too
    assert set(found.missing) - set(missing) <= {"screen", "desk", "sharpness"}


@pytest.mark.parametrize(
    ("faces", "missing"),
    [
        (sees(), ("candidate",)),
        (sees(Face(0.005)), ("candidate",)),
        (sees(Face(), Face()), ("alone",)),
        (lambda frame: [Face()] if frame.t_s < 0.6 else [], ("candidate",)),
        (lambda frame: [Face()] if frame.t_s < 1.1 else [], ()),
        (lambda frame: [Face(), Face()] if frame.t_s == 1 else [Face()], ()),
    ],
    ids=["nobody", "a picture on the wall", "two", "gone soon", "looks down at times", "a false alarm"],
)
def test_the_candidate_is_there_alone(faces: FindFaces, missing: tuple[str, ...]) -> None:
    assert judge_placement(filmed(desk()), faces).missing == missing


def seated(width: int, x: int = 470, y: int = 60) -> Picture:
    """The desk, and the astronaut behind it with a face of `width` pixels."""
    scale = width / 102  # as the network finds it in the picture
    person = cv2.resize(
        np.ascontiguousarray(data.astronaut()[:340, 90:350, ::-1]), None, fx=scale, fy=scale,
        interpolation=cv2.INTER_AREA,
    )
    covers = np.zeros(person.shape[:2], np.float32)
    for middle, size in (((132, 108), (66, 99)), ((132, 354), (128, 165))):
        scaled = [tuple(round(each * scale) for each in pair) for pair in (middle, size)]
        cv2.ellipse(covers, *scaled, 0, 0, 360, 1.0, -1)
    picture = desk()
    y = min(y, HEIGHT - len(person))
    behind = picture[y : y + len(person), x : x + person.shape[1]]
    covers = covers[:, : behind.shape[1], None]
    behind[:] = person[:, : behind.shape[1]] * covers + behind * (1 - covers)
    return picture


@pytest.mark.parametrize("width", [25, 30, 45, 60, 100])
def test_a_candidate_at_a_desk_is_found(finder: FaceFinder, width: int) -> None:
    frames = filmed(seated(width), count=3)
    found = judge_placement(frames, lambda frame: faces_at_desk(frame, finder))
    assert (found.missing, found.candidate_share, found.others_share) == ((), 1, 0)
    (face,) = faces_at_desk(frames[0], finder)
    assert 0.7 < face.width * WIDTH / width < 1.4
    assert face.holds((470 + 1.3 * width) / WIDTH, (60 + 1.1 * width) / HEIGHT)


def test_a_room_without_anybody_has_no_candidate(finder: FaceFinder) -> None:
    found = judge_placement(filmed(desk(), count=3), lambda frame: faces_at_desk(frame, finder))
    assert (found.missing, found.candidate_share) == (("candidate",), 0)


def test_two_at_a_desk_are_two(finder: FaceFinder) -> None:
    both = seated(30)
    both[:, :240] = seated(40, x=60)[:, :240]
    found = judge_placement(filmed(both, count=3), lambda frame: faces_at_desk(frame, finder))
    assert found.missing == ("alone",)


def test_the_marker_shows_a_screen_that_is_not_bright() -> None:
    dark = np.full((HEIGHT, WIDTH, 3), 80, np.uint8)
    cv2.rectangle(dark, (250, 90, 180, 115), (30, 30, 30), -1)
    assert "screen" in judge_placement(filmed(dark), sees(Face())).missing
    found = judge_placement(filmed(dark), sees(Face()), MARKER)
    assert (found.answer, found.screen, found.screen_corners) == ("ok", "marker", MARKER)


def test_below_the_marker_there_must_be_room_for_the_desk() -> None:
    low = tuple((x, y + 0.4) for x, y in MARKER)
    assert judge_placement(filmed(desk()), sees(Face()), low).missing == ("desk",)
    on_its_side = tuple((y, 1 - x) for x, y in MARKER)  # its lower edge is on the right
    assert judge_placement(filmed(desk()), sees(Face()), on_its_side).missing == ()


def test_a_window_is_no_glare_but_a_white_picture_is() -> None:
    assert "light" in judge_placement(filmed(np.full((HEIGHT, WIDTH, 3), 255, np.uint8)), sees()).missing


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_pictures_say_nothing(count: int) -> None:
    found = judge_placement(filmed(desk())[:count], sees(Face()))
    assert (found.answer, found.missing, found.pictures) == ("review", ("pictures",), count)


def test_pictures_of_several_sizes_say_nothing() -> None:
    frames = [*filmed(desk()), *filmed(desk()[:200])]
    assert judge_placement(frames, sees(Face())).missing == ("pictures",)


def test_only_so_many_pictures_are_looked_at() -> None:
    asked: list[float] = []

    def faces(frame: Frame) -> list[Face]:
        asked.append(frame.t_s)
        return [Face()]

    frames = [Frame(number / 10, ROOM[::4, ::4]) for number in range(500)]
    assert judge_placement(frames, faces).pictures == 40
    assert (len(asked), asked[0], asked[-1]) == (8, 0, 49.9)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 2), (5, 900), (33, 17)])
def test_any_size_is_answered(size: tuple[int, int]) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (4, *size, 3), dtype=np.uint8)
    found = judge_placement([Frame(number, picture) for number, picture in enumerate(pictures)], sees())
    assert found.answer == "review"


def test_the_result_is_json() -> None:
    told = json.loads(json.dumps(judge_placement(filmed(desk()), sees(Face())).to_json()))
    assert (told["answer"], told["missing"]) == ("ok", [])
