"""Vectors of chains: entries in the order of their arrival, what each is answered, what stands at the end.

And of manifests, which list what a chain must hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.vectors.claims import AT_MS, HASH, OF_SITTING, OTHER_HASH, SITTING, Claims
from tests.vectors.signing import PHONE, b64u, name_of

BINDING = name_of("the binding of the chain vectors")
UNKNOWN = name_of("a record that nobody sent")
SEGMENT = 1_000  # bytes


@dataclass
class Story:
    """Entries as they arrive, each with its expected outcome, and the runs they should leave."""

    steps: list[Claims] = field(default_factory=list)
    runs: dict[int, Claims] = field(default_factory=dict)

    def head(self, run: int, outcome: str = "accepted", **changes: object) -> str:
        """The next segment of `run`, with `changes`."""
        before = self.runs.get(run, {"entries": 0, "bytes": 0})
        offset, entries = int(str(before["bytes"])), int(str(before["entries"]))
        claims: Claims = self._link(run) | {
            "source": "camera", "container": "video/mp4", "offset": offset, "length": SEGMENT,
            "sha256": HASH, "media_us": [entries * 4_000_000, entries * 4_000_000 + 4_000_000],
            "mono_ms": [entries * 4_000, entries * 4_000 + 4_000], "wall_ms": AT_MS + entries * 4_000,
        }  # fmt: skip
        return self._arrives("evidence-head+jws", claims | changes, outcome)

    def note(self, run: int, outcome: str = "accepted", **changes: object) -> str:
        """The next note of `run`, with `changes`."""
        claims = self._link(run) | {"note": "placed", "cause": "none", "mono_ms": 1, "wall_ms": AT_MS}
        return self._arrives("evidence-note+jws", claims | changes, outcome)

    def again(self, record: str, outcome: str = "duplicate") -> None:
        """`record` arrives once more."""
        self.steps.append({"record": record, "outcome": outcome})

    def _link(self, run: int) -> Claims:
        before = self.runs.get(run, {"entries": 0, "tip": BINDING})
        return OF_SITTING | {
            "run": run, "seq": before["entries"], "prev": before["tip"], "seen": BINDING
        }

    def _arrives(self, typ: str, claims: Claims, outcome: str) -> str:
        record = PHONE.record(typ, claims)
        step: Claims = {"record": record, "outcome": outcome}
        run = int(str(claims["run"]))
        before = self.runs.get(run, {"entries": 0, "bytes": 0})
        if outcome == "accepted":
            entries = int(str(before["entries"])) + 1
            held = int(str(before["bytes"])) + int(str(claims.get("length", 0)))
            self.runs[run] = {"entries": entries, "tip": name_of(record), "bytes": held}
        if outcome == "chain_broken":
            step["next"] = {"run": run, "seq": before["entries"]}
        if outcome == "chain_forked":
            step["next"] = {"run": run, "seq": claims["seq"]}
        self.steps.append(step)
        return record


def _one_run(story: Story) -> None:
    story.note(1)
    story.head(1)
    story.head(1)
    story.note(1, note="stop")


def _two_sources(story: Story) -> None:
    story.head(1)
    newest = story.head(1)
    story.head(2, prev=name_of(newest), source="orientation", container="application/json")
    story.head(1)
    story.head(2, source="orientation", container="application/json")


def _many_runs(story: Story) -> None:
    first = story.head(1)
    story.head(1)
    story.note(7, prev=name_of(first))
    story.head(3)
    story.head(3, offset=SEGMENT, length=64 * 2**20)


def _again(story: Story) -> None:
    first = story.head(1)
    story.again(first)
    second = story.head(1)
    story.again(first)
    story.again(second)
    story.head(1)


def _skipped(story: Story) -> None:
    story.head(1)
    story.head(1, "chain_broken", seq=2)
    story.head(1)


def _late_start(story: Story) -> None:
    story.head(1)
    story.head(2, "chain_broken", seq=1)
    story.head(2)


def _dropped(story: Story) -> None:
    story.head(1)
    story.head(1, "chain_broken", prev=UNKNOWN)
    story.head(1)


def _over(story: Story) -> None:
    first = story.head(1)
    story.head(1)
    story.head(1, "chain_broken", prev=name_of(first))
    story.head(1)


def _of_another_run(story: Story) -> None:
    story.head(1)
    other = story.head(2)
    story.head(1, "chain_broken", prev=name_of(other))


def _rootless(story: Story) -> None:
    story.head(1, "chain_broken", prev=UNKNOWN)
    story.head(1)


def _rootless_run(story: Story) -> None:
    story.head(1)
    story.head(2, "chain_broken", prev=UNKNOWN)
    story.head(2)


def _forked(story: Story) -> None:
    story.head(1)
    story.head(1)
    story.head(1, "chain_forked", seq=0, prev=BINDING, offset=0, sha256=OTHER_HASH)
    story.head(1)


def _forked_by_a_note(story: Story) -> None:
    story.head(1)
    story.note(1, "chain_forked", seq=0, prev=BINDING)


def _refused_is_no_fork(story: Story) -> None:
    story.head(1)
    story.head(1, "claims_invalid", offset=7)
    story.head(1, sha256=OTHER_HASH)


def _hole(story: Story) -> None:
    story.head(1)
    story.head(1, "claims_invalid", offset=SEGMENT + 1)


def _overlap(story: Story) -> None:
    story.head(1)
    story.head(1, "claims_invalid", offset=SEGMENT - 1)


def _first_offset(story: Story) -> None:
    story.head(1, "claims_invalid", offset=1)


def _other_source(story: Story) -> None:
    story.head(1)
    story.head(1, "claims_invalid", source="orientation", container="application/json")


def _other_container(story: Story) -> None:
    story.head(1)
    story.head(1, "claims_invalid", container="video/webm")


def _clock_back(story: Story) -> None:
    story.head(1, mono_ms=[4_000, 8_000])
    story.head(1, "claims_invalid", mono_ms=[3_999, 8_000])
    story.head(1, mono_ms=[4_000, 8_000])


def _other_sitting(story: Story) -> None:
    story.head(1, "claims_invalid", sitting=SITTING + "2")
    story.head(1)


def _other_generation(story: Story) -> None:
    story.head(1, "claims_invalid", generation=2)
    story.head(1)


_STORIES: dict[str, Callable[[Story], None]] = {
    "one run of notes and heads": _one_run,
    "two sources, the second begun behind an entry of the first": _two_sources,
    "runs in any order, begun behind the binding or an older entry": _many_runs,
    "entries that arrive again": _again,
    "an entry left out": _skipped,
    "a run that begins with entry 1": _late_start,
    "prev names a record that nobody knows": _dropped,
    "prev names the entry before the last": _over,
    "prev names another run's entry": _of_another_run,
    "the first run follows nothing": _rootless,
    "a later run follows nothing": _rootless_run,
    "two heads of one number": _forked,
    "a note with a head's number": _forked_by_a_note,
    "what was refused takes no number": _refused_is_no_fork,
    "a byte left out": _hole,
    "a byte twice": _overlap,
    "the first segment does not begin at 0": _first_offset,
    "source changes within a run": _other_source,
    "container changes within a run": _other_container,
    "monotonic clock goes back": _clock_back,
    "entry of another sitting": _other_sitting,
    "entry of another generation": _other_generation,
}


def make_chains() -> dict[str, object]:
    """The content of chains.json."""
    chains = []
    for name, tell in _STORIES.items():
        story = Story()
        tell(story)
        runs = [{"run": run} | held for run, held in sorted(story.runs.items())]
        chains.append({"name": name, "steps": story.steps, "runs": runs})
    of = {"sitting": SITTING, "generation": 1, "binding": BINDING}
    return {"key": PHONE.public_jwk} | of | {"chains": chains}


def make_manifests() -> dict[str, object]:
    """The content of manifest.json."""
    first: Claims = {"run": 1, "entries": 3, "tip": HASH, "bytes": 2_000}
    second: Claims = {"run": 2, "entries": 1, "tip": OTHER_HASH, "bytes": 0}
    held = [first, second]
    spare = b64u(bytes(32))
    listed: dict[str, tuple[list[Claims], list[Claims], bool]] = {
        "exactly what is committed": (held, [first, second], True),
        "in another order": (held, [second, first], True),
        "nothing, and nothing is committed": ([], [], True),
        "nothing, but something is committed": (held, [], False),
        "something, but nothing is committed": ([], [first], False),
        "a run left out": (held, [first], False),
        "a run nobody committed": (held, [first, second, second | {"run": 3}], False),
        "another number for a run": (held, [first, second | {"run": 3}], False),
        "an entry fewer than committed": (held, [first | {"entries": 2}, second], False),
        "an entry more than committed": (held, [first | {"entries": 4}, second], False),
        "another tip": (held, [first | {"tip": spare}, second], False),
        "tips exchanged": (held, [first | {"tip": OTHER_HASH}, second | {"tip": HASH}], False),
        "another number of bytes": (held, [first | {"bytes": 1_999}, second], False),
    }
    return {
        "manifests": [
            {
                "name": name, "committed": committed, "covers": covers,
                "claims": OF_SITTING | {"version": 1, "runs": runs, "seen": HASH, "wall_ms": AT_MS},
            }
            for name, (committed, runs, covers) in listed.items()
        ]
    }
