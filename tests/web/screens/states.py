"""What a screen is drawn from, one set for every face of the phone's page."""

from __future__ import annotations

from typing import Any

View = dict[str, Any]

MINUTE = 60_000
HOUR = 60 * MINUTE
# 2026-11-21 06:42:10 UTC, 14:42:10 in Shanghai: 42 minutes into the exam.
NOW = 1_795_243_330_000
START = NOW - 42 * MINUTE - 10_000
END = START + HOUR
MB = 1_000_000

EXAM = "综合素质评估（线上） Oral assessment 2026"
REFUSAL = {
    "code": "offer_expired", "detail": "",
    "says": {"zh-CN": "二维码或绑定码已过期。", "en": "The QR code or binding code has expired."},
    "do": {"zh-CN": "请扫描或输入电脑屏幕上当前显示的。", "en": "Use the one the laptop shows now."},
}  # fmt: skip


def _state(stage: str = "bound", **changed: Any) -> View:
    """The Keeper's state, shortly after the start of the exam where nothing else is said."""
    state: View = {
        "stage": stage, "sitting": "sit-4f1c-82d0", "exam": EXAM, "digits": "407193",
        "key": "kQ3v9hVx2mB7cT0yN5rWzE8sLpUaJdGf1iXoKbRtMwY", "lapses_at_ms": None, "generation": 1,
        "window": {"start_ms": START, "end_ms": END}, "policy": {}, "end_ms": None, "ended": False,
        "stops_at_ms": None, "deadline_ms": None, "server_offset_ms": 0, "online": True,
        "last_contact_ms": NOW - 2_000,
        "consented": {"version": "1", "face": True, "room": True, "at_ms": START},
        "run": 1, "stopped": False, "recorded_ms": 42 * MINUTE,
        "segments": {"recorded": 630, "committed": 629, "stored": 612, "verified": 600},
        "waiting": {"segments": 18, "bytes": 11 * MB, "ms": 72_000}, "held_bytes": 378 * MB,
        "storage": {"quota": 6_000 * MB, "usage": 400 * MB, "persisted": True}, "rate_bps": 4_200_000,
        "forecast": {"done_ms": NOW + 30_000, "late": False, "needed_bps": None}, "metered_allowed": True,
        "uploading_held": None, "metered_overridden": False, "gap": None, "gaps": [], "crashed": False,
        "listed": False, "verdict": None, "verdict_jws": None, "released": False, "freed_bytes": 0,
        "refusal": None,
    }  # fmt: skip
    return state | changed


_NOTHING: View = {
    "run": None, "recorded_ms": 0, "segments": {"recorded": 0, "committed": 0, "stored": 0, "verified": 0},
    "waiting": {"segments": 0, "bytes": 0, "ms": 0}, "held_bytes": 0, "rate_bps": None,
    "forecast": {"done_ms": None, "late": False, "needed_bps": None},
}  # fmt: skip
_BEGUN: View = {
    **_NOTHING, "run": 1, "recorded_ms": 24_000, "held_bytes": 3 * MB,
    "segments": {"recorded": 5, "committed": 4, "stored": 2, "verified": 0},
    "waiting": {"segments": 3, "bytes": 2 * MB, "ms": 12_000},
}  # fmt: skip
_EARLY: View = {"window": {"start_ms": NOW + 12 * MINUTE, "end_ms": NOW + 72 * MINUTE}}
_CLAIMED: View = {**_EARLY, **_NOTHING, "generation": 0, "lapses_at_ms": NOW + 4 * MINUTE + 12_000}
_START: View = {**_CLAIMED, "sitting": "", "exam": "", "digits": "", "key": "", "consented": None,
                "lapses_at_ms": None, "window": {"start_ms": None, "end_ms": None}}  # fmt: skip
_STOPPED: View = {
    "run": None, "stopped": True, "end_ms": NOW - 5 * MINUTE, "ended": True,
    "deadline_ms": NOW + 55 * MINUTE, "recorded_ms": HOUR, "listed": True,
    "window": {"start_ms": START - 18 * MINUTE, "end_ms": NOW - 5 * MINUTE},
    "segments": {"recorded": 900, "committed": 900, "stored": 700, "verified": 660},
    "waiting": {"segments": 200, "bytes": 118 * MB, "ms": 13 * MINUTE + 20_000}, "held_bytes": 540 * MB,
    "rate_bps": 1_300_000, "forecast": {"done_ms": NOW + 12 * MINUTE, "late": False, "needed_bps": 290_000},
}  # fmt: skip
_ARRIVED: View = {
    **_STOPPED, "segments": {"recorded": 900, "committed": 900, "stored": 900, "verified": 871},
    "waiting": {"segments": 0, "bytes": 0, "ms": 0},
    "forecast": {"done_ms": None, "late": False, "needed_bps": None},
}  # fmt: skip


