"""Where the recording is there and nobody could look at it: the verdict names it (E7), and nothing passes
because of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evidence_server.checks import BLIND_MS
from evidence_server.media.measurement import KeyFrame, Measurement
from evidence_server.seen import UNCHECKED
from evidence_server.shown import nothing_yet, seen
from evidence_server.verdict import COMPLETE
from evidence_server.vision import spans
from tests.sittings import Exam, Service, at, codes
from tests.watch.test_checks import finish, marker, shows

CONTINUITY = {"checks": {"continuity": "required", "placement": "off", "anchor": "off"}}
DIED = {"problem": "memory_limit", "detail": "more than 1536 MB"}


def unmeasured(verdict: dict[str, Any], check: str = "continuity") -> list[tuple[float, float]]:
    """The stretches, in seconds of the exam, that the verdict says were not looked at."""
    start_ms = verdict["required_ms"][0]
    return [
        ((one["start_ms"] - start_ms) / 1_000, (one["end_ms"] - start_ms) / 1_000)
        for one in verdict["review"] if one["code"] == f"{check}_not_measured"
    ]


def test_eye_and_verdict_mean_the_same() -> None:
    """The verdict's layer may not import the eye's: what both say stands twice."""
    assert (spans.UNCHECKED, spans.UNCHECKED_S * 1000) == (UNCHECKED, BLIND_MS)


async def test_a_segment_of_which_the_eye_dies(service: Service) -> None:
    exam = await Exam.begin(service, policy=CONTINUITY)
    await exam.phone.film(0, 20)
    await exam.phone.film(20, 30, seen=DIED)
    verdict = await finish(exam, 30)
    assert (verdict["word"], unmeasured(verdict)) == (COMPLETE, [(20, 30)])
    assert (await exam.settle()).generations[0].seen.looks[1].unread == (4, 5)


async def test_the_eyes_death_ends_no_alarm(service: Service) -> None:
    exam = await Exam.begin(service, policy=CONTINUITY)
    await exam.phone.film(0, 15, seen=shows("covered", 12, None, 15))
    await exam.phone.film(15, 20, seen=DIED)
    await exam.phone.upload()
    state = await exam.settle()
    assert [span.kind for span in state.generations[0].seen.looks[1].open] == ["covered"]
    verdict = await finish(exam, 20, seen=shows("covered", 12, 40))
    [reason] = verdict["reasons"]
    assert (reason["kind"], reason["end_ms"]) == ("covered", at(40))
    assert unmeasured(verdict) == [(15, 20)]


async def test_an_eye_that_dies_of_the_last_segment_leaves_the_alarm_open(service: Service) -> None:
    exam = await Exam.begin(service, policy=CONTINUITY)
    await exam.phone.film(0, 55, seen=shows("covered", 12, None, 55))
    verdict = await finish(exam, 55, seen=DIED)
    assert [reason["kind"] for reason in verdict["reasons"]] == ["covered"]


async def test_what_the_eye_says_it_could_not_look_at(service: Service) -> None:
    exam = await Exam.begin(service, policy=CONTINUITY)
    await exam.phone.film(0, 30, seen=shows("unchecked", 10, None, 30))
    await exam.phone.upload()
    state = await exam.settle()
    assert seen(state, state.bound, nothing_yet)["alarms"] == []  # that is no alarm of anybody's
    verdict = await finish(exam, 30, seen=shows("unchecked", 10, 40))
    assert (verdict["word"], unmeasured(verdict), verdict["continuity"]) == (COMPLETE, [(10, 40)], [])


async def test_where_continuity_is_off_nothing_is_said_of_it(service: Service) -> None:
    exam = await Exam.begin(service, policy={"checks": {"continuity": "off"}})
    verdict = await finish(exam, seen=shows("unchecked", 10, 40))
    assert unmeasured(verdict) == []


@pytest.mark.parametrize(("blind_s", "named"), [((20, 30), []), ((20, 40), [(20, 40)])])
async def test_short_segments_without_a_key_frame_that_decodes(
    service: Service, monkeypatch: pytest.MonkeyPatch, blind_s: tuple[int, int],
    named: list[tuple[float, float]],
) -> None:
    """Each of them is too short to be irregular by itself; ten seconds are nothing yet."""
    measure, begin_s, end_s = service.worker.measure, *blind_s

    async def measured(run: str, segment: int, *rest: Any) -> Measurement:
        found: Measurement = await measure(run, segment, *rest)
        blind = begin_s // 2 <= segment < end_s // 2
        return replace(found, key_frame=KeyFrame(False, 0, 0, 0, "damaged")) if blind else found

    monkeypatch.setattr(service.worker, "measure", measured)
    exam = await Exam.begin(service, policy=CONTINUITY)
    verdict = await finish(exam, piece_s=2, seen={"markers": []})
    assert "media_irregular" not in codes(verdict["review"])
    assert unmeasured(verdict) == named


async def filmed(exam: Exam, *searched_s: range) -> dict[str, Any]:
    """Pictures that show the right marker in these of the film's seconds, and are not searched in others."""
    for moment in range(0, 600, 10):
        look = marker(exam.service, moment + 5 + 28)
        look[0] -= 28_000_000  # this film begins with the exam
        markers = [look] if any(moment in some for some in searched_s) else []
        await exam.phone.film(moment, moment + 10, piece_s=10, seen={"markers": markers})
    await exam.phone.upload()
    exam.clock.to(600)
    await exam.end(600)
    await exam.phone.manifest()
    verdict = await exam.verdict()
    assert verdict is not None
    return verdict


ANCHOR = {"checks": {"anchor": "required", "placement": "off", "continuity": "off"}}


async def test_where_no_picture_was_searched_for_the_marker(service: Service) -> None:
    """It was seen before and behind, so that nobody says it was not there."""
    exam = await Exam.begin(service, length_s=600, policy=ANCHOR)
    verdict = await filmed(exam, range(200), range(300, 600))
    assert (verdict["word"], unmeasured(verdict, "anchor")) == (COMPLETE, [(195, 305)])


@pytest.mark.parametrize(("searched", "unseen"), [
    (range(200, 600), (0, 205)), (range(400), (395, 600)), (range(600), None),
])
async def test_the_exams_edges_count(
    service: Service, searched: range, unseen: tuple[float, float] | None
) -> None:
    """Not only what lies between the first and the last picture that was searched."""
    exam = await Exam.begin(service, length_s=600, policy=ANCHOR)
    verdict = await filmed(exam, searched)
    expected = [("not_seen", at(unseen[0]), at(unseen[1]))] if unseen else []
    assert [(one["why"], one["start_ms"], one["end_ms"]) for one in verdict["reasons"]] == expected
    assert unmeasured(verdict, "anchor") == ([unseen] if unseen else [])
