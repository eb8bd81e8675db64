"""The anchor: which marker the laptop shows in which 30 seconds, and what pictures say of it.

Pure.  A sitting's markers are a sequence of 24-bit codes, one a slot, that nobody can tell in advance without
the sitting's anchor key: HMAC-SHA-256 (RFC 2104) over the slot's number, as for tickets (`pairing.codes`).
What is journalled of a marker that was read is its slot, so the journal tells no code, and the verdict can be
judged again without the key.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from pairing.jws import MAX_INTEGER

ANCHOR_SLOT_MS = 30_000
"""How long a marker is shown."""
REFRESH_MS = 5_000
"""How long after a slot its marker may still be on the screen: a page asks for the next on a slow network."""
UNSEEN_MS = 180_000
"""Longest stretch without the right marker that is not reported: a candidate leans over, a hand covers it."""
STRAYS = 2
"""Pictures that must show a wrong marker before it is reported: one alone may be misread."""
VAGUEST_MS = 600_000
"""Most uncertainty of a picture's time that is believed: a phone may claim any clock."""
LOOK_BACK_SLOTS = 2_880
"""How many earlier slots a marker is looked up in: a day."""
LOOK_AHEAD_SLOTS = 20
"""How many later ones: ten minutes, beyond any clock's error that goes unnoticed."""

Kind = Literal["old", "ahead", "foreign"]
_KINDS: tuple[Kind, ...] = ("old", "ahead", "foreign")
Word = Literal["seen", "not_seen", "wrong_sequence", "not_measured"]


def slot_of(at_ms: int) -> int:
    """The slot that a moment of the server's clock lies in."""
    return at_ms // ANCHOR_SLOT_MS


def next_change_ms(now_ms: int) -> int:
    """When the marker shown at `now_ms` gives way to the next."""
    return (slot_of(now_ms) + 1) * ANCHOR_SLOT_MS


def code_at(key: bytes, slot: int) -> int:
    """The code (0 to 2²⁴ - 1) shown in a slot; never that of the slot before or after."""
    if slot % 2 == 0:
        return _mac(key, slot, 0)
    beside = (_mac(key, slot - 1, 0), _mac(key, slot + 1, 0))
    return next(code for attempt in itertools.count() if (code := _mac(key, slot, attempt)) not in beside)


def expected_codes(key: bytes, at_ms: int, tolerance_ms: int = 0) -> tuple[int, ...]:
    """The codes that may be on the laptop's screen in a picture of `at_ms`, give or take `tolerance_ms`."""
    return tuple(code_at(key, slot) for slot in _slots_around(at_ms, tolerance_ms))


def slot_shown(key: bytes, code: int, at_ms: int, tolerance_ms: int = 0) -> int | None:
    """The slot whose marker was read in a picture of `at_ms`: one that may be on the screen then, else the
    nearest within a day before and ten minutes after; None for a marker that is not this sitting's.

    What is journalled is this number, not the code: the verdict can then be judged again without the key.
    """
    around = _slots_around(at_ms, tolerance_ms)
    for slot in around:
        if code_at(key, slot) == code:
            return slot
    now = slot_of(min(max(at_ms, 0), MAX_INTEGER))
    others = range(max(0, now - LOOK_BACK_SLOTS), now + LOOK_AHEAD_SLOTS + 1)
    shown = (slot for slot in others if code_at(key, slot) == code)
    return min(shown, key=lambda slot: abs(slot - now), default=None)


@dataclass(frozen=True)
class Look:
    """One picture that was searched for markers: when it was taken, by the server's clock, and what it shows.

    `tolerance_ms` is how uncertain `at_ms` is, to either side; `slots` are those whose markers were read,
    None for a foreign one.
    """

    at_ms: int
    slots: tuple[int | None, ...] = ()
    tolerance_ms: int = 0


@dataclass(frozen=True)
class Stray:
    """Pictures in a row that show a marker which doesn't belong to their time.

    `kind`: "old" was shown before (recorded earlier, relayed late, or a page that stood still), "ahead" is
    shown only later (the picture's time is wrong), "foreign" is not of this sitting.  `slots` are by how many
    slots it is off, the least and the most.
    """

    kind: Kind
    first_ms: int
    last_ms: int
    pictures: int
    slots: tuple[int, int] | None


@dataclass(frozen=True)
class Sightings:
    """What the pictures of a stretch say of the anchor; times are the server's, in milliseconds.

    `seen_slots` of the `looked_slots` show the right marker; `unseen` are the stretches beyond a limit, from
    picture to picture, in which none did.
    """

    word: Word
    looked_slots: int
    seen_slots: int
    first_seen_ms: int | None
    last_seen_ms: int | None
    unseen: tuple[tuple[int, int], ...]
    strays: tuple[Stray, ...]

    def to_json(self) -> dict[str, object]:
        """For a journal event."""
        return asdict(self)


