"""Record: entries are taken all or none, manifests list exactly what is there, ends follow their rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pairing.encoding import sha256_b64u
from pairing.errors import PairingError
from pairing.jws import new_phone_key, read_unverified, sign, verify
from pairing.manifest import Manifest
from pairing.messages import MAX_BATCH, Acknowledgement, Head
from tests.sittings import Exam, Phone, Service, at


async def refusal(phone: Phone, *records: str) -> PairingError:
    with pytest.raises(PairingError) as error:
        await phone.commit(*records)
    return error.value


async def seq(exam: Exam) -> int:
    return (await exam.service.register.look(exam.sitting)).seq


def altered(phone: Phone, record: str, **claims: object) -> str:
    """`record` with other claims, signed by the same phone."""
    return sign(phone.key, Head.TYP, read_unverified(record, Head.TYP)[0] | claims)


# --- entries -----------------------------------------------------------------------------------------


async def test_an_acknowledgement_names_the_entries_and_the_journal_before_them(service: Service) -> None:
    exam = await Exam.begin(service)
    before = await service.register.look(exam.sitting)
    position, tip = before.seq, before.tip
    pieces = [exam.phone.head(start, start + 5) for start in (0, 5)]
    note = exam.phone.note("placed", 3)
    committed = await exam.phone.commit(*(piece.record for piece in pieces), note)
    claims = verify(committed.acknowledgement, Acknowledgement.TYP, service.identity.signing)
    acknowledged = Acknowledgement.from_claims(claims)
    assert acknowledged.entries == (pieces[0].name, pieces[1].name, sha256_b64u(note))
    assert (acknowledged.position, acknowledged.journal) == (position, tip)
    assert set(committed.uploads) == {piece.name for piece in pieces}
    assert len(set(committed.uploads.values())) == 2
    assert committed.state.seq == position + 1


async def test_entries_sent_again_are_answered_again_and_change_nothing(service: Service) -> None:
    exam = await Exam.begin(service)
    piece = exam.phone.head(0, 5)
    first = await exam.phone.commit(piece.record)
    before = await seq(exam)
    again = await exam.phone.commit(piece.record)
    assert again.uploads == first.uploads
    claims, _ = read_unverified(again.acknowledgement, Acknowledgement.TYP)
    assert claims["entries"] == [piece.name]
    assert await seq(exam) == before
    # an old one beside a new one: only the new one is journalled
    other = exam.phone.head(5, 10)
    await exam.phone.commit(piece.record, other.record)
    assert (await service.journal.read(exam.sitting))[-1].fields()["entries"] == [other.record]


async def test_all_of_a_batch_or_none(service: Service) -> None:
    exam = await Exam.begin(service)
    good, bad = exam.phone.head(0, 5), exam.phone.head(5, 10)
    before = await seq(exam)
    elsewhere = altered(exam.phone, bad.record, prev=sha256_b64u("another"))
    error = await refusal(exam.phone, good.record, elsewhere)
    assert (error.code, error.extra) == ("chain_broken", {"run": 1, "seq": 1})
    assert await seq(exam) == before
    assert await exam.segments() == []
    await exam.phone.commit(good.record, bad.record)
    assert len(await exam.segments()) == 2


async def test_a_missing_entry_is_named(service: Service) -> None:
    exam = await Exam.begin(service)
    pieces = [exam.phone.head(start, start + 5) for start in (0, 5, 10)]
    await exam.phone.commit(pieces[0].record)
    error = await refusal(exam.phone, pieces[2].record)
    assert (error.code, error.extra) == ("chain_broken", {"run": 1, "seq": 1})
    await exam.phone.commit(pieces[1].record, pieces[2].record)


async def test_a_run_begins_after_a_record_that_is_known(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 5)
    exam.phone.newest = sha256_b64u("nowhere")
    error = await refusal(exam.phone, exam.phone.head(5, 10, run=2).record)
    assert (error.code, error.extra) == ("chain_broken", {"run": 2, "seq": 0})


@pytest.mark.parametrize(("claims", "code"), [
    ({"sitting": "s_9"}, "claims_invalid"),
    ({"generation": 2}, "claims_invalid"),
    ({"offset": 1}, "claims_invalid"),
    ({"source": "microphone"}, "claims_invalid"),
    ({"mono_ms": [7, 6]}, "claims_invalid"),
    ({"mono_ms": [0, 5]}, "claims_invalid"),
    ({"length": 0}, "claims_invalid"),
    ({"length": 65 * 2**20}, "claims_invalid"),
    ({"container": "video/webm"}, "claims_invalid"),
    ({"container": "application/json"}, "claims_invalid"),
    ({"source": "orientation"}, "claims_invalid"),
    ({"more": 1}, "claims_invalid"),
])
async def test_entries_that_contradict_what_is_known(
    service: Service, claims: dict[str, object], code: str
) -> None:
    exam = await Exam.begin(service)
    first, second = exam.phone.head(0, 5), exam.phone.head(5, 10)
    await exam.phone.commit(first.record)
    assert (await refusal(exam.phone, altered(exam.phone, second.record, **claims))).code == code
    await exam.phone.commit(second.record)


@pytest.mark.parametrize(("source", "container"), [
    ("camera", "application/json"), ("orientation", "video/mp4"), ("orientation", "video/webm"),
])
async def test_a_source_comes_in_its_own_containers(service: Service, source: str, container: str) -> None:
    """A camera in a container that nobody can measure would keep its verdict waiting for ever."""
    exam = await Exam.begin(service)
    piece = exam.phone.head(0, 5, source=source, container=container)
    assert (await refusal(exam.phone, piece.record)).code == "claims_invalid"


async def test_entries_of_a_strange_key(service: Service) -> None:
    exam = await Exam.begin(service)
    piece = exam.phone.head(0, 5)
    claims, _ = read_unverified(piece.record, Head.TYP)
    forged = sign(new_phone_key(), Head.TYP, claims)
    assert (await refusal(exam.phone, forged)).code == "signature_invalid"
    stranger = Phone(service, exam.sitting)
    assert (await refusal(stranger, piece.record)).code == "not_bound"


async def test_a_claimed_phone_cannot_commit_yet(service: Service) -> None:
    await service.binder.create("s_1", "oral", None, None, {})
    phone = Phone(service, "s_1")
    await service.binder.claim(phone.claim((await service.binder.offer("s_1")).ticket))
    phone.newest = phone.seen = sha256_b64u("binding")
    assert (await refusal(phone, phone.head(0, 5).record)).code == "not_bound"


async def test_how_many_at_once(service: Service) -> None:
    exam = await Exam.begin(service)
    pieces = [exam.phone.head(second, second + 1) for second in range(MAX_BATCH + 1)]
    records = [piece.record for piece in pieces]
    assert (await refusal(exam.phone)).code == "too_many"
    assert (await refusal(exam.phone, *records)).code == "too_many"
    await exam.phone.commit(*records[:MAX_BATCH])


async def test_a_fork_is_refused_and_kept_once(service: Service) -> None:
    exam = await Exam.begin(service)
    first = exam.phone.head(0, 5)
    await exam.phone.commit(first.record)
    other = altered(exam.phone, first.record, sha256=sha256_b64u("other media"))
    fine = exam.phone.head(5, 10)
    for _ in range(2):
        error = await refusal(exam.phone, fine.record, other)
        assert (error.code, error.extra) == ("chain_forked", {"run": 1, "seq": 0})
    state = await service.register.look(exam.sitting)
    assert state.generations[0].forks == [other]
    assert [segment.name for segment in state.segments()] == [first.name]
    await exam.phone.commit(fine.record)


async def test_a_replaced_phone_still_delivers_what_extends_its_chain(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 10)
    late = exam.phone.head(10, 15)
    exam.clock.to(20)
    second = await exam.rebind()
    await exam.phone.commit(late.record)
    await second.film(20, 25)
    assert {segment.generation for segment in await exam.segments()} == {1, 2}


# --- manifest ----------------------------------------------------------------------------------------


async def manifest_refusal(phone: Phone, record: str) -> str:
    with pytest.raises(PairingError) as error:
        await phone.service.recorder.take_manifest(phone.sitting, phone.thumb, record)
    return error.value.code


async def test_a_manifest_lists_exactly_what_is_committed(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 10)
    state = await exam.phone.manifest()
    generation = state.generations[0]
    assert generation.manifest_current
    taken = generation.manifest
    assert taken is not None
    (run,) = taken.runs
    for runs in ((), (replace(run, entries=1),), (replace(run, tip=sha256_b64u("x")),),
                 (replace(run, bytes=0),), (run, replace(run, run=2))):
        body = replace(taken, version=2, runs=runs)
        record = sign(exam.phone.key, Manifest.TYP, body.to_claims())
        assert await manifest_refusal(exam.phone, record) == "chain_broken"


async def test_a_manifest_again_changes_nothing_and_versions_only_rise(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 10)
    taken = (await exam.phone.manifest(2)).generations[0].manifest
    assert taken is not None
    before = await seq(exam)
    again = sign(exam.phone.key, Manifest.TYP, taken.to_claims())
    assert (await service.recorder.take_manifest(exam.sitting, exam.phone.thumb, again)).seq == before
    for version in (1, 2):
        other = replace(taken, version=version, wall_ms=0)
        record = sign(exam.phone.key, Manifest.TYP, other.to_claims())
        assert await manifest_refusal(exam.phone, record) == "claims_invalid"
    for wrong in (replace(taken, sitting="s_9", version=3), replace(taken, generation=2, version=3)):
        record = sign(exam.phone.key, Manifest.TYP, wrong.to_claims())
        assert await manifest_refusal(exam.phone, record) == "claims_invalid"
    forged = sign(new_phone_key(), Manifest.TYP, replace(taken, version=3).to_claims())
    assert await manifest_refusal(exam.phone, forged) == "signature_invalid"


async def test_recording_on_makes_a_manifest_stale(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 10)
    await exam.phone.manifest()
    await exam.phone.film(10, 15)
    assert not (await service.register.look(exam.sitting)).generations[0].manifest_current
    assert (await exam.phone.manifest(2)).generations[0].manifest_current


# --- end ---------------------------------------------------------------------------------------------


async def end_refusal(exam: Exam, end_ms: int) -> str:
    with pytest.raises(PairingError) as error:
        await exam.service.recorder.end(exam.sitting, end_ms, "backend")
    return error.value.code


@pytest.mark.parametrize(("limit", "most", "code"), [
    ("MAX_ENTRIES", 3, "too_many"), ("MAX_BYTES", 300, "too_large"),
])
async def test_a_phone_commits_to_so_much_and_no_more(
    service: Service, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, code: str
) -> None:
    exam = await Exam.begin(service)
    film = await exam.phone.film(0, 15)
    if limit == "MAX_BYTES":
        most = sum(segment.length for segment in await exam.segments())
    monkeypatch.setattr(f"evidence_server.record.{limit}", most)
    before = await seq(exam)
    exam.clock.to(20)
    with pytest.raises(PairingError) as refused:
        await exam.phone.film(15, 20)
    assert (refused.value.code, await seq(exam)) == (code, before)
    await exam.phone.upload(*film)  # what was committed is taken


async def test_an_end_is_neither_in_the_future_nor_before_the_start(service: Service) -> None:
    exam = await Exam.begin(service)
    exam.clock.to(30)
    assert await end_refusal(exam, at(31) + 1) == "end_invalid"
    assert await end_refusal(exam, at(0) - 1) == "end_invalid"
    # a backend's clock may be a second ahead; what counts is not in the future
    state = await service.recorder.end(exam.sitting, at(31), "backend")
    assert (state.ended_at_ms, state.notice_ms) == (at(30), at(30))
    state = await service.recorder.end(exam.sitting, at(0), "backend")
    assert state.ended_at_ms == at(0)


async def test_the_same_end_again_changes_nothing(service: Service) -> None:
    exam = await Exam.begin(service)
    exam.clock.to(40)
    await exam.end(35)
    before = await seq(exam)
    exam.clock.to(50)
    await exam.end(35)
    state = await service.register.look(exam.sitting)
    assert (state.seq, state.notice_ms) == (before, at(40))


async def test_an_end_that_is_now_stays_where_it_is_when_it_is_told_again(service: Service) -> None:
    """The answer was lost, and the backend asks again a minute later: the phone has stopped long since."""
    exam = await Exam.begin(service)
    await exam.phone.film(0, 60)
    await exam.phone.upload()
    exam.clock.to(60)
    await service.recorder.end(exam.sitting, None, "backend")
    before = await seq(exam)
    exam.clock.to(120)
    state = await service.recorder.end(exam.sitting, None, "backend")
    assert (state.seq, state.ended_at_ms) == (before, at(60))
    await exam.phone.manifest()
    assert await exam.verdict()
    assert (await service.recorder.end(exam.sitting, None, "backend")).ended_at_ms == at(60)


async def test_the_last_end_counts_until_there_is_a_verdict(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 60)
    await exam.phone.upload()
    await exam.end(50)
    await exam.end(60)
    assert (await service.register.look(exam.sitting)).required == (at(0), at(60))
    await exam.phone.manifest()
    await exam.verdict()
    assert await end_refusal(exam, at(55)) == "decided"
    await exam.end(60)  # the one that counts may be repeated


async def test_after_a_verdict_only_support_moves_the_end(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 40)
    await exam.phone.upload()
    exam.clock.to(60)
    await exam.end(60)
    await exam.phone.manifest()
    first = await exam.verdict()
    await service.recorder.end(exam.sitting, at(40), "support", "the fire alarm ended it")
    second = await exam.verdict()
    assert first is not None
    assert second is not None
    assert [(claims["word"], claims["version"]) for claims in (first, second)] == [
        ("incomplete", 1), ("complete", 2)
    ]
    assert (await service.register.look(exam.sitting)).verdicts[0].claims == first
