"""Bundles that hold, and forgeries: each alteration is noticed, at its step."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from evidence_server.event import Event, dump
from evidence_server.proof import Proof, prove
from evidence_server.remeasure import same
from pairing.jws import new_server_key, public_jwk
from pairing.manifest import Manifest
from pairing.messages import VERDICT_TYP
from tests.proof.forgery import Contents, Events, signed_again, with_body
from tests.sittings import Exam, FakeClock, Service, at

STRANGER = new_server_key()


def broken_at(proof: Proof) -> set[int]:
    """The steps that do not hold."""
    return {finding.step for finding in proof.findings if not finding.holds}


def test_a_bundle_holds(bundle: Path, jwks: dict[str, object]) -> None:
    proof = prove(bundle, jwks)
    assert [(finding.step, finding.holds) for finding in proof.findings] == [
        (step, True) for step in (1, 2, 3, 4, 5, 6, 7, 9)
    ]
    assert proof.holds
    assert proof.trusted
    assert proof.state is not None
    assert [verdict.claims["word"] for verdict in proof.state.verdicts] == ["incomplete", "late"]
    assert len(proof.state.generations) == 2
    assert proof.state.generations[0].forks


def test_measuring_again_has_the_journals_measurements_whole(contents: Contents, bundle: Path) -> None:
    """The state keeps only what it judges by; against that no measurement would ever agree."""
    journalled = {
        (body["generation"], body["head"]): body["measurement"]
        for body in (event.fields() for event in contents.events() if event.kind == "measured")
    }
    measurements = prove(bundle).measurements
    assert measurements == journalled
    one = next(iter(journalled.values()))
    assert same(one, one | {"tools": {"ffmpeg": "another"}})
    assert not same(one, one | {"bytes": one["bytes"] + 1})


def test_without_a_key_set_nothing_is_trusted(bundle: Path) -> None:
    proof = prove(bundle)
    assert proof.holds
    assert not proof.trusted


def test_a_bundle_without_a_verdict_holds(contents: Contents, tmp_path: Path) -> None:
    """An export before the deadline: the journal up to then."""
    until = contents.first("verdict")
    early = contents.rechained(lambda events: events[:until]).with_file("verdict.jws", None)
    late = [name for name in contents.media if name not in _media_before(contents, until)]
    for name in late:
        early = early.with_file(name, None)
    proof = prove(early.resigned().write(tmp_path / "early.zip"))
    assert proof.holds, proof.findings


def _media_before(contents: Contents, until: int) -> set[str]:
    stored = [event.fields()["length"] for event in contents.events()[:until] if event.kind == "stored"]
    assert len(stored) == len(contents.media) - 1
    return set(contents.media) - {"media/2/0001/000001.mp4"}


async def test_names_in_any_script_break_no_line(tmp_path: Path) -> None:
    """U+2028 and U+0085 part lines for some; a backend may send them all the same."""
    service = await Service.open(tmp_path, FakeClock())
    try:
        exam = await Exam.begin(service)
        await service.binder.create("s_2", "口试\u2028线\u0085上\x1c", at(0), at(60), {})
        bundle = await service.bundle("s_2", tmp_path / "s_2.zip")
        assert prove(bundle, service.identity.jwks).holds
        assert prove(await service.bundle(exam.sitting, tmp_path / "s_1.zip"), service.identity.jwks).holds
    finally:
        await service.close()


# --- forgeries ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Forgery:
    """`make` alters the contents; the proof then fails at `step`, with the server's key known or not."""

    id: str
    step: int
    make: Callable[[Contents], Contents]
    says: str = ""
    trusting: bool = True


def cut(kind: str, nth: int = 0) -> Callable[[Contents], Contents]:
    """The server itself drops an event, and chains and signs again."""

    def make(contents: Contents) -> Contents:
        index = contents.first(kind, nth)
        return contents.rechained(lambda events: events[:index] + events[index + 1 :]).resigned()

    return make


def changed(
    kind: str, change: Callable[[Contents, Event], Event], nth: int = 0
) -> Callable[[Contents], Contents]:
    """The server itself changes an event, and chains and signs again."""

    def make(contents: Contents) -> Contents:
        index = contents.first(kind, nth)

        def rewrite(events: Events) -> Events:
            return [change(contents, event) if at == index else event for at, event in enumerate(events)]

        return contents.rechained(rewrite).resigned()

    return make


