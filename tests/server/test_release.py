"""Release: the only permission to delete, after the results are out, for what is stored and nothing else."""

from __future__ import annotations

import pytest

from evidence_server.sitting import Sitting, fold
from pairing.errors import PairingError
from pairing.jws import verify
from pairing.messages import Release
from tests.sittings import Exam, Service

SHORT = {"upload_window_s": 20, "min_notice_s": 0}


def released(service: Service, state: Sitting, generation: int = 1) -> list[str]:
    """The heads that the releases of a generation name; each release is signed by the server."""
    names: list[str] = []
    for record in state.releases.get(generation, []):
        release = Release.from_claims(verify(record, Release.TYP, service.identity.signing))
        assert (release.sitting, release.generation) == (state.id, generation)
        names += release.heads
    return names


async def decided(service: Service, **phone: object) -> Exam:
    """One segment of the first twelve is missing; a verdict is given."""
    exam = await Exam.begin(service, policy=SHORT)
    film = await exam.phone.film(0, 60)
    film[3].kept = True
    await exam.phone.upload()
    await exam.end(60)
    exam.clock.to(80)
    await exam.settle()
    return exam


async def test_nothing_is_published_before_there_is_a_verdict(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 60)
    await exam.phone.upload()
    with pytest.raises(PairingError) as refused:
        await service.releaser.publish(exam.sitting, "backend")
    assert refused.value.code == "wrong_stage"
    assert released(service, await exam.settle()) == []


async def test_nothing_is_released_before_the_results_are_published(service: Service) -> None:
    exam = await decided(service)
    state = await exam.settle()
    assert state.verdicts
    assert state.releases == {}


async def test_who_published_and_why_stays_in_the_journal(service: Service) -> None:
    exam = await decided(service)
    await service.releaser.publish(exam.sitting, "backend", " the board has met ")
    await service.releaser.publish(exam.sitting, "backend", "again")
    events = await service.journal.read(exam.sitting)
    bodies = [event.fields() for event in events if event.kind == "published"]
    assert bodies == [{"by": "backend", "reason": "the board has met"}]


async def test_a_publication_of_before_there_were_reasons_still_counts(service: Service) -> None:
    exam = await decided(service)
    await exam.journal("published", command="backend")
    state = fold(exam.sitting, await service.journal.read(exam.sitting))
    assert state.published_at_ms == exam.clock()


async def test_what_is_stored_is_released_and_only_that(service: Service) -> None:
    exam = await decided(service)
    state = await service.releaser.publish(exam.sitting, "backend")
    stored = {piece.name for piece in exam.phone.pieces if not piece.kept}
    names = released(service, state)
    assert set(names) == stored
    assert len(names) == len(stored) == 11


async def test_what_is_stored_afterwards_is_released_afterwards(service: Service) -> None:
    exam = await decided(service)
    await service.releaser.publish(exam.sitting, "backend")
    (late,) = [piece for piece in exam.phone.pieces if piece.kept]
    await exam.phone.upload(late)
    names = released(service, await exam.settle())
    assert names[-1] == late.name
    assert len(names) == len(set(names)) == 12


async def test_publishing_again_releases_nothing_twice(service: Service) -> None:
    exam = await decided(service)
    first = await service.releaser.publish(exam.sitting, "backend")
    published_at, seq = first.published_at_ms, first.seq
    exam.clock.to(100)
    again = await service.releaser.publish(exam.sitting, "backend")
    assert (again.published_at_ms, again.seq) == (published_at, seq)


async def test_each_phone_gets_the_release_of_its_own(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 30)
    second = await exam.rebind()
    await second.film(30, 60)
    for phone in (exam.phone, second):
        await phone.upload()
        await phone.manifest()
    await exam.end(60)
    await exam.settle()
    state = await service.releaser.publish(exam.sitting, "backend")
    assert set(released(service, state, 1)) == {piece.name for piece in exam.phone.pieces}
    assert set(released(service, state, 2)) == {piece.name for piece in second.pieces}


async def test_a_sitting_without_a_phone_releases_nothing(service: Service) -> None:
    await service.binder.create("s_1", "oral", 0, service.clock.now_ms, SHORT)
    service.clock.to(100)
    await service.settle("s_1")
    state = await service.releaser.publish("s_1", "backend")
    assert state.verdicts[0].claims["word"] == "incomplete"
    assert state.releases == {}
