"""Vectors of signed records: one of every kind, and each way that one must not be."""

from __future__ import annotations

import hashlib
import hmac
import string
from collections.abc import Iterator

from tests.vectors.claims import ALSO_VALID, EXAMPLES, INVALID, LINK, NOTE, Claims, changed
from tests.vectors.signing import OTHER_PHONE, PHONE, SERVER, SIGNERS, b64u, compact_json, from_b64u

TYP = "evidence-note+jws"
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
Vector = dict[str, object]


def _valid(name: str, typ: str, claims: Claims) -> Vector:
    signer = EXAMPLES[typ][0]
    record = SIGNERS[signer].record(typ, claims)
    return {
        "name": name, "typ": typ, "key": signer, "record": record, "outcome": "accepted", "claims": claims
    }


def _refused(name: str, record: str, code: str, typ: str = TYP, key: str = "phone") -> Vector:
    return {"name": name, "typ": typ, "key": key, "record": record, "outcome": code}


def _header(name: str, header: bytes | Claims, payload: bytes | None = None) -> Vector:
    """Signed by the phone, but the header is not as it must be."""
    written = header if isinstance(header, bytes) else compact_json(header)
    record = PHONE.compact(written, compact_json(NOTE) if payload is None else payload)
    return _refused(name, record, "signature_invalid")


def _headers() -> Iterator[Vector]:
    right: Claims = dict(PHONE.header(TYP))
    text = compact_json(right)
    yield _header("alg none over a good signature", right | {"alg": "none"})
    yield _header("alg of another signature", right | {"alg": "ES384"})
    yield _header("alg of the server's signature", right | {"alg": "Ed25519"})
    yield _header("alg in small letters", right | {"alg": "es256"})
    yield _header("alg is a list", right | {"alg": ["ES256"]})
    yield _header("alg missing", {name: right[name] for name in ("typ", "kid")})
    yield _header("typ of another kind", right | {"typ": "evidence-head+jws"})
    yield _header("typ with application/ before it", right | {"typ": f"application/{TYP}"})
    yield _header("typ in capitals", right | {"typ": TYP.upper()})
    yield _header("typ missing", {name: right[name] for name in ("alg", "kid")})
    yield _header("kid of another key over this key's signature", right | {"kid": OTHER_PHONE.kid})
    yield _header("kid is a number", right | {"kid": 1})
    yield _header("kid missing", {name: right[name] for name in ("alg", "typ")})
    yield _header("crit", right | {"crit": ["exp"]})
    yield _header("b64 false", right | {"b64": False, "crit": ["b64"]})
    yield _header("cty", right | {"cty": "json"})
    yield _header("a header member of our own", right | {"v": 1})
    yield _header("header is a list", b"[" + text + b"]")
    yield _header("header is no JSON", b"{")
    yield _header("a header name repeated", text[:-1] + b',"alg":"ES256"}')
    foreign = dict(OTHER_PHONE.header(TYP))
    embedded = OTHER_PHONE.compact(
        compact_json(foreign | {"jwk": OTHER_PHONE.public_jwk}), compact_json(NOTE)
    )
    yield _refused("signer's own key embedded as jwk", embedded, "signature_invalid")


def _signatures() -> Iterator[Vector]:
    record = PHONE.record(TYP, NOTE)
    signed, signature = record.rsplit(".", 1)
    raw = PHONE.signature(signed.encode())

    def resigned(name: str, other: bytes) -> Vector:
        return _refused(name, f"{signed}.{b64u(other)}", "signature_invalid")

    unsigned = b64u(compact_json(PHONE.header(TYP) | {"alg": "none"})) + "." + b64u(compact_json(NOTE)) + "."
    yield _refused("alg none, not signed", unsigned, "signature_invalid")
    symmetric = b64u(compact_json(PHONE.header(TYP) | {"alg": "HS256"})) + "." + b64u(compact_json(NOTE))
    mac = hmac.digest(compact_json(PHONE.public_jwk), symmetric.encode(), hashlib.sha256)
    yield _refused("HS256 with the public key as secret", f"{symmetric}.{b64u(mac)}", "signature_invalid")
    yield resigned("one bit of the signature flipped", raw[:-1] + bytes([raw[-1] ^ 1]))
    yield resigned("signature empty", b"")
    yield resigned("signature a byte short", raw[:-1])
    yield resigned("signature a byte long", raw + b"\0")
    yield resigned("signature of zeros", bytes(64))
    yield resigned("r and s exchanged", raw[32:] + raw[:32])
    yield resigned("n - s for s, which holds as well", PHONE.high_signature(signed.encode()))
    yield resigned("DER signature", PHONE.der_signature(signed.encode()))
    yield resigned("signature of another record", PHONE.signature(signed.encode() + b"."))
    yield _refused("another key's record", OTHER_PHONE.record(TYP, NOTE), "signature_invalid")
    yield _refused(
        "this key's header over another key's signature",
        f"{signed}.{b64u(OTHER_PHONE.signature(signed.encode()))}", "signature_invalid",
    )
    other_payload = b64u(compact_json(NOTE | {"cause": "battery"}))
    yield _refused(
        "payload exchanged", f"{signed.split('.')[0]}.{other_payload}.{signature}", "signature_invalid"
    )
    yield _refused("a note for a head", record, "signature_invalid", typ="evidence-head+jws")
    yield from _of_the_server()


