"""The verdict: a pure function of a sitting's journal and its policy (requirements E9, E10).

complete = nothing missing, gaps within limits, required checks passed or waived, all of that stored by
the deadline; late = the same, stored later; everything else incomplete, each reason named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evidence_server.checks import Findings, look_at
from evidence_server.coverage import (
    DRIFT_MS,
    Coverage,
    Gap,
    PlacedSegment,
    Span,
    committed_late,
    cover,
    is_irregular,
    pending,
)
from evidence_server.sitting import QUIET_MS, Sitting
from pairing.encoding import sha256_b64u
from pairing.policy import OFF, REQUIRED, policy_hash

COMPLETE, INCOMPLETE, LATE = "complete", "incomplete", "late"
COMMITTED_LATE_MS = 30_000
"""A head leaves the phone within 10 s of capture; three times that is no longer a slow network."""
LISTED = 200
"""Most gaps and missing stretches that a verdict lists one by one; the sums always count all."""

RULES = 4
"""Version of these rules.  Whoever changes what a journal is judged to gives it a new number: a verdict is
judged again only by the rules that it names."""


@dataclass(frozen=True)
class Judgement:
    """The verdict's word and grounds, before it is numbered and signed."""

    word: str
    claims: Mapping[str, Any]

    def differs_from(self, issued: Mapping[str, Any]) -> bool:
        """Whether it says anything that the verdict `issued` did not."""
        # A claim that older rules did not make is not news.
        return any(issued.get(name, self.claims[name]) != self.claims[name] for name in ("word", *_GROUNDS))


_GROUNDS = (
    "required_ms", "deadline_ms", "reasons", "review", "continuity", "gaps", "missing", "late", "waived",
)


def waits_for(state: Sitting, now_ms: int) -> str:
    """Why no (new) verdict can be given at `now_ms`; empty when one can.

    Before the deadline a verdict needs the end, the newest manifest of every generation, and everything
    recorded before the end stored and measured.  At the deadline it needs only that what is stored is
    measured: what counts is when it was stored, not how long we took.
    """
    deadline = state.deadline_ms
    if deadline is None:
        return "the end is not known"
    if state.settled:
        return "nothing has changed"
    early = not state.verdicts and now_ms < deadline
    if early and state.ended_at_ms is None:
        return "the exam has not ended"
    if early and not (state.generations and all(item.manifest_current for item in state.generations)):
        return "the phone has not listed all it recorded"
    segments = pending(state, state.required[1]) if state.required is not None else []
    if any(segment.stored_at_ms is not None for segment in segments):
        return "stored media is being measured"
    missing = any(segment.stored_at_ms is None for segment in segments)
    if early and missing:
        return "media is missing"
    if state.verdicts and missing and now_ms < state.basis_at_ms + QUIET_MS:
        return "more is being delivered"
    return ""


def judge(state: Sitting) -> Judgement:
    """The verdict on `state`, whose required interval and deadline must be known."""
    if state.required is None or state.deadline_ms is None:
        raise ValueError("the required interval is not known")
    required, deadline = Span(*state.required), state.deadline_ms
    coverage = cover(state, required)
    reasons = _recording(state, coverage, required)
    seen = look_at(state, coverage, required)
    reasons, review = _other_checks(state, coverage, required, reasons, seen)
    waived = sorted({reason["code"] for reason in reasons} & set(state.waived))
    reasons = [reason for reason in reasons if reason["code"] not in state.waived]
    needed = [item.segment for item in coverage.placed if item.span.clip(required)]
    if state.policy.checks["scan"] == REQUIRED:
        needed += seen.scan
    after = {
        segment.name: segment.stored_at_ms for segment in needed
        if segment.stored_at_ms is not None and segment.stored_at_ms > deadline
    }
    word = INCOMPLETE if reasons else LATE if after else COMPLETE
    committed = sum(len(generation.segments) for generation in state.generations)
    waiting = [segment for generation in state.generations for segment in generation.segments.unfinished()]
    claims = {
        "sitting": state.id,
        "rules": RULES,
        "word": word,
        "required_ms": [required.start_ms, required.end_ms],
        "deadline_ms": deadline,
        "policy_sha256": policy_hash(state.policy_text),
        "journal": {"position": state.seq, "tip": state.tip},
        "reasons": reasons,
        "review": review,
        "continuity": seen.totals if state.policy.checks["continuity"] != OFF else [],
        "gaps": [_gap(gap) for gap in coverage.gaps[:LISTED]],
        "missing": [_span(item.span) | _place(item) for item in coverage.missing[:LISTED]],
        "late": {"segments": len(after), "last_stored_ms": max(after.values(), default=0)},
        "waived": waived,
        "shown_ms": coverage.shown_ms,
        "generations": [
            {"generation": item.number, "key": item.key, "binding": sha256_b64u(item.binding)}
            for item in state.generations
        ],
        "segments": {
            "committed": committed,
            "stored": committed - sum(item.stored_at_ms is None for item in waiting),
            "measured": committed - sum(item.measurement is None for item in waiting),
        },
    }
    return Judgement(word, claims)


