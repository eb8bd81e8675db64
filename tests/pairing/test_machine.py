"""The two machines of a sitting as tables: every stage with every event."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairing.errors import PairingError
from pairing.machine import EVIDENCE, EVIDENCE_ADMITS, PHONE, PHONE_ADMITS, Stages, diagram, document

ROOT = Path(__file__).parents[2]
Table = Mapping[tuple[str, str], str]


def stages_of(table: Table) -> list[str]:
    return sorted({stage for stage, _ in table} | set(table.values()))


def events_of(table: Table) -> set[str]:
    return {event for _, event in table}


EVENTS = sorted(events_of(PHONE) | events_of(EVIDENCE))
STRANGER = "measured"  # journalled, but of neither machine
ALL = [*EVENTS, STRANGER]


def after(stages: Stages, event: str) -> Stages | None:
    """The stages after `event`, or None where it is refused as it must be."""
    try:
        return stages.after(event)
    except PairingError as refusal:
        if refusal.code != "wrong_stage":
            raise
        return None


def reachable() -> set[Stages]:
    found, waiting = {Stages()}, [Stages()]
    while waiting:
        stages = waiting.pop()
        for event in EVENTS:
            following = after(stages, event)
            if following is not None and following not in found:
                found.add(following)
                waiting.append(following)
    return found


REACHABLE = reachable()


@pytest.mark.parametrize("event", ALL)
def test_each_pair_of_stages_has_an_answer_to_each_event(event: str) -> None:
    for phone, evidence in product(stages_of(PHONE), stages_of(EVIDENCE)):
        admitted = all(
            stage in admits.get(event, {stage})
            for admits, stage in ((PHONE_ADMITS, phone), (EVIDENCE_ADMITS, evidence))
        )
        has_row = [
            event not in events_of(table) or (stage, event) in table
            for table, stage in ((PHONE, phone), (EVIDENCE, evidence))
        ]
        following = after(Stages(phone, evidence), event)
        assert (following is not None) == (admitted and all(has_row))
        if following is not None:
            assert following.phone == PHONE.get((phone, event), phone)
            assert following.evidence == EVIDENCE.get((evidence, event), evidence)


def test_each_stage_is_reached() -> None:
    assert {stages.phone for stages in REACHABLE} == set(stages_of(PHONE))
    assert {stages.evidence for stages in REACHABLE} == set(stages_of(EVIDENCE))


def test_each_row_is_used() -> None:
    taken = [(stages, event) for stages in REACHABLE for event in EVENTS if after(stages, event)]
    assert PHONE.keys() <= {(stages.phone, event) for stages, event in taken}
    assert EVIDENCE.keys() <= {(stages.evidence, event) for stages, event in taken}


def test_the_coupling_names_stages_and_events_that_are() -> None:
    for admits, table, other in ((PHONE_ADMITS, PHONE, EVIDENCE), (EVIDENCE_ADMITS, EVIDENCE, PHONE)):
        for event, admitted in admits.items():
            assert event in events_of(other) - events_of(table)
            assert admitted < set(stages_of(table))


def test_nobody_claims_where_no_confirm_can_follow() -> None:
    pending = [stages for stages in REACHABLE if stages.phone in {"offered", "bound", "reoffered"}]
    assert {stages.evidence for stages in pending} == set(stages_of(EVIDENCE))
    for stages in pending:
        if (stages.evidence, "confirmed") in EVIDENCE:
            continue
        assert stages.evidence in {"published", "erased"}
        assert after(stages, "claimed") is None
        assert after(stages, "rebind_opened") is None


def test_a_claim_that_waits_at_publication_is_still_answered() -> None:
    waiting = Stages("reclaimed", "published")
    assert waiting in REACHABLE
    assert after(waiting, "confirmed") is None
    for answer in ("claim_lapsed", "claim_refused"):
        assert after(waiting, answer) == Stages("reoffered", "published")


def test_nothing_is_committed_or_released_before_the_first_confirm() -> None:
    for stages in REACHABLE:
        if stages.phone in {"offered", "claimed"}:
            assert after(stages, "committed") is None
            assert after(stages, "released") is None


def test_recording_begins_with_a_confirm_only() -> None:
    assert {event for (stage, event), to in EVIDENCE.items() if to == "recording" != stage} == {"confirmed"}


def test_what_was_erased_stays_erased() -> None:
    assert all(stage != "erased" for stage, _ in EVIDENCE)
    for stages in REACHABLE:
        if stages.evidence == "erased":
            assert {found.evidence for event in ALL if (found := after(stages, event))} == {"erased"}


def test_nothing_is_erased_or_released_before_publication() -> None:
    assert {stage for stage, event in EVIDENCE if event in {"erased", "released"}} == {"published"}


def test_a_verdict_is_never_taken_back() -> None:
    order = ["awaited", "recording", "ended", "decided", "published", "erased"]
    assert sorted(order) == stages_of(EVIDENCE)
    for (stage, _), following in EVIDENCE.items():
        assert order.index(following) >= order.index(stage)


def test_each_claim_is_answered_before_the_next() -> None:
    """Between two claims lies a refusal, a lapse, or a confirm that a rebind follows."""
    answers = {"claim_refused", "claim_lapsed", "confirmed"}
    for pending in ("claimed", "reclaimed"):
        assert {event for stage, event in PHONE if stage == pending} == answers


@given(st.lists(st.sampled_from(ALL), max_size=40))
def test_any_story_stays_within_what_is_reachable(story: list[str]) -> None:
    stages, bound = Stages(), 0
    for event in story:
        following = after(stages, event)
        if following is None:
            continue
        bound += event == "confirmed"
        assert following in REACHABLE
        assert (following.phone in {"bound", "reoffered", "reclaimed"}) == (bound > 0)
        stages = following


def test_the_diagrams_hold_every_row_once() -> None:
    for table in (PHONE, EVIDENCE):
        lines = diagram(table).splitlines()
        assert lines[:2] == ["stateDiagram-v2", f"    [*] --> {next(iter(table))[0]}"]
        assert lines[2:] == [f"    {stage} --> {to}: {event}" for (stage, event), to in table.items()]
        assert len(set(lines)) == len(lines)


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "machines.md").read_text(encoding="utf-8")
    assert page == document() + "\n", "run: python -m pairing.machine > docs/machines.md"
    assert all(diagram(table) in page for table in (PHONE, EVIDENCE))
