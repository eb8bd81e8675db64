"""What the server says it saw: room scan, placement, alarms; read out of its answers and told once.

None of it is signed, so it is only told.  What is not in the expected form is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phone_client.progress import View

SCAN_REASONS = frozenset({
    "blurred", "candidate_absent", "covered", "dark", "few_frames", "jump", "landscape", "loop",
    "not_closed", "not_enough", "people", "people_perhaps", "sectors_missing", "sensors_differ",
    "static_surroundings", "still", "too_fast", "too_long", "too_short", "undecodable", "unseen",
    "upside_down",
})  # fmt: skip
PLACE_CODES = frozenset({
    "alone", "candidate", "desk", "light", "pictures", "screen", "sharpness", "steady",
})  # fmt: skip
ALARMS = frozenset({
    "black", "covered", "frozen", "repeated", "moved", "absent", "people", "blurred", "dark", "silent",
})  # fmt: skip
_MOST = 40


@dataclass(frozen=True)
class Sight:
    """What one answer says.

    `scan` is the newest turn's beginning (`mono_ms`), answer and reasons' codes, None before an answer;
    `placement` whether the phone stands well, and what lacks; `alarms` the kinds and beginnings of the open
    ones."""

    scan: tuple[int, str, tuple[str, ...]] | None = None
    placement: tuple[bool, tuple[str, ...]] | None = None
    alarms: frozenset[tuple[str, int]] = frozenset()


def read_sight(answer: Mapping[str, Any]) -> Sight:
    """What a read of the binding says of it."""
    scan, placement = _object(answer.get("scan")), _object(answer.get("placement"))
    accepted, begin_ms, ok = scan.get("accepted"), scan.get("begin_mono_ms"), placement.get("ok")
    codes = tuple(str(_object(reason).get("code")) for reason in _list(scan.get("reasons")))
    opened = [
        (str(alarm.get("kind")), int(alarm["since_ms"]))
        for alarm in map(_object, _list(answer.get("alarms")))
        if alarm.get("until_ms") is None and isinstance(alarm.get("since_ms"), int)
    ]
    return Sight(
        (begin_ms if isinstance(begin_ms, int) else 0, accepted, codes)
        if accepted in {"accept", "repeat", "review"} else None,
        (ok, tuple(map(str, _list(placement.get("missing"))))) if isinstance(ok, bool) else None,
        frozenset(opened),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value[:_MOST] if isinstance(value, list) else []


class Teller:
    """Tells what is new in the server's answers."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._told = Sight()

    def tell(self, sight: Sight) -> None:
        """Says each answer and each alarm once."""
        before, self._told = self._told, sight
        if sight.scan is not None and sight.scan != before.scan:
            _, accepted, codes = sight.scan
            self._view.say(f"scan-{accepted}")
            self._list("scan-why", codes if accepted != "accept" else (), SCAN_REASONS)
        if sight.placement is not None and sight.placement != before.placement:
            ok, missing = sight.placement
            self._view.say("place-ok" if ok else "place-failed")
            self._list("place-why", missing, PLACE_CODES)
        for kind, _ in sorted(sight.alarms - before.alarms):
            self._view.say("alarm")
            self._list("alarm", (kind,), ALARMS)

    def _list(self, family: str, codes: tuple[str, ...], known: frozenset[str]) -> None:
        for code in dict.fromkeys(codes):
            if code in known:
                self._view.say(f"{family}-{code.replace('_', '-')}")
            else:
                self._view.say("other-why", code=code)
