"""Test keys and a signer that signs whatever it is told, well-formed or not.

It knows nothing of `pairing`: a fault in the product's signer must not end up in the vectors.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64u(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_b64u(text: str) -> bytes:
    """The bytes behind base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact_json(value: object) -> bytes:
    """JSON as the project's own signers write it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def name_of(record: str | bytes) -> str:
    """The hash that names a record, a journal event or a segment."""
    return b64u(hashlib.sha256(record.encode() if isinstance(record, str) else record).digest())


@dataclass(frozen=True)
class Signer:
    """A key made from its label, hence no secret: never use one outside tests."""

    label: str
    alg: str

    @property
    def _seed(self) -> bytes:
        return hashlib.sha256(f"evidence camera, test-only key: {self.label}".encode()).digest()

    @property
    def _point_key(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self._seed, "big"), ec.SECP256R1())

    @property
    def public_jwk(self) -> dict[str, str]:
        """Just the members of the RFC 7638 thumbprint, in its order."""
        if self.alg == "Ed25519":
            raw = ed25519.Ed25519PrivateKey.from_private_bytes(self._seed).public_key().public_bytes_raw()
            return {"crv": "Ed25519", "kty": "OKP", "x": b64u(raw)}
        point = self._point_key.public_key().public_numbers()
        x, y = (b64u(number.to_bytes(32, "big")) for number in (point.x, point.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}

    @property
    def private_jwk(self) -> dict[str, str]:
        """With `d`, so that other implementations can sign with it too."""
        return self.public_jwk | {"d": b64u(self._seed)}

    @property
    def kid(self) -> str:
        """The RFC 7638 thumbprint."""
        return name_of(compact_json(self.public_jwk))

    def signature(self, signed: bytes) -> bytes:
        """Raw r‖s for ES256 (deterministic, RFC 6979; the smaller s), 64 bytes for Ed25519."""
        if self.alg == "Ed25519":
            return ed25519.Ed25519PrivateKey.from_private_bytes(self._seed).sign(signed)
        r, s = self._scalars(signed)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def high_signature(self, signed: bytes) -> bytes:
        """The other ES256 signature that holds: that with the greater s."""
        r, s = self._scalars(signed)
        return r.to_bytes(32, "big") + (P256_ORDER - s).to_bytes(32, "big")

    def der_signature(self, signed: bytes) -> bytes:
        """The ES256 signature as X.509 and OpenSSL write it, which JWS does not."""
        return encode_dss_signature(*self._scalars(signed))

    def _scalars(self, signed: bytes) -> tuple[int, int]:
        der = self._point_key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(der)
        return r, min(s, P256_ORDER - s)

    def header(self, typ: str) -> dict[str, str]:
        """The one right header."""
        return {"alg": self.alg, "typ": typ, "kid": self.kid}

    def record(self, typ: str, claims: Mapping[str, object]) -> str:
        """A well-formed record."""
        return self.compact(compact_json(self.header(typ)), compact_json(claims))

    def compact(self, header: bytes, payload: bytes) -> str:
        """A compact JWS of any two texts, properly signed."""
        signed = f"{b64u(header)}.{b64u(payload)}"
        return f"{signed}.{b64u(self.signature(signed.encode()))}"


PHONE = Signer("phone", "ES256")
OTHER_PHONE = Signer("other phone", "ES256")
SERVER = Signer("server", "Ed25519")
SIGNERS = {"phone": PHONE, "other_phone": OTHER_PHONE, "server": SERVER}
