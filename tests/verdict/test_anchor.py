"""The anchor's sequence of codes, and what pictures say of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_server.anchor import (
    ANCHOR_SLOT_MS,
    LOOK_AHEAD_SLOTS,
    LOOK_BACK_SLOTS,
    REFRESH_MS,
    UNSEEN_MS,
    Look,
    code_at,
    expected_codes,
    judge_sightings,
    next_change_ms,
    slot_of,
    slot_shown,
)

KEY, OTHER_KEY = b"the anchor key of one sitting", b"and that of another one"
SLOT = 59_800_000
START = SLOT * ANCHOR_SLOT_MS
VECTOR = [0x0167F4, 0x019541, 0x2AB9FF]
KEYS, SLOTS = st.binary(min_size=16, max_size=32), st.integers(1, 2**40)


def looks(count: int, every_ms: int = 10_000, behind: int | None = 0) -> list[Look]:
    """Pictures that show the marker of so many slots ago; None: a foreign one."""
    times = (START + 5_000 + number * every_ms for number in range(count))
    return [Look(at, (None if behind is None else slot_of(at) - behind,)) for at in times]


@given(KEYS, SLOTS)
def test_neighbouring_slots_never_show_the_same(key: bytes, slot: int) -> None:
    assert code_at(key, slot) not in (code_at(key, slot - 1), code_at(key, slot + 1))
    assert 0 <= code_at(key, slot) < 2**24


@given(KEYS, st.integers(0, 2**50))
def test_a_slot_lasts_until_its_next_change(key: bytes, now_ms: int) -> None:
    change = next_change_ms(now_ms)
    assert 0 < change - now_ms <= ANCHOR_SLOT_MS
    assert slot_of(change - 1) == slot_of(now_ms)
    assert slot_of(change) == slot_of(now_ms) + 1


def test_codes_follow_key_and_slot_alone() -> None:
    """A fixed vector: another implementation of the sequence must come to the same."""
    assert [code_at(KEY, slot) for slot in (SLOT, SLOT + 1, SLOT + 2)] == VECTOR
    assert len({code_at(KEY, SLOT + number) for number in range(500)}) > 495
    ours, theirs = ({code_at(key, SLOT + n) for n in range(200)} for key in (KEY, OTHER_KEY))
    assert not ours & theirs


def test_the_slot_before_is_expected_only_shortly_after_the_change() -> None:
    before, now = code_at(KEY, SLOT - 1), code_at(KEY, SLOT)
    assert expected_codes(KEY, START + REFRESH_MS - 1) == (before, now)
    assert expected_codes(KEY, START + REFRESH_MS) == (now,)
    assert expected_codes(KEY, START - 1) == (before,)
    assert expected_codes(KEY, START - 1_000, 1_000) == (before, now)
    assert len(expected_codes(KEY, 0, 10**5)) == 4


def test_the_right_marker_throughout_is_seen() -> None:
    judged = judge_sightings(looks(60))
    assert (judged.word, judged.looked_slots, judged.seen_slots) == ("seen", 20, 20)
    assert (judged.first_seen_ms, judged.last_seen_ms) == (START + 5_000, START + 595_000)
    assert (judged.unseen, judged.strays) == ((), ())


def test_order_does_not_matter() -> None:
    assert judge_sightings(reversed(looks(30))) == judge_sightings(looks(30))


@pytest.mark.parametrize(("late_ms", "word"), [(REFRESH_MS - 1, "seen"), (REFRESH_MS, "wrong_sequence")])
def test_a_page_may_refresh_late_but_not_later(late_ms: int, word: str) -> None:
    shown = [Look(START + n * ANCHOR_SLOT_MS + late_ms, (SLOT + n - 1,)) for n in range(6)]
    assert judge_sightings(shown).word == word


@given(st.integers(0, 20_000), st.integers(-20_000, 20_000))
def test_a_clock_may_be_off_by_its_tolerance(tolerance: int, off: int) -> None:
    at = START + 15_000
    shown = [Look(at + n * ANCHOR_SLOT_MS + off, (SLOT + n,), tolerance) for n in range(8)]
    # the middle of a slot: 15 s to its end, and its marker may stay a little longer
    reach = (-15_000 - tolerance, 15_000 + REFRESH_MS + tolerance)
    assert (judge_sightings(shown).word == "seen") == (reach[0] <= off < reach[1])


def test_an_old_sequence_is_named_with_its_lag() -> None:
    judged = judge_sightings(looks(30, behind=7))
    (stray,) = judged.strays
    assert (judged.word, judged.seen_slots) == ("wrong_sequence", 0)
    assert (stray.kind, stray.slots, stray.pictures) == ("old", (7, 7), 30)
    assert (stray.first_ms, stray.last_ms) == (START + 5_000, START + 295_000)


def test_a_page_that_stood_still_falls_behind_more_and_more() -> None:
    shown = [Look(look.at_ms, (SLOT,)) for look in looks(30)]
    judged = judge_sightings(shown)
    (stray,) = judged.strays
    assert (stray.kind, stray.slots) == ("old", (1, 9))
    assert judged.seen_slots == 1


def test_a_marker_from_later_means_a_wrong_time() -> None:
    judged = judge_sightings(looks(9, behind=-4))
    assert (judged.word, judged.strays[0].kind, judged.strays[0].slots) == ("wrong_sequence", "ahead", (4, 4))


def test_a_foreign_marker_alone_is_not_seen_and_listed() -> None:
    judged = judge_sightings(looks(30, behind=None))
    assert (judged.word, judged.seen_slots, judged.strays[0].kind) == ("not_seen", 0, "foreign")
    assert judged.strays[0].slots is None


def test_a_neighbours_marker_beside_changes_nothing() -> None:
    both = [
        Look(own.at_ms, own.slots + other.slots)
        for own, other in zip(looks(30), looks(30, behind=None), strict=True)
    ]
    judged = judge_sightings(both)
    assert (judged.word, judged.seen_slots, len(judged.strays)) == ("seen", 10, 1)


def test_one_stray_picture_is_not_believed() -> None:
    shown = looks(30)
    shown[12] = Look(shown[12].at_ms, (SLOT - 9,))
    without = [*shown[:12], Look(shown[12].at_ms), *shown[13:]]
    assert judge_sightings(shown) == judge_sightings(without)


@pytest.mark.parametrize("where", ["begin", "middle", "end"])
def test_a_long_stretch_without_is_named(where: str) -> None:
    shown = looks(60)
    hidden = {"begin": range(20), "middle": range(20, 40), "end": range(40, 60)}[where]
    for number in hidden:
        shown[number] = Look(shown[number].at_ms)
    judged = judge_sightings(shown)
    ((start, end),) = judged.unseen
    assert judged.word == "not_seen"
    assert UNSEEN_MS < end - start <= 210_000
    assert judge_sightings(shown, unseen_ms=210_000).word == "seen"


def test_never_seen_even_shortly() -> None:
    assert judge_sightings([Look(START)]).word == "not_seen"


def test_no_pictures_are_no_measurement() -> None:
    assert judge_sightings([]).word == "not_measured"


@pytest.mark.parametrize(("behind", "found"), [
    (0, True), (1, True), (LOOK_BACK_SLOTS, True), (LOOK_BACK_SLOTS + 1, False),
    (-LOOK_AHEAD_SLOTS, True), (-LOOK_AHEAD_SLOTS - 1, False),
])
def test_a_day_back_and_ten_minutes_ahead_are_looked_up(behind: int, found: bool) -> None:
    assert slot_shown(KEY, code_at(KEY, SLOT - behind), START) == (SLOT - behind if found else None)


@pytest.mark.parametrize("at_ms", [-(2**53), -1, 0, START, 2**53 - 1, 2**63])
@pytest.mark.parametrize("tolerance_ms", [0, 2**53, 2**70])
def test_absurd_times_cost_nothing(at_ms: int, tolerance_ms: int) -> None:
    assert len(expected_codes(KEY, at_ms, tolerance_ms)) <= 42
    assert slot_shown(KEY, 1 << 30, at_ms, tolerance_ms) is None
    assert judge_sightings([Look(at_ms, (5,), tolerance_ms)]).looked_slots == 1


def test_another_sittings_code_has_no_slot() -> None:
    assert slot_shown(KEY, code_at(OTHER_KEY, SLOT), START) is None


def test_the_result_is_json() -> None:
    told = json.loads(json.dumps(judge_sightings(looks(30, behind=3)).to_json()))
    assert told["word"] == "wrong_sequence"
