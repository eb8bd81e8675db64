"""Records that are not what they say, through HTTP: each kind, where the server takes it in.

What a single fault is refused with is in the vectors, for both implementations; here it is seen that no
route takes a record by another way, and that a refused one changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from pairing.jws import read_unverified, record_hash, sign, verify
from pairing.manifest import ListedRun, Manifest
from pairing.messages import Binding, Claim, Head
from tests.bad_input.hosted import Candidate, Hosted
from tests.pairing.vectors import key_of
from tests.vectors.signing import OTHER_PHONE, PHONE, b64u, compact_json, from_b64u

pytestmark = pytest.mark.asyncio(loop_scope="module")

Claims = Mapping[str, object]
Forge = Callable[[str, Claims], str]
CONTENT = b"not media, and nobody looks"


def header(of_kind: str, /, **changes: object) -> bytes:
    return compact_json({k: v for k, v in (PHONE.header(of_kind) | changes).items() if v is not None})


def with_header(**changes: object) -> Forge:
    """Properly signed below a header that is not the right one."""
    return lambda typ, claims: PHONE.compact(header(typ, **changes), compact_json(claims))


def with_payload(change: Callable[[bytes], bytes]) -> Forge:
    """Properly signed over another spelling of the claims."""
    return lambda typ, claims: PHONE.compact(header(typ), change(compact_json(claims)))


def with_signature(change: Callable[[bytes, bytes], bytes]) -> Forge:
    """Another signature, made of the right one and what is signed."""
    def forge(typ: str, claims: Claims) -> str:
        signed, _, signature = PHONE.record(typ, claims).rpartition(".")
        return f"{signed}.{b64u(change(from_b64u(signature), signed.encode()))}"

    return forge


def with_text(change: Callable[[str], str]) -> Forge:
    """The right record, spelled otherwise."""
    return lambda typ, claims: change(PHONE.record(typ, claims))


def unsigned(typ: str, claims: Claims) -> str:
    return f"{b64u(header(typ, alg='none'))}.{b64u(compact_json(claims))}."


def hs256_with_the_public_key(typ: str, claims: Claims) -> str:
    signed = f"{b64u(header(typ, alg='HS256'))}.{b64u(compact_json(claims))}"
    mac = hmac.digest(compact_json(PHONE.public_jwk), signed.encode(), hashlib.sha256)
    return f"{signed}.{b64u(mac)}"


def other_spelling(record: str) -> str:
    """The last character of a signature of 64 bytes carries two bits that nobody reads."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return record[:-1] + letters[letters.index(record[-1]) + 1]


def repeated_name(payload: bytes) -> bytes:
    first: str = next(iter(json.loads(payload)))
    return b'{"' + first.encode() + b'":0,' + payload[1:]


FORGED: Mapping[str, tuple[Forge, str]] = {
    "alg none, unsigned": (unsigned, "signature_invalid"),
    "alg none, signed": (with_header(alg="none"), "signature_invalid"),
    "HS256 with the public key": (hs256_with_the_public_key, "signature_invalid"),
    "alg of a longer hash": (with_header(alg="ES512"), "signature_invalid"),
    "alg of the server": (with_header(alg="Ed25519"), "signature_invalid"),
    "typ of another kind": (with_header(typ="evidence-receipt+jws"), "signature_invalid"),
    "typ missing": (with_header(typ=None), "signature_invalid"),
    "typ as plain JWT": (with_header(typ="JWT"), "signature_invalid"),
    "kid of another phone": (with_header(kid=OTHER_PHONE.kid), "signature_invalid"),
    "kid as a path": (with_header(kid="../../keys/api.key"), "signature_invalid"),
    "kid missing": (with_header(kid=None), "signature_invalid"),
    "crit": (with_header(crit=["exp"]), "signature_invalid"),
    "unknown header member": (with_header(note="x"), "signature_invalid"),
    "the forger's own key in the header": (with_header(jwk=OTHER_PHONE.public_jwk), "signature_invalid"),
    "an address of keys": (with_header(jku="https://forger.example/keys"), "signature_invalid"),
    "signed by another phone": (
        lambda typ, claims: OTHER_PHONE.compact(header(typ), compact_json(claims)), "signature_invalid",
    ),
    "another phone's record": (OTHER_PHONE.record, "signature_invalid"),
    "one bit of the signature": (
        with_signature(lambda right, _: bytes([right[0] ^ 1]) + right[1:]), "signature_invalid",
    ),
    "the other signature that holds": (
        with_signature(lambda _, signed: PHONE.high_signature(signed)), "signature_invalid",
    ),
    "DER signature": (with_signature(lambda _, signed: PHONE.der_signature(signed)), "signature_invalid"),
    "signature of zeros": (with_signature(lambda _, __: bytes(64)), "signature_invalid"),
    "a byte behind the signature": (with_signature(lambda right, _: right + b"\0"), "signature_invalid"),
    "second spelling of the signature": (with_text(other_spelling), "signature_invalid"),
    "padding": (with_text(lambda record: record + "=="), "signature_invalid"),
    "line end behind": (with_text(lambda record: record + "\n"), "signature_invalid"),
    "a fourth part": (with_text(lambda record: record + ".x"), "signature_invalid"),
    "name repeated in the claims": (with_payload(repeated_name), "claims_invalid"),
    "unknown claim": (with_payload(lambda payload: payload[:-1] + b',"more":1}'), "claims_invalid"),
    "float": (with_payload(lambda payload: payload[:-1] + b',"more":1.5}'), "claims_invalid"),
    "something behind the claims": (with_payload(lambda payload: payload + b"{}"), "claims_invalid"),
    "claims are a list": (with_payload(lambda payload: b"[" + payload + b"]"), "claims_invalid"),
}


