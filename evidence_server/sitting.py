"""One sitting, folded from its journal: pure, without clock, files or sockets.

`Sitting.apply` takes events one by one; everything the server answers or judges is read from here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evidence_server.event import GENESIS, Event, Name
from evidence_server.seen import Answer, Look, Seen
from evidence_server.segment import Measured, Segment
from evidence_server.segments import Run, Segments
from pairing.chain import Chains, Entry, decode_entry
from pairing.deadline import Outage, deadline_ms
from pairing.encoding import sha256_b64u
from pairing.jws import read_unverified, record_hash
from pairing.machine import Stages
from pairing.manifest import Manifest
from pairing.messages import VERDICT_TYP, Note
from pairing.policy import Policy

CLAIM_LAPSES_MS = 300_000
DEFAULT_LENGTH_MS = 4 * 3_600_000
QUIET_MS = 30_000
"""How long late deliveries must pause before an unfinished rest makes a new verdict version."""


@dataclass
class ClaimState:
    """A phone that redeemed an offer: pending, confirmed, refused or lapsed."""

    secret_sha256: str
    jwk: dict[str, str]
    key: str
    nonce: str
    offer: str
    via: str
    client: str
    at_ms: int
    digits: str
    stage: str = "claimed"
    generation: int = 0


@dataclass(slots=True)
class PlacedNote:
    """A note and when the server learned of it."""

    note: Note
    name: str
    committed_at_ms: int


@dataclass
class Generation:
    """What one confirmed binding brought: its chains, segments by head hash, notes and manifest."""

    number: int
    jwk: dict[str, str]
    key: str
    binding: str
    confirmed_at_ms: int
    chains: Chains
    segments: Segments = field(init=False)
    notes: list[PlacedNote] = field(default_factory=list)
    forks: list[str] = field(default_factory=list)
    manifest: Manifest | None = None
    seen: Seen = field(default_factory=Seen)
    replaced_at_ms: int | None = None

    def __post_init__(self) -> None:
        self.segments = Segments(self.number, self.chains.known)

    @property
    def runs(self) -> Mapping[int, Run]:
        """Its runs with media, by number."""
        return self.segments.runs

    @property
    def manifest_current(self) -> bool:
        """Whether the newest manifest lists all that is committed."""
        return self.manifest is not None and self.manifest.covers(self.chains)


@dataclass
class IssuedVerdict:
    """A verdict, and what it claims."""

    record: str
    claims: dict[str, Any]


@dataclass
class Sitting:
    """The folded state.  `id` is opaque; `seq` and `tip` are the newest event's number and hash."""

    id: str
    seq: int = 0
    tip: str = GENESIS
    last_ms: int = 0
    created_ms: int = 0
    exam: str = ""
    policy_text: str = ""
    policy: Policy = field(default_factory=Policy)
    window_start_ms: int | None = None
    window_end_ms: int | None = None
    stages: Stages = field(default_factory=Stages)
    offer: str | None = None
    offers_spent: dict[str, str] = field(default_factory=dict)
    claims: dict[str, ClaimState] = field(default_factory=dict)
    generations: list[Generation] = field(default_factory=list)
    ended_at_ms: int | None = None
    notice_ms: int | None = None
    outages: list[Outage] = field(default_factory=list)
    extensions_ms: int = 0
    waived: dict[str, str] = field(default_factory=dict)
    verdicts: list[IssuedVerdict] = field(default_factory=list)
    judged_seq: int = 0
    basis_seq: int = 0
    basis_at_ms: int = 0
    published_at_ms: int | None = None
    releases: dict[int, list[str]] = field(default_factory=dict)

    # --- what others read ------------------------------------------------------------------------

    @property
    def pending(self) -> ClaimState | None:
        """The claim that waits for its confirm."""
        return next((claim for claim in self.claims.values() if claim.stage == "claimed"), None)

    @property
    def bound(self) -> Generation | None:
        """The newest generation."""
        return self.generations[-1] if self.generations else None

    @property
    def end_ms(self) -> int | None:
        """The end of the required interval: the announced end, else the window's."""
        return self.window_end_ms if self.ended_at_ms is None else self.ended_at_ms

    @property
    def deadline_ms(self) -> int | None:
        """When all must be stored; None while the window is open-ended."""
        if self.end_ms is None:
            return None
        return deadline_ms(
            self.policy, end_ms=self.end_ms, notice_ms=self.notice_ms,
            extensions_ms=self.extensions_ms, outages=self.outages,
        )

    @property
    def required(self) -> tuple[int, int] | None:
        """The required interval R = [start, end] on the server's clock; None while the end is open.

        Where no start was planned and nobody has come, it is empty: there is nothing to record but the end.
        """
        if self.end_ms is None:
            return None
        start = self.end_ms if self.window_start_ms is None else self.window_start_ms
        return start, max(self.end_ms, start)

    @property
    def settled(self) -> bool:
        """Whether nothing happened since the newest verdict that could change it."""
        return bool(self.verdicts) and self.judged_seq > self.basis_seq

    @property
    def due_ms(self) -> int | None:
        """When somebody has to look at this sitting next without anything happening to it."""
        moments = []
        if self.pending is not None:
            moments.append(self.pending.at_ms + CLAIM_LAPSES_MS)
        if self.deadline_ms is not None and not self.verdicts:
            moments.append(self.deadline_ms)
        if self.verdicts and not self.settled:
            moments.append(self.basis_at_ms + QUIET_MS)
        return min(moments, default=None)

    def segments(self) -> Iterable[Segment]:
        """All segments of all generations."""
        for generation in self.generations:
            yield from generation.segments

    def pictures(self) -> set[str]:
        """The names of all pictures that were made of what was seen."""
        return {name for generation in self.generations for name in generation.seen.pictures()}

    def find_segment(self, name: str) -> tuple[Generation, Segment] | None:
        """The segment whose head is `name`."""
        for generation in self.generations:
            segment = generation.segments.get(name)
            if segment is not None:
                return generation, segment
        return None

    # --- the fold --------------------------------------------------------------------------------

    def apply(self, event: Event) -> None:
        """Takes in the next event.  Raises PairingError("wrong_stage") where it has no place."""
        self.stages = self.stages.after(event.kind)
        _APPLY[event.kind](self, event, event.fields())
        self.seq, self.tip, self.last_ms = event.seq, event.hash, event.at_ms

    def touch(self, event: Event) -> None:
        """Marks `event` as one that may change the verdict."""
        self.basis_seq, self.basis_at_ms = event.seq, event.at_ms


