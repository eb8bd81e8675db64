"""Tickets, typed codes and digits for any secret, offer and time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairing import codes
from pairing.codes import CODE_SLOT_MS, TICKET_SLOT_MS, TICKET_VALID_MS, Ticket
from pairing.encoding import b64u, from_b64u
from pairing.errors import PairingError

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FULL_WIDTH = 0xFF01 - ord("!")  # from ASCII to the full-width form
SECRETS = st.binary(min_size=32, max_size=32)
OFFERS = st.binary(min_size=codes.OFFER_BYTES, max_size=codes.OFFER_BYTES)
TIMES = st.integers(CODE_SLOT_MS, 4_000_000_000_000)


def refusal(ticket: str, secret: bytes, now_ms: int) -> str:
    """The code by which the ticket is refused, or nothing."""
    try:
        Ticket.parse(ticket).check(secret, now_ms)
    except PairingError as error:
        return error.code
    return ""


# --- tickets -------------------------------------------------------------------------------------


@given(SECRETS, OFFERS, TIMES)
def test_a_ticket_works_from_a_slot_before_it_is_shown_until_180_s_after(
    secret: bytes, offer: bytes, now_ms: int
) -> None:
    text = codes.ticket(secret, offer, now_ms)
    begin_ms = now_ms - now_ms % TICKET_SLOT_MS
    first, last = begin_ms - TICKET_SLOT_MS, begin_ms + TICKET_VALID_MS - 1
    assert refusal(text, secret, now_ms) == ""
    assert (refusal(text, secret, first - 1), refusal(text, secret, first)) == ("offer_expired", "")
    assert (refusal(text, secret, last), refusal(text, secret, last + 1)) == ("", "offer_expired")


@given(SECRETS, OFFERS, TIMES)
def test_whoever_sees_a_ticket_has_150_s(secret: bytes, offer: bytes, now_ms: int) -> None:
    last_shown_ms = codes.next_ticket_ms(now_ms) - 1
    text = codes.ticket(secret, offer, last_shown_ms)
    assert text == codes.ticket(secret, offer, now_ms)
    assert refusal(text, secret, last_shown_ms + 150_000) == ""
    assert codes.ticket(secret, offer, last_shown_ms + 1) != text


@given(SECRETS, OFFERS, TIMES)
def test_a_ticket_names_its_offer(secret: bytes, offer: bytes, now_ms: int) -> None:
    assert Ticket.parse(codes.ticket(secret, offer, now_ms)).offer == offer


def test_each_bit_of_a_ticket_matters() -> None:
    secret, now_ms = bytes(range(32)), 1_800_000_000_000
    raw = from_b64u(codes.ticket(secret, bytes(12), now_ms))
    assert len(raw) == 32
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert refusal(b64u(bytes(flipped)), secret, now_ms) == "ticket_invalid"


@given(st.text(max_size=64) | st.binary(max_size=48).map(b64u), SECRETS, TIMES)
def test_no_text_passes_for_a_ticket(text: str, secret: bytes, now_ms: int) -> None:
    assert refusal(text, secret, now_ms) == "ticket_invalid"


# --- typed codes ---------------------------------------------------------------------------------


@given(SECRETS, OFFERS, TIMES)
def test_a_code_reads_the_same_in_full_width(secret: bytes, offer: bytes, now_ms: int) -> None:
    code = codes.typed_code(secret, offer, now_ms)
    for typed in (code, codes.group_code(code), codes.group_code(code).lower()):
        assert codes.read_code("".join(chr(ord(symbol) + FULL_WIDTH) for symbol in typed)) == code


@given(SECRETS, OFFERS, TIMES)
def test_a_code_reads_as_it_is_shown(secret: bytes, offer: bytes, now_ms: int) -> None:
    code = codes.typed_code(secret, offer, now_ms)
    assert len(code) == 9
    assert set(code) <= set(SYMBOLS)
    for typed in (code, codes.group_code(code), codes.group_code(code).lower(), " ".join(code)):
        assert codes.read_code(typed) == code
    misread = code.replace("0", "O").replace("1", "l")
    assert codes.read_code(misread) == code
    assert codes.read_code(misread.swapcase()) == code


@given(SECRETS, OFFERS, TIMES)
def test_a_code_works_while_it_and_the_next_are_shown(secret: bytes, offer: bytes, now_ms: int) -> None:
    code = codes.typed_code(secret, offer, now_ms)
    next_ms = codes.next_code_ms(now_ms)
    begin_ms = next_ms - CODE_SLOT_MS
    works = {
        at_ms: code in codes.valid_codes(secret, offer, at_ms)
        for at_ms in (begin_ms - 1, begin_ms, next_ms, begin_ms + 179_999, begin_ms + 180_000)
    }
    assert list(works.values()) == [False, True, True, True, False]
    assert codes.valid_codes(secret, offer, now_ms)[0] == code
    assert codes.typed_code(secret, offer, next_ms - 1) == code != codes.typed_code(secret, offer, next_ms)


@given(SECRETS, OFFERS, TIMES)
def test_each_mistyped_symbol_is_caught(secret: bytes, offer: bytes, now_ms: int) -> None:
    """Modulo the prime 37, of 32 symbols, no single substitution goes unnoticed."""
    code = codes.typed_code(secret, offer, now_ms)
    for place, right in enumerate(code):
        for wrong in SYMBOLS.replace(right, ""):
            with pytest.raises(PairingError, match="code_mistyped"):
                codes.read_code(code[:place] + wrong + code[place + 1 :])


@given(SECRETS, OFFERS, TIMES)
def test_each_exchange_of_neighbours_is_caught(secret: bytes, offer: bytes, now_ms: int) -> None:
    """Also that of the last symbol with the check symbol."""
    code = codes.typed_code(secret, offer, now_ms)
    for place in range(len(code) - 1):
        one, other = code[place], code[place + 1]
        if one != other:
            with pytest.raises(PairingError, match="code_mistyped"):
                codes.read_code(code[:place] + other + one + code[place + 2 :])


@given(st.text(max_size=80) | st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZilou- ", max_size=16))
def test_whatever_is_typed_reads_as_a_code_or_is_mistyped(typed: str) -> None:
    try:
        code = codes.read_code(typed)
    except PairingError as error:
        assert error.code == "code_mistyped"  # noqa: PT017  either outcome is right
    else:
        assert len(code) == 9
        assert set(code) <= set(SYMBOLS)
        assert codes.read_code(code) == code


@given(SECRETS, OFFERS, TIMES)
def test_other_secrets_and_offers_show_other_codes(secret: bytes, offer: bytes, now_ms: int) -> None:
    def other(part: bytes) -> bytes:
        return bytes([part[0] ^ 1]) + part[1:]

    for show in (codes.ticket, codes.typed_code):
        shown = show(secret, offer, now_ms)
        assert shown not in (show(other(secret), offer, now_ms), show(secret, other(offer), now_ms))


def test_the_code_in_the_protocol_is_one() -> None:
    text = (Path(__file__).parents[2] / "protocol.md").read_text(encoding="utf-8")
    shown = re.findall(r'"code":"([^"]+)"', text)
    assert shown
    assert [codes.group_code(codes.read_code(code)) for code in shown] == shown


# --- digits --------------------------------------------------------------------------------------


@given(st.text(max_size=64), st.text(max_size=43), st.text(max_size=22))
def test_digits_are_six(secret: str, key: str, nonce: str) -> None:
    shown = codes.digits(secret, key, nonce)
    assert len(shown) == 6
    assert shown.isascii()
    assert shown.isdecimal()


def test_digits_depend_on_each_part_and_on_where_it_ends() -> None:
    moved = [("ab", "c", "d"), ("a", "bc", "d"), ("ab", "cd", "")]
    other = [("x", "c", "d"), ("ab", "x", "d"), ("ab", "c", "x")]
    assert len({codes.digits(*parts) for parts in moved + other}) == 6
