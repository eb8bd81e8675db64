"""Extend, waive, end and rebind: each with a reason, on record, a new version where it changes something."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from evidence_server import views
from evidence_server.support import LONGEST_EXTENSION_MS, MAX_REASON, Support
from pairing.encoding import sha256_b64u
from pairing.errors import PairingError
from pairing.jws import read_unverified
from pairing.messages import Release
from tests.sittings import Exam, Phone, Service, at, codes
from tests.support.desk import Desk, film_alone

HOUR_S = 3_600
NO_REASONS = ["", " \n", "x" * (MAX_REASON + 1)]


async def reasons(service: Service, sitting: str, kind: str) -> list[str]:
    """The reasons in the journal's events of one kind."""
    events = await service.journal.read(sitting)
    return [json.loads(event.body)["reason"] for event in events if event.kind == kind]


async def decided(exam: Exam) -> dict[str, Any]:
    """The newest verdict's claims."""
    claims = await exam.verdict()
    assert claims is not None
    return claims


async def refused(action: Awaitable[object]) -> PairingError:
    """How `action` is refused."""
    with pytest.raises(PairingError) as refusal:
        await action
    return refusal.value


async def a_verdict(service: Service, **policy: Any) -> Exam:
    """A sitting of a minute that was decided, with 20 s in the middle never recorded."""
    exam = await Exam.begin(service, policy=policy)
    await exam.phone.film(0, 20)
    await exam.phone.film(40, 60, run=2)
    await exam.phone.upload()
    await exam.end(60)
    await exam.phone.manifest()
    return exam


# --- extend --------------------------------------------------------------------------------------


async def test_a_later_deadline_makes_late_evidence_complete(service: Service) -> None:
    exam = await Exam.begin(service)
    film = await exam.phone.film(0, 60)
    film[3].kept = True
    await exam.phone.upload()
    await exam.end(60)
    await exam.phone.manifest()
    exam.clock.to(60 + HOUR_S + 1)
    assert codes((await decided(exam))["reasons"]) == {"missing_media"}
    exam.clock.to(60 + HOUR_S + 100)
    await exam.phone.upload(film[3])
    late = await decided(exam)
    assert (late["word"], late["version"]) == ("late", 2)

    await service.support.extend("s_1", 200_000, " the network of the house was away ")
    again = await decided(exam)
    assert (again["word"], again["version"], again["reasons"]) == ("complete", 3, [])
    assert again["deadline_ms"] == late["deadline_ms"] + 200_000
    state = await service.register.look("s_1")
    assert again["supersedes"] == sha256_b64u(state.verdicts[1].record)
    assert await reasons(service, "s_1", "deadline_moved") == ["the network of the house was away"]


async def test_an_extension_keeps_the_verdict_waiting(service: Service) -> None:
    exam = await Exam.begin(service)
    film = await exam.phone.film(0, 60)
    film[0].kept = True
    await exam.phone.upload()
    await exam.end(60)
    await exam.phone.manifest()
    await service.support.extend("s_1", 60_000, "asked for by telephone")
    exam.clock.to(60 + HOUR_S + 59)
    assert await exam.verdict() is None
    await exam.phone.upload(film[0])
    assert ((await decided(exam))["word"]) == "complete"


async def test_the_same_command_again_extends_once(service: Service) -> None:
    await Exam.begin(service)
    before = (await service.register.look("s_1")).deadline_ms
    first = await service.support.extend("s_1", 60_000, "asked by telephone", "c-1")
    seq, deadline_ms = first.seq, first.deadline_ms
    again = await service.support.extend("s_1", 60_000, " asked by telephone", "c-1")
    assert (again.seq, again.deadline_ms) == (seq, deadline_ms)
    for changed in ((60_000, "another reason"), (60_001, "asked by telephone")):
        assert (await refused(service.support.extend("s_1", *changed, "c-1"))).code == "malformed"
    # another command, or one without an id as of before there were any, is one more
    await service.support.extend("s_1", 60_000, "asked by telephone", "c-2")
    last = await service.support.extend("s_1", 60_000, "asked by telephone")
    assert before is not None
    assert last.deadline_ms == before + 180_000


