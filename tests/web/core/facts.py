"""Sequences of facts as a phone's journal holds them, made by chance from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from pairing.encoding import sha256_b64u
from pairing.jws import record_hash
from phone_client.ledger import Entry, Ledger

Fact = dict[str, Any]
CAUSES = ("crash", "call", "hidden", "camera_lost", "storage_full", "unknown")
NOTES = ("gap_begin", "gap_end", "scan_begin", "scan_end", "placed", "stop")


class FactMaker:
    """Draws one fact after the other, each of which Python's ledger, which it drives, has a place for."""

    def __init__(self, seed: int) -> None:
        self.ledger = Ledger()
        self._dice = random.Random(seed)
        self._count = 0

    def draw(self) -> Fact:
        """One more fact, taken in."""
        while True:
            fact = self._dice.choice(self._makers())()
            if fact is not None:
                break
        if "record" in fact:
            fact["name"] = record_hash(fact["record"])  # what the web app's journal holds besides
        self.ledger.apply(fact)
        return fact

    def draw_impossible(self) -> Fact:
        """A fact that has no place here."""
        run = max(self.ledger.runs, default=0)
        kinds: list[Fact] = [
            {"fact": "nonsense"},
            {"fact": "run_closed", "run": run + 1},
            {"fact": "run_opened", "run": run + 1},
            {"fact": "note", "run": run + 1, "note": "placed", "cause": "none", "mono_ms": 0, "wall_ms": 0},
            {"fact": "signed", "run": run + 1, "seq": 0, "record": "", "name": ""},
            {"fact": "receipt", "head": "nobody's", "record": "", "name": ""},
            {"fact": "address_lost", "head": "nobody's"},
            {"fact": "deleted", "heads": ["nobody's"]},
            {"fact": "acknowledged", "record": "", "name": "", "entries": ["nobody's"], "uploads": {}},
            {"fact": "acknowledged", "record": "", "name": "", "entries": [], "uploads": {"nobody's": ""}},
            {"fact": "bound"},
            {"fact": "ended"},
        ]
        newest = self.ledger.run
        if newest is not None:
            kinds += [
                self._segment(newest.number, newest.bytes + 1),
                self._opening(newest.number),
                {"fact": "signed", "run": run, "seq": len(newest.entries), "record": "", "name": ""},
            ]
            if not newest.closed:
                kinds.append(self._opening(run + 1))
        return self._dice.choice(kinds)

    # --- each gives a fact, or None where there is no place for one -----------------------------------------

    def _makers(self) -> list[Callable[[], Fact | None]]:
        often = [self._recorded, self._recorded, self._recorded, self._noted, self._signed, self._signed]
        return [
            *often, self._acknowledged, self._acknowledged, self._received, self._opened, self._closed,
            self._claimed, self._bound, self._uncommitted, self._turned_away, self._lost, self._listed,
            self._listed_sent, self._ended, self._decided, self._released, self._deleted,
        ]

    def _opening(self, run: int) -> Fact:
        return {
            "fact": "run_opened", "run": run, "source": "camera", "container": "video/mp4",
            "base_us": self._number(), "wall_ms": self._number(), "boot": "boot",
        }

    def _opened(self) -> Fact | None:
        run = self.ledger.run
        return self._opening(run.number + 1 if run else 1) if run is None or run.closed else None

    def _closed(self) -> Fact | None:
        run = self.ledger.run
        return {"fact": "run_closed", "run": run.number} if run and not run.closed else None

    def _segment(self, run: int, offset: int) -> Fact:
        start = self._number()
        return {
            "fact": "segment", "run": run, "offset": offset, "length": 1 + self._dice.randrange(10**6),
            "sha256": sha256_b64u(str(start)), "media_us": [start, start + self._dice.randrange(5_000_000)],
            "mono_ms": [start, start + 4_000], "wall_ms": self._number(),
        }

    def _recorded(self) -> Fact | None:
        run = self.ledger.run
        return self._segment(run.number, run.bytes) if run and not run.closed else None

    def _noted(self) -> Fact | None:
        run = self.ledger.run
        return {
            "fact": "note", "run": run.number, "note": self._dice.choice(NOTES),
            "cause": self._dice.choice(CAUSES), "mono_ms": self._number(), "wall_ms": self._number(),
        } if run else None

    def _claimed(self) -> Fact:
        if self._dice.random() < 0.3:
            return {"fact": "claim_dropped"}
        return {"fact": "claimed", "sitting": "s", "secret": str(self._number())}

    def _bound(self) -> Fact:
        return {"fact": "bound", "sitting": "s", "generation": 1, "record": self._record()}

    def _signed(self) -> Fact | None:
        entry = self._entry(lambda entry: entry.record is None)
        if entry is None:
            return None
        return {"fact": "signed", "run": entry.run, "seq": entry.seq, "record": self._record()}

    def _acknowledged(self) -> Fact | None:
        names = [entry.name for entry in self.ledger.deliverable() if entry.name and not entry.committed][:5]
        uploads = {name: f"/uploads/{name}" for name in names if self._dice.random() < 0.8}
        return {"fact": "acknowledged", "record": self._record(), "entries": names, "uploads": uploads}

    def _received(self) -> Fact | None:
        entry = self._entry(lambda entry: entry.upload is not None)
        return {"fact": "receipt", "head": entry.name, "record": self._record()} if entry else None

    def _uncommitted(self) -> Fact | None:
        entry = self._entry(lambda entry: entry.committed) if self._dice.random() < 0.3 else None
        return {"fact": "uncommitted", "run": entry.run, "seq": entry.seq} if entry else None

    def _turned_away(self) -> Fact | None:
        entry = self._entry(lambda entry: not entry.committed) if self._dice.random() < 0.1 else None
        return {"fact": "turned_away", "run": entry.run, "seq": entry.seq} if entry else None

    def _lost(self) -> Fact | None:
        entry = self._entry(lambda entry: entry.upload is not None) if self._dice.random() < 0.5 else None
        return {"fact": "address_lost", "head": entry.name} if entry else None

    def _listed(self) -> Fact:
        entries = sum(1 for _ in self.ledger.deliverable())
        return {"fact": "manifest", "record": self._record(), "entries": entries}

    def _listed_sent(self) -> Fact:
        return {"fact": "manifest_sent", "version": len(self.ledger.manifests)}

    def _ended(self) -> Fact:
        return {"fact": "ended", "end_ms": self._number()}

    def _decided(self) -> Fact:
        return {"fact": "verdict", "record": self._record()}

    def _released(self) -> Fact:
        return {"fact": "released", "record": self._record()}

    def _deleted(self) -> Fact | None:
        entry = self._entry(lambda entry: entry.receipt is not None and not entry.deleted)
        return {"fact": "deleted", "heads": [entry.name]} if entry else None

    def _entry(self, has_place: Callable[[Entry], bool]) -> Entry | None:
        chosen = [entry for entry in self.ledger.entries() if has_place(entry)]
        return self._dice.choice(chosen) if chosen else None

    def _number(self) -> int:
        return self._dice.randrange(10**12)

    def _record(self) -> str:
        self._count += 1
        return f"header.{self._count}.signature"


