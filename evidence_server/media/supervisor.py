"""The server's side of a media worker: keeps it running, feeds it in order, blames the right segment."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, TypeVar

from evidence_server.media.limits import Limits
from evidence_server.media.measurement import Measurement, Problem
from evidence_server.media.process import MediaWorkerError, WorkerDiedError, WorkerProcess
from evidence_server.media.restart import MP4, WEBM

Read = Callable[[int], Awaitable[bytes]]
Answer = TypeVar("Answer")

#: Runs whose deadly segments are remembered.
_DEADLY_RUNS = 1000
#: Deaths in a row, each on another segment, after which no segment is to blame.
_STRAY_DEATHS = 4


@dataclass
class _OpenRun:
    """A run's place in the worker, and the segments that it has been fed."""

    seat: int
    fed: list[int] = field(default_factory=list)


class RunWorker(ABC, Generic[Answer]):
    """Has segments read in one limited process, one at a time.

    A run is one container stream, cut into numbered segments. The worker keeps its runs open, so reading
    the next segment reads that segment only; where it has lost its place, it is fed the earlier segments
    again.

    A segment on which the worker dies is tried once more in a new worker that holds nothing else. If that
    dies too, the segment is *deadly*: answered as that, and left out in front of later ones as if it were
    missing.
    """

    program: ClassVar[str]
    """The worker's module."""

    def __init__(self, limits: Limits | None = None) -> None:
        """``limits`` default to those of :class:`Limits`."""
        self._limits = limits or Limits()
        self._turn = asyncio.Lock()
        self._process: WorkerProcess | None = None
        self.tools: dict[str, str] = {}
        """Versions that the worker works with; empty before it has started."""
        self._runs: OrderedDict[str, _OpenRun] = OrderedDict()
        self._deadly: OrderedDict[str, dict[int, Problem]] = OrderedDict()

    @abstractmethod
    def _read(self, reply: Mapping[str, Any]) -> Answer | None:
        """The answer in a worker's reply; None if it holds none."""

    @abstractmethod
    def _failed(self, segment: int | None, size: int, problem: Problem) -> Answer:
        """The answer for a segment that cannot be read."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the worker. (Whenever it has died, it is started again when it is needed.)

        Raises:
            MediaWorkerError: it can't be started.
        """
        async with self._turn:
            await self._running()

    async def stop(self) -> None:
        """End the worker, after the segment in work."""
        async with self._turn:
            await self._end()

    @property
    def pid(self) -> int | None:
        """The worker's process id, None while it does not run."""
        return self._process.pid if self._process else None

    async def feed(
        self, run: str, segment: int, before: Sequence[int], container: str, read: Read, **facts: object
    ) -> Answer:
        """Have one segment of a run read.

        Args:
            run: names the run; any string that no other run has.
            segment: its number in the run, from 0.
            before: the segments in front of it that there are, ascending: all from 0, or with holes. Without
                segment 0, which holds the container's header, nothing can be read.
            container: what the run claims to be, ``video/mp4`` or ``video/webm``.
            read: gives a segment's bytes; called for ``segment``, and for those in ``before`` that the worker
                has not read yet.
            facts: what the worker is told besides, JSON.

        Raises:
            MediaWorkerError: the worker failed for reasons of its own; measure again later.
            ValueError: ``container`` is none of the two.
            Exception: whatever ``read`` raised.
        """
        if container not in (MP4, WEBM):
            raise ValueError(f"no container of runs: {container}")
        async with self._turn:
            piece = await read(segment)
            if len(piece) > self._limits.segment_bytes:
                problem = Problem("size_limit", f"more than {self._limits.segment_bytes} bytes")
                return self._failed(segment, len(piece), problem)
            suspect: int | None = None
            stray_deaths = 0
            while (deadly := self._deadly.get(run, {}).get(segment)) is None:
                feeding = segment
                try:
                    for feeding in self._unread(run, before):
                        await self._feed(run, feeding, await read(feeding), container, False, facts)
                    feeding = segment
                    answer = await self._feed(run, segment, piece, container, True, facts)
                except WorkerDiedError as death:
                    stray_deaths = 0 if suspect == feeding else stray_deaths + 1
                    if suspect == feeding:
                        self._condemn(run, feeding, death)
                    elif stray_deaths > _STRAY_DEATHS:
                        raise MediaWorkerError(
                            f"the media worker dies now here, now there: {death}"
                        ) from death
                    suspect = feeding
                else:
                    return answer or self._failed(segment, len(piece), Problem("undecodable", "no answer"))
            return self._failed(segment, len(piece), deadly)

    async def finish(self, run: str, **facts: object) -> Answer | None:
        """Close a run that is over, and have what its end still brings out of the container's buffers.

        Returns None if the run is not open: nothing is read again only to be closed.

        Raises:
            MediaWorkerError: see :meth:`feed`.
        """
        async with self._turn:
            place = self._runs.pop(run, None)
            if place is None:
                return None
            try:
                return await self._ask("finish", place.seat, b"", **facts)
            except WorkerDiedError as death:
                if death.problem is None:
                    raise _ended_from_outside(death) from death
                return self._failed(None, 0, death.problem)

    def _unread(self, run: str, before: Sequence[int]) -> list[int]:
        """Which segments must be fed first. Forgets what the run was fed if it was something else."""
        deadly = self._deadly.get(run, {})
        due = [number for number in before if number not in deadly]
        place = self._runs.get(run)
        if place is None:
            return due
        if due[: len(place.fed)] != place.fed:
            place.fed.clear()
        return due[len(place.fed) :]

    async def _feed(
        self, run: str, segment: int, piece: bytes, container: str, measure: bool, facts: Mapping[str, object]
    ) -> Answer | None:
        place = await self._place(run)
        jump = bool(place.fed) and segment != place.fed[-1] + 1
        answer = await self._ask(
            "feed", place.seat, piece, segment=segment, container=container, jump=jump, measure=measure,
            **facts,
        )
        place.fed.append(segment)
        return answer

    async def _place(self, run: str) -> _OpenRun:
        """The run's seat in the worker; the run that was idle longest makes room for a new one."""
        place = self._runs.get(run)
        if place is None:
            taken = {other.seat for other in self._runs.values()}
            free = [seat for seat in range(self._limits.open_runs) if seat not in taken]
            place = _OpenRun(free[0] if free else self._runs.popitem(last=False)[1].seat)
            self._runs[run] = place
        self._runs.move_to_end(run)
        if not place.fed:
            # Whatever sat there before.
            await self._ask("close", place.seat)
        return place

    async def _ask(self, op: str, seat: int, piece: bytes = b"", **facts: object) -> Answer | None:
        process = await self._running()
        try:
            reply = await process.ask({"op": op, "seat": seat, **facts}, piece)
        except BaseException:
            # Also when cancelled: the reply that is still to come belongs to nobody.
            await self._end()
            raise
        return self._read(reply)

    async def _running(self) -> WorkerProcess:
        if self._process is not None and not self._process.alive:
            await self._end()
        if self._process is None:
            self._process = await WorkerProcess.start(self.program, self._limits)
            self.tools = self._process.tools
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        self._runs.clear()
        if process is not None:
            await process.end()

    def _condemn(self, run: str, segment: int, death: WorkerDiedError) -> None:
        """Remember a segment that killed two workers.

        Raises:
            MediaWorkerError: they were killed by somebody else.
        """
        if death.problem is None:
            raise _ended_from_outside(death) from death
        self._deadly.setdefault(run, {})[segment] = death.problem
        self._deadly.move_to_end(run)
        if len(self._deadly) > _DEADLY_RUNS:
            self._deadly.popitem(last=False)


def _ended_from_outside(death: WorkerDiedError) -> MediaWorkerError:
    return MediaWorkerError(f"the media worker was ended from outside: {death}")


class MediaWorker(RunWorker[Measurement]):
    """Measures packets: the worker in `evidence_server.media.worker`."""

    program = "evidence_server.media.worker"

    async def measure(
        self, run: str, segment: int, before: Sequence[int], container: str, read: Read
    ) -> Measurement:
        """Measure one segment of a run; see :meth:`feed`."""
        return await self.feed(run, segment, before, container, read)

    def _read(self, reply: Mapping[str, Any]) -> Measurement | None:
        found = reply["measurement"]
        return Measurement.from_json(found) if found else None

    def _failed(self, segment: int | None, size: int, problem: Problem) -> Measurement:
        return Measurement(segment, size, None, None, None, None, (problem,), dict(self.tools))
