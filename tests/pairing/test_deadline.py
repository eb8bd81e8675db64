"""The deadline for any outages, beside a model that counts millisecond by millisecond."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairing.deadline import Outage, deadline_ms, merge
from pairing.policy import Policy

END_MS = 1_000
NO_WINDOW = Policy(upload_window_s=0, min_notice_s=0)
ALLOWED_MS = st.integers(0, 300)
OUTAGES = st.lists(st.builds(Outage, st.integers(700, 2_000), st.integers(700, 2_000)), max_size=6)


def deadline(allowed_ms: int, outages: list[Outage], end_ms: int = END_MS) -> int:
    """The deadline of an exam whose evidence may take `allowed_ms` after its end."""
    return deadline_ms(NO_WINDOW, end_ms=end_ms, notice_ms=end_ms, extensions_ms=allowed_ms, outages=outages)


def fails(outages: list[Outage], at_ms: int) -> bool:
    return any(outage.from_ms <= at_ms < outage.to_ms for outage in outages)


@given(ALLOWED_MS, OUTAGES)
def test_as_many_milliseconds_of_service_as_allowed(allowed_ms: int, outages: list[Outage]) -> None:
    """Time in which the service fails does not pass, and no deadline falls into it."""
    at_ms, left_ms = END_MS, allowed_ms
    while left_ms or fails(outages, at_ms):
        left_ms -= not fails(outages, at_ms)
        at_ms += 1
    assert deadline(allowed_ms, outages) == at_ms


@given(ALLOWED_MS, OUTAGES, OUTAGES)
def test_more_outages_never_bring_it_forward(allowed_ms: int, some: list[Outage], more: list[Outage]) -> None:
    assert deadline(allowed_ms, some + more) >= deadline(allowed_ms, some)


@given(ALLOWED_MS, ALLOWED_MS, OUTAGES)
def test_more_time_never_brings_it_forward(allowed_ms: int, more_ms: int, outages: list[Outage]) -> None:
    assert deadline(allowed_ms + more_ms, outages) >= deadline(allowed_ms, outages) + more_ms


@given(ALLOWED_MS, OUTAGES, st.data())
def test_order_and_repetition_do_not_matter(
    allowed_ms: int, outages: list[Outage], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(outages * 2))
    assert deadline(allowed_ms, shuffled) == deadline(allowed_ms, outages)


@given(ALLOWED_MS, OUTAGES.filter(bool), st.data())
def test_an_outage_told_in_two_parts_counts_the_same(
    allowed_ms: int, outages: list[Outage], data: st.DataObject
) -> None:
    first = outages[0]
    cut_ms = data.draw(st.integers(min(first.from_ms, first.to_ms), max(first.from_ms, first.to_ms)))
    parts = [Outage(first.from_ms, cut_ms), Outage(cut_ms, first.to_ms), *outages[1:]]
    if first.from_ms <= first.to_ms:
        assert merge(parts) == merge(outages)
        assert deadline(allowed_ms, parts) == deadline(allowed_ms, outages)


@given(ALLOWED_MS, OUTAGES, st.integers(1, 10_000))
def test_it_moves_with_the_clock(allowed_ms: int, outages: list[Outage], by_ms: int) -> None:
    later = [Outage(outage.from_ms + by_ms, outage.to_ms + by_ms) for outage in outages]
    assert deadline(allowed_ms, later, END_MS + by_ms) == deadline(allowed_ms, outages) + by_ms


@given(ALLOWED_MS, OUTAGES)
def test_outages_before_the_end_do_not_count(allowed_ms: int, outages: list[Outage]) -> None:
    before = [Outage(outage.from_ms - 1_000, min(outage.to_ms, END_MS)) for outage in outages]
    assert deadline(allowed_ms, before) == END_MS + allowed_ms


@given(ALLOWED_MS, st.integers(0, 300), st.integers(1, 10_000))
def test_one_that_outlasts_the_deadline_counts_whole(allowed_ms: int, after_ms: int, length_ms: int) -> None:
    outage = Outage(END_MS + after_ms, END_MS + after_ms + length_ms)
    moved_ms = length_ms if after_ms <= allowed_ms else 0
    assert deadline(allowed_ms, [outage]) == END_MS + allowed_ms + moved_ms


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 10_000_000), st.integers(0, 10_000_000))
def test_the_notice_is_always_given(window_s: int, notice_s: int, notice_ms: int, extensions_ms: int) -> None:
    policy = Policy(upload_window_s=window_s, min_notice_s=notice_s)
    found_ms = deadline_ms(policy, end_ms=END_MS, notice_ms=notice_ms, extensions_ms=extensions_ms)
    assert found_ms == max(END_MS + window_s * 1000 + extensions_ms, notice_ms + notice_s * 1000)
    planned_ms = deadline_ms(policy, end_ms=END_MS, notice_ms=None, extensions_ms=extensions_ms)
    assert planned_ms == END_MS + window_s * 1000 + extensions_ms


def test_no_extension_brings_it_forward() -> None:
    with pytest.raises(ValueError, match="-1 ms"):
        deadline(-1, [])


@given(OUTAGES)
def test_merged_outages_are_apart_and_cover_the_same_time(outages: list[Outage]) -> None:
    merged = list(merge(outages))
    assert all(outage.from_ms < outage.to_ms for outage in merged)
    assert all(one.to_ms < other.from_ms for one, other in pairwise(merged))
    edges = {edge + by for outage in outages for edge in (outage.from_ms, outage.to_ms) for by in (-1, 0, 1)}
    assert all(fails(merged, at_ms) == fails(outages, at_ms) for at_ms in edges)