def outcome_of(ledger: Ledger) -> Mapping[str, Any]:
    """All of a ledger that both implementations have, as JSON."""
    totals = ledger.totals()
    return {
        "totals": {
            "recorded": totals.recorded, "committed": totals.committed, "stored": totals.stored,
            "bytes_held": totals.bytes_held, "recorded_us": totals.recorded_us,
        },
        "runs": [
            {
                "run": run.number, "bytes": run.bytes, "closed": run.closed,
                "entries": [
                    [entry.name, entry.record, entry.committed, entry.upload, entry.receipt, entry.deleted]
                    for entry in run.entries
                ],
            }
            for run in ledger.runs.values()
        ],
        "deliverable": [[entry.run, entry.seq] for entry in ledger.deliverable()],
        "claim": ledger.claim and ledger.claim["secret"],
        "seen": ledger.seen,
        "gap": ledger.gap and [ledger.gap.note, ledger.gap.cause, ledger.gap.mono_ms, ledger.gap.wall_ms],
        "stopped": ledger.stopped,
        "end_ms": ledger.end_ms,
        "manifests": ledger.manifests,
        "listed": ledger.listed,
        "manifest_sent": ledger.manifest_sent,
        "verdicts": ledger.verdicts,
        "releases": ledger.releases,
    }  # fmt: skip
