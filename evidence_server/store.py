"""Durable objects: a part grows by appending, then becomes an object for good.  What is promised of both.

An offset is *durable* when `Part.sync`, `Store.standing` or `Store.part` reports it, an object when
`Part.finalise` or `Store.put` returns.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Standing:
    """Where a name stands.  `offset` is durable, in bytes; `modified_ms` is None if there is nothing."""

    finished: bool
    offset: int
    modified_ms: int | None


@dataclass(frozen=True)
class Stored:
    """An object that is durable under its final name; `sha256` in lower-case hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """One finished object, as `Store.objects` lists it; `size` in bytes."""

    sitting: str
    name: str
    size: int


class Part(Protocol):
    """A part open for appending.  One user at a time; `close` it, whatever happened.

    Every method that writes raises PairingError("storage_full") when there is no room, and OSError when
    the disk fails; either way the part is back at `durable` and what came after it is gone.
    """

    @property
    def written(self) -> int:
        """Bytes appended so far: durable or not."""

    @property
    def durable(self) -> int:
        """Bytes that survive a crash."""

    @property
    def sha256(self) -> str:
        """Of the written bytes, lower-case hexadecimal."""

    async def append(self, pieces: Sequence[bytes]) -> None:
        """Write the pieces, in order, after `written`."""

    async def sync(self, last: Sequence[bytes] = ()) -> int:
        """Append `last` and make what is written durable; gives the new `durable`."""

    async def rewind(self) -> None:
        """Give up what was written after `durable`."""

    async def finalise(self, last: Sequence[bytes] = (), sha256: str | None = None) -> Stored:
        """Append `last` and make the part an object under its name: durable on return, after any crash.

        With `sha256`, in lower-case hexadecimal, only bytes that hash to it: PairingError("upload_hash")
        otherwise, and the part is given up.
        """

    async def discard(self) -> None:
        """Give up the whole part."""

    async def close(self) -> None:
        """Let go of the part; it can be taken up again with `Store.part`."""


class Store(Protocol):
    """Where objects are kept.  Names: a sitting id, and [A-Za-z0-9_-][A-Za-z0-9._-]{0,127} inside it.

    Other names raise ValueError: they come from our own code, never straight from a peer.
    """

    async def standing(self, sitting: str, name: str) -> Standing:
        """What is stored under a name; finishes what a crash interrupted.  Not while its part is open."""

    async def part(self, sitting: str, name: str, expected_bytes: int = 0) -> Part:
        """Take up or begin the part; FileExistsError if the object is finished.

        PairingError("storage_full") if `expected_bytes` more would not fit.
        """

    async def put(self, sitting: str, name: str, content: bytes) -> None:
        """Store a whole object; again with the same bytes changes nothing, with others FileExistsError."""

    async def exists(self, sitting: str, name: str) -> bool:
        """Whether there is a finished object."""

    async def size(self, sitting: str, name: str) -> int:
        """Bytes of a finished object; FileNotFoundError if there is none."""

    async def read(self, sitting: str, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of a finished object, fewer than `length` only at its end; FileNotFoundError if none."""

    def chunks(
        self, sitting: str, name: str, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """The same, piece by piece, for what is too large to hold."""

    async def discard(self, sitting: str, name: str) -> None:
        """Remove the part, if there is one."""

    async def release(self, sitting: str, name: str) -> None:
        """Delete the object, if there is one."""

    async def erase(self, sitting: str) -> None:
        """Shred the sitting's key and remove all its files; doing it again changes nothing."""

    async def objects(self, sitting: str | None = None) -> list[Entry]:
        """All finished objects, of one sitting or of all, in order of name."""

    async def require_room(self, length: int) -> None:
        """Raise PairingError("storage_full") if `length` more bytes would not fit."""

    async def close(self) -> None:
        """Wait for running writes; the store cannot be used afterwards."""