def verdict_says(key: Any = None, **claims: Any) -> Callable[[Contents], Contents]:
    """The newest verdict says something else, signed by `key` or by the server itself."""

    def make(contents: Contents) -> Contents:
        def change(_: Contents, event: Event) -> Event:
            return with_body(event, verdict=signed_again(
                event.fields()["verdict"], VERDICT_TYP, key or contents.key, **claims
            ))

        altered = changed("verdict", change, nth=1)(contents)
        shown = altered.events()[altered.first("verdict", 1)].fields()["verdict"]
        return altered.with_file("verdict.jws", shown.encode())

    return make


def swapped_media(contents: Contents) -> Contents:
    one, other = contents.media[:2]
    return contents.with_file(one, contents.files[other]).with_file(other, contents.files[one])


def swapped_lines(contents: Contents) -> Contents:
    return contents.with_lines(lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]])


def swapped_events(contents: Contents) -> Contents:
    """Two heads' commits change places, chained and signed again by the server itself."""
    one, other = contents.first("committed", 1), contents.first("committed", 2)

    def swap(events: Events) -> Events:
        events[one], events[other] = events[other], events[one]
        return events

    return contents.rechained(swap).resigned()


def edited_line(contents: Contents) -> Contents:
    return contents.with_lines(lambda lines: [lines[0].replace("oral", "sham"), *lines[1:]])


def spelled_otherwise(contents: Contents) -> Contents:
    return contents.with_lines(lambda lines: [json.dumps(json.loads(lines[0])), *lines[1:]])


def no_last_newline(contents: Contents) -> Contents:
    return contents.with_file("journal.jsonl", contents.files["journal.jsonl"][:-1])


def another_time(_: Contents, event: Event) -> Event:
    return replace(event, at_ms=event.at_ms - 1)


def healthy(_: Contents, event: Event) -> Event:
    measurement = event.fields()["measurement"]
    measurement["video"]["end_us"] += 4_000_000
    return with_body(event, measurement=measurement)


def of_the_other_phone(contents: Contents, event: Event) -> Event:
    other = contents.events()[contents.first("manifest", 1)].fields()["manifest"]
    return with_body(event, manifest=other)


def older_manifest(contents: Contents, event: Event) -> Event:
    """A server cannot sign for the phone: it puts its own signature under a shorter list."""
    return with_body(event, manifest=signed_again(
        event.fields()["manifest"], Manifest.TYP, contents.key, runs=[]
    ))


def forged_fork(contents: Contents, event: Event) -> Event:
    record = event.fields()["entry"]
    return with_body(event, entry=record[:-8] + "AAAAAAAA")


def all_by_a_stranger(contents: Contents) -> Contents:
    return contents.resigned(STRANGER)


