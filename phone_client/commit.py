"""Heads before media: signs the chain's entries, keeps them, sends them, keeps the acknowledgements.

An entry is signed once, when its turn comes: its record is durable before it is sent and is sent byte for
byte for ever after (protocol §3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from joserfc.jwk import ECKey, OKPKey

from pairing.errors import PairingError
from pairing.jws import record_hash, sign, verify
from pairing.manifest import ListedRun, Manifest
from pairing.messages import MAX_BATCH, Acknowledgement, ClockSample, Head, Link, Note, require_own
from phone_client.buffer import Buffer
from phone_client.ledger import Entry, Fact, Segment
from phone_client.server import Server

SAMPLE_EVERY_MS = 30_000
"""A clock sample goes with the first entry of a run and then at least this often."""


class Signer:
    """Makes records of entries.  `sample` gives the newest reading of the server's clock, if there is one."""

    def __init__(
        self, buffer: Buffer, key: ECKey, boot: str, sample: Callable[[], ClockSample | None]
    ) -> None:
        self._buffer = buffer
        self._key = key
        self._boot = boot
        self._sample = sample
        self._sampled: dict[int, int] = {}  # run -> monotonic time of the last sample it carried

    def sign_next(self, most: int = MAX_BATCH) -> list[Entry]:
        """Sign up to `most` entries that are not committed yet, where they are not signed; durable on return.

        Gives them in the order of the chain."""
        with self._buffer.lock:
            chosen = [entry for entry in self._buffer.ledger.deliverable() if not entry.committed][:most]
            facts: list[Fact] = []
            tip = self._tip_before(chosen)
            for entry in chosen:
                if entry.record is None:
                    record = self._sign(entry, tip)
                    facts.append(
                        {"fact": "signed", "run": entry.run, "seq": entry.seq, "record": record}
                    )
                    tip = record_hash(record)
                else:
                    tip = entry.name
            if facts:
                # Crash before this: nobody has seen these records, they are signed anew.
                self._buffer.record(*facts)
            return chosen

    def _tip_before(self, chosen: Sequence[Entry]) -> str:
        """The record that the first chosen entry follows: the newest entry before it, or the binding."""
        binding = self._buffer.ledger.binding
        if binding is None:
            raise RuntimeError("nothing is signed before the binding")
        tip = record_hash(binding["record"])
        for entry in self._buffer.ledger.entries():
            if chosen and entry is chosen[0]:
                break
            tip = entry.name
        return tip

    def _sign(self, entry: Entry, prev: str) -> str:
        ledger = self._buffer.ledger
        binding = ledger.binding or {}
        link = Link(
            binding["sitting"], binding["generation"], entry.run, entry.seq, prev, ledger.seen,
            self._due_sample(entry.run),
        )
        what, run = entry.what, ledger.runs[entry.run]
        if isinstance(what, Segment):
            head = Head(
                link, run.source, run.container, what.offset, what.length, what.sha256, what.media_us,
                what.mono_ms, what.wall_ms,
            )
            return sign(self._key, Head.TYP, head.to_claims())
        note = Note(link, what.note, what.cause, what.mono_ms, what.wall_ms)
        return sign(self._key, Note.TYP, note.to_claims())

    def _due_sample(self, run: int) -> ClockSample | None:
        sample = self._sample()
        if sample is None or self._buffer.ledger.runs[run].boot != self._boot:
            # A sample speaks of this boot's monotonic clock; a run of an earlier one is placed by wall time.
            return None
        last = self._sampled.get(run)
        if last is not None and sample.mono_ms - last < SAMPLE_EVERY_MS:
            return None
        self._sampled[run] = sample.mono_ms
        return sample

    def manifest(self, wall_ms: int) -> str | None:
        """The newest manifest if it lists everything; else a new one, durable on return.

        None while some entry is not signed, or where there is nothing to list."""
        with self._buffer.lock:
            ledger = self._buffer.ledger
            entries = list(ledger.deliverable())
            if ledger.binding is None or any(entry.record is None for entry in entries):
                return None
            runs = tuple(_listed(list(run)) for _, run in groupby(entries, lambda entry: entry.run))
            if not runs:
                return None
            if ledger.manifests and ledger.listed == sum(run.entries for run in runs):
                return ledger.manifests[-1]
            manifest = Manifest(
                ledger.binding["sitting"], ledger.binding["generation"], len(ledger.manifests) + 1, runs,
                ledger.seen, wall_ms,
            )
            record = sign(self._key, Manifest.TYP, manifest.to_claims())
            self._buffer.record(
                {"fact": "manifest", "record": record, "entries": sum(run.entries for run in runs)}
            )
            return record


def _listed(entries: Sequence[Entry]) -> ListedRun:
    """One run's entries as the manifest lists them."""
    size = sum(entry.segment.length for entry in entries if entry.segment)
    return ListedRun(entries[0].run, len(entries), entries[-1].name, size)


async def commit(server: Server, buffer: Buffer, entries: Sequence[Entry], server_key: OKPKey) -> None:
    """Send signed entries and keep the acknowledgement.  Raises PairingError, TryLater.

    Raises PairingError("signature_invalid" or "claims_invalid") for an acknowledgement that does not hold."""
    answer = await server.entries([entry.record for entry in entries if entry.record is not None])
    record = str(answer.get("acknowledgement", ""))
    told = Acknowledgement.from_claims(verify(record, Acknowledgement.TYP, server_key))
    binding = buffer.ledger.binding or {}
    require_own(told.sitting, str(binding.get("sitting")))
    names = tuple(entry.name for entry in entries)
    if told.entries != names:
        raise PairingError("claims_invalid", "the acknowledgement names other entries than were sent")
    uploads = answer.get("uploads")
    addresses = {
        str(name): str(path)
        for name, path in (uploads.items() if isinstance(uploads, dict) else ())
        if name in names
    }
    facts: list[Fact] = [
        {"fact": "acknowledged", "record": record, "entries": list(names), "uploads": addresses}
    ]
    end_ms = answer.get("end_ms")
    if isinstance(end_ms, int) and end_ms != buffer.ledger.end_ms:
        facts.append({"fact": "ended", "end_ms": end_ms})
    # Crash before this: the same entries are sent again and acknowledged again.
    buffer.record(*facts)
