"""Signed records and strict JSON for any input; the single faults are in the vectors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jws import deserialize_compact

from pairing import jws
from pairing.encoding import b64u, from_b64u
from pairing.errors import PairingError
from pairing.jws import MAX_INTEGER, MAX_RECORD, SigningKey
from tests.pairing.vectors import key_of
from tests.vectors.claims import NOTE
from tests.vectors.signing import P256_ORDER, PHONE, SERVER, compact_json

TYP = "evidence-note+jws"
KEY = key_of({**PHONE.public_jwk})
RECORD = PHONE.record(TYP, NOTE)
# Text as UTF-8 can carry it.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=5)


def outcome(record: str, key: SigningKey = KEY, typ: str = TYP) -> str:
    """The code by which the record is refused, or nothing."""
    try:
        jws.verify(record, typ, key)
    except PairingError as refusal:
        return refusal.code
    return ""


@given(OBJECTS)
def test_what_is_signed_is_read(claims: dict[str, Any]) -> None:
    for key in (key_of({**PHONE.private_jwk}), key_of({**SERVER.private_jwk})):
        record = jws.sign(key, TYP, claims)
        assert jws.verify(record, TYP, key) == claims
        assert jws.read_unverified(record, TYP) == (claims, jws.thumbprint(key))
        assert set(jws.read_header(record)) == {"alg", "typ", "kid"}


def test_new_keys_sign_and_are_new() -> None:
    for make in (jws.new_phone_key, jws.new_server_key):
        key, other = make(), make()
        record = jws.sign(key, TYP, NOTE)
        assert jws.verify(record, TYP, key) == NOTE
        assert outcome(record, other) == "signature_invalid"
        assert "d" not in jws.public_jwk(key)
    own = jws.new_phone_key()
    assert jws.thumbprint(jws.phone_key(jws.public_jwk(own))) == jws.thumbprint(own)


def test_of_two_signatures_that_hold_one_is_a_record() -> None:
    """Else whoever sees a record could make a second of it, with another hash: a fork without the key."""
    key = key_of({**PHONE.private_jwk})
    for number in range(32):
        record = jws.sign(key, TYP, {"number": number})
        signed, _, text = record.rpartition(".")
        raw = from_b64u(text)
        assert len(raw) == 64
        assert int.from_bytes(raw[32:], "big") <= P256_ORDER // 2
        greater = (P256_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
        twin = f"{signed}.{b64u(raw[:32] + greater)}"
        deserialize_compact(twin, KEY, algorithms=["ES256"])  # raises unless it holds
        assert (outcome(record), outcome(twin)) == ("", "signature_invalid")


def test_each_character_of_a_record_matters() -> None:
    assert outcome(RECORD) == ""
    for place, right in enumerate(RECORD):
        wrong = "A" if right != "A" else "B"
        for altered in (RECORD[:place] + wrong + RECORD[place + 1 :], RECORD[:place] + RECORD[place + 1 :]):
            assert outcome(altered) in {"signature_invalid", "claims_invalid"}


@given(st.text(max_size=40) | st.lists(st.binary(max_size=20).map(b64u), max_size=4).map(".".join))
def test_no_text_passes_for_a_record(text: str) -> None:
    assert outcome(text) == "signature_invalid"


@given(OBJECTS)
def test_no_other_header_passes(header: dict[str, Any]) -> None:
    for members in (header, PHONE.header(TYP) | header, PHONE.header(TYP) | {"alg": header}):
        if members != PHONE.header(TYP):
            assert outcome(PHONE.compact(compact_json(members), compact_json(NOTE))) == "signature_invalid"


def test_the_longest_record_and_one_more() -> None:
    # Every third byte of payload makes four characters of record.
    room = (MAX_RECORD - len(PHONE.record(TYP, {"text": ""}))) // 4 * 3
    padded = [PHONE.record(TYP, {"text": "x" * (room + more)}) for more in range(9)]
    fitting = [record for record in padded if len(record) <= MAX_RECORD]
    assert 0 < len(fitting) < len(padded)
    assert {outcome(record) for record in fitting} == {""}
    assert {outcome(record) for record in padded[len(fitting) :]} == {"too_large"}
    assert outcome("x" * (MAX_RECORD + 1)) == "too_large"
    with pytest.raises(PairingError, match="too_large"):
        jws.read_header("x" * (MAX_RECORD + 1))


# --- JSON ----------------------------------------------------------------------------------------


@given(OBJECTS, st.booleans(), st.sampled_from([None, 0, 2]))
def test_json_reads_the_same_however_it_is_written(
    value: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert jws.strict_object(text.encode()) == value


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass")))
def test_bytes_are_an_object_or_refused(text: bytes) -> None:
    try:
        assert isinstance(jws.strict_object(text), dict)
    except PairingError as refusal:
        assert refusal.code == "claims_invalid"  # noqa: PT017  either outcome is right


@given(st.floats() | st.integers(min_value=MAX_INTEGER + 1) | st.integers(max_value=-MAX_INTEGER - 1))
def test_numbers_that_javascript_reads_otherwise_are_refused(number: float) -> None:
    for holder in ({"number": number}, {"list": [[number]]}, {"inner": {"n": number}}):
        with pytest.raises(PairingError, match="claims_invalid"):
            jws.strict_object(json.dumps(holder).encode())


@given(st.characters(categories=["Cs"]), TEXT)
def test_halves_of_surrogate_pairs_are_refused_wherever_they_are(half: str, text: str) -> None:
    odd = text + half
    for holder in ({odd: 1}, {"text": odd}, {"inner": [{"text": odd}]}):
        with pytest.raises(PairingError, match="claims_invalid"):
            jws.strict_object(json.dumps(holder).encode())


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_nesting_is_refused_not_fatal(depth: int) -> None:
    with pytest.raises(PairingError, match="claims_invalid"):
        jws.strict_object(b'{"a":' + b"[" * depth + b"]" * depth + b"}")


# --- base64url -----------------------------------------------------------------------------------


@given(st.binary(max_size=80))
def test_base64url_and_back(raw: bytes) -> None:
    assert from_b64u(b64u(raw)) == raw


@given(st.text(max_size=12) | st.text("AQgw_-+/= \n", max_size=8))
def test_base64url_has_one_spelling(text: str) -> None:
    try:
        raw = from_b64u(text)
    except ValueError:
        return
    assert b64u(raw) == text
