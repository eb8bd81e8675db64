"""What an offer shows: the link's ticket, the typed binding code, and the six digits both screens compare.

All three are pure functions of a secret, the time and public values (requirements E2, E3; design:
Offer, Claim, Confirm).  The ticket carries 128 bits of MAC and rotates every 30 s; the typed code is a
separate 40-bit secret of the same offer in Crockford's base 32 with his check symbol
(https://www.crockford.com/base32.html).
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import unicodedata
from dataclasses import dataclass

from pairing.encoding import b64u, from_b64u
from pairing.errors import PairingError

TICKET_SLOT_MS = 30_000
TICKET_VALID_MS = 180_000
CODE_SLOT_MS = 90_000
CODE_VALID_MS = 180_000
OFFER_BYTES = 12
NONCE_BYTES = 16

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# A table rather than str.upper, which makes two letters of ß and a 1 of Turkish ı.
_READ_AS = str.maketrans("abcdefghjkmnpqrstvwxyzOoIiLl", "ABCDEFGHJKMNPQRSTVWXYZ001111")
_CODE_LETTERS = 8


def _mac(secret: bytes, purpose: bytes, offer: bytes, number: int) -> bytes:
    return hmac.digest(secret, purpose + b"\x00" + offer + struct.pack(">Q", number), hashlib.sha256)


@dataclass(frozen=True)
class Ticket:
    """The parts of a link's ticket: which offer, which 30-second slot, and the MAC over both."""

    offer: bytes
    slot: int
    mac: bytes

    @classmethod
    def parse(cls, text: str) -> Ticket:
        """Raises PairingError("ticket_invalid")."""
        try:
            raw = from_b64u(text)
        except ValueError as error:
            raise PairingError("ticket_invalid", "not base64url") from error
        if len(raw) != OFFER_BYTES + 4 + 16:
            raise PairingError("ticket_invalid", "wrong length")
        return cls(raw[:OFFER_BYTES], int.from_bytes(raw[OFFER_BYTES : OFFER_BYTES + 4], "big"), raw[-16:])

    def check(self, secret: bytes, now_ms: int) -> None:
        """Raises PairingError: "ticket_invalid" for a wrong MAC, "offer_expired" when it is too old."""
        if not hmac.compare_digest(self.mac, _mac(secret, b"ticket", self.offer, self.slot)[:16]):
            raise PairingError("ticket_invalid", "the MAC does not match")
        age = now_ms - self.slot * TICKET_SLOT_MS
        if not -TICKET_SLOT_MS <= age < TICKET_VALID_MS:
            raise PairingError("offer_expired", "the ticket is too old")


def ticket(secret: bytes, offer: bytes, now_ms: int) -> str:
    """The ticket to show at `now_ms`: base64url of offer (12 bytes), slot (4), MAC (16)."""
    slot = now_ms // TICKET_SLOT_MS
    return b64u(offer + struct.pack(">I", slot) + _mac(secret, b"ticket", offer, slot)[:16])


def next_ticket_ms(now_ms: int) -> int:
    """When the ticket shown at `now_ms` gives way to the next."""
    return (now_ms // TICKET_SLOT_MS + 1) * TICKET_SLOT_MS


def typed_code(secret: bytes, offer: bytes, now_ms: int) -> str:
    """The binding code to show at `now_ms`: eight symbols and a check symbol, without separators."""
    return _code_of_slot(secret, offer, now_ms // CODE_SLOT_MS)


def valid_codes(secret: bytes, offer: bytes, now_ms: int) -> tuple[str, ...]:
    """The codes of `offer` that work at `now_ms`, newest first: shown 90 s, working 180 s."""
    slot = now_ms // CODE_SLOT_MS
    slots = range(slot, max(slot - CODE_VALID_MS // CODE_SLOT_MS, -1), -1)
    return tuple(_code_of_slot(secret, offer, number) for number in slots)


def next_code_ms(now_ms: int) -> int:
    """When the code shown at `now_ms` gives way to the next."""
    return (now_ms // CODE_SLOT_MS + 1) * CODE_SLOT_MS


def _code_of_slot(secret: bytes, offer: bytes, slot: int) -> str:
    # Crockford's check symbol may be one of *~$=U, which nobody should have to type: take the first
    # candidate whose check symbol is an ordinary one.
    for attempt in range(256):
        raw = _mac(secret, b"code" + bytes([attempt]), offer, slot)
        number = int.from_bytes(raw[:5], "big")
        if number % 37 < len(_ALPHABET):
            places = range(_CODE_LETTERS - 1, -1, -1)
            letters = "".join(_ALPHABET[number >> (5 * place) & 31] for place in places)
            return letters + _ALPHABET[number % 37]
    raise AssertionError("256 candidates without an ordinary check symbol")


def group_code(code: str) -> str:
    """A code as people read it: ABCD-EFGH-K."""
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def read_code(typed: str) -> str:
    """What somebody typed, in the form `typed_code` gives.

    Case, width (a Chinese keyboard's full-width letters, digits and hyphen; Unicode NFKC), spaces and
    hyphens do not matter; O reads as 0, I and L as 1.  Raises PairingError("code_mistyped") when the check
    symbol does not fit.
    """
    if len(typed) > 64:
        raise PairingError("code_mistyped", "too long")
    plain = unicodedata.normalize("NFKC", typed)
    code = "".join(plain.split()).replace("-", "").translate(_READ_AS)
    if len(code) != _CODE_LETTERS + 1 or any(symbol not in _ALPHABET for symbol in code):
        raise PairingError("code_mistyped", "not eight symbols and a check symbol")
    number = 0
    for symbol in code[:_CODE_LETTERS]:
        number = number * 32 + _ALPHABET.index(symbol)
    if _ALPHABET.index(code[-1]) != number % 37:
        raise PairingError("code_mistyped", "the check symbol does not fit")
    return code


def digits(secret: str, key: str, nonce: str) -> str:
    """The six digits of a claim: what was redeemed, by which key (thumbprint), with the server's nonce.

    The phone fixes its key before it learns the nonce, so nobody can look for a key that shows
    somebody else's digits.
    """
    text = f"evidence-digits\x00{secret}\x00{key}\x00{nonce}"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % 1_000_000
    return f"{number:06d}"
