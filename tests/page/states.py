"""States of a sitting as the server sends them, one for every face of the laptop page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

State = dict[str, Any]

MINUTE = 60_000
HOUR = 60 * MINUTE
# 2026-11-21 06:42:10 UTC, 14:42:10 in Shanghai: 42 minutes into the exam.
NOW = 1_795_243_330_000
START = NOW - 42 * MINUTE - 10_000
END = NOW - 10_000
PLANNED_END = START + HOUR
KEY = "kQ3v9hVx2mB7cT0yN5rWzE8sLpUaJdGf1iXoKbRtMwY"
DEADLINE = END + HOUR


def _state(stage: str, **changed: Any) -> State:
    state: State = {
        "sitting_id": "sit-4f1c",
        "exam": "综合素质评估（线上） Oral assessment 2026",
        "server_time_ms": NOW,
        "support_contact": "400-810-0000",
        "stage": stage,
        "window": {"start_ms": START, "end_ms": PLANNED_END},
        "end_ms": None,
        "deadline_ms": None,
        "claim": None,
        "binding": None,
        "phone": None,
        "gaps": [],
        "missing": [],
        "scan": None,
        "placement": None,
        "alarms": [],
        "verdict": None,
        "published_at_ms": None,
    }
    return state | changed


def _bound(stage: str, **changed: Any) -> State:
    binding = {"generation": 1, "key": KEY, "confirmed_at_ms": START - 4 * MINUTE}
    return _state(stage, **({"binding": binding} | changed))


def phone(capture: str = "recording", **changed: Any) -> dict[str, Any]:
    """A phone that was heard 4 s ago, with a little of its recording on the way."""
    return {
        "capture": capture,
        "last_contact_ms": NOW - 4_000,
        "recorded_ms": 42 * MINUTE,
        "committed_ms": 42 * MINUTE - 6_000,
        "stored_ms": 39 * MINUTE,
        "verified_ms": 38 * MINUTE,
        "segments": {"committed": 629, "stored": 585, "verified": 570},
        "gap": None,
    } | changed


GAPS = [
    {"start_ms": START + 12 * MINUTE, "end_ms": START + 12 * MINUTE + 8_000, "cause": "call"},
    {"start_ms": START + 30 * MINUTE, "end_ms": START + 30 * MINUTE + 5_000, "cause": "hidden"},
]
MISSING = [{"start_ms": END - 3 * MINUTE, "end_ms": END}]
ALL_STORED = {"committed_ms": 42 * MINUTE, "stored_ms": 42 * MINUTE}
STOPPED = phone("stopped", committed_ms=42 * MINUTE)


def _ended(**changed: Any) -> State:
    usual = {"stage": "ended", "end_ms": END, "deadline_ms": DEADLINE, "phone": STOPPED}
    return _bound(**(usual | changed))


def _decided(word: str, stage: str = "decided", version: int = 1, **changed: Any) -> State:
    reasons = changed.pop("reasons", [])
    review = changed.pop("review", [{"code": "placement_not_measured"}, {"code": "anchor_not_measured"}])
    verdict = {
        "word": word,
        "version": version,
        "issued_at_ms": NOW,
        "reasons": reasons,
        "review": review,
        "deadline_ms": DEADLINE,
        "gaps": changed.get("gaps", []),
        "missing": changed.get("missing", []),
    }
    everything = phone("stopped", verified_ms=42 * MINUTE, **ALL_STORED)
    return _ended(**({"stage": stage, "verdict": verdict, "phone": everything} | changed))


CLAIM = {
    "digits": "407193",
    "key": KEY,
    "claimed_at_ms": NOW - 20_000,
    "lapses_at_ms": NOW + 280_000,
    "client": "Android 15 · Chrome 156",
}
STRIP, PLACED = "strip-of-the-test", "placement-of-the-test"
"""The names of the pictures that the backend of these tests has."""


def codes(*names: str) -> list[dict[str, Any]]:
    """Reasons that carry no facts."""
    return [{"code": name} for name in names]


def scan(stage: str = "answered", accepted: str | None = None, **changed: Any) -> dict[str, Any]:
    """The newest turn around the room."""
    return {
        "count": 1,
        "stage": stage,
        "progress": None,
        "accepted": accepted,
        "reasons": [],
        "net_yaw_deg": 362,
        "sectors_covered": list(range(36)),
        "sectors_missing": [],
        "sectors_unverified": [],
        "face_percent": 98,
        "people_max": 1,
        "strip": STRIP if accepted else None,
        "run": 1,
        "begin_mono_ms": 1_000,
    } | changed


def placement(ok: bool | None, *missing: str) -> dict[str, Any]:
    """How the phone stands."""
    stage = "measuring" if ok is None else "answered"
    return {"stage": stage, "ok": ok, "missing": list(missing), "picture": None if ok is None else PLACED}


def alarm(kind: str, since_ms: int, until_ms: int | None = None) -> dict[str, Any]:
    """Something that the server saw wrong; open without an end."""
    return {
        "kind": kind,
        "since_ms": since_ms,
        "until_ms": until_ms,
        "confidence_percent": 93,
        "picture": None,
    }


EARLY = {"window": {"start_ms": NOW + 9 * MINUTE, "end_ms": NOW + 69 * MINUTE}}
FIRST_MINUTE = phone(recorded_ms=44_000, committed_ms=40_000, stored_ms=36_000, verified_ms=30_000)
ALARMS = [
    alarm("absent", START + 9 * MINUTE, START + 10 * MINUTE),
    alarm("dark", START + 22 * MINUTE, START + 24 * MINUTE),
    alarm("covered", NOW - 20_000),
]
LONG_GAP = {"start_ms": START + 20 * MINUTE, "end_ms": START + 26 * MINUTE, "cause": "battery"}

STATES: Mapping[str, State] = {
    "scan": _state("offered"),
    "claim": _state("claimed", claim=CLAIM),
    "waiting": _bound(
        "bound",
        phone=phone("unknown", last_contact_ms=NOW - MINUTE)
        | dict.fromkeys(("recorded_ms", "committed_ms", "stored_ms", "verified_ms"), 0)
        | {"segments": {"committed": 0, "stored": 0, "verified": 0}},
    ),
    "recording": _bound("bound", phone=phone()),
    "recording-with-gaps": _bound("bound", phone=phone(), gaps=GAPS),
    "recording-alarm": _bound(
        "bound",
        phone=phone(),
        gaps=GAPS,
        alarms=ALARMS,
        scan=scan(accepted="accept"),
        placement=placement(True),
    ),
    "room-running": _bound(
        "bound",
        phone=FIRST_MINUTE,
        scan=scan("running", progress={"yaw_deg": 124, "sectors": list(range(12))}),
        **EARLY,
    ),
    "room-repeat": _bound(
        "bound",
        phone=FIRST_MINUTE,
        scan=scan(accepted="repeat", reasons=codes("sectors_missing", "candidate_absent"), net_yaw_deg=228),
        **EARLY,
    ),
    "room-review": _bound(
        "bound",
        phone=FIRST_MINUTE,
        scan=scan(accepted="review", reasons=codes("people_perhaps")),
        placement=placement(False, "desk", "screen"),
        **EARLY,
    ),
    "offline": _bound("bound", phone=phone(last_contact_ms=NOW - 95_000, stored_ms=38 * MINUTE)),
    "interrupted": _bound(
        "bound",
        phone=phone("interrupted", gap={"cause": "call", "since_ms": NOW - 15_000}),
        gaps=[{"start_ms": NOW - 15_000, "end_ms": NOW, "cause": "call"}],
    ),
    "stopped": _bound("bound", phone=phone("stopped")),
    "unknown": _bound("bound", phone=phone("unknown")),
    "ended-nothing": _ended(phone=None),
    "ended-still-recording": _ended(phone=phone(), missing=MISSING),
    "ended-uploading": _ended(missing=MISSING, gaps=GAPS),
    "ended-offline": _ended(phone=STOPPED | {"last_contact_ms": NOW - 4 * MINUTE}, missing=MISSING),
    "ended-silent": _ended(
        phone=phone("recording", last_contact_ms=NOW - 12 * MINUTE)
        | dict.fromkeys(("recorded_ms", "committed_ms", "stored_ms", "verified_ms"), 30 * MINUTE),
    ),
    "ended-overdue": _ended(deadline_ms=NOW - 2_000, missing=MISSING),
    "ended-checking": _ended(phone=phone("stopped", **ALL_STORED), gaps=GAPS),
    "complete": _decided("complete", gaps=GAPS),
    "incomplete": _decided(
        "incomplete",
        phone=STOPPED,
        gaps=[*GAPS, LONG_GAP],
        missing=MISSING,
        reasons=[
            {"code": "missing_media", **MISSING[0]},
            {"code": "gap_too_long", "start_ms": LONG_GAP["start_ms"], "end_ms": LONG_GAP["end_ms"]},
            {"code": "gaps_too_long"},
            {"code": "scan_repeat", "why": ["sectors_missing", "too_fast"]},
        ],
        scan=scan(accepted="repeat", reasons=codes("sectors_missing", "too_fast"), net_yaw_deg=228),
        placement=placement(False, "screen"),
        alarms=ALARMS[:2],
        review=[
            {"code": "continuity_failed", "kind": "absent", "start_ms": ALARMS[0]["since_ms"],
             "end_ms": ALARMS[0]["until_ms"]},
            {"code": "anchor_failed", "why": "foreign", "start_ms": START, "end_ms": START + MINUTE},
            {"code": "placement_failed", "missing": ["screen"]},
        ],
    ),
    "late": _decided("late", version=2, gaps=GAPS, reasons=[{"code": "stored_late", **MISSING[0]}]),
    "complete-recorded-on": _decided("complete", phone=phone("stopped", stored_ms=41 * MINUTE)),
    "published": _decided("complete", stage="published", gaps=GAPS, published_at_ms=NOW),
}