def _of_the_server() -> Iterator[Vector]:
    typ = "evidence-receipt+jws"
    claims = EXAMPLES[typ][1]
    signed, _ = SERVER.record(typ, claims).rsplit(".", 1)
    raw = SERVER.signature(signed.encode())

    def refused(name: str, record: str) -> Vector:
        return _refused(name, record, "signature_invalid", typ, "server")

    yield refused("receipt signed by the phone", PHONE.record(typ, claims))
    yield refused("receipt with a flipped bit", f"{signed}.{b64u(bytes([raw[0] ^ 1]) + raw[1:])}")
    general = SERVER.compact(compact_json(SERVER.header(typ) | {"alg": "EdDSA"}), compact_json(claims))
    yield refused("alg EdDSA for Ed25519", general)
    release = SERVER.record("evidence-release+jws", EXAMPLES["evidence-release+jws"][1])
    yield refused("a release for a receipt", release)


def _spellings() -> Iterator[Vector]:
    record = PHONE.record(TYP, NOTE)
    header, payload, signature = record.split(".")
    # 64 bytes are 86 characters, the last of which carries four bits that mean nothing.
    spare = signature[:-1] + ALPHABET[ALPHABET.index(signature[-1]) ^ 1]
    spellings = {
        "second spelling of the signature": f"{header}.{payload}.{spare}",
        "padding": f"{record}==",
        "line end behind": f"{record}\n",
        "space before": f" {record}",
        "line end inside": f"{header}.{payload[:9]}\n{payload[9:]}.{signature}",
        "a character that is no base64url": f"{header}.{payload}.{signature[:-2]}+{signature[-1]}",
        "a letter beyond ASCII": f"{header}.{payload}.{signature[:-1]}\u0410",
        "payload only": payload,
        "two parts": f"{header}.{payload}",
        "four parts": f"{record}.",
        "five parts, as of an encrypted token": f"{record}.{header}.{payload}",
        "JSON serialisation": compact_json(
            {"protected": header, "payload": payload, "signature": signature}
        ).decode(),
        "empty": "",
    }
    for name, spelling in spellings.items():
        yield _refused(name, spelling, "signature_invalid")


