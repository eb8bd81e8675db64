"""Signed records: compact JWS (RFC 7515), stored and hashed exactly as received.

The phone signs with ES256 (P-256, raw r‖s, the smaller s), the server with Ed25519 (RFC 9864).  Every
kind of record has its own `typ`, so that none can pass for another.  The header is exactly {alg, kid, typ};
`kid` is the signer's RFC 7638 thumbprint.  The payload is a JSON object whose numbers are integers of at
most 53 bits: no value can be read differently by Python and JavaScript.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from pairing.encoding import b64u, from_b64u, sha256_b64u
from pairing.errors import PairingError

PHONE_ALG = "ES256"
SERVER_ALG = "Ed25519"
MAX_RECORD = 256 * 1024
"""Longest record in characters: a release that names every segment of an eight-hour sitting fits."""
MAX_INTEGER = 2**53 - 1
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SP 800-186, §3.2.1.3
_SCALAR_BYTES = 32

SigningKey = ECKey | OKPKey


def new_phone_key() -> ECKey:
    """A fresh P-256 key pair (the randomness is the crypto library's)."""
    return ECKey.generate_key("P-256")


def new_server_key() -> OKPKey:
    """A fresh Ed25519 key pair."""
    return OKPKey.generate_key("Ed25519")


def phone_key(jwk: Mapping[str, object]) -> ECKey:
    """The P-256 public key in `jwk`, which must have just kty, crv, x and y.

    Raises PairingError("claims_invalid"): also for a private key, which must never travel.
    """
    if set(jwk) != {"kty", "crv", "x", "y"} or jwk["kty"] != "EC" or jwk["crv"] != "P-256":
        raise PairingError("claims_invalid", "the key must be a public P-256 JWK")
    try:
        if any(len(from_b64u(str(jwk[name]))) != 32 for name in ("x", "y")):
            # RFC 7518 §6.2.1.2; with a zero in front the same point would have a second thumbprint.
            raise ValueError("a coordinate has 32 bytes")
        key = ECKey.import_key({name: str(value) for name, value in jwk.items()})
        key.check_key_op("verify")
        key.public_key  # noqa: B018  builds the point, which refuses one that is not on the curve
    except (JoseError, ValueError, TypeError) as error:
        raise PairingError("claims_invalid", "the key is not a point on P-256") from error
    return key


def public_jwk(key: SigningKey) -> dict[str, str]:
    """The public half of `key`, in the members that its thumbprint is made of."""
    members = ("crv", "kty", "x", "y") if isinstance(key, ECKey) else ("crv", "kty", "x")
    full = key.as_dict(private=False)
    return {name: str(full[name]) for name in members}


def thumbprint(key: SigningKey) -> str:
    """RFC 7638 thumbprint (SHA-256, base64url): how the protocol names a key."""
    return key.thumbprint()


def record_hash(record: str) -> str:
    """The name of a record: SHA-256 over its ASCII text, base64url."""
    return sha256_b64u(record)


def sign(key: SigningKey, typ: str, claims: Mapping[str, object]) -> str:
    """`claims` as a compact JWS of kind `typ`."""
    alg = _alg_of(key)
    payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    record = jws.serialize_compact(
        {"alg": alg, "typ": typ, "kid": thumbprint(key)}, payload, key, algorithms=[alg]
    )
    return _with_low_s(record) if alg == PHONE_ALG else record


def verify(record: str, typ: str, key: SigningKey) -> dict[str, object]:
    """The claims of `record` if `key` signed it as a `typ`.

    Of the two ES256 signatures that hold for a text, (r, s) and (r, n - s), only the one with the smaller s
    makes a record: without the key, whoever sees a record could else make a second one with another hash.

    Raises PairingError("signature_invalid") or, for a payload that is no strict JSON object,
    PairingError("claims_invalid").
    """
    header, payload, signature = _parts(record)
    claims, kid = _claims(header, payload, typ)
    if kid != thumbprint(key):
        raise PairingError("signature_invalid", "signed by another key")
    if header["alg"] != _alg_of(key):
        raise PairingError("signature_invalid", "alg is not that of the key")
    if not signature_holds(record.rpartition(".")[0].encode(), signature, key):
        raise PairingError("signature_invalid", "the signature does not match, or s is not the smaller one")
    return claims


def signature_holds(signed: bytes, signature: bytes, key: SigningKey) -> bool:
    """Whether `signature` is `key`'s over `signed`: ES256 with the smaller s, or Ed25519."""
    alg = _alg_of(key)
    if alg == PHONE_ALG and _s(signature) > _P256_ORDER // 2:
        return False
    try:
        return jws.JWSRegistry(algorithms=[alg]).get_alg(alg).verify(signed, signature, key)
    except (JoseError, ValueError):
        return False


def _alg_of(key: SigningKey) -> str:
    return PHONE_ALG if isinstance(key, ECKey) else SERVER_ALG


def _s(signature: bytes) -> int:
    """The second of the two numbers that an ES256 signature is made of."""
    return int.from_bytes(signature[_SCALAR_BYTES:], "big")


def _with_low_s(record: str) -> str:
    signed, _, text = record.rpartition(".")
    signature = from_b64u(text)
    low = min(_s(signature), _P256_ORDER - _s(signature))
    return f"{signed}.{b64u(signature[:_SCALAR_BYTES] + low.to_bytes(_SCALAR_BYTES, 'big'))}"


def read_unverified(record: str, typ: str) -> tuple[dict[str, object], str]:
    """The claims of `record` and the `kid` it names, with the form checked but not the signature.

    Only for finding the key to verify with.
    """
    header, payload, _ = _parts(record)
    return _claims(header, payload, typ)


def read_header(record: str) -> dict[str, object]:
    """The header of `record`, whatever it holds.

    Raises PairingError: "too_large"; "signature_invalid" unless `record` is a compact JWS.
    """
    return _parts(record)[0]


def _parts(record: str) -> tuple[dict[str, object], bytes, bytes]:
    """Header, payload and signature of a compact JWS; raises what `read_header` does."""
    if len(record) > MAX_RECORD:
        raise PairingError("too_large", "the record is too long")
    parts = record.split(".")
    if len(parts) != 3:
        raise PairingError("signature_invalid", "not a compact JWS")
    try:
        header, payload, signature = (from_b64u(part) for part in parts)
        return strict_object(header), payload, signature
    except (ValueError, PairingError) as error:
        raise PairingError("signature_invalid", "not a compact JWS") from error


def _claims(header: Mapping[str, object], payload: bytes, typ: str) -> tuple[dict[str, object], str]:
    """The claims and `kid` of a record of kind `typ`."""
    if set(header) != {"alg", "typ", "kid"} or header["typ"] != typ:
        raise PairingError("signature_invalid", f"the header is not that of {typ}")
    return strict_object(payload), str(header["kid"])


def strict_object(text: bytes) -> dict[str, object]:
    """A JSON object without repeated names, floats, integers beyond 53 bits or halves of surrogate pairs.

    Raises PairingError("claims_invalid").
    """
    try:
        value = json.loads(
            text.decode(), object_pairs_hook=_unrepeated, parse_float=_no_float,
            parse_constant=_no_float, parse_int=_small_int,
        )
        if b"\\u" in text:  # only an escape can spell half a surrogate pair, which no UTF-8 can carry on
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise PairingError("claims_invalid", f"not strict JSON: {error}") from error
    if not isinstance(value, dict):
        raise PairingError("claims_invalid", "not a JSON object")
    return value


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is repeated")
    return found


def _no_float(_: str) -> NoReturn:
    raise ValueError("numbers must be integers")


def _small_int(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise ValueError("an integer is beyond 53 bits")
    return int(digits)
