"""Every kind of record, field by field: what it takes it gives back, and nothing malformed gets in."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairing.errors import PairingError
from pairing.jws import verify
from pairing.manifest import ListedRun, Manifest
from pairing.messages import (
    MAX_RELEASED,
    MAX_RUN,
    MAX_RUNS,
    MAX_SEGMENT,
    Binding,
    Claim,
    Head,
    Release,
    require_own,
)
from pairing.receipt import Receipt, check_receipt
from tests.pairing.vectors import KINDS, key_of, read_message
from tests.vectors.claims import AT_MS, EXAMPLES, HASH, OTHER_HASH, RECEIPT, SAMPLE, SITTING
from tests.vectors.signing import OTHER_PHONE, PHONE, SERVER, name_of

Place = tuple[str | int, ...]

# All fields there are, the optional one too.
FULL: dict[str, dict[str, Any]] = {
    typ: claims | ({"clock": SAMPLE} if "prev" in claims else {}) for typ, (_, claims) in EXAMPLES.items()
}
WRONG: dict[type, list[object]] = {
    int: [None, True, False, 1.0, "1", "", [1], {}, -1, 2**53],
    str: [None, True, 1, "", [], ["x"], {}, "x" * 65, "\u4f50"],
    list: [None, True, 1, "x", {}, [None], [[]], [1]],
    dict: [None, True, 1, "x", [], {}, {"x": 1}],
}
FREE_TEXT = {"secret", "client", "nonce", "kty", "crv", "x", "y"}


def places(value: object, place: Place = ()) -> Iterator[tuple[Place, object]]:
    """Every field and item inside `value`, and where it is."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield (*place, name), item
        yield from places(item, (*place, name))


def parent(claims: dict[str, Any], place: Place) -> Any:
    """The object or list that holds `place`."""
    holder: Any = claims
    for name in place[:-1]:
        holder = holder[name]
    return holder


PLACES = [(typ, place, value) for typ, claims in FULL.items() for place, value in places(claims)]
FIELDS = [(typ, place, value) for typ, place, value in PLACES if isinstance(place[-1], str)]
OBJECTS = [(typ, place) for typ, place, value in PLACES if isinstance(value, dict)]
OBJECTS += [(typ, ()) for typ in FULL]


def named(value: object) -> str | None:
    """How a test calls a place."""
    return ".".join(map(str, value)) or "." if isinstance(value, tuple) else None


def refused(typ: str, claims: dict[str, Any]) -> None:
    """The claims must be refused, and by no other error."""
    with pytest.raises(PairingError) as refusal:
        read_message(typ, claims)
    assert refusal.value.code == "claims_invalid"


def test_each_kind_has_an_example_that_sets_every_field() -> None:
    assert EXAMPLES.keys() == KINDS.keys()
    for typ, claims in FULL.items():
        assert read_message(typ, claims).to_claims().keys() == claims.keys()


@pytest.mark.parametrize("typ", KINDS)
def test_what_is_read_is_given_back(typ: str) -> None:
    for claims in (FULL[typ], EXAMPLES[typ][1]):
        message = read_message(typ, claims)
        assert message.to_claims() == claims
        assert read_message(typ, message.to_claims()) == message


@pytest.mark.parametrize("typ", KINDS)
def test_reading_leaves_the_claims_as_they_are(typ: str) -> None:
    given_claims = copy.deepcopy(FULL[typ])
    read_message(typ, given_claims)
    assert given_claims == FULL[typ]


@pytest.mark.parametrize(("typ", "place", "_value"), FIELDS, ids=named)
def test_each_field_must_be_there(typ: str, place: Place, _value: object) -> None:
    claims = copy.deepcopy(FULL[typ])
    del parent(claims, place)[place[-1]]
    if place == ("clock",):
        assert read_message(typ, claims).to_claims() == claims
    else:
        refused(typ, claims)


@pytest.mark.parametrize(("typ", "place"), OBJECTS, ids=named)
@pytest.mark.parametrize("name", ["", "x_", "iat", "__class__", "\u0441lock"])
def test_no_other_field_may_be_there(typ: str, place: Place, name: str) -> None:
    claims = copy.deepcopy(FULL[typ])
    holder = parent(claims, (*place, name))
    holder[name] = 1
    refused(typ, claims)


