"""A set of SHA-256 digests that takes forty-odd bytes each, where a set of their texts takes three hundred.

An hour's recording of eighty phones has a hundred thousand records whose hashes have to be known.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from pairing.encoding import b64u, from_b64u

SIZE = 32
_SLOTS = 8


class Digests:
    """Digests (as base64url), each once, numbered from 0 in the order in which they were added.

    Its first are those of `below`, as they are now.  Open addressing by Python's own keyed hash, so that
    nobody can choose digests that collide.
    """

    def __init__(self, below: Digests | None = None) -> None:
        self._below = below
        self._first = 0 if below is None else len(below)
        self._digests = bytearray()
        self._slots = array("I", bytes(4 * _SLOTS))  # a slot holds its digest's place here + 1; 0: none

    def __len__(self) -> int:
        return self._first + len(self._digests) // SIZE

    def __iter__(self) -> Iterator[str]:
        return (b64u(self.raw(number)) for number in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digests) and list(self) == list(other)

    def __contains__(self, digest: object) -> bool:
        return self.number(digest) is not None

    def number(self, digest: object) -> int | None:
        """The number of `digest`; None if it is not there, whatever it is."""
        if not isinstance(digest, str):
            return None
        try:
            raw = from_b64u(digest)
        except ValueError:
            return None
        return self._number(raw)

    def raw(self, number: int) -> bytes:
        """The 32 bytes of digest `number`."""
        if self._below is not None and number < self._first:
            return self._below.raw(number)
        at = (number - self._first) * SIZE
        return bytes(self._digests[at : at + SIZE])

    def add(self, digest: str) -> int:
        """Adds `digest`, if it is not there; gives its number.  Raises ValueError unless it is a digest."""
        raw = from_b64u(digest)
        if len(raw) != SIZE:
            raise ValueError("not a SHA-256 digest")
        number = self._number(raw)
        if number is not None:
            return number
        self._digests += raw
        here = len(self._digests) // SIZE
        if 3 * here > 2 * len(self._slots):
            self._grow()
        else:
            self._slots[self._slot(raw)] = here
        return self._first + here - 1

    def _number(self, raw: bytes) -> int | None:
        here = self._slots[self._slot(raw)]
        if here:
            return self._first + here - 1
        number = None if self._below is None else self._below._number(raw)
        return number if number is not None and number < self._first else None

    def _slot(self, raw: bytes) -> int:
        """The slot that `raw` is in, or belongs in."""
        last = len(self._slots) - 1
        slot = hash(raw) & last
        while (here := self._slots[slot]) and self._digests[(here - 1) * SIZE : here * SIZE] != raw:
            slot = slot + 1 & last
        return slot

    def _grow(self) -> None:
        self._slots = array("I", bytes(8 * len(self._slots)))
        for here in range(1, len(self._digests) // SIZE + 1):
            self._slots[self._slot(bytes(self._digests[(here - 1) * SIZE : here * SIZE]))] = here
