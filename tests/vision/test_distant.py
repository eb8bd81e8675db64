"""Somebody who stands in the room while it is scanned, metres away, is found; nobody else is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np
import pytest

from evidence_server.vision.distant import Distant, distant_people
from evidence_server.vision.frame import Frame, Picture
from evidence_server.vision.presence import Face, FaceFinder, Glimpse, Sighting, Watch
from evidence_server.vision.scan import RoomScan, ScanResult
from evidence_server.vision.thresholds import ScanThresholds
from tests.vision.scan_room import FOCAL, Camera, Look, person, turn

WIDTH, HEIGHT = 360, 640
FACE_M, FACE_PIXELS = 0.148, 43
"""Width of a face, in metres and in the drawn person's picture."""
STANDS_AT = 170
"""Yaw of whoever stands in the room."""
LIMITS = ScanThresholds()


def stand(picture: Picture, middle: float, eyes: float, face: float) -> None:
    """Draw the person with a face of so many pixels, whose middle and eyes are at these pixels."""
    body, covers = person()
    scale = face / FACE_PIXELS
    place = np.array([[scale, 0, middle - 55 * scale], [0, scale, eyes - 45 * scale]], np.float32)
    size = picture.shape[1], picture.shape[0]
    there = cv2.warpAffine(covers, place, size)[..., None]
    shown = cv2.warpAffine(cv2.GaussianBlur(body, (0, 0), max(0.1, 0.4 / scale)), place, size)
    picture[:] = (shown * there + picture * (1 - there)).astype(np.uint8)


def filmed(distance: float | None) -> Iterator[Frame]:
    """Part of a turn as a clip's frames; somebody stands so many metres from the camera, or nobody."""
    camera = Camera(width=WIDTH, height=HEIGHT)
    looks = [look for look in turn(376) if 105 < look.yaw < 225]
    for number, look in enumerate(looks):
        large = camera.picture(Look(look.yaw, look.pitch, candidate=False), number)
        aside = (STANDS_AT - look.yaw + 180) % 360 - 180
        if distance is not None and abs(aside) < 50:
            middle = WIDTH / 2 * (1 + FOCAL * math.tan(math.radians(aside)))
            stand(large, middle, 0.5 * HEIGHT, FACE_M * FOCAL * WIDTH / 2 / distance)
        stand(large, WIDTH * (0.5 + 0.02 * math.sin(number / 5)), 0.47 * HEIGHT, 80)
        small = cv2.resize(large, (180, 320), interpolation=cv2.INTER_AREA)
        yield Frame(number / 8, np.asarray(small, np.uint8), partial(_as_it_is, large))


def _as_it_is(picture: Picture, _: int) -> Picture:
    return picture


def scanned(finder: FaceFinder, distance: float | None) -> tuple[RoomScan, ScanResult]:
    scan = RoomScan(finder)
    for frame in filmed(distance):
        scan.take(frame)
    return scan, scan.finish()


@pytest.mark.parametrize("distance", [1.2, 2.0])
def test_somebody_in_the_room_is_found(finder: FaceFinder, distance: float) -> None:
    scan, result = scanned(finder, distance)
    assert {"people", "people_perhaps"} & {reason.code for reason in result.reasons}
    widths = [one.face.width for look in scan.observations.sightings for one in look.distant]
    assert min(widths) == pytest.approx(FACE_M * FOCAL / 2 / distance, rel=0.4)


def test_a_room_and_its_candidate_alone_are_nobody(finder: FaceFinder) -> None:
    scan, result = scanned(finder, None)
    assert not {"people", "people_perhaps"} & {reason.code for reason in result.reasons}
    assert [look.distant for look in scan.observations.sightings if look.distant] == []


def test_small_faces_are_looked_for_as_the_camera_turns_not_in_every_picture(finder: FaceFinder) -> None:
    asked = []
    distant = Distant(finder, LIMITS)
    picture = next(filmed(None)).larger

    def larger(pixels: int) -> Picture:
        assert picture is not None
        asked.append(pixels)
        return picture(pixels)

    seen = Sighting(0.0, Face(0.4, 0.45, 0.22, 0.13, 0.9), ())
    for number in range(40):
        distant.look(Sighting(number / 8, seen.candidate, ()), larger, 3.0 * number)
    assert asked.count(360) == 13
    for number in range(40):
        distant.look(Sighting(5 + number / 8, seen.candidate, ()), larger, 117.0)
    assert asked.count(360) == 13 + 2  # a camera that rests


def glimpsed(*found: tuple[float, float, float]) -> list[Sighting]:
    """Sightings a second apart with glimpses of these scores, turns and bearings."""
    face = Face(0.8, 0.5, 0.05, 0.03, 0.7)
    return [
        Sighting(float(at), None, (), distant=(Glimpse(face, *one),)) for at, one in enumerate(found)
    ]


@pytest.mark.parametrize(
    ("found", "times"),
    [
        ([(1.1, 10, 30), (1.1, 20, 35)], [0, 1]),
        ([(1.1, 10, 30)], []),
        ([(1.1, 10, 30), (1.1, 90, 110)], []),
        ([(1.1, 10, 30), (1.1, 11, 31)], []),
        ([(1.1, 10, 30), (1.7, 90, 110)], [1]),
    ],
    ids=["twice in one direction", "once", "two things", "what turns with the camera", "once, but surely"],
)
def test_who_counts(found: list[tuple[float, float, float]], times: list[float]) -> None:
    assert distant_people(glimpsed(*found), LIMITS) == times


class OnePattern(FaceFinder):
    """Sees a large pattern, hardly a face, above the candidate's."""

    def __init__(self) -> None:
        pass

    def find(self, bgr: Picture, threshold: float) -> list[Face]:
        del bgr, threshold
        return [Face(0.45, 0.6, 0.17, 0.17, 0.95), Face(0.13, 0.2, 0.29, 0.29, 0.5)]


def test_a_large_pattern_is_not_the_candidate() -> None:
    sighting = Watch(OnePattern(), 0.5, 0.35).look(0.0, np.zeros((320, 180, 3), np.uint8))
    assert sighting.candidate is not None
    assert sighting.candidate.score == 0.95