@pytest.mark.parametrize(("typ", "place", "value"), PLACES, ids=named)
def test_each_field_must_be_of_its_type(typ: str, place: Place, value: object) -> None:
    for wrong in WRONG[type(value)]:
        claims = copy.deepcopy(FULL[typ])
        parent(claims, place)[place[-1]] = wrong
        if wrong == "\u4f50" and place[-1] in FREE_TEXT:
            assert read_message(typ, claims).to_claims() == claims
        else:
            refused(typ, claims)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=70) | st.sampled_from([HASH, "camera"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(PLACES), JSON)
def test_whatever_stands_there_is_refused_or_given_back(
    where: tuple[str, Place, object], value: Any
) -> None:
    typ, place, _ = where
    claims = copy.deepcopy(FULL[typ])
    parent(claims, place)[place[-1]] = value
    try:
        message = read_message(typ, claims)
    except PairingError as refusal:
        assert refusal.code == "claims_invalid"  # noqa: PT017  either outcome is right
    else:
        assert message.to_claims() == claims


@pytest.mark.parametrize("typ", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_no_kind_passes_for_another(typ: str, other: str) -> None:
    if typ != other:
        refused(typ, FULL[other])


# --- what goes beyond a field --------------------------------------------------------------------


def test_the_largest_release_is_a_record() -> None:
    heads = tuple(name_of(str(number)) for number in range(MAX_RELEASED))
    release = Release("s" * 64, 999, heads, 2**53 - 1)
    assert Release.from_claims(release.to_claims()) == release
    record = SERVER.record(Release.TYP, release.to_claims())
    assert verify(record, Release.TYP, SERVER_KEY) == release.to_claims()
    refused(Release.TYP, release.to_claims() | {"heads": [*heads, HASH]})


def test_the_manifest_of_two_thousand_interruptions_is_a_record() -> None:
    runs = tuple(
        ListedRun(MAX_RUN - number, 12, name_of(str(number)), MAX_SEGMENT) for number in range(MAX_RUNS)
    )
    manifest = Manifest("s" * 64, 999, 999, runs, HASH, 2**53 - 1)
    assert Manifest.from_claims(manifest.to_claims()) == manifest
    record = PHONE.record(Manifest.TYP, manifest.to_claims())
    assert verify(record, Manifest.TYP, key_of({**PHONE.public_jwk})) == manifest.to_claims()
    refused(Manifest.TYP, manifest.to_claims() | {"runs": [*runs, runs[0]]})


def test_a_record_speaks_of_its_sitting() -> None:
    require_own(SITTING, SITTING)
    with pytest.raises(PairingError, match="claims_invalid"):
        require_own(SITTING, SITTING + "2")


HEAD = Head.from_claims(EXAMPLES[Head.TYP][1])
SERVER_KEY = key_of({**SERVER.public_jwk})


def test_a_receipt_is_of_its_segment() -> None:
    receipt = Receipt.for_head(HEAD, HASH, AT_MS)
    assert receipt.to_claims() == RECEIPT
    assert check_receipt(SERVER.record(Receipt.TYP, RECEIPT), SERVER_KEY, HEAD, HASH) == receipt


@pytest.mark.parametrize("name", sorted(RECEIPT.keys() - {"stored_at_ms"}))
def test_a_receipt_of_another_segment_is_refused(name: str) -> None:
    other = {"sitting": "s_other", "head": OTHER_HASH, "sha256": HASH}.get(name, 17)
    record = SERVER.record(Receipt.TYP, RECEIPT | {name: other})
    with pytest.raises(PairingError, match="another segment"):
        check_receipt(record, SERVER_KEY, HEAD, HASH)


def test_a_receipt_by_anybody_else_is_refused() -> None:
    for signer in (OTHER_PHONE, replace(SERVER, label="another server")):
        with pytest.raises(PairingError, match="signature_invalid"):
            check_receipt(signer.record(Receipt.TYP, RECEIPT), SERVER_KEY, HEAD, HASH)


def test_a_claim_carries_a_key_and_a_binding_names_it() -> None:
    claim = Claim.from_claims(EXAMPLES[Claim.TYP][1])
    binding = Binding.from_claims(EXAMPLES[Binding.TYP][1])
    assert key_of({**claim.key}).thumbprint() == binding.key
