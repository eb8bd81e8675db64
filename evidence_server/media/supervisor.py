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

#: Runs whose deadly segments are remembered, and peers that are kept apart.
_DEADLY_RUNS = 1000
#: Deaths in a row, each on another segment, after which no segment is to blame.
_STRAY_DEATHS = 4


@dataclass
class _OpenRun:
    """A run's place in the worker, and the segments that it has been fed."""

    seat: int
    fed: list[int] = field(default_factory=list)


@dataclass
class _Bench:
    """A process, and the runs that are open in it; the one that was idle longest comes first."""

    process: WorkerProcess | None = None
    runs: OrderedDict[str, _OpenRun] = field(default_factory=OrderedDict)

    async def end(self) -> None:
        process, self.process = self.process, None
        self.runs.clear()
        if process is not None:
            await process.end()


class RunWorker(ABC, Generic[Answer]):
    """Has segments read in one limited process, one at a time.

    A run is one container stream, cut into numbered segments. The worker keeps its runs open, so reading
    the next segment reads that segment only; where it has lost its place, it is fed the earlier segments
    again.

    A segment on which the worker dies is tried once more in a new worker that holds nothing else. If that
    dies too, the segment is *deadly*: answered as that, and left out in front of later ones as if it were
    missing. Whoever sent it is read in another process from then on: with each death all runs that are open
    in a worker have to be read again, and nobody is to make others wait for that again and again.
    """

    program: ClassVar[str]
    """The worker's module."""

    def __init__(self, limits: Limits | None = None) -> None:
        """``limits`` default to those of :class:`Limits`."""
        self._limits = limits or Limits()
        self._turn = asyncio.Lock()
        self._common, self._secluded = _Bench(), _Bench()
        self._apart: OrderedDict[str, None] = OrderedDict()
        self.tools: dict[str, str] = {}
        """Versions that the worker works with; empty before it has started."""
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
            await self._running(self._common)

    async def stop(self) -> None:
        """End the worker, after the segment in work."""
        async with self._turn:
            await self._common.end()
            await self._secluded.end()

    @property
    def pid(self) -> int | None:
        """The worker's process id, None while it does not run."""
        return self._common.process.pid if self._common.process else None

    async def feed(
        self, run: str, segment: int, before: Sequence[int], container: str, read: Read, **facts: object
    ) -> Answer:
        """Have one segment of a run read.

        Args:
            run: names the run; any string that no other run has. What stands in front of its first slash says
                whose it is.
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
                    if death.problem is not None:
                        self._seclude(run)
                    await self._bench(run).end()  # tried again, it is alone
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
            bench = self._bench(run)
            place = bench.runs.pop(run, None)
            if place is None:
                return None
            try:
                return await self._ask(bench, "finish", place.seat, b"", **facts)
            except WorkerDiedError as death:
                if death.problem is None:
                    raise _ended_from_outside(death) from death
                return self._failed(None, 0, death.problem)

    def _unread(self, run: str, before: Sequence[int]) -> list[int]:
        """Which segments must be fed first. Forgets what the run was fed if it was something else."""
        deadly = self._deadly.get(run, {})
        due = [number for number in before if number not in deadly]
        place = self._bench(run).runs.get(run)
        if place is None:
            return due
        if due[: len(place.fed)] != place.fed:
            place.fed.clear()
        return due[len(place.fed) :]

    async def _feed(
        self, run: str, segment: int, piece: bytes, container: str, measure: bool, facts: Mapping[str, object]
    ) -> Answer | None:
        bench = self._bench(run)
        place = await self._place(bench, run)
        jump = bool(place.fed) and segment != place.fed[-1] + 1
        answer = await self._ask(
            bench, "feed", place.seat, piece, segment=segment, container=container, jump=jump,
            measure=measure, **facts,
        )
        place.fed.append(segment)
        return answer

    async def _place(self, bench: _Bench, run: str) -> _OpenRun:
        """The run's seat in the worker; the run that was idle longest makes room for a new one."""
        place = bench.runs.get(run)
        if place is None:
            taken = {other.seat for other in bench.runs.values()}
            free = [seat for seat in range(self._limits.open_runs) if seat not in taken]
            place = _OpenRun(free[0] if free else bench.runs.popitem(last=False)[1].seat)
            bench.runs[run] = place
        bench.runs.move_to_end(run)
        if not place.fed:
            # Whatever sat there before.
            await self._ask(bench, "close", place.seat)
        return place

    async def _ask(
        self, bench: _Bench, op: str, seat: int, piece: bytes = b"", **facts: object
    ) -> Answer | None:
        process = await self._running(bench)
        try:
            reply = await process.ask({"op": op, "seat": seat, **facts}, piece)
        except BaseException:
            # Also when cancelled: the reply that is still to come belongs to nobody.
            await bench.end()
            raise
        return self._read(reply)

    async def _running(self, bench: _Bench) -> WorkerProcess:
        if bench.process is not None and not bench.process.alive:
            await bench.end()
        if bench.process is None:
            bench.process = await WorkerProcess.start(self.program, self._limits)
            self.tools = bench.process.tools
        return bench.process

    def _bench(self, run: str) -> _Bench:
        return self._secluded if _whose(run) in self._apart else self._common

    def _seclude(self, run: str) -> None:
        """From now on whoever sent `run` is read apart from all others."""
        self._apart[_whose(run)] = None
        self._apart.move_to_end(_whose(run))
        if len(self._apart) > _DEADLY_RUNS:
            self._apart.popitem(last=False)

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


def _whose(run: str) -> str:
    return run.partition("/")[0]


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
