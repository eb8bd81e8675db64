"""Watch: looks at the stored pictures and sound as they arrive, and journals what was seen (E5-E7).

The looking itself is done by `media` in a limited process; this stage chooses what is next, in the order in
which somebody waits for it: the room scan, whose candidate may still repeat it; the placement; and then each
run from its beginning on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from evidence_server.anchor import expected_codes, slot_shown
from evidence_server.media.eyes import Eyes
from evidence_server.placing import place_runs
from evidence_server.register import Register
from evidence_server.scan import Marked, Stretch, marked, media_us, moments, mono_ms, stretch
from evidence_server.seen import FOREIGN, Look, SeenSpan, picture_name
from evidence_server.segment import Segment
from evidence_server.sitting import Generation, Sitting
from evidence_server.store import Store
from pairing.policy import OFF

RETRY_S = 5.0
"""Seconds after a failure of our own until that sitting is looked at again."""
BATCH = 15
"""Segments of a run, a minute, after which it is journalled how far it was looked through."""
TRIES = 3
"""How often a scan is read again because the eye forgot it; what kills it each time can't be read."""
CHECKS = ("scan", "placement", "continuity", "anchor")
ORIENTATION_BYTES = 1 << 20
"""A longer recording of the phone's orientation is not read: five minutes at 30 Hz are 400 KB."""

_log = structlog.get_logger("watch")

AnchorKey = Callable[[str], bytes]
"""What a sitting's markers are made of."""


@dataclass(frozen=True)
class MarkedTask:
    """A scan or placement: `ordinal` of its run is to be read next, None: nothing but the answer is left."""

    generation: Generation
    of: Marked
    stretch: Stretch
    ordinal: int | None


@dataclass(frozen=True)
class LookTask:
    """Segment `ordinal` of a run, to be looked at behind the stored ones among those before it; `told`: they
    have been, all of them, and only that is left to be journalled."""

    generation: Generation
    run: int
    ordinal: int
    skipped: tuple[int, ...]
    told: bool


@dataclass
class _Progress:
    """How far a scan, a placement or a run has been read since it was last journalled, in this process."""

    read: int = 0
    skipped: tuple[int, ...] = ()
    told: dict[str, Any] | None = None
    upto: int = 0
    lost: int = 0