FORGERIES = [
    # what anybody can do
    Forgery("an event is dropped", 3, lambda c: c.with_lines(lambda lines: lines[:7] + lines[8:])),
    Forgery("the last event is dropped", 3, lambda c: c.with_lines(lambda lines: lines[:-1])),
    Forgery("the first event is dropped", 3, lambda c: c.with_lines(lambda lines: lines[1:])),
    Forgery("all events are dropped", 3, lambda c: c.with_file("journal.jsonl", b"")),
    Forgery("two events change places", 3, swapped_lines),
    Forgery("an event appears twice", 3, lambda c: c.with_lines(lambda lines: [*lines, lines[-1]])),
    Forgery("an event's body is edited", 3, edited_line),
    Forgery("an event's spelling is changed", 3, spelled_otherwise),
    Forgery("the journal's last newline is missing", 3, no_last_newline),
    Forgery("an event is edited and all are chained again: the acknowledgements know", 5,
            lambda c: c.rechained(lambda events: [with_body(events[0], exam="sham"), *events[1:]])),
    Forgery("an event behind them is edited and all are chained again", 3,
            lambda c: c.rechained(lambda events: [*events[:-1], with_body(events[-1], more=1)])),
    Forgery("the journal is no JSON", 3, lambda c: c.with_file("journal.jsonl", b"\x00\xff\n")),
    Forgery("the journal is missing", 3, lambda c: c.with_file("journal.jsonl", None)),
    Forgery("two segments change places", 7, swapped_media, says="segment 0 of run 1"),
    Forgery("a segment is replaced", 7, lambda c: c.with_file(c.media[2], b"x" * 57), says="segment 2 of"),
    Forgery("a segment is cut short", 7, lambda c: c.with_file(c.media[2], c.files[c.media[2]][:-1]),
            says="segment 2 of run 1, generation 1"),
    Forgery("a segment is missing", 7, lambda c: c.with_file(c.media[-1], None), says="generation 2"),
    Forgery("a file is added", 7, lambda c: c.with_file("media/1/0001/000099.mp4", b"x"), says="000099"),
    Forgery("another kind of file is added", 7, lambda c: c.with_file("readme.html", b"x"), says="readme"),
    Forgery("the README is altered", 2, lambda c: c.with_file("README.txt", b"all is well")),
    Forgery("the README is missing", 2, lambda c: c.with_file("README.txt", None)),
    Forgery("the key set is spelled otherwise", 2,
            lambda c: c.with_file("jwks.json", c.files["jwks.json"] + b" ")),
    Forgery("the key set is missing", 2, lambda c: c.with_file("jwks.json", None)),
    Forgery("the key set is a list", 2, lambda c: c.with_file("jwks.json", b"[]")),
    Forgery("the key set is nested beyond reading", 2, lambda c: c.with_file("jwks.json", b"[" * 200_000)),
    Forgery("the key set holds no key", 2, lambda c: c.with_file("jwks.json", b'{"keys":[]}')),
    Forgery("the key set holds nonsense", 2, lambda c: c.with_file("jwks.json", b'{"keys":[{"kty":1}]}')),
    Forgery("the statement is missing", 2, lambda c: c.with_file("bundle.jws", None)),
    Forgery("the statement is no JWS", 2, lambda c: c.with_file("bundle.jws", "签名".encode())),
    Forgery("the statement is the verdict", 2, lambda c: c.with_file("bundle.jws", c.files["verdict.jws"])),
    Forgery("the verdict shown is another", 9, lambda c: c.with_file("verdict.jws", c.files["bundle.jws"])),
    Forgery("the verdict shown is missing", 9, lambda c: c.with_file("verdict.jws", None)),
    # what somebody with a key of his own can do
    Forgery("all is signed by a stranger", 2, all_by_a_stranger),
    Forgery("all is signed by a stranger, and nobody trusted", 4, all_by_a_stranger, trusting=False),
    Forgery("the verdict's word is signed by a stranger", 9, verdict_says(STRANGER, word="complete")),
    Forgery("a stranger's statement without a sitting", 2,
            lambda c: c.resigned(STRANGER, sitting=None), trusting=False),
    Forgery("a stranger's statement of another sitting", 3,
            lambda c: c.resigned(STRANGER, sitting="s_9"), trusting=False),
    # what the server's operator can do
    Forgery("operator: a commit is dropped", 5, cut("committed", 1)),
    Forgery("operator: two commits change places", 5, swapped_events),
    Forgery("operator: a fork is dropped", 5, cut("forked")),
    Forgery("operator: a fork is made up", 5, changed("forked", forged_fork)),
    Forgery("operator: the end is dropped", 9, cut("ended")),
    Forgery("operator: a segment was stored earlier", 6, changed("stored", another_time, nth=-1)),
    Forgery("operator: a segment was never stored", 9, cut("stored")),
    Forgery("operator: a stored segment's name is no text", 3, changed(
        "stored", lambda _, event: with_body(event, head=5), nth=-1
    ), says="malformed"),
    Forgery("operator: a measurement is better", 9, changed("measured", healthy, nth=4)),
    Forgery("operator: another phone's manifest", 5, changed("manifest", of_the_other_phone)),
    Forgery("operator: a manifest of its own", 5, changed("manifest", older_manifest)),
    Forgery("operator: the verdict's word", 9, verdict_says(word="complete")),
    Forgery("operator: the verdict's gaps", 9, verdict_says(gaps=[])),
    Forgery("operator: the verdict's deadline", 9, verdict_says(deadline_ms=at(100))),
    Forgery("operator: the verdict's version", 9, verdict_says(version=1)),
    Forgery("operator: what the verdict supersedes", 9, verdict_says(supersedes="")),
    Forgery("operator: the first verdict is dropped", 9, cut("verdict")),
    Forgery("operator: another policy", 5, changed("created", lambda _, event: with_body(
        event, policy=json.dumps({"max_gap_s": 3})
    ))),
    Forgery("operator: another key is bound", 4, changed("claimed", lambda _, event: with_body(
        event, jwk=event.fields()["jwk"] | {"x": event.fields()["jwk"]["y"]}
    ))),
    Forgery("operator: an event of no kind", 3, changed("ended", lambda _, event: replace(event, kind="x"))),
]


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.id)
def test_a_forgery_is_noticed(
    contents: Contents, jwks: dict[str, object], tmp_path: Path, forgery: Forgery
) -> None:
    path = forgery.make(contents).write(tmp_path / "forged.zip")
    proof = prove(path, jwks if forgery.trusting else None)
    assert not proof.holds
    assert broken_at(proof) == {forgery.step}, proof.findings
    assert any(forgery.says in finding.says for finding in proof.findings if not finding.holds)