def fold(sitting: str, events: Iterable[Event]) -> Sitting:
    """The state after `events`."""
    state = Sitting(sitting)
    for event in events:
        state.apply(event)
    return state


def _created(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    state.created_ms = event.at_ms
    state.exam, state.policy_text = body["exam"], body["policy"]
    state.policy = Policy.from_json(json.loads(body["policy"]))
    state.window_start_ms, state.window_end_ms = body["start_ms"], body["end_ms"]


def _offer_made(state: Sitting, _event: Event, body: dict[str, Any]) -> None:
    state.offer = body["offer"]


def _claimed(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    state.claims[body["key"]] = ClaimState(
        body["secret_sha256"], body["jwk"], body["key"], body["nonce"], body["offer"], body["via"],
        body["client"], event.at_ms, body["digits"],
    )
    state.offers_spent[body["offer"]] = body["key"]
    state.offer = None


def _claim_ended(stage: str) -> Callable[[Sitting, Event, dict[str, Any]], None]:
    def apply(state: Sitting, _event: Event, body: dict[str, Any]) -> None:
        state.claims[body["key"]].stage = stage

    return apply


def _confirmed(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    claim = state.claims[body["key"]]
    number = len(state.generations) + 1
    claim.stage, claim.generation = "bound", number
    for generation in state.generations:
        if generation.replaced_at_ms is None:
            generation.replaced_at_ms = event.at_ms
            state.claims[generation.key].stage = "replaced"
    chains = Chains(state.id, number, record_hash(body["binding"]))
    state.generations.append(
        Generation(number, claim.jwk, claim.key, body["binding"], event.at_ms, chains)
    )
    if state.window_start_ms is None:
        state.window_start_ms = event.at_ms
    if state.window_end_ms is None:
        state.window_end_ms = state.window_start_ms + DEFAULT_LENGTH_MS


def _committed(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    generation = state.generations[body["generation"] - 1]
    for record in body["entries"]:
        entry: Entry = decode_entry(record)
        if not generation.chains.extend(entry, record):
            continue
        name = generation.chains.runs[entry.link.run].tip
        if isinstance(entry, Note):
            generation.notes.append(PlacedNote(entry, name, event.at_ms))
            continue
        generation.segments.add(entry, name, event.at_ms, carried=body.get("by") == "carry")
    state.touch(event)


def _forked(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    state.generations[body["generation"] - 1].forks.append(body["entry"])
    state.touch(event)


def _stored(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    generation = state.generations[body["generation"] - 1]
    run, ordinal = generation.segments.store(body["head"], event.at_ms, event.seq)
    generation.seen.forget(run, ordinal)
    state.touch(event)


def _measured(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    read_behind = None if body["read_behind"] is None else tuple(body["read_behind"])
    segments = state.generations[body["generation"] - 1].segments
    segments.measure(body["head"], Measured.of(body["measurement"]), read_behind)
    state.touch(event)


def _looked(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    seen = state.generations[body["generation"] - 1].seen
    seen.looks.setdefault(body["run"], Look()).take(body)
    state.touch(event)


def _scanned(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    state.generations[body["generation"] - 1].seen.scans[body["note"]] = Answer.read(body)
    state.touch(event)


def _placement(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    state.generations[body["generation"] - 1].seen.placements[body["note"]] = Answer.read(body)
    state.touch(event)


def _manifest(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    claims, _ = read_unverified(body["manifest"], Manifest.TYP)
    state.generations[body["generation"] - 1].manifest = Manifest.from_claims(claims)
    state.touch(event)


def _ended(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    state.ended_at_ms, state.notice_ms = body["end_ms"], event.at_ms
    state.touch(event)


def _deadline_moved(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    if body["cause"] == "service":
        state.outages.append(Outage(body["from_ms"], body["to_ms"]))
    else:
        state.extensions_ms += body["extension_ms"]
    state.touch(event)


def _waived(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    state.waived[body["code"]] = body["reason"]
    state.touch(event)


def _verdict(state: Sitting, event: Event, body: dict[str, Any]) -> None:
    claims, _ = read_unverified(body["verdict"], VERDICT_TYP)
    state.verdicts.append(IssuedVerdict(body["verdict"], claims))
    state.judged_seq = event.seq


def _upheld(state: Sitting, event: Event, _body: dict[str, Any]) -> None:
    state.judged_seq = event.seq


def _published(state: Sitting, event: Event, _body: dict[str, Any]) -> None:
    state.published_at_ms = event.at_ms


def _rebind_opened(_state: Sitting, _event: Event, _body: dict[str, Any]) -> None:
    """Only the stages change: an offer follows, and the confirm that redeems it replaces the phone."""


def _accepted(_state: Sitting, _event: Event, _body: dict[str, Any]) -> None:
    """Only kept: what the file brings follows as events of its own."""


def _released(state: Sitting, _event: Event, body: dict[str, Any]) -> None:
    state.releases.setdefault(body["generation"], []).append(body["release"])


_APPLY = {
    "created": _created, "offer_made": _offer_made, "claimed": _claimed,
    "claim_refused": _claim_ended("refused"), "claim_lapsed": _claim_ended("lapsed"),
    "confirmed": _confirmed, "rebind_opened": _rebind_opened, "committed": _committed, "forked": _forked,
    "stored": _stored, "measured": _measured, "manifest": _manifest, "ended": _ended,
    "deadline_moved": _deadline_moved, "waived": _waived, "verdict": _verdict, "upheld": _upheld,
    "published": _published, "released": _released, "accepted": _accepted,
    "looked": _looked, "scanned": _scanned, "placement": _placement,
}


def names_of(event: Event) -> list[Name]:
    """The look-up rows that follow from `event`: pure, so that they can be built again."""
    body = event.fields()
    if event.kind == "offer_made":
        return [Name("offer", body["offer"], event.sitting, body["offer"])]
    if event.kind == "claimed":
        return [
            Name("bearer", body["bearer_sha256"], event.sitting, body["key"]),
            Name("secret", sha256_b64u(body["secret_sha256"] + body["key"]), event.sitting, body["key"]),
        ]
    if event.kind == "committed":
        return [Name("upload", upload, event.sitting, head) for head, upload in body["uploads"].items()]
    return []
