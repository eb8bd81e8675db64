"""The manifest: the phone's signed list of everything it recorded, by run and tip.

A run's tip commits to the whole run through its chain, so the list stays short however long the
recording was.  Resuming after a manifest makes another, with the next version (requirement E9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pairing.chain import Chains
from pairing.claims import ClaimsReader
from pairing.errors import PairingError
from pairing.messages import MAX_RUN, MAX_RUNS, MAX_SEQ


@dataclass(frozen=True)
class ListedRun:
    """A run in a manifest: how many entries its chain has, the last one's hash, its media's bytes."""

    run: int
    entries: int
    tip: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """What the phone says is all of it, up to `wall_ms` of its own clock."""

    TYP: ClassVar[str] = "evidence-manifest+jws"

    sitting: str
    generation: int
    version: int
    runs: tuple[ListedRun, ...]
    seen: str
    wall_ms: int

    @classmethod
    def from_claims(cls, claims: Mapping[str, object]) -> Manifest:
        """Raises PairingError("claims_invalid")."""
        reader = ClaimsReader(claims)
        sitting, generation = reader.identifier("sitting"), reader.integer("generation", 1, 999)
        version = reader.integer("version", 1, 999)
        runs = tuple(_listed(item) for item in reader.items("runs", MAX_RUNS))
        if len({run.run for run in runs}) != len(runs):
            raise PairingError("claims_invalid", "a run is listed twice")
        manifest = cls(sitting, generation, version, runs, reader.hash("seen"), reader.integer("wall_ms"))
        reader.done()
        return manifest

    def to_claims(self) -> dict[str, object]:
        """The inverse of `from_claims`."""
        return {
            "sitting": self.sitting, "generation": self.generation, "version": self.version,
            "runs": [
                {"run": run.run, "entries": run.entries, "tip": run.tip, "bytes": run.bytes}
                for run in self.runs
            ],
            "seen": self.seen, "wall_ms": self.wall_ms,
        }

    def covers(self, chains: Chains) -> bool:
        """Whether it lists exactly what `chains` hold: nothing unsent, nothing recorded since."""
        listed = {run.run: (run.entries, run.tip, run.bytes) for run in self.runs}
        return listed == {number: (run.next_seq, run.tip, run.bytes) for number, run in chains.runs.items()}


def _listed(item: object) -> ListedRun:
    if not isinstance(item, dict):
        raise PairingError("claims_invalid", "runs must be objects")
    reader = ClaimsReader(item)
    run = ListedRun(
        reader.integer("run", 1, MAX_RUN), reader.integer("entries", 1, MAX_SEQ + 1), reader.hash("tip"),
        reader.integer("bytes"),
    )
    reader.done()
    return run


def list_runs(chains: Chains) -> tuple[ListedRun, ...]:
    """The manifest's list for what `chains` hold, in the order of runs."""
    return tuple(
        ListedRun(number, run.next_seq, run.tip, run.bytes) for number, run in sorted(chains.runs.items())
    )
