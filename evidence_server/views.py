"""What the different readers see of a sitting: pure functions from the folded state to plain objects."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from evidence_server.coverage import Span, cover, union
from evidence_server.placing import place_runs
from evidence_server.shown import Progress, nothing_yet, seen
from evidence_server.sitting import CLAIM_LAPSES_MS, ClaimState, Generation, Sitting

UNSTORED_LISTED = 500
_LISTED = 50
_CAPTURE = {"gap_begin": "interrupted", "gap_end": "recording", "stop": "stopped"}
"""What the newest of these notes says that a phone is doing."""


def stage(state: Sitting) -> str:
    """Where the sitting stands, in the page's words."""
    if state.published_at_ms is not None:
        return "published"
    if state.verdicts:
        return "decided"
    if state.pending is not None:
        return "claimed"
    if state.ended_at_ms is not None:
        return "ended"
    return "bound" if state.generations and state.offer is None else "offered"


def window(state: Sitting) -> dict[str, int | None]:
    """The planned start and end."""
    return {"start_ms": state.window_start_ms, "end_ms": state.window_end_ms}


def claim(pending: ClaimState | None) -> dict[str, Any] | None:
    """The claim that waits for its confirm."""
    if pending is None:
        return None
    return {
        "digits": pending.digits, "key": pending.key, "claimed_at_ms": pending.at_ms,
        "lapses_at_ms": pending.at_ms + CLAIM_LAPSES_MS, "client": pending.client,
    }


def binding(generation: Generation | None) -> dict[str, Any] | None:
    """The bound phone."""
    if generation is None:
        return None
    return {
        "generation": generation.number, "key": generation.key,
        "confirmed_at_ms": generation.confirmed_at_ms,
    }


def phone(state: Sitting, generation: Generation | None) -> dict[str, Any] | None:
    """How far one phone's recording has come."""
    if generation is None:
        return None
    camera = generation.segments.camera
    capture, gap = _capture(state, generation)
    contacts = [generation.confirmed_at_ms, camera.committed_at_ms, camera.stored_at_ms]
    contacts += [note.committed_at_ms for note in generation.notes[-1:]]
    return {
        "capture": capture, "last_contact_ms": max(contacts), "recorded_ms": camera.committed.length_ms,
        "committed_ms": camera.committed.length_ms, "stored_ms": camera.stored.length_ms,
        "verified_ms": camera.verified.length_ms,
        "segments": {
            "committed": camera.committed.segments, "stored": camera.stored.segments,
            "verified": camera.verified.segments,
        },
        "gap": gap,
    }


def _capture(state: Sitting, generation: Generation) -> tuple[str, dict[str, Any] | None]:
    """What the phone's notes say it is doing, and the interruption it has not ended."""
    if not generation.segments and not generation.notes:
        return "unknown", None
    telling = (one.note for one in reversed(generation.notes) if one.note.note in _CAPTURE)
    newest = next(telling, None)
    capture = "recording" if newest is None else _CAPTURE[newest.note]
    if newest is None or capture != "interrupted":
        return capture, None
    at_ms = place_runs(state)[generation.number, newest.link.run].server_ms(newest.mono_ms)
    return capture, {"cause": newest.cause, "since_ms": at_ms}


def verdict(state: Sitting) -> dict[str, Any] | None:
    """The newest verdict in short."""
    if not state.verdicts:
        return None
    claims = state.verdicts[-1].claims
    names = ("word", "version", "issued_at_ms", "deadline_ms", "reasons", "review", "gaps", "missing")
    return {name: claims[name] for name in names}


def holes(state: Sitting, now_ms: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The gaps and the missing stretches of the required interval so far."""
    if state.required is None or not state.generations:
        return [], []
    start, end = state.required
    required = Span(start, max(start, min(end, now_ms)))
    coverage = cover(state, required)
    newest = max((item.span.end_ms for item in coverage.placed), default=start)
    gaps = [
        {"start_ms": gap.span.start_ms, "end_ms": gap.span.end_ms, "cause": gap.cause}
        for gap in coverage.gaps if gap.span.start_ms < newest
    ]
    stretches = union((item.span for item in coverage.missing), required)
    missing = [{"start_ms": span.start_ms, "end_ms": span.end_ms} for span in stretches]
    return gaps[:_LISTED], missing[:_LISTED]


def sitting(
    state: Sitting, now_ms: int, support_contact: str, progress: Progress = nothing_yet
) -> dict[str, Any]:
    """All that page and backend see."""
    gaps, missing = holes(state, now_ms)
    return {
        "sitting_id": state.id, "exam": state.exam, "server_time_ms": now_ms,
        "support_contact": support_contact, "stage": stage(state), "window": window(state),
        "end_ms": state.ended_at_ms, "deadline_ms": state.deadline_ms,
        "policy": json.loads(state.policy_text), "claim": claim(state.pending),
        "binding": binding(state.bound), "phone": phone(state, state.bound), "gaps": gaps,
        "missing": missing, "verdict": verdict(state),
        "verdict_jws": state.verdicts[-1].record if state.verdicts else None,
        "published_at_ms": state.published_at_ms,
    } | seen(state, state.bound, progress)


def phone_reads(
    state: Sitting, key: str, now_ms: int, progress: Progress = nothing_yet
) -> dict[str, Any]:
    """All that the phone with this key reads of its binding."""
    claimed = state.claims[key]
    generation = state.generations[claimed.generation - 1] if claimed.generation else None
    unstored: list[str] = []
    if generation is not None:
        waiting = generation.segments.unfinished()
        names = (segment.name for segment in waiting if segment.stored_at_ms is None)
        unstored = list(islice(names, UNSTORED_LISTED))
    return {
        "stage": claimed.stage, "server_time_ms": now_ms, "position": state.seq,
        "generation": claimed.generation,
        "binding": generation.binding if generation else None, "window": window(state),
        "end_ms": state.ended_at_ms, "deadline_ms": state.deadline_ms,
        "progress": phone(state, generation),
        "chain": [
            {"run": number, "next_seq": run.next_seq, "tip": run.tip}
            for number, run in sorted(generation.chains.runs.items())
        ] if generation else [],
        "unstored": unstored,
        "manifest": generation.manifest.version if generation and generation.manifest else 0,
        "verdict": verdict(state), "verdict_jws": state.verdicts[-1].record if state.verdicts else None,
        "published_at_ms": state.published_at_ms,
        "releases": state.releases.get(claimed.generation, []),
    } | seen(state, generation, progress)
