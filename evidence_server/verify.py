"""Verify: measures stored segments, run by run, as they arrive, and journals what was found.

The measuring itself is done by `media` in a limited process; this stage only chooses what is next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evidence_server.media.supervisor import MediaWorker
from evidence_server.register import Register
from evidence_server.segment import Segment
from evidence_server.sitting import Generation, Sitting
from evidence_server.store import Store
from evidence_server.turns import Turns


@dataclass(frozen=True)
class Task:
    """Segment number `ordinal` of its run, readable behind the stored segments `before`."""

    generation: Generation
    segments: Sequence[Segment]
    ordinal: int
    before: tuple[int, ...]

    @property
    def segment(self) -> Segment:
        """The segment to be measured."""
        return self.segments[self.ordinal]

    @property
    def after_hole(self) -> bool:
        """Whether something in front of it is missing."""
        return len(self.before) < self.ordinal


def tasks(state: Sitting, *, past_holes: bool) -> Iterator[Task]:
    """What can be measured now, in the order of runs.

    A segment behind a missing one waits for it, unless `past_holes`: then it is read as far as it goes.
    """
    for generation in state.generations:
        for run in generation.runs.values():
            missing: set[int] = set()
            for ordinal, segment in run.unfinished():
                if segment.stored_at_ms is None:
                    if not past_holes:
                        break
                    missing.add(ordinal)
                elif segment.measurement is None:
                    before = tuple(number for number in range(ordinal) if number not in missing)
                    yield Task(generation, run, ordinal, before)


class Verifier(Turns):
    """Measures one segment at a time."""

    stage = "verify"

    def __init__(self, register: Register, store: Store, worker: MediaWorker) -> None:
        super().__init__(register)
        self._store = store
        self._worker = worker

    async def step(self, sitting: str) -> bool:
        """Measures and journals the next segment of `sitting`; False if there was none."""
        state = await self._register.look(sitting)
        deadline = state.deadline_ms
        past = bool(state.verdicts) or (deadline is not None and self._register.now_ms() >= deadline)
        task = next(tasks(state, past_holes=past), None)
        if task is None:
            return False
        measurement = await self._measure(state.id, task)
        async with self._register.hold(sitting) as held:
            await held.append(("measured", {
                "generation": task.generation.number, "head": task.segment.name,
                "sha256": task.segment.sha256,
                "read_behind": list(task.before) if task.after_hole else None, "measurement": measurement,
            }))
        return True

    async def _measure(self, sitting: str, task: Task) -> dict[str, object]:
        if task.segment.source != "camera":
            return {"problems": [], "bytes": task.segment.length}
        run = f"{sitting}/{task.generation.number}/{task.segment.run}"

        async def read(ordinal: int) -> bytes:
            return await self._store.read(sitting, task.segments[ordinal].name)

        measurement = await self._worker.measure(
            run, task.ordinal, task.before, task.segment.container, read
        )
        return measurement.to_json()
