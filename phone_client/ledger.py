"""What the phone knows, as a fold of the facts in its journal (pure: no files, no clock).

A fact is one JSON object with a `fact` member; `Ledger.apply` is the only thing that changes the state,
on replay after a crash exactly as while recording.  An *entry* is a place in a run's chain: the facts
`segment` and `note` make entries in the order in which they happened, long before they can be signed
(recording does not wait for the binding's confirm, heads do).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pairing.jws import record_hash

Fact: TypeAlias = Mapping[str, Any]


class LedgerError(Exception):
    """The journal holds a fact that cannot follow the ones before it: it was not written by this client."""


@dataclass(frozen=True)
class Segment:
    """Bytes [offset, offset + length) of a run; times as `pairing.messages.Head` has them."""

    offset: int
    length: int
    sha256: str
    media_us: tuple[int, int]
    mono_ms: tuple[int, int]
    wall_ms: int


@dataclass(frozen=True)
class Happening:
    """A note: what happened, why, and when on both clocks."""

    note: str
    cause: str
    mono_ms: int
    wall_ms: int


@dataclass
class Entry:
    """One place in a run's chain and how far it has come."""

    run: int
    seq: int
    what: Segment | Happening
    record: str | None = None
    name: str = ""
    committed: bool = False
    upload: str | None = None
    receipt: str | None = None
    deleted: bool = False

    @property
    def segment(self) -> Segment | None:
        """The segment, where the entry is a head."""
        return self.what if isinstance(self.what, Segment) else None


@dataclass
class Run:
    """One recorder run: one container stream.

    Media time 0 is the monotonic moment `base_us` of the clock that began with `boot`."""

    number: int
    source: str
    container: str
    base_us: int
    wall_ms: int
    boot: str
    entries: list[Entry] = field(default_factory=list)
    bytes: int = 0
    closed: bool = False


@dataclass(frozen=True)
class Totals:
    """Counts of segments by how far they have come, and what of the media is still on the phone."""

    recorded: int
    committed: int
    stored: int
    bytes_held: int
    recorded_us: int