@pytest.mark.parametrize("extension_ms", [-1, 0, LONGEST_EXTENSION_MS + 1])
async def test_extensions_have_a_length(service: Service, extension_ms: int) -> None:
    await Exam.begin(service)
    assert (await refused(service.support.extend("s_1", extension_ms, "because"))).code == "malformed"


# --- waive ---------------------------------------------------------------------------------------


async def test_a_waived_reason_is_set_aside_and_listed(service: Service) -> None:
    exam = await a_verdict(service)
    first = await decided(exam)
    assert (first["word"], codes(first["reasons"])) == ("incomplete", {"gap_too_long"})
    await service.support.waive("s_1", "gap_too_long", "the power was cut in the whole street")
    again = await decided(exam)
    assert (again["word"], again["version"], again["waived"]) == ("complete", 2, ["gap_too_long"])
    assert (again["reasons"], again["gaps"]) == ([], first["gaps"])
    assert await reasons(service, "s_1", "waived") == ["the power was cut in the whole street"]


async def test_what_is_waived_excuses_nothing_else(service: Service) -> None:
    exam = await a_verdict(service, max_gap_total_s=15)
    await service.support.waive("s_1", "gap_too_long", "seen by the invigilator")
    claims = await decided(exam)
    assert (claims["word"], claims["waived"]) == ("incomplete", ["gap_too_long"])
    assert codes(claims["reasons"]) == {"gaps_too_long"}


async def test_a_waiver_of_what_is_not_there_is_not_listed(service: Service) -> None:
    exam = await a_verdict(service)
    before = await decided(exam)
    await service.support.waive("s_1", "fork", "to be sure")
    assert await decided(exam) == before


async def test_waiving_again_for_the_same_reason_changes_nothing(service: Service) -> None:
    await Exam.begin(service)
    for reason in ("seen", " seen ", "seen by two"):
        await service.support.waive("s_1", "fork", reason)
    assert await reasons(service, "s_1", "waived") == ["seen", "seen by two"]


@pytest.mark.parametrize("code", ["clock_drift", "complete", "x" * 40])
async def test_only_reasons_of_a_verdict_are_waived(service: Service, code: str) -> None:
    await Exam.begin(service)
    assert (await refused(service.support.waive("s_1", code, "because"))).code == "malformed"


# --- end -----------------------------------------------------------------------------------------


async def test_the_end_moves_after_a_verdict_only_with_a_reason(service: Service) -> None:
    exam = await a_verdict(service)
    first = await decided(exam)
    assert (await refused(exam.end(20))).code == "decided"
    await service.recorder.end("s_1", at(20), "backend", "the examiner let the candidate go")
    again = await decided(exam)
    assert (again["word"], again["version"]) == ("complete", first["version"] + 1)
    assert again["required_ms"] == [at(0), at(20)]
    assert (await reasons(service, "s_1", "ended"))[-1] == "the examiner let the candidate go"


# --- reasons and stages --------------------------------------------------------------------------

ACTIONS: dict[str, Callable[[Support, str], Awaitable[object]]] = {
    "extend": lambda support, reason: support.extend("s_1", 1_000, reason),
    "waive": lambda support, reason: support.waive("s_1", "fork", reason),
    "rebind": lambda support, reason: support.rebind("s_1", reason),
    "accept": lambda support, reason: support.accepted("s_1", "x", reason),
}


@pytest.mark.parametrize("reason", NO_REASONS, ids=["none", "blank", "too long"])
@pytest.mark.parametrize("action", ACTIONS)
async def test_nothing_is_done_without_a_reason(service: Service, action: str, reason: str) -> None:
    await Exam.begin(service)
    before = (await service.register.look("s_1")).seq
    assert (await refused(ACTIONS[action](service.support, reason))).code == "malformed"
    assert (await service.register.look("s_1")).seq == before


