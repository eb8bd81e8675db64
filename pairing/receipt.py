"""Receipts: the server's word that a segment's bytes are durable ("stored").

A candidate keeps them; with the server's public key anybody can check offline that the server had
exactly these bytes at that time (requirements E9, E10).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pairing.claims import ClaimsReader
from pairing.errors import PairingError
from pairing.jws import SigningKey, verify
from pairing.messages import MAX_RUN, MAX_SEGMENT, MAX_SEQ, Head


@dataclass(frozen=True)
class Receipt:
    """`head` names the segment's head record, `sha256` and `length` its bytes."""

    TYP: ClassVar[str] = "evidence-receipt+jws"

    sitting: str
    generation: int
    run: int
    seq: int
    head: str
    sha256: str
    length: int
    stored_at_ms: int

    @classmethod
    def for_head(cls, head: Head, head_hash: str, stored_at_ms: int) -> Receipt:
        """The receipt of a segment that became durable at `stored_at_ms`."""
        link = head.link
        return cls(
            link.sitting, link.generation, link.run, link.seq, head_hash, head.sha256, head.length,
            stored_at_ms,
        )

    @classmethod
    def from_claims(cls, claims: Mapping[str, object]) -> Receipt:
        """Raises PairingError("claims_invalid")."""
        reader = ClaimsReader(claims)
        receipt = cls(
            reader.identifier("sitting"), reader.integer("generation", 1, 999),
            reader.integer("run", 1, MAX_RUN), reader.integer("seq", 0, MAX_SEQ), reader.hash("head"),
            reader.hash("sha256"), reader.integer("length", 1, MAX_SEGMENT), reader.integer("stored_at_ms"),
        )
        reader.done()
        return receipt

    def to_claims(self) -> dict[str, object]:
        """The inverse of `from_claims`."""
        return {
            "sitting": self.sitting, "generation": self.generation, "run": self.run, "seq": self.seq,
            "head": self.head, "sha256": self.sha256, "length": self.length,
            "stored_at_ms": self.stored_at_ms,
        }


def check_receipt(record: str, server_key: SigningKey, head: Head, head_hash: str) -> Receipt:
    """The receipt in `record`, if the server signed it and it speaks of this head.

    Raises PairingError: signature_invalid, claims_invalid.
    """
    receipt = Receipt.from_claims(verify(record, Receipt.TYP, server_key))
    if receipt != Receipt.for_head(head, head_hash, receipt.stored_at_ms):
        raise PairingError("claims_invalid", "the receipt speaks of another segment")
    return receipt