@dataclass
class Ledger:
    """The phone's whole state.

    `claim` and `binding` are the server's answers as the journal keeps them; `seen` is the hash of its newest
    record; `gap` the interruption that is open; `listed` how many entries the newest manifest lists;
    `turned_away_at` the (run, seq) from which the server takes nothing, since another phone took over."""

    runs: dict[int, Run] = field(default_factory=dict)
    claim: Fact | None = None
    binding: Fact | None = None
    seen: str = ""
    gap: Happening | None = None
    stopped: bool = False
    end_ms: int | None = None
    manifests: list[str] = field(default_factory=list)
    listed: int = 0
    manifest_sent: int = 0
    verdicts: list[str] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)
    turned_away_at: tuple[int, int] | None = None
    _by_name: dict[str, Entry] = field(default_factory=dict)

    def apply(self, fact: Fact) -> None:
        """Takes one more fact in.  Raises LedgerError for one that has no place."""
        taker = getattr(self, f"_take_{fact.get('fact')}", None)
        if taker is None:
            raise LedgerError(f"unknown fact {fact.get('fact')!r}")
        try:
            taker(fact)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise LedgerError(f"{fact.get('fact')}: {error!r}") from error

    @property
    def run(self) -> Run | None:
        """The newest run."""
        return self.runs[max(self.runs)] if self.runs else None

    def entries(self) -> Iterator[Entry]:
        """All entries, in the order in which they are signed and sent."""
        for number in sorted(self.runs):
            yield from self.runs[number].entries

    def deliverable(self) -> Iterator[Entry]:
        """The entries the server takes: all, unless another phone has taken over at one of them."""
        for entry in self.entries():
            if self.turned_away_at is not None and (entry.run, entry.seq) >= self.turned_away_at:
                return
            yield entry

    def named(self, name: str) -> Entry | None:
        """The entry whose record has this hash."""
        return self._by_name.get(name)

    def totals(self) -> Totals:
        """What the progress line shows."""
        found = [(entry, entry.what) for entry in self.entries() if isinstance(entry.what, Segment)]
        return Totals(
            recorded=len(found),
            committed=sum(entry.committed for entry, _ in found),
            stored=sum(entry.receipt is not None for entry, _ in found),
            bytes_held=sum(segment.length for entry, segment in found if not entry.deleted),
            recorded_us=sum(segment.media_us[1] - segment.media_us[0] for _, segment in found),
        )

    # --- recording ---------------------------------------------------------------------------------------

    def _take_run_opened(self, fact: Fact) -> None:
        number = fact["run"]
        if number in self.runs or (self.run is not None and not self.run.closed):
            raise ValueError(f"run {number} cannot begin here")
        self.runs[number] = Run(
            number, fact["source"], fact["container"], fact["base_us"], fact["wall_ms"], fact["boot"]
        )
        self.stopped = False

    def _take_run_closed(self, fact: Fact) -> None:
        self.runs[fact["run"]].closed = True

    def _take_segment(self, fact: Fact) -> None:
        run = self.runs[fact["run"]]
        if fact["offset"] != run.bytes:
            raise ValueError(f"the segment must begin at byte {run.bytes}")
        segment = Segment(
            fact["offset"], fact["length"], fact["sha256"], (fact["media_us"][0], fact["media_us"][1]),
            (fact["mono_ms"][0], fact["mono_ms"][1]), fact["wall_ms"],
        )
        run.entries.append(Entry(run.number, len(run.entries), segment))
        run.bytes += segment.length

    def _take_note(self, fact: Fact) -> None:
        run = self.runs[fact["run"]]
        happening = Happening(fact["note"], fact["cause"], fact["mono_ms"], fact["wall_ms"])
        run.entries.append(Entry(run.number, len(run.entries), happening))
        if happening.note in {"gap_begin", "stop"}:
            self.gap = happening
        elif happening.note == "gap_end":
            self.gap = None
        self.stopped = happening.note == "stop" or (self.stopped and happening.note != "gap_end")

    # --- binding -----------------------------------------------------------------------------------------

    def _take_claimed(self, fact: Fact) -> None:
        self.claim = fact

    def _take_claim_dropped(self, _: Fact) -> None:
        self.claim = None

    def _take_bound(self, fact: Fact) -> None:
        self.binding = fact
        self.seen = record_hash(fact["record"])

    # --- committing and uploading ------------------------------------------------------------------------

    def _take_signed(self, fact: Fact) -> None:
        entry = self.runs[fact["run"]].entries[fact["seq"]]
        entry.record = fact["record"]
        entry.name = record_hash(fact["record"])
        self._by_name[entry.name] = entry

    def _take_acknowledged(self, fact: Fact) -> None:
        self.seen = record_hash(fact["record"])
        for name in fact["entries"]:
            self._by_name[name].committed = True
        for name, address in fact["uploads"].items():
            self._by_name[name].upload = address

    def _take_uncommitted(self, fact: Fact) -> None:
        """The server knows less than it acknowledged (a restored backup): from there all is sent again,
        the media too, for it no longer knows that it has it."""
        for entry in self.entries():
            if (entry.run, entry.seq) >= (fact["run"], fact["seq"]):
                entry.committed, entry.receipt = False, None
        self.manifest_sent = 0

    def _take_turned_away(self, fact: Fact) -> None:
        """Another phone had taken over: from this entry on nothing is taken any more."""
        self.turned_away_at = (fact["run"], fact["seq"])

    def _take_address_lost(self, fact: Fact) -> None:
        entry = self._by_name[fact["head"]]
        entry.committed, entry.upload = False, None

    def _take_receipt(self, fact: Fact) -> None:
        self._by_name[fact["head"]].receipt = fact["record"]

    def _take_receipt_lost(self, fact: Fact) -> None:
        """The server no longer knows that it stored these (a restored backup): they are uploaded again.

        The receipts stay in the journal: they still prove when it had them."""
        for name in fact["heads"]:
            self._by_name[name].receipt = None

    def _take_manifest(self, fact: Fact) -> None:
        self.manifests.append(fact["record"])
        self.listed = fact["entries"]

    def _take_manifest_sent(self, fact: Fact) -> None:
        self.manifest_sent = fact["version"]

    def _take_manifest_lost(self, _: Fact) -> None:
        """The server no longer knows the newest manifest (likewise)."""
        self.manifest_sent = 0

    # --- what the server decided -------------------------------------------------------------------------

    def _take_ended(self, fact: Fact) -> None:
        self.end_ms = fact["end_ms"]

    def _take_verdict(self, fact: Fact) -> None:
        self.verdicts.append(fact["record"])

    def _take_released(self, fact: Fact) -> None:
        self.releases.append(fact["record"])

    def _take_deleted(self, fact: Fact) -> None:
        for name in fact["heads"]:
            self._by_name[name].deleted = True