@pytest.mark.parametrize("action", ACTIONS)
async def test_nothing_is_done_to_a_sitting_that_is_not_there(service: Service, action: str) -> None:
    assert (await refused(ACTIONS[action](service.support, "because"))).code == "sitting_unknown"


async def test_a_rebind_needs_a_bound_phone_and_opens_one_offer(service: Service) -> None:
    await service.binder.create("s_1", "oral", at(0), at(60), {})
    assert (await refused(service.support.rebind("s_1", "lost"))).code == "wrong_stage"
    await Phone(service, "s_1").bind()
    seq = (await service.support.rebind("s_1", "lost")).seq
    shown = await service.binder.offer("s_1")
    service.clock.to(180)  # what was printed then works no longer
    assert (await service.support.rebind("s_1", "lost")).seq == seq
    fresh, other = await service.binder.offer("s_1"), Phone(service, "s_1")
    assert {fresh.ticket, fresh.code}.isdisjoint({shown.ticket, shown.code})
    await service.binder.claim(other.claim(fresh.code))
    assert (await refused(service.support.rebind("s_1", "lost"))).code == "wrong_stage"


async def test_no_rebind_once_the_results_are_out(service: Service) -> None:
    exam = await a_verdict(service)
    await decided(exam)
    await service.releaser.publish("s_1", "backend")
    assert (await refused(service.support.rebind("s_1", "lost"))).code == "wrong_stage"


async def test_no_rebind_again_once_the_results_are_out(service: Service) -> None:
    exam = await a_verdict(service)
    await decided(exam)
    await service.support.rebind("s_1", "lost")
    await service.releaser.publish("s_1", "backend")
    assert (await refused(service.support.rebind("s_1", "lost"))).code == "wrong_stage"


# --- rebind --------------------------------------------------------------------------------------


async def test_the_old_phone_stays_bound_until_the_new_one_is_confirmed(service: Service) -> None:
    exam = await Exam.begin(service)
    old, new = exam.phone, Phone(service, "s_1")

    def stage(phone: Phone) -> str:
        told: str = views.phone_reads(state, phone.thumb, exam.clock())["stage"]
        return told

    await old.film(0, 10)
    state = await service.support.rebind("s_1", "the battery is empty")
    assert stage(old) == "bound"
    assert views.stage(state) == "offered", "the laptop page shows the new code"
    await old.film(10, 20)
    offer = await service.binder.offer("s_1")
    state, _ = await service.binder.claim(new.claim(offer.ticket))
    assert (stage(old), stage(new)) == ("bound", "claimed")
    await old.film(20, 30)
    state = await service.binder.confirm("s_1", new.thumb, "page")
    assert (stage(old), stage(new)) == ("replaced", "bound")
    assert [generation.number for generation in state.generations] == [1, 2]
    assert [generation.replaced_at_ms for generation in state.generations] == [at(30), None]
    assert await reasons(service, "s_1", "rebind_opened") == ["the battery is empty"]


async def test_a_refused_second_phone_changes_nothing(service: Service) -> None:
    exam = await Exam.begin(service)
    await service.support.rebind("s_1", "the battery is empty")
    offer, other = await service.binder.offer("s_1"), Phone(service, "s_1")
    await service.binder.claim(other.claim(offer.ticket))
    state = await service.binder.refuse("s_1", other.thumb, "page")
    assert len(state.generations) == 1
    assert state.offer not in (None, offer.ticket)
    await exam.phone.film(0, 10)
    assert len(await exam.segments()) == 2