def _recording(state: Sitting, coverage: Coverage, required: Span) -> list[dict[str, Any]]:
    """The reasons that the recording itself gives: missing media, gaps beyond the policy's limits."""
    if not coverage.placed or required.start_ms == required.end_ms:
        # In an interval without length there is no gap: nobody had come before it was over.
        return [{"code": "no_recording"}]
    reasons: list[dict[str, Any]] = []
    if coverage.missing:
        missing = [item.span for item in coverage.missing]
        reasons.append({"code": "missing_media", "segments": len(missing)} | _hull(missing))
    policy = state.policy
    long = [gap for gap in coverage.gaps if gap.length_ms > policy.max_gap_s * 1000]
    total = sum(gap.length_ms for gap in coverage.gaps)
    excessive = bool(long) or total > policy.max_gap_total_s * 1000
    reasons += [{"code": "gap_too_long"} | _gap(gap) for gap in long[:LISTED]]
    if total > policy.max_gap_total_s * 1000:
        limit = policy.max_gap_total_s * 1000
        reasons.append({"code": "gaps_too_long", "total_ms": total, "limit_ms": limit})
    if excessive and coverage.unreadable:
        spans = [item.span for item in coverage.unreadable]
        reasons.append({"code": "undecodable_media", "segments": len(spans)} | _hull(spans))
    return reasons


def _other_checks(
    state: Sitting, coverage: Coverage, required: Span, reasons: list[dict[str, Any]], seen: Findings
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The other checks' findings as reasons or for review, as the policy weighs each."""
    found = list(seen.found)
    late = committed_late(state.generations, coverage.placed, required, COMMITTED_LATE_MS)
    found += [("committed_late", {"code": "committed_late"} | _span(span)) for span in late[:LISTED]]
    forks = sum(len(generation.forks) for generation in state.generations)
    if forks:
        found.append(("fork", {"code": "fork", "entries": forks}))
    review = [finding for check, finding in seen.notes if state.policy.checks[check] != OFF]
    reasons = list(reasons)
    for check, finding in found:
        weight = state.policy.checks[check]
        if weight != OFF:
            (reasons if weight == REQUIRED else review).append(finding)
    if coverage.drift_ms > DRIFT_MS:
        review.append({"code": "clock_drift", "drift_ms": coverage.drift_ms})
    if state.generations and not all(item.manifest_current for item in state.generations):
        review.append({"code": "no_manifest"})
    irregular = sum(
        1 for item in coverage.placed
        if item.readable and is_irregular(item.segment) and item.span.clip(required)
    )
    if irregular:
        review.append({"code": "media_irregular", "segments": irregular})
    if coverage.unreadable and not any(reason["code"] == "undecodable_media" for reason in reasons):
        spans = [item.span for item in coverage.unreadable]
        review.append({"code": "undecodable_media", "segments": len(spans)} | _hull(spans))
    return reasons, review


def _span(span: Span) -> dict[str, Any]:
    return {"start_ms": span.start_ms, "end_ms": span.end_ms}


def _hull(spans: Sequence[Span]) -> dict[str, Any]:
    return {"start_ms": min(span.start_ms for span in spans), "end_ms": max(span.end_ms for span in spans)}


def _gap(gap: Gap) -> dict[str, Any]:
    return _span(gap.span) | {
        "length_ms": gap.length_ms, "uncertainty_ms": gap.uncertainty_ms, "cause": gap.cause,
    }


def _place(item: PlacedSegment) -> dict[str, Any]:
    segment = item.segment
    return {
        "generation": segment.generation, "run": segment.run, "seq": segment.seq, "head": segment.name,
    }
