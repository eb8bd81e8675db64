"""What the server says of the sitting: stage, end, verdict, release, and what it has of this phone's.

Nothing unsigned is acted upon, but for one thing that harms nobody: what the server says it does not have,
though it once confirmed it, is sent again (it was restored from a backup; protocol §2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import OKPKey

from pairing.claims import ClaimsReader
from pairing.errors import PairingError
from pairing.jws import verify
from pairing.messages import VERDICT_TYP, Release, require_own
from phone_client.bind import keep_binding, server_key
from phone_client.buffer import Buffer
from phone_client.ledger import Entry, Fact, Ledger
from phone_client.sight import Sight, read_sight

WORDS = frozenset({"complete", "incomplete", "late"})


@dataclass(frozen=True)
class Verdict:
    """The newest verdict, read out of its verified record; `end_ms` is the end of what it required."""

    word: str
    version: int
    end_ms: int
    reasons: tuple[Mapping[str, object], ...]


@dataclass(frozen=True)
class Standing:
    """One answer of the server about the sitting; what is not signed in it is only shown."""

    stage: str
    position: int
    deadline_ms: int | None
    server_time_ms: int | None
    verified: int
    stored: int
    sight: Sight


@dataclass(frozen=True)
class Promised:
    """What the server had confirmed by some moment.

    `next_seq` is for each run the number after its last acknowledged entry, `receipts` the heads with a
    receipt, `manifest` the version of the newest manifest that was taken."""

    next_seq: Mapping[int, int]
    receipts: frozenset[str]
    manifest: int


def promised(ledger: Ledger) -> Promised:
    """What the server has confirmed up to now; asked *before* a read, for `learn` to compare with it."""
    next_seq: dict[int, int] = {}
    receipts = []
    for entry in ledger.entries():
        if entry.committed:
            next_seq[entry.run] = entry.seq + 1
        if entry.receipt is not None and not entry.deleted:
            receipts.append(entry.name)
    return Promised(next_seq, frozenset(receipts), ledger.manifest_sent)


def read_verdict(record: str, key: OKPKey, sitting: str) -> Verdict:
    """Raises PairingError when the server did not sign it, or it speaks of another sitting."""
    claims = verify(record, VERDICT_TYP, key)
    require_own(str(claims.get("sitting")), sitting)
    word, version, reasons = claims.get("word"), claims.get("version"), claims.get("reasons")
    if (
        word not in WORDS or not isinstance(version, int) or not isinstance(reasons, list)
        or not all(isinstance(reason, dict) for reason in reasons)
    ):
        raise PairingError("claims_invalid", "the verdict has no word, version or reasons")
    _, end_ms = ClaimsReader({"required_ms": claims.get("required_ms")}).span("required_ms")
    return Verdict(str(word), version, end_ms, tuple(reasons))


def newest_verdict(buffer: Buffer) -> Verdict | None:
    """The verdict with the highest version that was ever received."""
    claim = buffer.ledger.claim
    if claim is None:
        return None
    found = [
        read_verdict(record, server_key(claim), claim["sitting"]) for record in buffer.ledger.verdicts
    ]
    return max(found, key=lambda verdict: verdict.version, default=None)


def learn(buffer: Buffer, claim: Fact, answer: Mapping[str, Any], before: Promised) -> Standing:
    """Keep what a read of the binding brought that is new.

    `before` is what was promised before the read was sent: what of it the answer does not know is lost there,
    and to be sent again.  Raises PairingError for a record that does not hold."""
    ledger = buffer.ledger
    binding = answer.get("binding")
    if ledger.binding is None and isinstance(binding, str):
        keep_binding(buffer, claim, binding)
    end_ms = answer.get("end_ms")
    if isinstance(end_ms, int) and end_ms != ledger.end_ms:
        buffer.record({"fact": "ended", "end_ms": end_ms})
    verdict = answer.get("verdict_jws")
    if isinstance(verdict, str) and verdict not in ledger.verdicts:
        read_verdict(verdict, server_key(claim), claim["sitting"])
        buffer.record({"fact": "verdict", "record": verdict})
    if ledger.binding is not None:
        _notice_losses(buffer, answer, before)
    progress = answer.get("progress")
    segments = progress.get("segments") if isinstance(progress, dict) else None
    counts = segments if isinstance(segments, dict) else {}
    return Standing(
        str(answer.get("stage", "")), _integer(answer.get("position")) or 0,
        _integer(answer.get("deadline_ms")),
        _integer(answer.get("server_time_ms")), _integer(counts.get("verified")) or 0,
        _integer(counts.get("stored")) or 0, read_sight(answer),
    )


def _notice_losses(buffer: Buffer, answer: Mapping[str, Any], before: Promised) -> None:
    """What a server restored from a backup has forgotten becomes something to send.

    Crash before the facts are durable: the next read says the same."""
    facts: list[Fact] = []
    with buffer.lock:
        known = _known_of(answer.get("chain"))
        if known is not None:
            short = [run for run, seq in before.next_seq.items() if known.get(run, 0) < seq]
            facts += [{"fact": "uncommitted", "run": run, "seq": known.get(run, 0)} for run in short[:1]]
        unstored = answer.get("unstored")
        lost = sorted(before.receipts.intersection(unstored if isinstance(unstored, list) else ()))
        if lost:
            facts.append({"fact": "receipt_lost", "heads": lost})
        manifest = _integer(answer.get("manifest"))
        if manifest is not None and manifest < before.manifest:
            facts.append({"fact": "manifest_lost"})
        if facts:
            buffer.record(*facts)


def _known_of(chain: object) -> Mapping[int, int] | None:
    """The next number of every run that the server knows; None where the answer does not say it properly."""
    if not isinstance(chain, list) or not all(isinstance(run, dict) for run in chain):
        return None
    known = {_integer(run.get("run")): _integer(run.get("next_seq")) for run in chain}
    whole = {run: seq for run, seq in known.items() if run is not None and seq is not None}
    return whole if len(whole) == len(chain) else None


def drop_after_end(
    buffer: Buffer, newest: Verdict | None, begins_after: Callable[[Entry, int], bool]
) -> int:
    """Delete what was recorded after the exam's end and so never uploaded; gives the bytes freed.

    Only once the results are released and the verdict missed nothing: until then support may still move
    the end."""
    if not buffer.ledger.releases or newest is None or newest.word == "incomplete":
        return 0
    return buffer.delete(
        entry for entry in buffer.ledger.entries()
        if entry.receipt is None and begins_after(entry, newest.end_ms)
    )


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def apply_releases(buffer: Buffer, claim: Fact, answer: Mapping[str, Any]) -> int:
    """Delete exactly what releases name and the phone has a receipt for; gives the bytes freed.

    Raises PairingError, before anything is deleted, for a release that does not hold."""
    records = answer.get("releases")
    freed = 0
    for record in records if isinstance(records, list) else ():
        release = Release.from_claims(verify(str(record), Release.TYP, server_key(claim)))
        require_own(release.sitting, claim["sitting"])
        if record not in buffer.ledger.releases:
            buffer.record({"fact": "released", "record": record})
        named = (buffer.ledger.named(name) for name in release.heads)
        freed += buffer.delete(entry for entry in named if entry is not None and entry.receipt is not None)
    return freed