async def test_two_phones_make_one_recording(service: Service) -> None:
    exam = await Exam.begin(service)
    old = exam.phone
    await old.film(0, 20)
    kept = film_alone(old, 20, 30)
    new = await exam.rebind()
    await new.film(30, 60)
    await old.commit(*(piece.record for piece in kept))
    for phone in (old, new):
        await phone.upload()
        await phone.manifest()
    await exam.end(60)
    claims = await decided(exam)
    assert (claims["word"], claims["shown_ms"], claims["gaps"]) == ("complete", 60_000, [])
    assert [(one["generation"], one["key"]) for one in claims["generations"]] == [
        (1, old.thumb), (2, new.thumb),
    ]
    late = [item for item in claims["review"] if item["code"] == "committed_late"]
    assert late == [{"code": "committed_late", "start_ms": at(20), "end_ms": at(30)}]


async def test_a_replaced_phone_delivers_media_but_no_later_entries(service: Service) -> None:
    exam = await Exam.begin(service)
    old = exam.phone
    await old.film(0, 20)
    await exam.rebind()
    later = film_alone(old, 19, 29)
    refusal = await refused(old.commit(*(piece.record for piece in later)))
    assert (refusal.code, dict(refusal.extra)) == ("binding_replaced", {"run": 1, "seq": 5})
    await old.commit(later[0].record)
    await old.upload()
    state = await service.register.look("s_1")
    stored = [segment.stored_at_ms is not None for segment in state.generations[0].segments]
    assert stored == [True] * 5


async def test_a_replaced_phone_is_placed_by_the_clock_samples_that_come_with_it(service: Service) -> None:
    exam = await Exam.begin(service, skew_ms=HOUR_S * 1_000)
    kept = film_alone(exam.phone, 0, 20)
    await exam.rebind()
    await exam.phone.commit(*(piece.record for piece in kept))
    assert len(await exam.segments()) == 4


async def test_a_replaced_phone_reads_its_releases(service: Service) -> None:
    exam = await Exam.begin(service)
    old = exam.phone
    film = await old.film(0, 30)
    new = await exam.rebind()
    await new.film(30, 60)
    await old.upload()
    await old.manifest()
    await new.upload()
    await new.manifest()
    await exam.end(60)
    await decided(exam)
    state = await service.releaser.publish("s_1", "backend")
    read = views.phone_reads(state, old.thumb, exam.clock())
    assert (read["stage"], read["generation"]) == ("replaced", 1)
    (release,) = read["releases"]
    assert Release.from_claims(read_unverified(release, Release.TYP)[0]).heads == tuple(
        piece.name for piece in film
    )


# --- over HTTP -----------------------------------------------------------------------------------

BODIES: dict[str, dict[str, Any]] = {
    "rebind": {"reason": "lost"}, "extend": {"extension_s": 60, "reason": "asked"},
    "waive": {"code": "fork", "reason": "seen"},
}


async def test_the_desk_answers_with_the_sitting_as_it_is_now(desk: Desk, service: Service) -> None:
    await Exam.begin(service)
    before = (await service.register.look("s_1")).deadline_ms
    for action, body in BODIES.items():
        status, told = await desk.ask("s_1", action, **body)
        assert (status, told["sitting_id"]) == (200, "s_1")
    assert before is not None
    assert told["deadline_ms"] == before + 60_000


@pytest.mark.parametrize("reason", NO_REASONS, ids=["none", "blank", "too long"])
@pytest.mark.parametrize("action", BODIES)
async def test_the_desk_needs_a_reason(desk: Desk, service: Service, action: str, reason: str) -> None:
    await Exam.begin(service)
    status, told = await desk.ask("s_1", action, **(BODIES[action] | {"reason": reason}))
    assert (status, told["error"]) == (400, "malformed")


@pytest.mark.parametrize("path", ["rebind", "extend", "waive", "carry"])
async def test_a_page_token_is_no_support_desk(desk: Desk, service: Service, path: str) -> None:
    await Exam.begin(service)
    token = service.identity.page_token("s_1")
    body = BODIES.get(path, {})
    async with desk.post(
        f"/v1/sittings/s_1/{path}", json=body, headers={"Authorization": f"Bearer {token}"}
    ) as answer:
        assert (answer.status, (await answer.json())["error"]) == (401, "unauthorised")