def _payloads() -> Iterator[Vector]:
    text = compact_json(NOTE)
    payloads = {
        "payload is a list": b"[" + text + b"]",
        "payload is a text": b'"{}"',
        "payload is null": b"null",
        "payload is empty": b"",
        "payload is cut": text[:-1],
        "something behind the payload": text + b"{}",
        "byte order mark": b"\xef\xbb\xbf" + text,
        "not UTF-8": text.replace(b"call", b"\xe9"),
        "not UTF-8: an overlong slash": text.replace(b"call", b"\xc0\xaf"),
        "line end inside a text": text.replace(b"call", b"call\n"),
        "comma behind the last": text[:-1] + b",}",
        "single quotes": text.replace(b'"call"', b"'call'"),
        "comment": text[:-1] + b"/**/}",
        "a name repeated with the same value": text[:-1] + b',"cause":"call"}',
        "a name repeated with another value": text[:-1] + b',"cause":"none"}',
        "a name repeated in other letters": text[:-1] + b',"c\\u0061use":"none"}',
        "float": text.replace(b'"run":1,', b'"run":1.0,'),
        "exponent": text.replace(b'"run":1,', b'"run":1e0,'),
        "integer of 54 bits": text.replace(b'"run":1,', b'"run":9007199254740992,'),
        "negative integer of 54 bits": text.replace(b'"run":1,', b'"run":-9007199254740992,'),
        "integer of 400 digits": text.replace(b'"run":1,', b'"run":1' + b"0" * 399 + b","),
        "zero before an integer": text.replace(b'"run":1,', b'"run":01,'),
        "NaN": text.replace(b'"run":1,', b'"run":NaN,'),
        "infinity": text.replace(b'"run":1,', b'"run":-Infinity,'),
        "half of a surrogate pair": text[:-1] + b',"client":"\\ud83d"}',
        "halves of a surrogate pair exchanged": text[:-1] + b',"client":"\\udcf1\\ud83d"}',
    }
    for name, payload in payloads.items():
        yield _refused(name, PHONE.compact(compact_json(PHONE.header(TYP)), payload), "claims_invalid")
    nested = compact_json(LINK | {"clock": {}, "note": "stop", "cause": "none", "mono_ms": 0, "wall_ms": 0})
    sample = b'{"server_ms":1,"mono_ms":1,"wall_ms":1,"rtt_ms":1,"rtt_ms":1}'
    repeated = PHONE.compact(compact_json(PHONE.header(TYP)), nested.replace(b"{}", sample))
    yield _refused("a name repeated deeper inside", repeated, "claims_invalid")


def _spaced() -> Vector:
    """Nothing is canonicalised: spaces, escapes and another order of names are the signer's business."""
    order = dict(reversed(NOTE.items()))
    payload = compact_json(order).replace(b",", b" ,\r\n\t").replace(b'"cause"', b'"c\\u0061use"')
    header = compact_json(dict(reversed(PHONE.header(TYP).items()))).replace(b":", b" : ")
    return {
        "name": "spaces, escapes, another order", "typ": TYP, "key": "phone",
        "record": PHONE.compact(header, payload), "outcome": "accepted", "claims": order,
    }


def _phone_keys() -> list[Vector]:
    jwk = PHONE.public_jwk
    x, y = jwk["x"], jwk["y"]
    spare = ALPHABET[ALPHABET.index(x[-1]) ^ 1]  # the last of 43 has two bits to spare
    refused: dict[str, dict[str, str]] = {
        "private key": PHONE.private_jwk,
        "a member of our own": jwk | {"kid": PHONE.kid},
        "without y": {"kty": "EC", "crv": "P-256", "x": x},
        "another curve": jwk | {"crv": "P-384"},
        "another kind": jwk | {"kty": "OKP"},
        "a zero before x: the same point with another thumbprint": jwk | {"x": b64u(b"\0" + from_b64u(x))},
        "second spelling of x": jwk | {"x": x[:-1] + spare},
        "padded x": jwk | {"x": x + "="},
        "x a byte short": jwk | {"x": b64u(from_b64u(x)[:-1])},
        "x empty": jwk | {"x": ""},
        "x and y exchanged: no point of the curve": jwk | {"x": y, "y": x},
        "zero": jwk | {"x": b64u(bytes(32)), "y": b64u(bytes(32))},
    }
    valid: Vector = {"name": "public P-256 key", "jwk": jwk, "outcome": "accepted", "thumbprint": PHONE.kid}
    invalid: list[Vector] = [
        {"name": name, "jwk": key, "outcome": "claims_invalid"} for name, key in refused.items()
    ]
    return [valid, *invalid]


def make() -> dict[str, object]:
    """The content of records.json."""
    valid = [_valid(typ, typ, claims) for typ, (_, claims) in EXAMPLES.items()]
    valid += [_valid(name, typ, changed(typ, changes)) for name, (typ, changes) in ALSO_VALID.items()]
    invalid = [
        _refused(name, SIGNERS[EXAMPLES[typ][0]].record(typ, changed(typ, changes)), "claims_invalid",
                 typ, EXAMPLES[typ][0])
        for name, (typ, changes) in INVALID.items()
    ]  # fmt: skip
    return {
        "keys": {name: signer.private_jwk for name, signer in SIGNERS.items()},
        "thumbprints": {name: signer.kid for name, signer in SIGNERS.items()},
        "phone_keys": _phone_keys(),
        "records": [
            *valid, _spaced(), *_headers(), *_signatures(), *_spellings(), *_payloads(), *invalid
        ],
    }