def test_another_key_set_is_named_as_the_reason(bundle: Path) -> None:
    proof = prove(bundle, {"keys": [public_jwk(STRANGER)]})
    assert broken_at(proof) == {2}
    assert not proof.trusted
    assert prove(bundle, {"keys": []}).holds is False
    assert prove(bundle, {}).holds is False


@pytest.mark.parametrize("kind", ["created", "claimed", "confirmed", "committed", "forked", "stored",
                                  "measured", "manifest", "ended", "verdict"])
@pytest.mark.parametrize("body", [
    {}, [], 7, "x", None, {"generation": "x"}, {"generation": 9}, {"generation": 1}, {"entries": [5]},
    {"generation": 1, "entries": [5], "entry": 5, "head": 5, "manifest": 5, "binding": 5, "verdict": 5},
    {"generation": 1, "measurement": {"problems": [], "video": {"first_us": "x"}}, "read_behind": None},
], ids=repr)
def test_nothing_that_a_journal_can_hold_raises(
    contents: Contents, tmp_path: Path, kind: str, body: object
) -> None:
    """Signed by the server itself, an event's body holds nonsense, alone or beside what belongs there."""
    index = contents.first(kind)

    def rewrite(merged: bool) -> Callable[[Events], Events]:
        def change(events: Events) -> Events:
            old = events[index].fields()
            new = old | body if merged and isinstance(body, dict) else body
            text = dump(new) if isinstance(new, dict) else json.dumps(new)
            return [*events[:index], replace(events[index], body=text), *events[index + 1 :]]

        return change

    for merged in (False, True):
        path = contents.rechained(rewrite(merged)).resigned().write(tmp_path / "nonsense.zip")
        proof = prove(path)
        assert proof.findings
        assert proof.holds is (merged and contents.events()[index].fields() == rewrite(True)(
            contents.events())[index].fields())


# --- the container -----------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"PK", b"no ZIP at all", b"PK\x05\x06" + bytes(18)],
                         ids=["empty", "two bytes", "text", "no entries"])
def test_what_is_no_bundle(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "none.zip"
    path.write_bytes(content)
    proof = prove(path)
    assert proof.findings
    assert not proof.holds


def test_what_is_not_even_a_file(tmp_path: Path) -> None:
    assert broken_at(prove(tmp_path)) == {1}
    assert broken_at(prove(tmp_path / "nothing.zip")) == {1}


@pytest.mark.parametrize("part", range(20))
def test_a_bundle_that_is_cut_off(bundle: Path, tmp_path: Path, part: int) -> None:
    whole = bundle.read_bytes()
    path = tmp_path / "cut.zip"
    path.write_bytes(whole[: len(whole) * part // 20])
    assert not prove(path).holds


def test_bytes_before_behind_and_beside_the_entries(bundle: Path, tmp_path: Path) -> None:
    whole = bundle.read_bytes()
    path = tmp_path / "more.zip"
    path.write_bytes(b"#!/bin/sh\n" + whole)
    assert broken_at(prove(path)) == {1}
    path.write_bytes(whole + b"x")
    assert not prove(path).holds
    path.write_bytes(whole)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"all is well"
    assert broken_at(prove(path)) == {1}


def test_packed_entries_are_refused_unread(contents: Contents, tmp_path: Path) -> None:
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.files.items():
            archive.writestr(name, content)
    assert broken_at(prove(path)) == {1}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(bundle: Path, contents: Contents, tmp_path: Path) -> None:
    path = tmp_path / "double.zip"
    path.write_bytes(bundle.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("verdict.jws", contents.files["verdict.jws"])
    assert broken_at(prove(path)) == {1}
