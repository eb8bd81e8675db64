"""Packed segments against the plain ones that they stand for: whatever happens to them, in any order."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_server.rows import Shown
from evidence_server.segment import Measured
from evidence_server.segments import Segments
from pairing.digests import Digests
from pairing.encoding import sha256_b64u
from pairing.jws import MAX_INTEGER
from pairing.messages import ClockSample, Head, Link

HASH = sha256_b64u("anything")
numbers = st.integers(0, MAX_INTEGER)
times = st.tuples(numbers, numbers).map(sorted).map(tuple)
samples = st.none() | st.builds(ClockSample, numbers, numbers, numbers, numbers)
media_us = st.integers(-(2**70), 2**70)  # of a container that says whatever it likes
measured = st.builds(
    Measured, st.booleans(), st.integers(0, 2**40), media_us, media_us, media_us, st.integers(0, 100),
    st.booleans(), st.sampled_from([(), ("truncated",), ("no_header", "undecodable")]),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 4), times, samples, st.booleans()),
        st.tuples(st.just("note")),
        st.tuples(st.just("store"), st.integers(0, 60)),
        st.tuples(st.just("measure"), st.integers(0, 60), measured, st.booleans(), st.integers(0, 3)),
    ),
    max_size=60,
)


@dataclass
class Plain:
    """A segment as it would be without packing."""

    name: str
    head: Head
    committed_at_ms: int
    carried: bool
    stored: tuple[int, int] | None = None
    found: Measured | None = None
    read_behind: tuple[int, ...] | None = None


@dataclass
class Model:
    """What becomes of plain segments."""

    all: list[Plain] = field(default_factory=list)

    def run(self, number: int) -> list[Plain]:
        return [one for one in self.all if one.head.link.run == number]

    def store(self, one: Plain, at_ms: int, event: int) -> tuple[int, int]:
        one.stored = at_ms, event
        run = self.run(one.head.link.run)
        for later in run[run.index(one) + 1 :]:
            if later.read_behind is not None and later.found and later.found.problems:
                later.found = None
        return one.head.link.run, run.index(one)

    def measure(self, one: Plain, found: Measured, read_behind: tuple[int, ...] | None) -> None:
        one.found, one.read_behind = found, read_behind
        run = self.run(one.head.link.run)
        stored = sum(other.stored is not None for other in run[: run.index(one)])
        if read_behind is not None and found.problems and stored > len(read_behind):
            one.found = None


def head(run: int, seq: int, mono_ms: tuple[int, int], clock: ClockSample | None) -> Head:
    source, container = ("orientation", "application/json") if run == 4 else ("camera", "video/webm")
    link = Link("s", 2, run, seq, HASH, HASH, clock)
    return Head(link, source, container, 0, seq + 1, sha256_b64u(f"{run}/{seq}"), (0, 1), mono_ms, mono_ms[1])


@given(steps)
def test_packed_and_plain_segments_are_the_same(told: list[tuple[Any, ...]]) -> None:
    with patch("evidence_server.rows._CHUNK", 3):  # or nobody would see a second one
        _go_through(told)


def _go_through(told: list[tuple[Any, ...]]) -> None:
    known, model = Digests(), Model()
    packed = Segments(2, known)
    for moment, (what, *step) in enumerate(told, 1):
        if what == "note":
            known.add(sha256_b64u(f"note {moment}"))
        elif what == "commit":
            run, mono_ms, clock, carried = step
            name = sha256_b64u(f"head {moment}")
            one = Plain(name, head(run, len(model.run(run)), mono_ms, clock), 5 * moment, carried)
            known.add(name)
            packed.add(one.head, name, 5 * moment, carried=carried)
            model.all.append(one)
        elif model.all:
            one = model.all[step[0] % len(model.all)]
            if what == "store":
                assert packed.store(one.name, 7 * moment, moment) == model.store(one, 7 * moment, moment)
            else:
                _, found, behind_hole, stored_before = step
                read_behind = tuple(range(stored_before)) if behind_hole else None
                packed.measure(one.name, found, read_behind)
                model.measure(one, found, read_behind)
    _compare(packed, model)


def _compare(packed: Segments, model: Model) -> None:
    assert len(packed) == len(model.all)
    for segment, plain in zip(packed, model.all, strict=True):
        said = plain.head
        assert (segment.name, segment.sha256) == (plain.name, said.sha256)
        assert segment[1:7] == (2, said.link.run, said.link.seq, said.source, said.container, said.length)
        assert (segment.mono_begin_ms, segment.mono_end_ms, segment.wall_ms) == (*said.mono_ms, said.wall_ms)
        assert (segment.clock, segment.carried) == (said.link.clock, plain.carried)
        assert (segment.committed_at_ms, segment.read_behind) == (plain.committed_at_ms, plain.read_behind)
        stored = None if segment.stored_at_ms is None else (segment.stored_at_ms, segment.stored_seq)
        assert (stored, segment.measurement) == (plain.stored, plain.found)
        assert packed[plain.name] == packed.get(plain.name) == segment
        assert plain.name in packed
    waiting = [one for one in model.all if one.stored is None or one.found is None]
    assert [one.name for one in packed.unfinished()] == [one.name for one in waiting]
    assert list(packed.samples()) == [
        (one.head.link.run, one.head.link.clock) for one in model.all if one.head.link.clock
    ]
    for number, run in packed.runs.items():
        plain_run = model.run(number)
        assert [one.name for one in run] == [one.name for one in run[:]] == [one.name for one in plain_run]
        assert run[-1].name == plain_run[-1].name
        assert [(at, one.name) for at, one in run.unfinished()] == [
            (at, one.name) for at, one in enumerate(plain_run) if one in waiting
        ]
        assert list(run.times()) == [one.head.mono_ms for one in plain_run]
        assert list(run.shown()) == [
            Shown(*one.head.mono_ms, one.found.first_us, one.found.end_us)
            for one in plain_run if one.found is not None and one.found.has_video
        ]
    _compare_progress(packed, model)


def _compare_progress(packed: Segments, model: Model) -> None:
    camera = [one for one in model.all if one.head.source == "camera"]
    for told, counted in (
        (packed.camera.committed, camera), (packed.camera.stored, [one for one in camera if one.stored]),
        (packed.camera.verified, [one for one in camera if one.found]),
    ):
        length_ms = sum(one.head.mono_ms[1] - one.head.mono_ms[0] for one in counted)
        assert (told.segments, told.length_ms) == (len(counted), length_ms)
    assert packed.camera.committed_at_ms == max((one.committed_at_ms for one in camera), default=0)
    assert packed.camera.stored_at_ms == max((one.stored[0] for one in camera if one.stored), default=0)


def test_a_name_that_is_none_of_its_segments() -> None:
    known = Digests()
    packed = Segments(1, known)
    note = sha256_b64u("a note")
    for name in (note, sha256_b64u("a head"), sha256_b64u("another note")):
        known.add(name)
    packed.add(head(1, 0, (0, 1), None), sha256_b64u("a head"), 1)
    another, nothing = sha256_b64u("another note"), sha256_b64u("nothing")
    names: tuple[Any, ...] = (note, another, nothing, "", "no digest", 5, None)
    for name in names:
        assert packed.get(name) is None
        assert name not in packed
        with pytest.raises(KeyError):
            packed[name]


def test_numbers_that_no_journal_of_ours_has() -> None:
    """A bundle's journal may say anything; whoever checks it takes ValueError for an answer."""
    known = Digests()
    packed, name = Segments(1, known), sha256_b64u("a head")
    known.add(name)
    with pytest.raises(ValueError, match=r"."):
        packed.add(head(1, 0, (0, 1), None), name, 2**70)
    assert len(packed) == 0
    packed.add(head(1, 0, (0, 1), None), name, 1)
    with pytest.raises(ValueError, match=r"."):
        packed.store(name, 2**70, 1)
    assert packed[name].stored_at_ms is None


def test_what_is_let_go_of_is_gone_without_the_collector() -> None:
    known = Digests()
    packed = Segments(1, known)
    packed.add(head(1, 0, (0, 1), None), sha256_b64u("a head"), 1)
    gone = weakref.ref(packed), weakref.ref(packed.runs[1])
    gc.disable()
    try:
        del packed
        assert [one() for one in gone] == [None, None]
    finally:
        gc.enable()