_LONG = {"start_ms": NOW - 50 * MINUTE, "end_ms": NOW - 44 * MINUTE}
_SHORT = {"start_ms": NOW - 30 * MINUTE, "end_ms": NOW - 30 * MINUTE + 5_000}
_UNSENT = {"start_ms": NOW - 19 * MINUTE, "end_ms": NOW - 5 * MINUTE}


def _verdict(word: str, version: int = 1, **changed: Any) -> View:
    review = [{"code": "scan_not_measured"}, {"code": "placement_not_measured"}]
    return {
        "word": word, "version": version, "issued_at_ms": NOW - MINUTE, "reasons": [], "review": review,
        "missing": [], "gaps": [],
    } | changed  # fmt: skip


_CAPTURE: View = {
    "doing": "idle", "cause": None, "since_ms": None, "needsTap": False, "refused": None, "stream": None,
    "facing": "user", "shape": None, "sound": False, "wake": "missing",
}  # fmt: skip
_ON = _CAPTURE | {
    "doing": "recording", "shape": {"width": 720, "height": 1280, "rate": 15}, "sound": True, "wake": "held",
    "stream": "camera",
}  # fmt: skip
_FIT = {"unfit": None, "app": None, "system": "android"}


def _view(state: View | None, capture: View = _CAPTURE, **changed: Any) -> View:
    return {"now_ms": NOW, "fit": _FIT, "state": state, "capture": capture} | changed


def _unfit(code: str, app: str | None = None, system: str = "android") -> View:
    return {"now_ms": NOW, "fit": {"unfit": code, "app": app, "system": system}, "offered": True}


def _check(check: str, result: str, says: str = "fine", **facts: str | int) -> View:
    return {"id": check, "result": result, "says": says, "facts": facts}


_GOOD = [
    _check("secure", "ok"),
    _check("camera", "ok", width=720, height=1280, rate=15),
    _check("sound", "ok", level=-38),
    _check("storage", "ok", free_mb=6_100, need_mb=780, minutes=60),
    _check("battery", "ok", "charging", percent=83),
    _check("network", "ok", rate_kbps=4_200, need_kbps=1_150, rtt_ms=42),
    _check("clock", "ok", offset_s=1),
    _check("wake", "ok"),
]
_BAD = [
    _check("secure", "ok"),
    _check("camera", "fail", "busy"),
    _check("sound", "unknown", "unmeasured"),
    _check("storage", "fail", "short", free_mb=310, need_mb=780, minutes=60),
    _check("battery", "warn", "unplugged", percent=58),
    _check("network", "warn", "slow", rate_kbps=380, need_kbps=1_150, rtt_ms=310),
    _check("clock", "ok", offset_s=1),
    _check("wake", "warn", "missing"),
]
_LOOK = {"hint": None, "luma": 118, "roll_deg": 2}
_DONE = {"progress": {"sitting": "sit-4f1c-82d0", "scan": "done", "placed": True}}
_SCANNED = {"progress": {"sitting": "sit-4f1c-82d0", "scan": "done", "placed": False}}


def _turn(sectors: int, hint: str | None = None, guided: bool = True, face: bool = True) -> View:
    return {
        "guided": guided, "done": [index < sectors for index in range(36)], "at": min(sectors, 35),
        "covered_deg": sectors * 10, "hint": hint, "complete": sectors == 36, "faceChecked": face,
    }  # fmt: skip


_BATTERY = {"percent": 76, "charging": True}

