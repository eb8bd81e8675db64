"""Reading markers from rendered pictures: what is read, where, and what never is."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from evidence_server.vision import marker
from evidence_server.vision.anchor import Reader, Reading
from tests.vision import screens
from tests.vision.screens import Grey, View

CODE, ANOTHER = 0x5EED42, 0x00BEEF
VIEW = View(
    width_px=44, yaw=20, pitch=-10, roll=4, centre=(500, 300), brightness=0.9, room=0.6, blur_px=0.8,
    bloom=0.1, glare=0, gradient=0.2, moire=0, noise=2,
)
ROOMS = screens.rooms(None)


def picture(view: View, squares: list[Grey], seed: int = 1) -> Grey:
    """One noisy picture of a screen with these squares."""
    rng = np.random.default_rng(seed)
    screen, about = screens.page(rng, squares)
    still = screens.still(rng, ROOMS[seed % len(ROOMS)], screen, about, view)
    return next(screens.filmed(rng, still, screens.visitor(), view.noise, 1))


def seen(luma: Grey, *expected: int) -> list[int]:
    return [reading.code for reading in Reader().read(luma, expected)]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"width_px": 40, "yaw": 45, "pitch": 25},
        {"roll": 90},
        {"roll": 173},
        {"roll": -80, "yaw": -40},
        {"blur_px": 1.8},
        {"glare": 90, "gradient": 0.5},
        {"moire": 0.12, "noise": 5},
        {"brightness": 0.5, "gradient": 0.5},
        {"brightness": 1.3, "bloom": 0.25},
        {"width_px": 120},
        {"width_px": 260, "centre": (600, 350)},
    ],
    ids=lambda changed: ", ".join(changed) or "plain",
)
def test_a_marker_is_read_as_phones_see_it(changed: dict[str, float]) -> None:
    luma = picture(replace(VIEW, **changed), [screens.marker_square(CODE)])
    assert seen(luma) == [CODE], "not knowing what to expect"
    assert seen(luma, ANOTHER, CODE) == [CODE]


def test_it_survives_a_megabit_of_h264() -> None:
    rng = np.random.default_rng(3)
    screen, about = screens.page(rng, [screens.marker_square(CODE)])
    still = screens.still(rng, ROOMS[0], screen, about, replace(VIEW, width_px=40, blur_px=1.2))
    film = screens.compressed(screens.filmed(rng, still, screens.visitor(), 3, 4))
    assert [seen(luma) for _, luma in film] == [[CODE]] * 4


@pytest.mark.parametrize("roll", [0, 90, 180, 270])
def test_corners_begin_at_the_markers_own_top_left(roll: int) -> None:
    view = replace(VIEW, roll=roll)
    rng = np.random.default_rng(1)
    _, (x, y) = screens.page(rng, [screens.marker_square(CODE)])
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * screens.MARKER_PX / 2 + (x, y)
    truth = cv2.perspectiveTransform(square[None], screens.screen_to_picture(view, (x, y)))[0]
    (reading,) = Reader().read(picture(view, [screens.marker_square(CODE)]))
    assert np.abs(np.array(reading.corners) - truth).max() < 1.5


def test_two_markers_in_one_picture_are_both_read() -> None:
    luma = picture(replace(VIEW, yaw=0), [screens.marker_square(CODE), screens.marker_square(ANOTHER)])
    assert set(seen(luma, CODE)) == {CODE, ANOTHER}


def flat(bits: np.ndarray, ground: int = 255) -> Grey:
    """A marker of 80 pixels with these modules on an even ground, seen from straight ahead."""
    grid = np.full((10, 10), 255, np.uint8)
    grid[1:-1, 1:-1] = 0
    grid[2:-2, 2:-2] = bits * 255
    canvas = np.full((360, 480), ground, np.uint8)
    canvas[100:200, 150:250] = np.kron(grid, np.ones((10, 10), np.uint8))
    return canvas


def modules(code: int) -> np.ndarray:
    return np.array([int(bit) for bit in f"{marker.pattern(code):036b}"], np.uint8).reshape(6, 6)


@pytest.mark.parametrize("wrong", [1, 2])
def test_few_wrong_modules_are_forgiven_to_what_is_expected_only(wrong: int) -> None:
    bits = modules(CODE)
    bits.flat[[8, 21][:wrong]] ^= 1
    assert Reader().read(flat(bits)) == []
    assert Reader().read(flat(bits), (ANOTHER,)) == []
    (reading,) = Reader().read(flat(bits), (ANOTHER, CODE))
    assert (reading.code, reading.wrong_modules) == (CODE, wrong)


def test_three_wrong_modules_are_too_many() -> None:
    bits = modules(CODE)
    bits.flat[[8, 21, 30]] ^= 1
    assert Reader().read(flat(bits), (CODE,)) == []


def test_a_mirrored_or_negative_marker_is_none() -> None:
    luma = flat(modules(CODE))
    assert seen(luma) == [CODE]
    assert Reader().read(np.ascontiguousarray(luma[:, ::-1]), (CODE,)) == []
    assert Reader().read(255 - luma, (CODE,)) == []


def test_without_its_white_zone_it_is_none() -> None:
    assert seen(flat(modules(CODE), ground=90)) == [CODE], "one module of white suffices"
    luma = flat(modules(CODE))
    luma[100:200, 150:160] = luma[100:200, 240:250] = luma[100:110, 150:250] = 30
    assert Reader().read(luma, (CODE,)) == []


def test_other_sittings_and_dictionaries_are_never_accepted() -> None:
    rng = np.random.default_rng(7)
    reader, expected = Reader(), (CODE, ANOTHER)
    accepted: list[Reading] = []
    for seed in range(6):
        other = int(rng.integers(2**24))
        squares = [
            screens.marker_square(other), screens.random_square(rng),
            screens.stock_square(cv2.aruco.DICT_6X6_250, int(rng.integers(250))),
        ]
        view = replace(VIEW, yaw=float(rng.uniform(-40, 40)), roll=float(rng.uniform(0, 360)))
        read = reader.read(picture(view, squares, seed), expected)
        assert other in {reading.code for reading in read}
        accepted += [reading for reading in read if reading.code != other]
    assert accepted == []


@pytest.mark.parametrize("number", range(len(ROOMS)))
def test_a_room_without_a_marker_shows_none(number: int) -> None:
    assert Reader().read(ROOMS[number], (CODE,)) == []


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 4000), (4000, 1), (3, 7), (24, 24), (60, 60), (99, 101), (145, 2000), (60, 40_000)]
)
def test_any_size_is_searched(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(2).integers(0, 256, size, dtype=np.uint8)
    assert Reader().read(noise, (CODE,)) == []


def test_a_picture_full_of_squares_ends() -> None:
    """A hostile picture: only so many islands of a level are looked at."""
    tile = np.full((24, 24), 255, np.uint8)
    tile[3:21, 3:21] = 0
    assert Reader().read(np.tile(tile, (60, 100)), (CODE,)) == []


@pytest.mark.parametrize("wrong", [np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.float32)])
def test_what_is_no_grey_picture_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        Reader().read(wrong)
