"""What a screen is drawn from, one set for every face of the phone's page."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

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
        "stuck": 0,
        "storage": {"quota": 6_000 * MB, "usage": 400 * MB, "persisted": True}, "rate_bps": 4_200_000,
        "forecast": {"done_ms": NOW + 30_000, "late": False, "needed_bps": None}, "metered_allowed": True,
        "uploading_held": None, "metered_overridden": False, "gap": None, "gaps": [], "crashed": False,
        "listed": False, "verdict": None, "verdict_jws": None, "released": False, "freed_bytes": 0,
        "refusal": None, "scan": None, "placement": None, "alarms": [],
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
TURN_MS = NOW - 40_000
"""When the newest turn began, on the phone's monotonic clock, which has the wall clock's numbers here."""


def _progress(scan: str, placed: bool = False) -> View:
    turn_ms = None if scan == "skipped" else TURN_MS
    return {"progress": {"sitting": "sit-4f1c-82d0", "scan": scan, "turn_ms": turn_ms, "placed": placed,
                         "facing": "user"}}


_DONE = _progress("done", placed=True)
_SCANNED = _progress("done")


def _turn(sectors: int, hint: str | None = None, guided: bool = True, face: bool = True) -> View:
    return {
        "guided": guided, "done": [index < sectors for index in range(36)], "at": min(sectors, 35),
        "covered_deg": sectors * 10, "hint": hint, "complete": sectors == 36, "faceChecked": face,
    }  # fmt: skip


_BATTERY = {"percent": 76, "charging": True}


def codes(*names: str) -> list[dict[str, Any]]:
    """Reasons that carry no facts."""
    return [{"code": name} for name in names]


def _seen(stage: str = "answered", accepted: str | None = None, **changed: Any) -> View:
    """What the server says of the newest turn, as the Keeper hands it on."""
    return {
        "count": 1, "stage": stage, "progress": None, "accepted": accepted, "reasons": [], "net_yaw_deg": 363,
        "sectors_covered": list(range(36)), "sectors_missing": [], "sectors_unverified": [],
        "face_percent": 99, "people_max": 1, "strip": None, "begin_mono_ms": TURN_MS,
    } | changed  # fmt: skip


_SHORT_TURN = _seen(
    accepted="repeat", net_yaw_deg=228, sectors_covered=[*range(20)], sectors_missing=[*range(20, 36)],
    sectors_unverified=[20, 21, 22], strip="p1cture",
    reasons=codes("not_enough", "too_fast", "candidate_absent"),
)  # fmt: skip
_MANY_TURNS = _seen(
    accepted="repeat", count=2, net_yaw_deg=361, sectors_covered=[*range(9), *range(14, 36)],
    sectors_missing=[9, 10, 11, 12, 13],
    reasons=codes("sectors_missing", "people", "something_new"),
)  # fmt: skip


def _strip() -> str:
    """A long picture such as the server makes of a turn, as an address."""
    ground = "".join(
        f"<rect x='{25 * k}' width='25' height='200' fill='hsl({(k * 47) % 360} 28% {58 + k % 3 * 9}%)'/>"
        f"<rect x='{25 * k + 4}' y='{60 + k % 4 * 20}' width='14' height='50' fill='#5b5348'/>"
        for k in range(36)
    )
    lacks = "<rect x='575' width='325' height='200' fill='#20242a'/>"
    return f"data:image/svg+xml,{quote(f'{_SVG}{ground}{lacks}</svg>')}"


_SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='900' height='200' viewBox='0 0 900 200'>"


def _asked(seen: View | None, reading: View | None, strip: bool = False, **changed: Any) -> View:
    """The turn is over; `changed` is the state's."""
    picture = {"name": "p1cture", "url": _strip()} if strip else None
    scan = {"phase": "done", "reading": reading, "asked_at_ms": NOW - 4_000, "strip": picture}
    return _view(_state(**(_EARLY | _BEGUN | {"scan": seen} | changed)), _ON, scan=scan, **_progress("todo"))


def _turning(reading: View, seen: View | None = None) -> View:
    scan = {"phase": "turning", "reading": reading, "asked_at_ms": None, "strip": None}
    return _view(_state(**(_EARLY | _BEGUN | {"scan": seen})), _ON, scan=scan)


def _placing(placement: View | None, asked_at_ms: int = NOW - 4_000, **changed: Any) -> View:
    """The candidate has said that the phone stands."""
    asked = {"asked_at_ms": asked_at_ms, "before": "null"}
    state = _state(**(_EARLY | _BEGUN | {"placement": placement} | changed))
    return _view(state, _ON, look=_LOOK, place=asked, **_SCANNED)


_LACKS = {"stage": "answered", "ok": False, "missing": ["candidate", "desk", "screen"], "picture": None}
_LACKS_MORE = _LACKS | {"missing": ["alone", "steady", "light", "sharpness", "something_new"]}


