"""What phone and server sign: one dataclass a record kind, with its `typ` and limits.

`from_claims` refuses anything malformed; `to_claims` is its inverse.  All `*_ms` are integer
milliseconds, all `*_us` integer microseconds of the container's own clock (requirements E4, E7-E11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pairing.claims import ClaimsReader
from pairing.errors import PairingError

MAX_RUN = 2_000
MAX_SEQ = 999_999
MAX_SEGMENT = 64 * 1024 * 1024
"""Longest segment in bytes: four seconds at 16 Mbit/s are 8 MiB, slices of a slow recorder fit too."""
MAX_BATCH = 64
"""Most chain entries in one request."""
MAX_RUNS = 2_000
MAX_RELEASED = 4_000

SOURCES = frozenset({"camera", "orientation"})
CONTAINERS = frozenset({"video/mp4", "video/webm", "application/json"})
NOTES = frozenset({"gap_begin", "gap_end", "scan_begin", "scan_end", "placed", "consent", "stop"})
CAUSES = frozenset(
    {
        "none", "crash", "call", "locked", "hidden", "camera_lost", "muted", "frozen", "black",
        "storage_full", "battery", "stopped", "clock_jump", "overload", "unknown",
    }
)


@dataclass(frozen=True, slots=True)
class ClockSample:
    """One reading of the server's clock: server time at the middle of a round trip of `rtt_ms`, during
    which the phone's monotonic clock read `mono_ms` and its wall clock `wall_ms` (also at the middle)."""

    server_ms: int
    mono_ms: int
    wall_ms: int
    rtt_ms: int

    @classmethod
    def read(cls, reader: ClaimsReader) -> ClockSample:
        """From a nested object."""
        sample = cls(
            reader.integer("server_ms"), reader.integer("mono_ms"), reader.integer("wall_ms"),
            reader.integer("rtt_ms", 0, 600_000),
        )
        reader.done()
        return sample

    def to_claims(self) -> dict[str, object]:
        """As a nested object."""
        return {
            "server_ms": self.server_ms, "mono_ms": self.mono_ms, "wall_ms": self.wall_ms,
            "rtt_ms": self.rtt_ms,
        }


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain entry stands: entry `seq` of run `run`, after the record `prev`.

    `prev` of a run's first entry is the last record of any other run that the phone knows, or the
    binding.  `seen` is the hash of the newest record of the server the phone holds: the entry is not
    older than that.
    """

    sitting: str
    generation: int
    run: int
    seq: int
    prev: str
    seen: str
    clock: ClockSample | None

    @classmethod
    def read(cls, reader: ClaimsReader) -> Link:
        """Takes the link's fields out of `reader`."""
        return cls(
            reader.identifier("sitting"), reader.integer("generation", 1, 999),
            reader.integer("run", 1, MAX_RUN), reader.integer("seq", 0, MAX_SEQ),
            reader.hash("prev"), reader.hash("seen"),
            ClockSample.read(reader.nested("clock")) if reader.has("clock") else None,
        )

    def to_claims(self) -> dict[str, object]:
        """The link's fields."""
        claims: dict[str, object] = {
            "sitting": self.sitting, "generation": self.generation, "run": self.run, "seq": self.seq,
            "prev": self.prev, "seen": self.seen,
        }
        if self.clock is not None:
            claims["clock"] = self.clock.to_claims()
        return claims


@dataclass(frozen=True, slots=True)
class Head:
    """The signed record of one segment: bytes [offset, offset + length) of its run.

    `media_us` is what the recorder claims; the server measures it.  `mono_ms` is when the first and the
    last of it were captured, `wall_ms` what the phone's wall clock said at the first.
    """

    TYP: ClassVar[str] = "evidence-head+jws"

    link: Link
    source: str
    container: str
    offset: int
    length: int
    sha256: str
    media_us: tuple[int, int]
    mono_ms: tuple[int, int]
    wall_ms: int

    @classmethod
    def from_claims(cls, claims: Mapping[str, object]) -> Head:
        """Raises PairingError("claims_invalid")."""
        reader = ClaimsReader(claims)
        head = cls(
            Link.read(reader), reader.choice("source", SOURCES), reader.choice("container", CONTAINERS),
            reader.integer("offset"), reader.integer("length", 1, MAX_SEGMENT), reader.hash("sha256"),
            reader.span("media_us"), reader.span("mono_ms"), reader.integer("wall_ms"),
        )
        reader.done()
        if (head.source == "camera") != head.container.startswith("video/"):
            raise PairingError("claims_invalid", f"{head.source} does not come as {head.container}")
        return head

    def to_claims(self) -> dict[str, object]:
        """The inverse of `from_claims`."""
        return self.link.to_claims() | {
            "source": self.source, "container": self.container, "offset": self.offset,
            "length": self.length, "sha256": self.sha256, "media_us": list(self.media_us),
            "mono_ms": list(self.mono_ms), "wall_ms": self.wall_ms,
        }