def judge_sightings(
    looks: Iterable[Look], unseen_ms: int = UNSEEN_MS, *, within: tuple[int, int] | None = None,
    excused: Sequence[tuple[int, int]] = (),
) -> Sightings:
    """Judges what was read in pictures against the sitting's sequence.

    `within`: what should show it, by default from the first picture to the last; `excused`: stretches, in
    order and apart from each other, that need not, as the phone was in hands.

    "wrong_sequence": at least two pictures in a row show an old marker, or one ahead.  "not_seen": no picture
    shows the right marker, or none does for longer than `unseen_ms`.  A foreign marker beside is listed and
    changes nothing: it may be a neighbour's.  "not_measured": there are no pictures.
    """
    ordered = sorted(looks, key=lambda look: look.at_ms)
    if not ordered:
        return Sightings("not_measured", 0, 0, None, None, (), ())
    right: list[int] = []
    seen_slots: set[int] = set()
    strays: list[Stray] = []
    open_strays: dict[Kind, Stray] = {}
    for look in ordered:
        allowed = _slots_around(look.at_ms, look.tolerance_ms)
        shown = [slot for slot in look.slots if slot in allowed]
        if shown:
            right.append(look.at_ms)
            seen_slots.update(slot for slot in shown if slot is not None)
        wrong = dict(_stray(look.at_ms, slot) for slot in look.slots if slot not in allowed)
        for kind in _KINDS:
            if kind in wrong:
                open_strays[kind] = _joined(open_strays.get(kind), wrong[kind])
            elif look.slots and kind in open_strays:
                strays.append(open_strays.pop(kind))
    strays += open_strays.values()
    strays = sorted((one for one in strays if one.pictures >= STRAYS), key=lambda one: one.first_ms)
    edges = [*right, ordered[0].at_ms, ordered[-1].at_ms, *(within or ())]
    unseen = tuple(_unseen(sorted(edges), excused, unseen_ms))
    word: Word = "not_seen" if unseen or not right else "seen"
    if any(one.kind != "foreign" for one in strays):
        word = "wrong_sequence"
    return Sightings(
        word, len({slot_of(look.at_ms) for look in ordered}), len(seen_slots),
        right[0] if right else None, right[-1] if right else None, unseen, tuple(strays),
    )


def _stray(at_ms: int, slot: int | None) -> tuple[Kind, Stray]:
    """What a marker says that should not be there."""
    if slot is None:
        return "foreign", Stray("foreign", at_ms, at_ms, 1, None)
    off = slot_of(at_ms) - slot
    kind: Kind = "old" if off > 0 else "ahead"
    return kind, Stray(kind, at_ms, at_ms, 1, (abs(off), abs(off)))


def _joined(before: Stray | None, now: Stray) -> Stray:
    if before is None:
        return now
    slots = None
    if before.slots and now.slots:
        slots = (min(before.slots[0], now.slots[0]), max(before.slots[1], now.slots[1]))
    return Stray(now.kind, before.first_ms, now.last_ms, before.pictures + 1, slots)


def _slots_around(at_ms: int, tolerance_ms: int) -> range:
    at_ms, tolerance_ms = min(max(at_ms, 0), MAX_INTEGER), min(tolerance_ms, VAGUEST_MS)
    earliest = slot_of(max(at_ms - tolerance_ms - REFRESH_MS, 0))
    return range(earliest, slot_of(max(at_ms + tolerance_ms, 0)) + 1)


def _unseen(
    edges: Sequence[int], excused: Sequence[tuple[int, int]], longest_ms: int
) -> Iterator[tuple[int, int]]:
    """The stretches between edges beyond the limit, without what is excused at their ends."""
    for since_ms, until_ms in itertools.pairwise(edges):
        inside = [(max(one, since_ms), min(other, until_ms)) for one, other in excused]
        inside = [(one, other) for one, other in inside if one < other]
        if until_ms - since_ms - sum(other - one for one, other in inside) > longest_ms:
            begins_excused = bool(inside) and inside[0][0] == since_ms
            ends_excused = bool(inside) and inside[-1][1] == until_ms
            yield (
                inside[0][1] if begins_excused else since_ms, inside[-1][0] if ends_excused else until_ms
            )


def _mac(key: bytes, slot: int, attempt: int) -> int:
    text = b"anchor" + bytes([attempt]) + b"\x00" + struct.pack(">Q", slot)
    return int.from_bytes(hmac.digest(key, text, hashlib.sha256)[:3], "big")