def alarm(kind: str) -> View:
    """Something that the server sees wrong now."""
    return {"kind": kind, "since_ms": NOW - 15_000, "until_ms": None}

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
    "scan-turning": _turning(_turn(14), _seen("running", progress={"yaw_deg": 124, "sectors": [*range(12)]})),
    "scan-too-fast": _turning(_turn(22, "fast", guided=False, face=False)),
    "scan-looking": _asked(_seen("measuring"), _turn(36)),
    "scan-late": _asked(_seen("measuring"), _turn(23)) | {"now_ms": NOW + 20_000},
    "scan-offline": _asked(None, _turn(36), online=False),
    "scan-accept": _asked(_seen(accepted="accept"), _turn(36)),
    "scan-repeat": _asked(_SHORT_TURN, _turn(23), strip=True),
    "scan-repeat-again": _asked(_MANY_TURNS, _turn(36)),
    "scan-review": _asked(_seen(accepted="review", reasons=codes("people_perhaps")), _turn(36), strip=True),
    "place": _view(
        _state(**(_EARLY | _BEGUN | {"scan": _seen(accepted="accept")})), _ON, look=_LOOK, **_SCANNED
    ),
    "place-scan-owed": _view(
        _state(**(_EARLY | _BEGUN | {"scan": _SHORT_TURN})), _ON, look=_LOOK, **_progress("unheard")
    ),
    "place-looking": _placing({"stage": "measuring", "ok": None, "missing": [], "picture": None}),
    "place-late": _placing(None, NOW - 21_000),
    "place-offline": _placing(None, online=False),
    "place-missing": _placing(_LACKS),
    "place-missing-more": _placing(_LACKS_MORE),
    "record-before": _view(_state(**(_EARLY | _BEGUN)), _ON, battery=_BATTERY, **_DONE),
    "record": _view(_state(), _ON, battery=_BATTERY, **_DONE),
    "record-offline": _view(
        _state(online=False, waiting={"segments": 210, "bytes": 126 * MB, "ms": 14 * MINUTE}), _ON,
        battery={"percent": 76, "charging": False}, **_DONE,
    ),
    "record-covered": _view(
        _state(alarms=[alarm("covered"), alarm("dark") | {"until_ms": NOW}]), _ON, battery=_BATTERY, **_DONE
    ),
    "record-scan-owed": _view(
        _state(**(_EARLY | _BEGUN | {"scan": _SHORT_TURN})), _ON, battery=_BATTERY,
        **_progress("unheard", placed=True),
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
    "record-ended-call": _view(
        _state(end_ms=NOW - 20_000, ended=True, gap={"cause": "call", "since_ms": NOW - 8_000}),
        _ON | {"doing": "interrupted", "cause": "call", "since_ms": NOW - 8_000}, **_DONE,
    ),
    "record-held": _view(_state(), _ON, held=True, **_DONE),
    "upload-reopened": _view(_state(**(_STOPPED | {"stopped": False})), reopened=True),
    "upload-stuck": _view(
        _state(**(_STOPPED | {"stuck": 3,
                              "forecast": {"done_ms": NOW + MINUTE, "late": False, "needed_bps": None}})),
        _CAPTURE | {"doing": "stopped"},
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
                reasons=[
                    {"code": "gap_too_long"} | _LONG, {"code": "missing_media"} | _UNSENT,
                    {"code": "scan_repeat", "why": ["sectors_missing", "too_fast", "something_new"]},
                ],
                review=[
                    {"code": "continuity_failed", "kind": "absent"} | _LONG,
                    {"code": "continuity_failed", "kind": "covered"} | _SHORT,
                    {"code": "anchor_failed", "why": "not_seen"} | _UNSENT,
                    {"code": "placement_failed", "missing": ["desk", "screen"]},
                ],
                missing=[_UNSENT], gaps=[_LONG | {"cause": "call"}, _SHORT | {"cause": "hidden"}]),
            "verdict_jws": "eyJ.e30.sig"})),
        _CAPTURE | {"doing": "stopped"}, proof="evidence-verdict:sit-4f1c-82d0:1:incomplete:3q2v",
    ),
    "late": _view(
        _state(**(_ARRIVED | {
            "verdict": _verdict("late", 2, reasons=codes("stored_late")),
            "verdict_jws": "eyJ.e30.sig"})),
        _CAPTURE | {"doing": "stopped"}, proof="evidence-verdict:sit-4f1c-82d0:2:late:3q2v",
    ),
    "released": _view(
        _state(**(_ARRIVED | {"released": True, "held_bytes": 0, "freed_bytes": 540 * MB,
                              "verdict": _verdict("complete"), "verdict_jws": "eyJ.e30.sig"})),
        _CAPTURE | {"doing": "stopped"},
    ),
    "released-held": _view(
        _state(**(_ARRIVED | {"released": True, "held_bytes": 0, "verdict": _verdict("complete"),
                              "verdict_jws": "eyJ.e30.sig"})),
        _CAPTURE | {"doing": "stopped"}, held=True,
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