@dataclass(frozen=True, slots=True)
class Note:
    """A signed, chained entry without media: what the phone saw happen, with both its clocks."""

    TYP: ClassVar[str] = "evidence-note+jws"

    link: Link
    note: str
    cause: str
    mono_ms: int
    wall_ms: int

    @classmethod
    def from_claims(cls, claims: Mapping[str, object]) -> Note:
        """Raises PairingError("claims_invalid")."""
        reader = ClaimsReader(claims)
        note = cls(
            Link.read(reader), reader.choice("note", NOTES), reader.choice("cause", CAUSES),
            reader.integer("mono_ms"), reader.integer("wall_ms"),
        )
        reader.done()
        return note

    def to_claims(self) -> dict[str, object]:
        """The inverse of `from_claims`."""
        return self.link.to_claims() | {
            "note": self.note, "cause": self.cause, "mono_ms": self.mono_ms, "wall_ms": self.wall_ms,
        }


@dataclass(frozen=True, slots=True)
class Claim:
    """A phone redeems an offer: `secret` is the link's ticket or the typed code, `key` its public JWK."""

    TYP: ClassVar[str] = "evidence-claim+jws"

    secret: str
    key: dict[str, str]
    client: str
    wall_ms: int

    @classmethod
    def from_claims(cls, claims: Mapping[str, object]) -> Claim:
        """Raises PairingError("claims_invalid")."""
        reader = ClaimsReader(claims)
        secret = reader.text("secret", 64)
        key_reader = reader.nested("key")
        key = {name: key_reader.text(name, 64) for name in ("kty", "crv", "x", "y")}
        key_reader.done()
        claim = cls(secret, key, reader.text("client", 64), reader.integer("wall_ms"))
        reader.done()
        return claim

    def to_claims(self) -> dict[str, object]:
        """The inverse of `from_claims`."""
        return {"secret": self.secret, "key": self.key, "client": self.client, "wall_ms": self.wall_ms}


@dataclass(frozen=True, slots=True)
class Binding:
    """The server's word that the phone with key `key` is generation `generation` of a sitting."""

    TYP: ClassVar[str] = "evidence-binding+jws"

    sitting: str
    generation: int
    key: str
    nonce: str
    at_ms: int

    @classmethod
    def from_claims(cls, claims: Mapping[str, object]) -> Binding:
        """Raises PairingError("claims_invalid")."""
        reader = ClaimsReader(claims)
        binding = cls(
            reader.identifier("sitting"), reader.integer("generation", 1, 999), reader.hash("key"),
            reader.text("nonce", 64), reader.integer("at_ms"),
        )
        reader.done()
        return binding

    def to_claims(self) -> dict[str, object]:
        """The inverse of `from_claims`."""
        return {
            "sitting": self.sitting, "generation": self.generation, "key": self.key,
            "nonce": self.nonce, "at_ms": self.at_ms,
        }


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The server's word that it holds these chain entries: "committed".

    `position` and `journal` are the sitting's journal position and tip hash *before* the event that
    holds these entries: whoever keeps an acknowledgement can later prove a rewritten history.
    """

    TYP: ClassVar[str] = "evidence-ack+jws"

    sitting: str
    generation: int
    entries: tuple[str, ...]
    at_ms: int
    position: int
    journal: str

    @classmethod
    def from_claims(cls, claims: Mapping[str, object]) -> Acknowledgement:
        """Raises PairingError("claims_invalid")."""
        reader = ClaimsReader(claims)
        acknowledgement = cls(
            reader.identifier("sitting"), reader.integer("generation", 1, 999),
            reader.hashes("entries", MAX_BATCH), reader.integer("at_ms"), reader.integer("position"),
            reader.hash("journal"),
        )
        reader.done()
        return acknowledgement

    def to_claims(self) -> dict[str, object]:
        """The inverse of `from_claims`."""
        return {
            "sitting": self.sitting, "generation": self.generation, "entries": list(self.entries),
            "at_ms": self.at_ms, "position": self.position, "journal": self.journal,
        }


@dataclass(frozen=True, slots=True)
class Release:
    """The only permission to delete: the segments whose heads are named, nothing else (E11)."""

    TYP: ClassVar[str] = "evidence-release+jws"

    sitting: str
    generation: int
    heads: tuple[str, ...]
    at_ms: int

    @classmethod
    def from_claims(cls, claims: Mapping[str, object]) -> Release:
        """Raises PairingError("claims_invalid")."""
        reader = ClaimsReader(claims)
        release = cls(
            reader.identifier("sitting"), reader.integer("generation", 1, 999),
            reader.hashes("heads", MAX_RELEASED), reader.integer("at_ms"),
        )
        reader.done()
        return release

    def to_claims(self) -> dict[str, object]:
        """The inverse of `from_claims`."""
        return {
            "sitting": self.sitting, "generation": self.generation, "heads": list(self.heads),
            "at_ms": self.at_ms,
        }


VERDICT_TYP = "evidence-verdict+jws"
BUNDLE_TYP = "evidence-bundle+jws"


def require_own(link_sitting: str, sitting: str) -> None:
    """Refuse a record that speaks of another sitting."""
    if link_sitting != sitting:
        raise PairingError("claims_invalid", "the record speaks of another sitting")
