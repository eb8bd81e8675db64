"""The vectors as `tests/vectors/` holds them, and the product's kinds of records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from joserfc.jwk import ECKey, OKPKey

from pairing.jws import SigningKey
from pairing.manifest import Manifest
from pairing.messages import Acknowledgement, Binding, Claim, Head, Note, Release
from pairing.receipt import Receipt
from tests.vectors.make import path_of

KINDS = {kind.TYP: kind for kind in (Head, Note, Claim, Manifest, Binding, Acknowledgement, Receipt, Release)}


class Message(Protocol):
    """What every kind of record can do."""

    def to_claims(self) -> dict[str, object]: ...


def read_message(typ: str, claims: Mapping[str, object]) -> Message:
    """The record of kind `typ` that `claims` spell."""
    return KINDS[typ].from_claims(claims)


def load(name: str) -> Any:
    """The committed vectors of NAME.json."""
    return json.loads(path_of(name).read_text(encoding="utf-8"))


def key_of(jwk: dict[str, str | list[str]]) -> SigningKey:
    """The key in `jwk`, private or public."""
    return ECKey.import_key(jwk) if jwk["kty"] == "EC" else OKPKey.import_key(jwk)
