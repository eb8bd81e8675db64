"""Whole scans of a drawn room: what is accepted, what has to be repeated, and why."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage import data

from evidence_server.vision.course import find_course
from evidence_server.vision.frame import Frame
from evidence_server.vision.judgement import Answer, Reason, turn_reasons
from evidence_server.vision.orientation import sensed_turn
from evidence_server.vision.presence import Face, FaceFinder
from evidence_server.vision.scan import RoomScan, ScanResult
from evidence_server.vision.strip import draw_strip
from evidence_server.vision.thresholds import ScanThresholds
from tests.vision.conftest import scanned
from tests.vision.scan_room import HEIGHT, WIDTH, Camera, Look, film, orientation, turn


def codes(result: ScanResult) -> set[str]:
    return {reason.code for reason in result.reasons}


def test_a_whole_turn_is_accepted(whole_turn: ScanResult) -> None:
    assert whole_turn.accepted == "accept"
    assert whole_turn.reasons == ()
    assert whole_turn.closed
    assert whole_turn.sectors_covered == tuple(range(36))
    assert whole_turn.sectors_missing == ()
    assert whole_turn.direction == "right"
    assert whole_turn.people_max == 1
    assert whole_turn.face_fraction == 1.0


def test_the_turn_is_measured(whole_turn: ScanResult) -> None:
    assert whole_turn.net_yaw == pytest.approx(376, abs=0.8)
    low, high = whole_turn.net_yaw_interval
    assert low < 376 < high
    looks = turn(376)
    errors = [abs(degrees - look.yaw) for (_, degrees), look in zip(whole_turn.yaw, looks, strict=True)]
    assert max(errors) < 1.5


def test_a_turn_to_the_left_is_negative(finder: FaceFinder) -> None:
    result = scanned(finder, turn(-372))
    assert (result.accepted, result.direction) == ("accept", "left")
    assert result.net_yaw == pytest.approx(-372, abs=0.8)


def test_the_answer_is_one_object_for_programs(whole_turn: ScanResult) -> None:
    told = json.loads(json.dumps(whole_turn.to_json()))
    asked_for = {
        "accepted", "reasons", "net_yaw", "net_yaw_interval", "sectors_covered", "sectors_missing", "closed",
        "yaw", "face_fraction", "people_max",
    }
    assert asked_for <= told.keys()
    assert told["yaw"][0] == [0.0, 0.0]


def test_half_a_room_has_to_be_repeated(finder: FaceFinder) -> None:
    result = scanned(finder, turn(240))
    assert result.accepted == "repeat"
    assert codes(result) == {"not_closed"}
    low, high = result.net_yaw_interval
    assert low < 240 < high
    assert not result.closed
    assert set(range(27, 35)) <= set(result.sectors_missing)


def cut_out(frame: Frame, share: float) -> Frame:
    """The middle of a picture: what a longer lens sees."""
    height, width = frame.bgr.shape[:2]
    down, right = round(height * (1 - share) / 2), round(width * (1 - share) / 2)
    return Frame(frame.t_s, np.ascontiguousarray(frame.bgr[down : height - down, right : width - right]))


def test_a_longer_lens_closes_its_turn_too(finder: FaceFinder) -> None:
    scan = RoomScan(finder)
    for frame in film(turn(376, pitch=1.0), camera=Camera(width=260, height=460)):
        scan.take(cut_out(frame, 0.7))
    result = scan.finish()
    # 50 degrees across: a full turn is 370 degrees of what 66 degrees across would show.
    assert (result.accepted, result.closed) == ("accept", True)
    assert result.net_yaw == pytest.approx(376, abs=1.5)


def test_a_turn_that_only_the_sensors_felt_whole_is_for_people_to_look_at(finder: FaceFinder) -> None:
    # Held lower and lower from 200 degrees on: the end does not show the beginning again.
    looks = [replace(look, pitch=-25 * min(1.0, max(0.0, look.yaw / 100 - 2))) for look in turn(376)]
    answers = [scanned(finder, looks, samples) for samples in (None, orientation(looks))]
    codes_of = [{reason.code: reason.answer for reason in each.reasons} for each in answers]
    assert [told["not_closed"] for told in codes_of] == ["repeat", "review"]


def test_a_room_that_is_never_sharp(finder: FaceFinder) -> None:
    scan = RoomScan(finder)
    for frame in film(turn(376)):
        soft, face = cv2.GaussianBlur(frame.bgr, (0, 0), 3), np.zeros(frame.bgr.shape[:2], np.uint8)
        cv2.ellipse(face, (90, 165), (40, 60), 0, 0, 360, 1, -1)
        scan.take(Frame(frame.t_s, np.where(face[..., None] > 0, frame.bgr, soft)))
    assert ("blurred", "repeat") in {(reason.code, reason.answer) for reason in scan.finish().reasons}


def test_another_face_goes_on(finder: FaceFinder) -> None:
    face = (data.lfw_subset()[5] * 255).astype(np.uint8)
    other = cv2.resize(face, (70, 100), interpolation=cv2.INTER_CUBIC)
    covers = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.ellipse(covers, (91, 168), (30, 44), 0, 0, 360, 1.0, -1)
    covers = cv2.GaussianBlur(covers, (5, 5), 0)[..., None]
    scan = RoomScan(finder)
    for number, frame in enumerate(film(turn(376))):
        picture = frame.bgr.astype(np.float32)
        if number > 47:
            with_other = picture.copy()
            with_other[118:218, 56:126] = other[..., None]
            picture += (with_other - picture) * covers
        scan.take(Frame(frame.t_s, picture.astype(np.uint8)))
    assert ("candidate_changed", "repeat") in {(each.code, each.answer) for each in scan.finish().reasons}


def test_sensors_lead_across_what_they_felt_alike(whole_scan: tuple[RoomScan, ScanResult]) -> None:
    looks, seen = turn(376), whole_scan[0].observations
    further = [replace(look, yaw=look.yaw * 1.03) for look in looks]
    courses = [
        find_course(seen, sensed_turn(orientation(felt)), ScanThresholds()) for felt in (looks, further)
    ]
    assert [course.trusted for course in courses] == [True, True]
    # At the end the second felt 11 degrees that were not seen.
    assert [course.bridged for course in courses] == [True, False]


@pytest.mark.parametrize(("bridged", "bare", "told"), [
    (False, False, True), (True, False, False), (True, True, True),
])
def test_what_could_not_be_followed_is_for_people_unless_sensors_lead_across_it(
    whole_scan: tuple[RoomScan, ScanResult], bridged: bool, bare: bool, told: bool
) -> None:
    seen, limits = whole_scan[0].observations, ScanThresholds()
    lost = np.zeros(len(seen.motions), bool)
    lost[30:42] = True  # 48 degrees
    course = replace(find_course(seen, None, limits), lost=lost, bare=lost & bare, bridged=bridged)
    assert ("unseen" in {reason.code for reason in turn_reasons(seen, course, limits)}) == told


@pytest.mark.parametrize(("spread", "told"), [(0.031, False), (0.05, True)])
def test_a_step_that_flow_nearly_explains_is_no_cut(
    whole_scan: tuple[RoomScan, ScanResult], spread: float, told: bool
) -> None:
    seen, limits = whole_scan[0].observations, ScanThresholds()
    thumbs, motions = list(seen.thumbs), list(seen.motions)
    motion = motions[30]
    assert motion is not None
    thumbs[31], motions[30] = thumbs[31][::-1].copy(), replace(motion, spread=spread)
    changed = replace(seen, thumbs=thumbs, motions=motions)
    course = replace(find_course(seen, None, limits), lost=np.arange(len(motions)) == 30)
    assert ("jump" in {reason.code for reason in turn_reasons(changed, course, limits)}) == told


def test_sensors_measure_what_does_not_close(finder: FaceFinder) -> None:
    looks = turn(240)
    result = scanned(finder, looks, orientation(looks))
    assert result.accepted == "repeat"
    assert result.net_yaw == pytest.approx(240, abs=2)
    assert result.sensors_alike is not None
    assert result.sensors_alike > 0.95


def test_sensors_that_felt_another_turn_are_for_people_to_look_at(finder: FaceFinder) -> None:
    looks = turn(376)
    restless = [replace(look, yaw=40 * np.sin(at / 7)) for at, look in enumerate(looks)]
    result = scanned(finder, looks, orientation(restless))
    assert result.accepted == "review"
    assert codes(result) == {"sensors_differ"}


def test_without_a_candidate(finder: FaceFinder) -> None:
    result = scanned(finder, [replace(look, candidate=False) for look in turn(376)])
    assert result.accepted == "repeat"
    assert "candidate_absent" in codes(result)
    assert result.face_fraction < 0.2


def test_somebody_else_in_the_room(finder: FaceFinder) -> None:
    result = scanned(finder, [replace(look, other_at=170) for look in turn(376)])
    assert result.accepted == "repeat"
    assert codes(result) == {"people"}
    assert result.people_max == 2


def test_a_hand_over_the_lens(finder: FaceFinder) -> None:
    result = scanned(finder, [replace(look, covered=120 < look.yaw < 190) for look in turn(376)])
    assert result.accepted == "repeat"
    assert "covered" in codes(result)
    assert {13, 14, 15, 16, 17} <= set(result.sectors_missing)
    assert {13, 14, 15, 16, 17} <= set(result.sectors_unverified)


def test_a_dark_room(finder: FaceFinder) -> None:
    result = scanned(finder, [replace(look, light=0.12) for look in turn(376)])
    assert result.accepted == "repeat"
    assert "dark" in codes(result)


def test_a_stretch_cut_out(finder: FaceFinder) -> None:
    result = scanned(finder, [look for look in turn(376) if not 120 < look.yaw < 190])
    assert result.accepted == "repeat"
    assert "jump" in codes(result)
    assert not result.closed


def test_a_short_turn_again_and_again(finder: FaceFinder) -> None:
    result = scanned(finder, turn(75) * 5)
    assert result.accepted == "repeat"
    assert {"loop", "jump"} <= codes(result)


def test_a_still_picture(finder: FaceFinder) -> None:
    scan = RoomScan(finder)
    picture = Camera().picture(Look(0))
    for number in range(40):
        scan.take(Frame(number / 8, picture))
    result = scan.finish()
    assert result.accepted == "repeat"
    assert "still" in codes(result)


def test_too_fast_to_see(finder: FaceFinder) -> None:
    result = scanned(finder, turn(376, speed=170))
    assert result.accepted == "repeat"
    assert not result.closed


@pytest.mark.parametrize(("turned", "code"), [
    (cv2.ROTATE_180, "upside_down"), (cv2.ROTATE_90_CLOCKWISE, "landscape"),
])
def test_a_phone_that_is_not_upright(finder: FaceFinder, turned: int, code: str) -> None:
    scan = RoomScan(finder)
    for frame in film(turn(376)[::2]):
        scan.take(Frame(frame.t_s * 2, np.asarray(cv2.rotate(frame.bgr, turned), np.uint8)))
    result = scan.finish()
    assert result.accepted == "repeat"
    assert code in codes(result)


def test_one_picture_a_second_is_too_little(finder: FaceFinder) -> None:
    scan = RoomScan(finder)
    for frame in film(turn(376)[::8], rate_hz=1):
        scan.take(frame)
    result = scan.finish()
    assert result.accepted == "repeat"
    assert "few_frames" in codes(result)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_hardly_any_picture(finder: FaceFinder, count: int) -> None:
    scan = RoomScan(finder)
    for frame in film([Look(0)] * count):
        scan.take(frame)
    result = scan.finish([[0, 1, 2, 3]])
    assert result.accepted == "repeat"
    assert codes(result) == {"too_short"}
    assert draw_strip(scan.observations, result) == b"" or count


def test_a_scan_without_end_is_cut_off(finder: FaceFinder) -> None:
    scan = RoomScan(finder)
    picture = Camera().picture(Look(0))
    for number in range(60):
        scan.take(Frame(number * 6.0, picture))
    result = scan.finish()
    assert "too_long" in codes(result)
    assert result.duration_s <= 300


def test_odd_pictures_do_no_harm(finder: FaceFinder) -> None:
    """Sizes that change, times that run back, pictures of noise."""
    dice = np.random.default_rng(1)
    scan = RoomScan(finder)
    for number, (height, width) in enumerate([(32, 18), (320, 180), (1000, 600), (40, 900), (64, 64)] * 4):
        picture = dice.integers(0, 256, (height, width, 3)).astype(np.uint8)
        scan.take(Frame(number / 8 if number % 5 else 0.0, picture))
    assert scan.finish([[float("nan")] * 4, [], [1.0, 2.0]]).accepted == "repeat"


def test_progress_follows_the_turn(finder: FaceFinder) -> None:
    scan = RoomScan(finder)
    seen = []
    for frame in film(turn(200)):
        scan.take(frame)
        seen.append(scan.progress())
    assert seen[-1].yaw == pytest.approx(200, rel=0.15)
    assert len(seen[-1].sectors) > len(seen[len(seen) // 2].sectors) > 5
    assert seen[-1].candidate


def test_the_strip_outlines_nobody_of_whom_the_answer_does_not_speak(
    whole_scan: tuple[RoomScan, ScanResult]
) -> None:
    scan, result = whole_scan
    seen = scan.observations
    doubtful = Face(0.1, 0.5, 0.15, 0.1, 0.65)
    with_plant = [replace(seen.sightings[20], others=(doubtful,)) if at == 20 else look
                  for at, look in enumerate(seen.sightings)]
    once = replace(seen, sightings=with_plant)
    assert draw_strip(once, result) == draw_strip(seen, result)
    perhaps = replace(result, reasons=(Reason("people_perhaps", Answer.REVIEW),))
    assert draw_strip(once, perhaps) != draw_strip(seen, perhaps)


def test_the_strip_shows_the_room(whole_scan: tuple[RoomScan, ScanResult]) -> None:
    scan, result = whole_scan
    jpeg = draw_strip(scan.observations, result)
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape[1] == 1440
    assert len(jpeg) < 400_000
    # A picture of a room, all the way round.
    assert picture[60:300].std(axis=(0, 2)).min() > 5
