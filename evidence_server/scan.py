"""Scan: the room scans and placements that a phone's notes mark in its recording (pure; E5, E6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evidence_server.segments import Run
from evidence_server.sitting import Generation, PlacedNote

LONGEST_SCAN_MS = 300_000
"""A scan that is never ended ends here: a turn takes half a minute."""
NEWEST = 20
"""Of each kind, so many marks count, the newest: a phone may sign any number of notes."""
PLACED_MS = 6_000
"""So much from `placed` on is looked at: two or three key frames."""
LEAD_MS = 4_000
"""What a decoder may need in front of a stretch: key frames come at least so often (protocol §3)."""


@dataclass(frozen=True)
class Marked:
    """A stretch of a run that a note marks: a scan (`note` is its scan_begin) or a placement (`placed`).

    `end_ms` is None while the scan goes on.  All times are of the run's monotonic clock.
    """

    kind: str
    note: str
    run: int
    begin_ms: int
    end_ms: int | None


def moments(generation: Generation, run: int) -> list[int]:
    """When the phone was taken up for a scan and put down again: what it sees then is another view."""
    notes = (placed.note for placed in generation.notes)
    return [
        note.mono_ms for note in notes
        if note.link.run == run and note.note in ("scan_begin", "scan_end", "placed")
    ]


@dataclass(frozen=True)
class Stretch:
    """The segments of a run that show a marked stretch: `ordinals` are those to be read, the first of them
    only for the decoder's sake; `skipped` those that are not stored."""

    ordinals: tuple[int, ...]
    skipped: tuple[int, ...]
    complete: bool


def marked(generation: Generation, *, over: bool) -> Iterator[Marked]:
    """The scans and placements of a phone, in the order of their notes.

    A scan ends with `scan_end`, with the next `scan_begin` or `placed`, with its run, at the latest after
    LONGEST_SCAN_MS.  `over`: no more notes will come.
    """
    notes = [note for note in generation.notes if note.note.note in ("scan_begin", "scan_end", "placed")]
    counted = {
        one.name for kind in ("scan_begin", "placed")
        for one in [note for note in notes if note.note.note == kind][-NEWEST:]
    }
    for at, placed in enumerate(notes):
        if placed.name not in counted:
            continue
        note = placed.note
        if note.note == "scan_begin":
            end_ms = _end_of_scan(generation, placed, notes[at + 1 :], over=over)
            yield Marked("scan", placed.name, note.link.run, note.mono_ms, end_ms)
        elif note.note == "placed":
            end_ms = note.mono_ms + PLACED_MS
            if over or note.link.run != _newest_run(generation):
                end_ms = min(end_ms, max(note.mono_ms, _recorded_ms(generation, note.link.run)))
            yield Marked("placement", placed.name, note.link.run, note.mono_ms, end_ms)


def _end_of_scan(
    generation: Generation, begin: PlacedNote, later: Sequence[PlacedNote], *, over: bool
) -> int | None:
    run, latest_ms = begin.note.link.run, begin.note.mono_ms + LONGEST_SCAN_MS
    recorded_ms = _recorded_ms(generation, run)
    follows = next((one.note for one in later), None)
    if follows is not None and follows.link.run == run:
        return min(follows.mono_ms, latest_ms)
    if follows is not None or over or _newest_run(generation) > run:
        return min(recorded_ms, latest_ms)  # the run ended amid the scan
    return latest_ms if recorded_ms >= latest_ms else None


def _newest_run(generation: Generation) -> int:
    """The camera's newest run, 0 before the first."""
    runs = generation.runs.items()
    return max((number for number, segments in runs if segments.source == "camera"), default=0)


def _recorded_ms(generation: Generation, run: int) -> int:
    """Until when a run is committed to, on its monotonic clock."""
    segments = generation.runs.get(run)
    return segments[-1].mono_end_ms if segments else 0


def stretch(generation: Generation, of: Marked, *, over: bool) -> Stretch:
    """What can be read of a marked stretch now; `complete`: nothing of it is still to come.

    `over`: what is not stored will not be waited for.
    """
    segments = generation.runs.get(of.run)
    if segments is None or segments.source != "camera":
        return Stretch((), (), over)
    until_ms = _recorded_ms(generation, of.run) if of.end_ms is None else of.end_ms
    inside = [
        ordinal for ordinal, (begin_ms, end_ms) in enumerate(segments.times())
        if end_ms > of.begin_ms - LEAD_MS and begin_ms < until_ms
    ]
    wanted = sorted({0, *inside})
    skipped = tuple(ordinal for ordinal in wanted if segments[ordinal].stored_at_ms is None)
    committed = of.end_ms is not None and _recorded_ms(generation, of.run) >= of.end_ms
    ready: list[int] = []
    for ordinal in wanted:
        if segments[ordinal].measurement is not None:
            ready.append(ordinal)
        elif segments[ordinal].stored_at_ms is not None or not over:
            break
    read = len(ready) + len(skipped) == len(wanted)
    return Stretch(tuple(ready), skipped if over else (), read and (over or (committed and not skipped)))


class MediaClock:
    """A run's media clock and its monotonic clock, each by the other: by its segments that show pictures."""

    def __init__(self, run: Run) -> None:
        self._begin_ms = run[0].mono_begin_ms
        self._shown = list(run.shown())

    def media_us(self, mono_ms: int) -> int:
        """A moment of the monotonic clock on the media clock, by the segment nearest to it."""
        near = min(
            self._shown, default=None,
            key=lambda one: max(one.mono_begin_ms - mono_ms, mono_ms - one.mono_end_ms, 0),
        )
        if near is None:
            return 0
        length_ms = near.mono_end_ms - near.mono_begin_ms
        if length_ms <= 0:
            return near.first_us
        inside_ms = min(max(mono_ms, near.mono_begin_ms), near.mono_end_ms) - near.mono_begin_ms
        return near.first_us + (near.end_us - near.first_us) * inside_ms // length_ms

    def mono_ms(self, at_us: int) -> int:
        """The inverse of `media_us`."""
        near = min(
            self._shown, default=None, key=lambda one: max(one.first_us - at_us, at_us - one.end_us, 0),
        )
        if near is None:
            return self._begin_ms
        if near.end_us <= near.first_us:
            return near.mono_begin_ms
        inside_us = min(max(at_us, near.first_us), near.end_us) - near.first_us
        length_ms = near.mono_end_ms - near.mono_begin_ms
        return near.mono_begin_ms + length_ms * inside_us // (near.end_us - near.first_us)
