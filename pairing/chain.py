"""The phone's chain of entries: which entry may follow which.

Each run is one chain, numbered from 0 without holes; its first entry names another record the server
knows.  Nothing can be dropped, reordered or exchanged without breaking it (design: Record, Threats).
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace

from pairing.digests import Digests
from pairing.errors import PairingError
from pairing.jws import SigningKey, read_header, read_unverified, record_hash, verify
from pairing.messages import Head, Link, Note

Entry = Head | Note
_KINDS: Mapping[str, type[Head] | type[Note]] = {Head.TYP: Head, Note.TYP: Note}


def read_entry(record: str, key: SigningKey) -> Entry:
    """The head or note in `record`, if `key` signed it.

    Raises PairingError: signature_invalid, claims_invalid, too_large.
    """
    kind = _kind_of(record)
    return kind.from_claims(verify(record, kind.TYP, key))


def decode_entry(record: str) -> Entry:
    """The head or note in `record`, whose signature was checked before it was journalled."""
    kind = _kind_of(record)
    return kind.from_claims(read_unverified(record, kind.TYP)[0])


def _kind_of(record: str) -> type[Head] | type[Note]:
    kind = _KINDS.get(str(read_header(record).get("typ")))
    if kind is None:
        raise PairingError("signature_invalid", "neither a head nor a note")
    return kind


@dataclass(frozen=True, slots=True)
class RunChain:
    """How far one run's chain has come: next entry number, tip, and the media's bytes and shape."""

    next_seq: int = 0
    tip: str = ""
    bytes: int = 0
    source: str = ""
    container: str = ""
    mono_ms: int = 0


@dataclass
class Chains:
    """All runs of one generation.  `extend` is the only way to change it.

    `known` holds the hash of every accepted record, the binding's first.
    """

    sitting: str
    generation: int
    binding: str
    runs: MutableMapping[int, RunChain] = field(default_factory=dict)
    known: Digests = field(default_factory=Digests)

    def __post_init__(self) -> None:
        self.known.add(self.binding)

    def trial(self) -> Chains:
        """A layer over these chains: extending it leaves them untouched."""
        return Chains(
            self.sitting, self.generation, self.binding,
            ChainMap({}, self.runs), Digests(self.known),
        )

    @property
    def entries(self) -> int:
        """How many entries there are."""
        return len(self.known) - 1

    def extend(self, entry: Entry, record: str) -> bool:
        """Adds `entry`, whose JWS is `record`; False if that very record stands there already.

        Raises PairingError: "chain_forked" (another record has its number), "chain_broken" (it does not
        follow the last), "claims_invalid" (it contradicts its run).
        """
        link = entry.link
        if link.sitting != self.sitting or link.generation != self.generation:
            raise PairingError("claims_invalid", "the entry belongs to another sitting or generation")
        name = record_hash(record)
        run = self.runs.get(link.run, RunChain())
        if link.seq < run.next_seq:
            # Taken, as runs have no holes.  A record says itself where it stands: if known, then there.
            if name in self.known:
                return False
            raise PairingError(
                "chain_forked", f"run {link.run}, entry {link.seq}", run=link.run, seq=link.seq
            )
        self._follows(link, run)
        if isinstance(entry, Head):
            run = _with_segment(run, entry)
        self.runs[link.run] = replace(run, next_seq=link.seq + 1, tip=name)
        self.known.add(name)
        return True

    def _follows(self, link: Link, run: RunChain) -> None:
        if link.seq != run.next_seq:
            raise PairingError(
                "chain_broken", f"run {link.run}: entry {run.next_seq} comes next",
                run=link.run, seq=run.next_seq,
            )
        follows = link.prev == run.tip if run.next_seq else link.prev in self.known
        if not follows:
            raise PairingError(
                "chain_broken", f"run {link.run}, entry {link.seq}: prev names no record known here",
                run=link.run, seq=link.seq,
            )


def _with_segment(run: RunChain, head: Head) -> RunChain:
    if run.source and (run.source, run.container) != (head.source, head.container):
        raise PairingError("claims_invalid", "a run has one source and one container")
    if head.offset != run.bytes:
        raise PairingError("claims_invalid", f"the segment must begin at byte {run.bytes} of its run")
    if head.mono_ms[0] < run.mono_ms:
        raise PairingError("claims_invalid", "the monotonic clock went backwards")
    return replace(
        run, bytes=run.bytes + head.length, source=head.source, container=head.container,
        mono_ms=head.mono_ms[0],
    )
