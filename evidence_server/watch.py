"""Watch: looks at the stored pictures and sound as they arrive, and journals what was seen (E5-E7).

The looking itself is done by `media` in a limited process; `unseen` says what is next.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evidence_server.anchor import expected_codes, slot_shown
from evidence_server.media.eyes import Eyes
from evidence_server.placing import place_runs
from evidence_server.register import Register
from evidence_server.scan import Marked, MediaClock, moments
from evidence_server.seen import FOREIGN, Look, SeenSpan, picture_name
from evidence_server.segment import Segment
from evidence_server.segments import Run
from evidence_server.sitting import Generation, Sitting
from evidence_server.store import Store
from evidence_server.turns import Turns
from evidence_server.unseen import LookTask, MarkedTask, Progress, is_over, orientations, unseen

BATCH = 15
"""Segments of a run, a minute, after which it is journalled how far it was looked through."""
TRIES = 3
"""How often a scan is read again because the eye forgot it; what kills it each time can't be read."""
ORIENTATION_BYTES = 1 << 20
"""A longer recording of the phone's orientation is not read: five minutes at 30 Hz are 400 KB."""

AnchorKey = Callable[[str], bytes]
"""What a sitting's markers are made of."""


class Watcher(Turns):
    """Looks at one segment at a time."""

    stage = "watch"

    def __init__(
        self, register: Register, store: Store, eyes: Eyes, anchor_key: AnchorKey, *, looking: bool = True
    ) -> None:
        """Unless `looking` nothing is looked at: the verdict says of each check that nobody measured it."""
        super().__init__(register)
        self._store = store
        self._eyes = eyes
        self._anchor_key = anchor_key
        self._looking = looking
        self._progress: dict[tuple[str, int, str], Progress] = {}

    def progress(self, sitting: str, note: str) -> dict[str, Any] | None:
        """What a scan that is going on has shown so far: `yaw_deg` and `sectors`."""
        return next(
            (one.told for (of, _, name), one in self._progress.items() if (of, name) == (sitting, note)), None
        )

    def waits(self, state: Sitting) -> bool:
        """Whether a verdict has to wait for something that is stored and can be looked at."""
        return self._next(state) is not None

    async def step(self, sitting: str) -> bool:
        """Looks at the next piece of `sitting`, and journals what that says; False if there was none."""
        state = await self._register.look(sitting)
        task = self._next(state)
        if task is None:
            self._forget(state)
            return False
        if isinstance(task, LookTask):
            await self._look(state, task)
        else:
            await self._read_marked(state, task)
        return True

    def _next(self, state: Sitting) -> MarkedTask | LookTask | None:
        if not self._looking:
            return None

        def so_far(generation: Generation, name: str) -> Progress:
            return self._at(state, generation, name)

        return next(unseen(state, so_far, over=is_over(state, self._register.now_ms())), None)

    def _at(self, state: Sitting, generation: Generation, name: str) -> Progress:
        return self._progress.get((state.id, generation.number, name)) or Progress()

    def _forget(self, state: Sitting) -> None:
        """Nothing is left to look at: what is remembered of it beside the journal goes."""
        if state.verdicts:
            for key in [key for key in self._progress if key[0] == state.id]:
                del self._progress[key]

    # --- scans and placements ----------------------------------------------------------------------------

    async def _read_marked(self, state: Sitting, task: MarkedTask) -> None:
        generation, of = task.generation, task.of
        key = (state.id, generation.number, of.note)
        name = f"{state.id}/{generation.number}/{of.run}/{of.note}"
        if task.ordinal is not None:
            at = self._progress.setdefault(key, Progress())
            before, segments = task.stretch.ordinals[: at.read], generation.runs[of.run]
            clock = MediaClock(segments)
            seen = await self._eyes.follow(
                name, task.ordinal, before, segments.container, self._reader(state, segments),
                kind=of.kind, from_us=clock.media_us(of.begin_ms),
                to_us=None if of.end_ms is None else clock.media_us(of.end_ms),
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
                self._progress[key] = Progress(lost=lost + 1)
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
        at = self._at(state, generation, str(run)).valid_for(look)
        self._progress[state.id, generation.number, str(run)] = at
        if at.told is None:
            at.told = {"open": look.open, "closed": [], "markers": [], "unread": []}
        if not task.told:
            before = [number for number in range(task.ordinal) if number not in task.skipped]
            taken_up = moments(generation, run)
            clock = MediaClock(segments) if taken_up else None
            seen = await self._eyes.follow(
                f"{state.id}/{generation.number}/{run}", task.ordinal, before, segments.container,
                self._reader(state, segments), kind="run",
                codes=self._expected(state, segments[task.ordinal]),
                fresh_us=[clock.media_us(at_ms) for at_ms in taken_up] if clock else [],
            )
            if "problem" in seen:
                # The eye failed at it: that is no news of what goes on.
                at.told["unread"].append(task.ordinal)
            else:
                await self._gather(state, look, at, seen)
                at.told["markers"] += self._slots(state, segments, seen.get("markers", []))
            at.read, at.skipped = task.ordinal + 1, task.skipped
        alarms = {span.kind for span in at.told["open"]} != {span.kind for span in look.open}
        upto = max(task.ordinal, at.read)
        if task.told or alarms or at.told["closed"] or upto - look.upto >= BATCH:
            await self._journal_look(state, task, at, upto)

    async def _gather(
        self, state: Sitting, look: Look, at: Progress, seen: Mapping[str, Any]
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

        # A worker that was fed again from the beginning closes again what is journalled already; but one of
        # too many stretches is joined with the one before, and closes again with a later end.
        known = {(one.kind, one.start_us): one.end_us for one in (*look.closed, *told["closed"])}
        told["closed"] += [
            span(row) for row in seen.get("closed", [])
            if row["end_us"] > known.get((row["kind"], row["start_us"]), -1)
        ]
        told["open"] = [span(row) for row in seen.get("open", [])]

    def _expected(self, state: Sitting, segment: Segment) -> list[int]:
        """The codes that the page may have shown while `segment` was recorded."""
        begin_ms, end_ms, vague_ms = _on_the_servers_clock(state, segment)
        tolerance_ms = (end_ms - begin_ms) // 2 + vague_ms
        return list(expected_codes(self._anchor_key(state.id), (begin_ms + end_ms) // 2, tolerance_ms))

    def _slots(self, state: Sitting, run: Run, looks: Sequence[Any]) -> list[list[int]]:
        """Rows of a moment on the media clock, and the slots whose markers were read in that picture."""
        if not looks:
            return []
        clock, placement = MediaClock(run), place_runs(state)[run[0].generation, run[0].run]
        key, vague_ms = self._anchor_key(state.id), placement.uncertainty_ms
        rows = []
        for at_us, *codes in looks:
            at_ms = placement.server_ms(clock.mono_ms(int(at_us)))
            slots = (slot_shown(key, int(code), at_ms, vague_ms) for code in codes)
            rows.append([int(at_us), *(FOREIGN if slot is None else slot for slot in slots)])
        return rows

    async def _journal_look(self, state: Sitting, task: LookTask, at: Progress, upto: int) -> None:
        told = at.told or {}
        async with self._register.hold(state.id) as held:
            await held.append(("looked", {
                "generation": task.generation.number, "run": task.run, "upto": upto,
                "skipped": list(task.skipped), "closed": [span.row() for span in told["closed"]],
                "open": [span.row() for span in told["open"]], "markers": told["markers"],
                "unread": told["unread"], "tools": self._eyes.tools,
            }))
        at.told, at.upto = None, upto

    # --- the store ---------------------------------------------------------------------------------------

    def _reader(self, state: Sitting, segments: Run) -> Callable[[int], Any]:
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


def _samples(content: bytes, begin_ms: int) -> list[list[float]]:
    """What an orientation segment holds (protocol §3); nothing where it is not what it should be."""
    try:
        rows = json.loads(content)["samples"]
        samples = [[(float(row[0]) - begin_ms) / 1000, *map(float, row[1:4])] for row in rows]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        return []
    return [row for row in samples if len(row) == 4 and all(abs(number) < 1e6 for number in row)]