STATES: dict[str, View] = {
    "fit-wechat": _unfit("in_app", "wechat"),
    "fit-ios-no-recorder": _unfit("no_recorder", None, "ios"),
    "fit-private": _unfit("private"),
    "bind": _view(_state("start", **_START)),
    "bind-refused": _view(_state("start", **_START), complaint=REFUSAL),
    "bind-claiming": _view(_state("start", **_START), busy="claim"),
    "bind-claiming-away": _view(
        _state("start", **_START, online=False, last_contact_ms=None), busy="claim"
    ),
    "consent": _view(_state("claimed", **(_CLAIMED | {"consented": None}))),
    "consent-declined": _view(_state("claimed", **(_CLAIMED | {"consented": None})), declined=True),
    "preflight-first": _view(_state("claimed", **_CLAIMED), checks=_GOOD[:1] + _GOOD[3:7]),
    "preflight-ready": _view(_state("claimed", **_CLAIMED), checks=_GOOD, mirror="camera", look=_LOOK),
    "preflight-failed": _view(
        _state("claimed", **_CLAIMED), checks=_BAD, mirror="camera",
        look={"hint": "dark", "luma": 21, "roll_deg": -19},
    ),
    "preflight-opening": _view(_state("claimed", **_CLAIMED), _CAPTURE | {"doing": "opening"}, checks=_GOOD),
    "confirm": _view(_state("claimed", **(_CLAIMED | _BEGUN)), _ON),
    "confirm-offline": _view(_state("claimed", **(_CLAIMED | _BEGUN), online=False), _ON),
    "scan-ready": _view(_state(**(_EARLY | _BEGUN)), _ON),
    "scan-turning": _view(_state(**(_EARLY | _BEGUN)), _ON, scan={"phase": "turning", "reading": _turn(14)}),
    "scan-too-fast": _view(
        _state(**(_EARLY | _BEGUN)), _ON,
        scan={"phase": "turning", "reading": _turn(22, "fast", guided=False, face=False)},
    ),
    "scan-done": _view(_state(**(_EARLY | _BEGUN)), _ON, scan={"phase": "done", "reading": _turn(36)}),
    "scan-part": _view(_state(**(_EARLY | _BEGUN)), _ON, scan={"phase": "done", "reading": _turn(23)}),
    "place": _view(_state(**(_EARLY | _BEGUN)), _ON, look=_LOOK, **_SCANNED),
    "record-before": _view(_state(**(_EARLY | _BEGUN)), _ON, battery=_BATTERY, **_DONE),
    "record": _view(_state(), _ON, battery=_BATTERY, **_DONE),
    "record-offline": _view(
        _state(online=False, waiting={"segments": 210, "bytes": 126 * MB, "ms": 14 * MINUTE}), _ON,
        battery={"percent": 76, "charging": False}, **_DONE,
    ),
    "record-mute": _view(_state(), _ON | {"sound": False, "wake": "lost"}, **_DONE),
    "record-call": _view(
        _state(gap={"cause": "call", "since_ms": NOW - 8_000}),
        _ON | {"doing": "interrupted", "cause": "call", "since_ms": NOW - 8_000}, battery=_BATTERY, **_DONE,
    ),
    "record-black": _view(
        _state(gap={"cause": "black", "since_ms": NOW - 12_000}),
        _ON | {"cause": "black", "since_ms": NOW - 12_000}, battery=_BATTERY, **_DONE,
    ),
    "record-hidden": _view(
        _state(gap={"cause": "hidden", "since_ms": NOW - 5_000}),
        _ON | {"cause": "hidden", "since_ms": NOW - 5_000}, battery=_BATTERY, **_DONE,
    ),
    "record-full": _view(
        _state(gap={"cause": "storage_full", "since_ms": NOW - 6_000}),
        _ON | {"doing": "interrupted", "cause": "storage_full", "since_ms": NOW - 6_000},
        battery=_BATTERY, **_DONE,
    ),
    "record-tap": _view(
        _state(gap={"cause": "camera_lost", "since_ms": NOW - 21_000}),
        _ON | {"doing": "interrupted", "cause": "camera_lost", "since_ms": NOW - 21_000, "needsTap": True,
               "stream": None}, battery=_BATTERY, **_DONE,
    ),
    "record-reopened": _view(
        _state(run=None, crashed=True, gap={"cause": "crash", "since_ms": NOW - 34_000}), reopened=True,
        battery=_BATTERY, **_DONE,
    ),
    "record-stop-early": _view(_state(), _ON, asking="stop", battery=_BATTERY, **_DONE),
    "record-stop-sure": _view(_state(), _ON, asking="stop_sure", battery=_BATTERY, **_DONE),
    "record-ended": _view(
        _state(end_ms=NOW - 20_000, ended=True, stops_at_ms=NOW + 9 * MINUTE + 40_000), _ON,
        battery=_BATTERY, **_DONE,
    ),
    "upload-stopping": _view(_state(**_STOPPED), _CAPTURE | {"doing": "stopping"}),
    "upload": _view(_state(**_STOPPED), _CAPTURE | {"doing": "stopped"}),
    "upload-late": _view(
        _state(**(_STOPPED | {
            "rate_bps": 90_000,
            "forecast": {"done_ms": NOW + 175 * MINUTE, "late": True, "needed_bps": 290_000}})),
        _CAPTURE | {"doing": "stopped"},
    ),
    "upload-offline": _view(
        _state(**(_STOPPED | {"online": False, "last_contact_ms": NOW - 4 * MINUTE,
                              "forecast": {"done_ms": None, "late": False, "needed_bps": 290_000}})),
        _CAPTURE | {"doing": "stopped"},
    ),
    "upload-metered": _view(
        _state(**(_STOPPED | {"metered_allowed": False, "uploading_held": "metered",
                              "forecast": {"done_ms": None, "late": False, "needed_bps": 290_000}})),
        _CAPTURE | {"doing": "stopped"},
    ),
    "upload-overdue": _view(
        _state(**(_STOPPED | {"deadline_ms": NOW - 3 * MINUTE,
                              "forecast": {"done_ms": NOW + 9 * MINUTE, "late": True, "needed_bps": None}})),
        _CAPTURE | {"doing": "stopped"},
    ),
    "upload-resume": _view(_state(run=None, stopped=True), _CAPTURE | {"doing": "stopped"}),
    "upload-arrived": _view(_state(**_ARRIVED), _CAPTURE | {"doing": "stopped"}),
    "complete": _view(
        _state(**(_ARRIVED | {"verdict": _verdict("complete"), "verdict_jws": "eyJ.e30.sig"})),
        _CAPTURE | {"doing": "stopped"},
        proof="evidence-verdict:sit-4f1c-82d0:1:complete:3q2vKkV8mB7cT0yN5rWzE8sLpUaJdGf1iXoKbRtMwYQ",
    ),
    "incomplete": _view(
        _state(**(_STOPPED | {
            "verdict": _verdict(
                "incomplete",
                reasons=[{"code": "gap_too_long"} | _LONG, {"code": "missing_media"} | _UNSENT],
                missing=[_UNSENT], gaps=[_LONG | {"cause": "call"}, _SHORT | {"cause": "hidden"}]),
            "verdict_jws": "eyJ.e30.sig"})),
        _CAPTURE | {"doing": "stopped"}, proof="evidence-verdict:sit-4f1c-82d0:1:incomplete:3q2v",
    ),
    "late": _view(
        _state(**(_ARRIVED | {
            "verdict": _verdict("late", 2, reasons=[{"code": "stored_late"}]),
            "verdict_jws": "eyJ.e30.sig"})),
        _CAPTURE | {"doing": "stopped"}, proof="evidence-verdict:sit-4f1c-82d0:2:late:3q2v",
    ),
    "released": _view(
        _state(**(_ARRIVED | {"released": True, "held_bytes": 0, "freed_bytes": 540 * MB,
                              "verdict": _verdict("complete"), "verdict_jws": "eyJ.e30.sig"})),
        _CAPTURE | {"doing": "stopped"},
    ),
    "released-part": _view(
        _state(**(_STOPPED | {"released": True, "held_bytes": 118 * MB, "freed_bytes": 422 * MB,
                              "verdict": _verdict("incomplete"), "verdict_jws": "eyJ.e30.sig"})),
        _CAPTURE | {"doing": "stopped"},
    ),
    "lapsed": _view(_state("lapsed", **(_CLAIMED | _BEGUN)), _ON),
    "refused": _view(_state("refused", **(_CLAIMED | _BEGUN)), _ON),
    "replaced": _view(
        _state("replaced", **(_STOPPED | {"ended": False, "end_ms": None})), _CAPTURE | {"doing": "stopped"},
    ),
    "elsewhere": {"now_ms": NOW, "fit": _FIT, "elsewhere": True},
    "broken": _view(_state(), broken="TypeError: Importing a module script failed."),
}  # fmt: skip
"""The view each face is drawn from; "camera" stands for a live picture."""