@dataclass(frozen=True)
class Sent:
    """Where a kind of record is taken in, and a right one."""

    path: str
    body: Callable[[str], Any]
    typ: str
    claims: Claims


@pytest_asyncio.fixture(loop_scope="module")
async def phone(server: Hosted) -> Candidate:
    """A bound phone whose key the forger's tools know."""
    candidate = Candidate(server, (await server.create())["sitting_id"])
    candidate.key = key_of({**PHONE.private_jwk})
    return await candidate.bind()


async def sendable(phone: Candidate, kind: str) -> Sent:
    """A record of this kind that would be taken."""
    server = phone.server
    now = server.clock()
    if kind == "claim":
        other = (await server.create())["sitting_id"]
        ticket = (await server.offer(other))["link"].partition("#t=")[2]
        claims, _ = read_unverified(phone.claim(ticket), Claim.TYP)
        return Sent("/v1/claims", lambda record: {"claim": record}, Claim.TYP, claims)
    if kind == "head":
        claims, _ = read_unverified(phone.head(CONTENT, now, now + 4_000), Head.TYP)
        return Sent("/v1/entries", lambda record: {"entries": [record]}, Head.TYP, claims)
    await phone.commit(phone.head(CONTENT, now, now + 4_000), len(CONTENT))
    runs = (ListedRun(1, 1, phone.newest, len(CONTENT)),)
    manifest = Manifest(phone.sitting, 1, 1, runs, phone.binding, now)
    return Sent("/v1/manifests", lambda record: {"manifest": record}, Manifest.TYP, manifest.to_claims())


@pytest.mark.parametrize("kind", ["claim", "head", "manifest"])
async def test_no_forged_record_is_taken(phone: Candidate, kind: str) -> None:
    sent = await sendable(phone, kind)
    before = await phone.server.ask("GET", "/v1/binding", token=phone.bearer)
    for name, (forge, code) in FORGED.items():
        record = forge(sent.typ, sent.claims)
        refused = await phone.server.refused("POST", sent.path, sent.body(record), phone.bearer)
        assert (refused.status, refused.code) == (422, code), name
    assert await phone.server.ask("GET", "/v1/binding", token=phone.bearer) == before
    honest = sent.body(PHONE.record(sent.typ, sent.claims))
    await phone.server.ask("POST", sent.path, honest, phone.bearer)


async def test_a_record_of_one_sitting_is_none_of_another(phone: Candidate) -> None:
    """The same phone in two sittings, and a stranger who replays what he saw."""
    server, now = phone.server, phone.server.clock()
    record = phone.head(CONTENT, now, now + 4_000)
    twin = Candidate(server, (await server.create())["sitting_id"])
    twin.key = phone.key
    stranger = await Candidate(server, (await server.create())["sitting_id"]).bind()
    for replayer, code in ((await twin.bind(), "claims_invalid"), (stranger, "signature_invalid")):
        refused = await server.refused("POST", "/v1/entries", {"entries": [record]}, replayer.bearer)
        assert (refused.status, refused.code) == (422, code)
    await phone.commit(record, len(CONTENT))


async def test_a_binding_made_up_by_the_phone_binds_nothing(phone: Candidate) -> None:
    """`seen` and `prev` are only hashes: one that the server never signed leads nowhere."""
    server, now = phone.server, phone.server.clock()
    reads = await server.ask("GET", "/v1/binding", token=phone.bearer)
    binding = Binding.from_claims(verify(reads["binding"], Binding.TYP, key_of(await only_key(server))))
    made_up = sign(phone.key, Binding.TYP, replace(binding, generation=2).to_claims())
    record = phone.head(CONTENT, now, now + 4_000, generation=2, prev=record_hash(made_up))
    refused = await server.refused("POST", "/v1/entries", {"entries": [record]}, phone.bearer)
    assert refused.code == "claims_invalid"
    record = phone.head(CONTENT, now, now + 4_000, prev=record_hash(made_up))
    refused = await server.refused("POST", "/v1/entries", {"entries": [record]}, phone.bearer)
    assert (refused.status, refused.code) == (409, "chain_broken")


async def only_key(server: Hosted) -> dict[str, Any]:
    (key,) = (await server.ask("GET", "/.well-known/jwks.json"))["keys"]
    return {name: key[name] for name in ("kty", "crv", "x")}


async def test_a_replaced_phone_is_heard_out_and_then_refused(phone: Candidate) -> None:
    """What its key signs of a time after another phone took over is the revoked generation's."""
    server, start = phone.server, phone.server.clock()
    await phone.commit(phone.head(CONTENT, start, start + 4_000), len(CONTENT))
    server.clock.to(60)
    where = f"/v1/sittings/{phone.sitting}"
    await server.ask("POST", f"{where}/rebind", {"reason": "its battery is empty"})
    new = Candidate(server, phone.sitting)
    await new.bind()
    assert (await server.ask("GET", "/v1/binding", token=phone.bearer))["stage"] == "replaced"

    of_before = phone.head(CONTENT, start + 4_000, start + 8_000)
    await phone.commit(of_before, len(CONTENT))
    server.clock.to(120)
    of_after = phone.head(CONTENT, server.clock() - 4_000, server.clock())
    refused = await server.refused("POST", "/v1/entries", {"entries": [of_after]}, phone.bearer)
    assert (refused.status, refused.code) == (403, "binding_replaced")
    assert (refused.told["run"], refused.told["seq"]) == (1, 2)

    as_the_new = phone.head(CONTENT, server.clock() - 4_000, server.clock(), generation=2)
    for bearer, code in ((phone.bearer, "claims_invalid"), (new.bearer, "signature_invalid")):
        refused = await server.refused("POST", "/v1/entries", {"entries": [as_the_new]}, bearer)
        assert refused.code == code
