"""The deadline against a second way to say it: the time the service was there, from the end on."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairing.deadline import Outage, deadline_ms, merge
from pairing.policy import Policy

POLICY = Policy(upload_window_s=20, min_notice_s=0)
END = 60_000

moments = st.integers(0, 200_000)
outages = st.lists(st.builds(lambda one, other: Outage(min(one, other), max(one, other)), moments, moments),
                   max_size=6)


def there_ms(start: int, stop: int, down: list[Outage]) -> int:
    """How long the service was there in [start, stop): counted moment by moment, each once."""
    edges = sorted({start, stop, *(edge for outage in down for edge in (outage.from_ms, outage.to_ms))})
    return sum(
        later - earlier for earlier, later in pairwise(edges)
        if start <= earlier and later <= stop
        and not any(outage.from_ms <= earlier and later <= outage.to_ms for outage in down)
    )


@given(outages)
@settings(deadline=None)
def test_the_whole_window_is_there_before_the_deadline(down: list[Outage]) -> None:
    deadline = deadline_ms(POLICY, end_ms=END, notice_ms=END, outages=down)
    assert there_ms(END, deadline, down) == 20_000


@given(outages)
@settings(deadline=None)
def test_no_outage_covers_the_moment_of_the_deadline(down: list[Outage]) -> None:
    deadline = deadline_ms(POLICY, end_ms=END, notice_ms=END, outages=down)
    assert not any(outage.from_ms <= deadline < outage.to_ms for outage in down)


@given(outages, outages)
@settings(deadline=None)
def test_more_outages_never_bring_it_nearer(some: list[Outage], more: list[Outage]) -> None:
    fewer = deadline_ms(POLICY, end_ms=END, notice_ms=END, outages=some)
    assert deadline_ms(POLICY, end_ms=END, notice_ms=END, outages=some + more) >= fewer >= END + 20_000


@given(outages, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_neither_order_nor_repetition_matters(down: list[Outage], random: object) -> None:
    twice = down * 2
    random.shuffle(twice)  # type: ignore[attr-defined]
    assert merge(twice) == merge(down) == merge(merge(down))
    assert deadline_ms(POLICY, end_ms=END, notice_ms=END, outages=twice) == deadline_ms(
        POLICY, end_ms=END, notice_ms=END, outages=down
    )


@pytest.mark.parametrize(("given_", "deadline"), [
    ({}, 80_000),
    ({"notice_ms": None}, 80_000),
    ({"notice_ms": 100_000}, 100_000),
    ({"extensions_ms": 5_000}, 85_000),
    ({"outages": [Outage(70_000, 70_000)]}, 80_000),
    ({"outages": [Outage(90_000, 70_000)]}, 80_000),
    ({"outages": [Outage(80_000, 90_000)]}, 90_000),
    ({"outages": [Outage(80_001, 90_000)]}, 80_000),
    ({"outages": [Outage(0, 60_000)]}, 80_000),
    ({"outages": [Outage(0, 60_001)]}, 80_001),
], ids=str)
def test_examples(given_: dict[str, object], deadline: int) -> None:
    arguments = {"end_ms": END, "notice_ms": END} | given_
    assert deadline_ms(POLICY, **arguments) == deadline  # type: ignore[arg-type]


def test_notice_counts_from_when_the_end_was_told() -> None:
    policy = Policy(upload_window_s=20, min_notice_s=100)
    assert deadline_ms(policy, end_ms=END, notice_ms=END) == 160_000
    assert deadline_ms(policy, end_ms=END, notice_ms=150_000) == 250_000
    # an outage before the end was told still counts: the phone could not upload then
    down = [Outage(70_000, 80_000)]
    assert deadline_ms(policy, end_ms=END, notice_ms=150_000, outages=down) == 260_000
