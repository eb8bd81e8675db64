"""The parts of the scan's measurement, each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from evidence_server.vision.closure import Revisit, closure_of
from evidence_server.vision.flow import NOMINAL_FOCAL, follow
from evidence_server.vision.judgement import longest_run, replayed
from evidence_server.vision.orientation import sensed_turn
from evidence_server.vision.presence import FaceFinder
from evidence_server.vision.sectors import sectors_passed, spans_of
from evidence_server.vision.thresholds import ScanThresholds
from tests.vision.scan_room import Camera, Look, orientation, turn


@pytest.mark.parametrize("step", [-6.0, -1.0, 0.0, 2.0, 7.0])
def test_flow_tells_the_apparent_turn(step: float) -> None:
    camera = Camera()
    before, after = (
        np.ascontiguousarray(camera.picture(Look(yaw, candidate=False), at)[..., 1])
        for at, yaw in enumerate((30.0, 30.0 + step))
    )
    found = follow(before, after, None)
    assert found is not None
    # The wall is 2.4 m away and the arm 0.55 m long: 81 % of the turn are seen, at a focal length of 1.5.
    seen = np.degrees(found.yaw) * NOMINAL_FOCAL / 1.5
    assert seen == pytest.approx(step * 0.81, abs=0.12 * abs(step) + 0.05)
    assert found.spread < 0.01


def test_flow_of_nothing_is_nothing() -> None:
    grey = np.full((320, 180), 90, np.uint8)
    assert follow(grey, grey, None) is None


def test_a_face_is_found_where_it_is(finder: FaceFinder) -> None:
    picture = Camera().picture(Look(0))
    faces = finder.find(np.ascontiguousarray(picture[100:280]), 0.5)
    assert len(faces) == 1
    assert faces[0].centre[0] == pytest.approx(0.5, abs=0.06)
    assert 0.12 < faces[0].width < 0.35


def test_no_face_where_there_is_none(finder: FaceFinder) -> None:
    assert finder.find(np.full((180, 180, 3), 128, np.uint8), 0.3) == []


def test_the_turn_is_read_from_the_phones_angles() -> None:
    looks = turn(376)
    sensed = sensed_turn(orientation(looks))
    assert sensed is not None
    yaw = sensed.at(np.arange(len(looks)) / 8)
    assert np.abs(yaw - np.array([look.yaw for look in looks])).max() < 0.1


def test_angles_that_make_no_sense_are_left_out() -> None:
    assert sensed_turn([]) is None
    assert sensed_turn([[float("nan"), 0, 90, 0]] * 50) is None
    assert sensed_turn([[at / 60, 10.0, 0.0, 0.0] for at in range(50)]) is None  # lies on the table
    good = orientation(turn(90))
    broken = [one for each in good for one in (each, [each[0], None, 1, 2], [each[0] - 5, 1.0, 2.0, 3.0])]
    sensed = sensed_turn(broken)  # type: ignore[arg-type]
    assert sensed is not None
    assert sensed.yaw[-1] - sensed.yaw[0] == pytest.approx(90, abs=0.1)


def test_sensors_must_cover_the_scan() -> None:
    sensed = sensed_turn([sample for sample in orientation(turn(376)) if not 3 < sample[0] < 5])
    assert sensed is not None
    assert sensed.covers(0, 2)
    assert not sensed.covers(0, 12)


def test_sectors_are_those_the_axis_passed() -> None:
    yaw = np.array([0.0, 8.0, 16.0, 60.0, 351.0])
    usable = np.array([True, True, True, True, False])
    assert sectors_passed(yaw, usable) == [0, 1, 2, 3, 4, 6] or 5 in sectors_passed(yaw, usable)
    assert sectors_passed(np.array([-5.0]), np.array([True])) == [35]


def test_neighbouring_sectors_are_spans() -> None:
    assert spans_of([3, 4, 5, 20]) == [(30, 60), (200, 210)]
    assert spans_of([35, 0, 1]) == [(350, 380)]
    assert spans_of(range(36)) == [(0, 360)]
    assert spans_of([]) == []


def test_revisits_agree_on_a_full_turn() -> None:
    yaw = np.linspace(0, 300, 101)
    revisits = [Revisit(at, 95 + at, 285 - 280.0) for at in range(5)]
    found = closure_of([*revisits, Revisit(0, 90, -20)], yaw)
    assert found is not None
    assert found.full_turn == pytest.approx(280, abs=0.1)
    assert closure_of(revisits[:2], yaw) is None


def test_revisits_that_contradict_are_none() -> None:
    yaw = np.linspace(0, 330, 111)
    scattered = [Revisit(0, 80 + 5 * at, 0.0) for at in range(6)]
    assert closure_of(scattered, yaw) is None


def test_a_replay_is_found_and_a_pause_is_not() -> None:
    dice = np.random.default_rng(2)
    steps = dice.normal(size=(60, 576)).astype(np.float32)
    moving = np.cumsum(steps * 0.15, axis=0) + dice.normal(size=576).astype(np.float32)
    times = np.arange(200) / 8
    limits, open_ = ScanThresholds(), np.ones(200, bool)

    def thumbs(pictures: np.ndarray) -> np.ndarray:
        centred = pictures - pictures.mean(axis=1, keepdims=True)
        return centred / np.linalg.norm(centred, axis=1, keepdims=True)

    again = thumbs(np.concatenate([moving, moving[::-1] * 0 + moving.mean(axis=0), moving, moving[:20]]))
    assert replayed(again, times, open_, limits) is not None
    paused = thumbs(np.repeat(moving[:1], 200, axis=0))
    assert replayed(paused, times, open_, limits) is None


def test_the_longest_run_reaches_to_what_ends_it() -> None:
    times = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    assert longest_run(times, np.array([False, True, True, False, True])) == (1.0, 2.0)
    assert longest_run(times, np.zeros(5, bool)) == (0.0, 0.0)
