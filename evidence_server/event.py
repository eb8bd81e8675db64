"""Events: what a journal consists of, each chained to the one before by its hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pairing.encoding import sha256_b64u

GENESIS = sha256_b64u("evidence-journal")
"""The hash that a sitting's first event follows."""


@dataclass(frozen=True)
class Event:
    """One thing that happened: `body` is its JSON text, kept verbatim; `hash` chains it to `prev`."""

    sitting: str
    seq: int
    at_ms: int
    kind: str
    body: str
    prev: str

    @property
    def hash(self) -> str:
        """SHA-256 over the previous event's hash and every field of this one."""
        return sha256_b64u(
            "\n".join((self.prev, self.sitting, str(self.seq), str(self.at_ms), self.kind, self.body))
        )

    def fields(self) -> dict[str, Any]:
        """The body as a JSON object."""
        body: dict[str, Any] = json.loads(self.body)
        return body


@dataclass(frozen=True, slots=True)
class Name:
    """A row of the look-up projection: `kind` and `name` lead to a sitting and a part `of` it."""

    kind: str
    name: str
    sitting: str
    of: str


def dump(body: Mapping[str, object]) -> str:
    """An event's body as compact JSON."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