class Watcher:
    """Looks at one segment at a time; `notice` tells it that a sitting may have something to look at."""

    def __init__(
        self, register: Register, store: Store, eyes: Eyes, anchor_key: AnchorKey, *, looking: bool = True
    ) -> None:
        """Unless `looking` nothing is looked at: the verdict says of each check that nobody measured it."""
        self._register = register
        self._store = store
        self._eyes = eyes
        self._anchor_key = anchor_key
        self._looking = looking
        self._waiting: dict[str, None] = {}
        self._news = asyncio.Event()
        self._progress: dict[tuple[str, int, str], _Progress] = {}

    def notice(self, sitting: str) -> None:
        """Something was stored or noted for `sitting`, or its deadline has passed."""
        self._waiting[sitting] = None
        self._news.set()

    @property
    def waiting(self) -> int:
        """How many sittings have, or may have, something to look at."""
        return len(self._waiting)

    def progress(self, sitting: str, note: str) -> dict[str, Any] | None:
        """What a scan that is going on has shown so far: `yaw_deg` and `sectors`."""
        return next(
            (one.told for (of, _, name), one in self._progress.items() if (of, name) == (sitting, note)), None
        )

    def waits(self, state: Sitting) -> bool:
        """Whether a verdict has to wait for something that is stored and can be looked at."""
        over = _over(state, self._register.now_ms())
        return next(self._tasks(state, over=over), None) is not None

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
                if await self.look_next(sitting):
                    self.notice(sitting)
            except Exception as error:
                # Whatever it was, it is our own failure, not the media's: the verdict waits, so this sitting
                # is tried again later, and the others go on.
                _log.error("looking failed", sitting=sitting, exc_info=error)
                asyncio.get_running_loop().call_later(RETRY_S, self.notice, sitting)

    async def look_next(self, sitting: str) -> bool:
        """Looks at the next piece of `sitting`, and journals what that says; False if there was none."""
        state = await self._register.look(sitting)
        over = _over(state, self._register.now_ms())
        task = next(self._tasks(state, over=over), None)
        if task is None:
            self._forget(state)
            return False
        if isinstance(task, LookTask):
            await self._look(state, task)
        else:
            await self._read_marked(state, task)
        return True

    # --- what is next ------------------------------------------------------------------------------------

    def _tasks(self, state: Sitting, *, over: bool) -> Iterator[MarkedTask | LookTask]:
        """What can be looked at now; `over`: what is not stored is not waited for."""
        if not self._looking:
            return
        checks = {check for check in CHECKS if state.policy.checks[check] != OFF}
        for generation in state.generations:
            listed = over or generation.manifest_current
            for of in marked(generation, over=listed):
                done = generation.seen.scans if of.kind == "scan" else generation.seen.placements
                if of.kind in checks and of.note not in done:
                    yield from self._marked_task(state, generation, of, over=over)
        if checks & {"continuity", "anchor"}:
            for generation in state.generations:
                for run, segments in generation.runs.items():
                    if segments[0].source == "camera":
                        yield from self._look_task(state, generation, run, over=over)

    def _marked_task(
        self, state: Sitting, generation: Generation, of: Marked, *, over: bool
    ) -> Iterator[MarkedTask]:
        can_be_read = stretch(generation, of, over=over)
        read = self._at(state, generation, of.note).read
        ordinal = next(iter(can_be_read.ordinals[read:]), None)
        if ordinal is not None:
            yield MarkedTask(generation, of, can_be_read, ordinal)
        elif can_be_read.complete and (over or all(_stored(orientations(generation, of)))):
            yield MarkedTask(generation, of, can_be_read, None)

    def _look_task(
        self, state: Sitting, generation: Generation, run: int, *, over: bool
    ) -> Iterator[LookTask]:
        segments = generation.runs[run]
        look = generation.seen.looks.get(run) or Look()
        at = self._at(state, generation, str(run))
        if at.upto > look.upto:
            at = _Progress()  # something that was missing came: all of it is looked at again
        ordinal = max(at.read, look.upto)
        missing = tuple(sorted({*look.skipped, *at.skipped}))
        while ordinal < len(segments) and segments[ordinal].stored_at_ms is None and over:
            missing = (*missing, ordinal)
            ordinal += 1
        if ordinal < len(segments) and segments[ordinal].measurement is not None:
            yield LookTask(generation, run, ordinal, missing, told=False)
        elif look.upto < ordinal and (over or state.ended_at_ms is not None or _no_more(generation, run)):
            yield LookTask(generation, run, ordinal, missing, told=True)

    def _at(self, state: Sitting, generation: Generation, name: str) -> _Progress:
        return self._progress.get((state.id, generation.number, name)) or _Progress()

    def _forget(self, state: Sitting) -> None:
        """Nothing is left to look at: what is remembered of it beside the journal goes."""
        if state.verdicts:
            for key in [key for key in self._progress if key[0] == state.id]:
                del self._progress[key]

    # --- scans and placements ----------------------------------------------------------------------------

    async def _read_marked(self, state: Sitting, task: MarkedTask) -> None:
        generation, of = task.generation, task.of
        segments = generation.runs.get(of.run, [])
        key = (state.id, generation.number, of.note)
        name = f"{state.id}/{generation.number}/{of.run}/{of.note}"
        if task.ordinal is not None:
            at = self._progress.setdefault(key, _Progress())
            before = task.stretch.ordinals[: at.read]
            seen = await self._eyes.follow(
                name, task.ordinal, before, segments[0].container, self._reader(state, segments),
                kind=of.kind, from_us=media_us(segments, of.begin_ms),
                to_us=None if of.end_ms is None else media_us(segments, of.end_ms),
            )
            at.told = seen.get("progress")
            at.read += 1
            return
        answer = None
        if task.stretch.ordinals:
            answer = await self._eyes.conclude(
                name, orientation=await self._orientation(state, generation, of)
            )
            lost = self._at(state, generation, of.note).lost
            if answer is None and lost < TRIES:
                # The worker has lost its place, as it does when it dies: it is read again from its beginning.
                self._progress[key] = _Progress(lost=lost + 1)
                return
        await self._answer_marked(state, task, answer or {})
        self._progress.pop(key, None)

    async def _answer_marked(self, state: Sitting, task: MarkedTask, answer: Mapping[str, Any]) -> None:
        """Journals what was measured; a stretch of which nothing can be read says so."""
        generation, of = task.generation, task.of
        unread = [{"code": "undecodable"}]
        nothing = {"ok": False, "missing": ["undecodable"]} if of.kind == "placement" else {
            "accepted": "repeat", "reasons": unread,
        }
        picture = await self._keep_picture(state, answer.get("picture"))
        async with self._register.hold(state.id) as held:
            await held.append(("scanned" if of.kind == "scan" else "placement", {
                "generation": generation.number, "note": of.note, "run": of.run,
                "skipped": list(task.stretch.skipped), "result": answer.get("result", nothing),
                "picture": picture, "tools": self._eyes.tools,
            }))

    async def _orientation(self, state: Sitting, generation: Generation, of: Marked) -> list[list[float]]:
        """The phone's orientation during a scan: rows of seconds after its beginning, alpha, beta, gamma."""
        rows: list[list[float]] = []
        for segment in orientations(generation, of):
            if segment.stored_at_ms is not None and segment.length <= ORIENTATION_BYTES:
                rows += _samples(await self._store.read(state.id, segment.name), of.begin_ms)
        return sorted(rows)

    # --- the whole run -----------------------------------------------------------------------------------

    async def _look(self, state: Sitting, task: LookTask) -> None:
        generation, run = task.generation, task.run
        segments = generation.runs[run]
        look = generation.seen.looks.get(run) or Look()
        at = self._at(state, generation, str(run))
        if at.upto > look.upto:
            at = _Progress()
        self._progress[state.id, generation.number, str(run)] = at
        if at.told is None:
            at.told = {"open": look.open, "closed": [], "markers": []}
        if not task.told:
            before = [number for number in range(task.ordinal) if number not in task.skipped]
            seen = await self._eyes.follow(
                f"{state.id}/{generation.number}/{run}", task.ordinal, before, segments[0].container,
                self._reader(state, segments), kind="run",
                codes=self._expected(state, segments[task.ordinal]),
                fresh_us=[media_us(segments, at_ms) for at_ms in moments(generation, run)],
            )
            await self._gather(state, look, at, seen)
            at.told["markers"] += self._slots(state, segments, seen.get("markers", []))
            at.read, at.skipped = task.ordinal + 1, task.skipped
        alarms = {span.kind for span in at.told["open"]} != {span.kind for span in look.open}
        upto = max(task.ordinal, at.read)
        if task.told or alarms or at.told["closed"] or upto - look.upto >= BATCH:
            await self._journal_look(state, task, at, upto)

    async def _gather(
        self, state: Sitting, look: Look, at: _Progress, seen: Mapping[str, Any]
    ) -> None:
        """Adds what a segment showed to what is to be journalled next."""
        told = at.told or {}
        pictures = {(span.kind, span.start_us): span.picture for span in look.open if span.picture}
        pictures |= {(span.kind, span.start_us): span.picture for span in told["open"] if span.picture}
        for one in seen.get("pictures", []):
            name = await self._keep_picture(state, one["jpeg"])
            pictures.setdefault((one["kind"], one["start_us"]), name)

        def span(row: Mapping[str, Any]) -> SeenSpan:
            kind, start_us = str(row["kind"]), int(row["start_us"])
            picture = pictures.get((kind, start_us), "")
            return SeenSpan(kind, start_us, int(row["end_us"]), int(row["confidence_percent"]), picture)

        # A worker that was fed again from the beginning closes again what is journalled already.
        known = {(one.kind, one.start_us) for one in (*look.closed, *told["closed"])}
        told["closed"] += [
            span(row) for row in seen.get("closed", []) if (row["kind"], row["start_us"]) not in known
        ]
        told["open"] = [span(row) for row in seen.get("open", [])]

    def _expected(self, state: Sitting, segment: Segment) -> list[int]:
        """The codes that the page may have shown while `segment` was recorded."""
        begin_ms, end_ms, vague_ms = _on_the_servers_clock(state, segment)
        tolerance_ms = (end_ms - begin_ms) // 2 + vague_ms
        return list(expected_codes(self._anchor_key(state.id), (begin_ms + end_ms) // 2, tolerance_ms))

    def _slots(self, state: Sitting, segments: Sequence[Segment], looks: Sequence[Any]) -> list[list[int]]:
        """Rows of a moment on the media clock, and the slots whose markers were read in that picture."""
        rows = []
        for at_us, *codes in looks:
            rows.append([int(at_us), *(self._slot(state, segments, int(at_us), int(code)) for code in codes)])
        return rows

    def _slot(self, state: Sitting, segments: Sequence[Segment], at_us: int, code: int) -> int:
        """Which slot's marker a code is that was read in the picture at `at_us`."""
        placement = place_runs(state)[segments[0].generation, segments[0].run]
        at_ms = placement.server_ms(mono_ms(segments, at_us))
        slot = slot_shown(self._anchor_key(state.id), code, at_ms, placement.uncertainty_ms)
        return FOREIGN if slot is None else slot

    async def _journal_look(self, state: Sitting, task: LookTask, at: _Progress, upto: int) -> None:
        told = at.told or {}
        async with self._register.hold(state.id) as held:
            await held.append(("looked", {
                "generation": task.generation.number, "run": task.run, "upto": upto,
                "skipped": list(task.skipped), "closed": [span.row() for span in told["closed"]],
                "open": [span.row() for span in told["open"]], "markers": told["markers"],
                "tools": self._eyes.tools,
            }))
        at.told, at.upto = None, upto

    # --- the store ---------------------------------------------------------------------------------------

    def _reader(self, state: Sitting, segments: list[Segment]) -> Callable[[int], Any]:
        async def read(ordinal: int) -> bytes:
            return await self._store.read(state.id, segments[ordinal].name)

        return read

    async def _keep_picture(self, state: Sitting, jpeg: bytes | None) -> str:
        """Stores a picture that was made here, durably and before the event that names it; its name.

        A crash between the two leaves a picture that nothing names: `check` lists it as an orphan.
        """
        if not jpeg:
            return ""
        name = picture_name(jpeg)
        await self._store.put(state.id, name, jpeg)
        return name


def _on_the_servers_clock(state: Sitting, segment: Segment) -> tuple[int, int, int]:
    """When a segment was recorded, from and to, and how uncertain that is."""
    placement = place_runs(state)[segment.generation, segment.run]
    begin_ms, end_ms = segment.mono_begin_ms, segment.mono_end_ms
    return placement.server_ms(begin_ms), placement.server_ms(end_ms), placement.uncertainty_ms


def _over(state: Sitting, now_ms: int) -> bool:
    """Whether what is not stored by now is not waited for any longer."""
    deadline = state.deadline_ms
    return bool(state.verdicts) or (deadline is not None and now_ms >= deadline)


def _no_more(generation: Generation, run: int) -> bool:
    """Whether no more segments of this run will come: the phone has listed all, or records another one."""
    return generation.manifest_current or any(
        number > run and segments[0].source == "camera" for number, segments in generation.runs.items()
    )


def orientations(generation: Generation, of: Marked) -> list[Segment]:
    """The segments that hold the phone's orientation during a scan."""
    if of.kind != "scan" or of.end_ms is None:
        return []
    return [
        segment for segment in generation.segments.values()
        if segment.source == "orientation"
        and segment.mono_begin_ms < of.end_ms and segment.mono_end_ms > of.begin_ms
    ]


def _stored(segments: list[Segment]) -> Iterator[bool]:
    return (segment.stored_at_ms is not None for segment in segments)


def _samples(content: bytes, begin_ms: int) -> list[list[float]]:
    """What an orientation segment holds (protocol §3); nothing where it is not what it should be."""
    try:
        rows = json.loads(content)["samples"]
        samples = [[(float(row[0]) - begin_ms) / 1000, *map(float, row[1:4])] for row in rows]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        return []
    return [row for row in samples if len(row) == 4 and all(abs(number) < 1e6 for number in row)]
