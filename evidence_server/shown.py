"""What people are shown of what was seen: the newest scan and placement, and the alarms (pure; E5-E7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from evidence_server.placing import place_runs
from evidence_server.scan import Marked, MediaClock, marked
from evidence_server.seen import UNCHECKED, SeenSpan
from evidence_server.sitting import Generation, Sitting
from pairing.jws import MAX_INTEGER

ALARMS = 20
"""Most alarms that are shown, the newest."""

Progress = Callable[[str], dict[str, Any] | None]
"""What a scan that goes on has shown so far, by the hash of its note."""


def nothing_yet(_note: str) -> None:
    """Where nobody follows scans as they go on."""


_SCAN = (
    "net_yaw_deg", "sectors_covered", "sectors_missing", "sectors_unverified", "face_percent", "people_max",
    "closed", "direction",
)


def seen(state: Sitting, generation: Generation | None, progress: Progress) -> dict[str, Any]:
    """The members `scan`, `placement` and `alarms` of what phone, page and backend read."""
    if generation is None:
        return {"scan": None, "placement": None, "alarms": []}
    marks = list(marked(generation, over=generation.manifest_current))
    return {
        "scan": _scan(generation, [one for one in marks if one.kind == "scan"], progress),
        "placement": _placement(generation, [one for one in marks if one.kind == "placement"]),
        "alarms": sorted(_alarms(state), key=lambda one: -int(one["since_ms"]))[:ALARMS],
    }


def _scan(generation: Generation, scans: list[Marked], progress: Progress) -> dict[str, Any] | None:
    if not scans:
        return None
    newest = scans[-1]
    measured = generation.seen.scans.get(newest.note)
    stage = "answered" if measured else "measuring" if newest.end_ms is not None else "running"
    result = measured.result if measured else {}
    return {
        "count": len(scans), "stage": stage, "run": newest.run, "begin_mono_ms": newest.begin_ms,
        "progress": None if measured else progress(newest.note),
        "accepted": result.get("accepted"), "reasons": result.get("reasons", []),
        "strip": measured.picture or None if measured else None,
    } | {name: result.get(name) for name in _SCAN}


def _placement(generation: Generation, placements: list[Marked]) -> dict[str, Any] | None:
    if not placements:
        return None
    measured = generation.seen.placements.get(placements[-1].note)
    if measured is None:
        return {"stage": "measuring", "ok": None, "missing": [], "picture": None}
    return {
        "stage": "answered", "ok": measured.result["ok"], "missing": measured.result["missing"],
        "picture": measured.picture or None,
    }


def _alarms(state: Sitting) -> Iterator[dict[str, Any]]:
    """What was seen to be wrong, on the server's clock, whatever phone recorded it."""
    placements = place_runs(state) if any(one.seen.looks for one in state.generations) else {}
    for generation in state.generations:
        for run, look in generation.seen.looks.items():
            clock, placement = MediaClock(generation.runs[run]), placements[generation.number, run]
            still_open = bool(look.open) and generation is state.bound and not generation.manifest_current
            alarms = [one for one in look.spans if one.kind != UNCHECKED]
            for span in sorted(alarms, key=lambda one: -one.start_us)[:ALARMS]:
                since_ms, until_ms = (
                    max(-MAX_INTEGER, min(placement.server_ms(clock.mono_ms(at_us)), MAX_INTEGER))
                    for at_us in (span.start_us, span.end_us)
                )
                yield _alarm(span, since_ms, None if still_open and span in look.open else until_ms)


def _alarm(span: SeenSpan, since_ms: int, until_ms: int | None) -> dict[str, Any]:
    return {
        "kind": span.kind, "since_ms": since_ms, "until_ms": until_ms,
        "confidence_percent": span.confidence_percent, "picture": span.picture or None,
    }
