"""Verify: measures stored segments, run by run, as they arrive, and journals what was found.

The measuring itself is done by `media` in a limited process; this stage only chooses what is next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from evidence_server.media.supervisor import MediaWorker
from evidence_server.register import Register
from evidence_server.segment import Segment
from evidence_server.sitting import Generation, Sitting
from evidence_server.store import Store

RETRY_S = 5.0
"""Seconds after a failure of our own until that sitting's measuring is tried again."""

_log = structlog.get_logger("verify")


@dataclass(frozen=True)
class Task:
    """Segment number `ordinal` of its run, readable behind the stored segments `before`."""

    generation: Generation
    segments: list[Segment]
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
        for segments in generation.runs.values():
            before: list[int] = []
            for ordinal, segment in enumerate(segments):
                if segment.stored_at_ms is None:
                    if not past_holes:
                        break
                    continue
                if segment.measurement is None:
                    yield Task(generation, segments, ordinal, tuple(before))
                before.append(ordinal)


class Verifier:
    """Measures one segment at a time; `notice` tells it that a sitting may have something to measure."""

    def __init__(self, register: Register, store: Store, worker: MediaWorker) -> None:
        self._register = register
        self._store = store
        self._worker = worker
        self._waiting: dict[str, None] = {}
        self._news = asyncio.Event()

    def notice(self, sitting: str) -> None:
        """Something was stored for `sitting`, or its deadline has passed."""
        self._waiting[sitting] = None
        self._news.set()

    @property
    def waiting(self) -> int:
        """How many sittings have, or may have, something to measure."""
        return len(self._waiting)

    async def run(self) -> None:
        """Works until cancelled.  Sittings take turns, segment by segment."""
        for sitting in await self._register.journal.undecided():
            self.notice(sitting)
        while True:
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
            sitting = next(iter(self._waiting))
            del self._waiting[sitting]
            try:
                if await self.measure_next(sitting):
                    self.notice(sitting)
            except Exception as error:
                # Whatever it was, it is our own failure, not the media's: the verdict waits for the
                # measurement, so this sitting is tried again later, and the others go on.
                _log.error("measuring failed", sitting=sitting, exc_info=error)
                asyncio.get_running_loop().call_later(RETRY_S, self.notice, sitting)

    async def measure_next(self, sitting: str) -> bool:
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
