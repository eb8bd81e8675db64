"""Reading the claims of a signed record field by field, refusing everything unexpected."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pairing.errors import PairingError
from pairing.jws import MAX_INTEGER

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_HASH = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z")  # 256 bits are 43 characters less two bits


def is_identifier(text: object) -> bool:
    """Whether `text` can name a sitting: 1 to 64 of A-Z a-z 0-9 _ -."""
    return isinstance(text, str) and _ID.match(text) is not None


class ClaimsReader:
    """Takes fields out of a JSON object one by one; `done` refuses what is left over.

    Every method raises PairingError("claims_invalid") naming the field.
    """

    def __init__(self, claims: Mapping[str, object]) -> None:
        self._left = dict(claims)

    def _take(self, name: str) -> object:
        if name not in self._left:
            raise PairingError("claims_invalid", f"{name} is missing")
        return self._left.pop(name)

    def has(self, name: str) -> bool:
        """Whether an optional field is still there."""
        return name in self._left

    def identifier(self, name: str) -> str:
        """An opaque id."""
        value = self._take(name)
        if not isinstance(value, str) or not is_identifier(value):
            raise PairingError("claims_invalid", f"{name} is not an id")
        return value

    def text(self, name: str, longest: int) -> str:
        """A text of 1 to `longest` characters."""
        value = self._take(name)
        if not isinstance(value, str) or not 0 < len(value) <= longest:
            raise PairingError("claims_invalid", f"{name} is not a text of at most {longest} characters")
        return value

    def choice(self, name: str, allowed: frozenset[str]) -> str:
        """One of a fixed set of words."""
        value = self._take(name)
        if not isinstance(value, str) or value not in allowed:
            raise PairingError("claims_invalid", f"{name} is none of {', '.join(sorted(allowed))}")
        return value

    def hash(self, name: str) -> str:
        """A SHA-256 in base64url."""
        value = self._take(name)
        if not isinstance(value, str) or _HASH.match(value) is None:
            raise PairingError("claims_invalid", f"{name} is not a SHA-256 in base64url")
        return value

    def integer(self, name: str, low: int = 0, high: int = MAX_INTEGER) -> int:
        """An integer from `low` to `high`."""
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise PairingError("claims_invalid", f"{name} is not an integer from {low} to {high}")
        return value

    def span(self, name: str) -> tuple[int, int]:
        """A pair [start, end] of integers with 0 ≤ start ≤ end."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) != 2:
            raise PairingError("claims_invalid", f"{name} is not a pair")
        reader = ClaimsReader({"start": value[0], "end": value[1]})
        start = reader.integer("start")
        return start, reader.integer("end", start)

    def nested(self, name: str) -> ClaimsReader:
        """A nested object, to be read and `done` likewise."""
        value = self._take(name)
        if not isinstance(value, dict):
            raise PairingError("claims_invalid", f"{name} is not an object")
        return ClaimsReader(value)

    def items(self, name: str, most: int) -> list[object]:
        """A list of at most `most` items, unchecked."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > most:
            raise PairingError("claims_invalid", f"{name} is not a list of at most {most}")
        return value

    def hashes(self, name: str, most: int) -> tuple[str, ...]:
        """A list of at most `most` SHA-256s."""
        items = self.items(name, most)
        return tuple(ClaimsReader({name: item}).hash(name) for item in items)

    def done(self) -> None:
        """Refuse fields that nobody asked for."""
        if self._left:
            raise PairingError("claims_invalid", f"unknown field {sorted(self._left)[0]}")
