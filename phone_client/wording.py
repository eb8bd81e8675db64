"""Everything the client says to people, in their language (Fluent files in `locale/`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files

from fluent.runtime import FluentBundle, FluentResource

from pairing.errors import PairingError

LANGUAGES = ("zh-CN", "en")


class Wording:
    """Sentences in one language.  Raises ValueError for a language there is none of."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise ValueError(f"language {language!r} is none of {', '.join(LANGUAGES)}")
        self.language = language
        self._bundle = FluentBundle([language], use_isolating=False)
        text = files("phone_client").joinpath("locale", f"{language}.ftl").read_text("utf-8")
        self._bundle.add_resource(FluentResource(text))

    def __call__(self, name: str, **facts: str | int | float) -> str:
        """The sentence `name` with its places filled.  Raises KeyError for one that does not exist."""
        message = self._bundle.get_message(name)
        if message.value is None:
            raise KeyError(name)
        said, faults = self._bundle.format_pattern(message.value, facts)
        if faults:
            raise KeyError(f"{name}: {faults[0]}")
        return str(said)

    def reason(self, reason: Mapping[str, object]) -> str:
        """A verdict's reason (protocol §6), its times as this phone's clock shows them.

        A reason that a newer server invented is named by its code."""
        name = f"reason-{str(reason.get('code', '')).replace('_', '-')}"
        if not self._bundle.has_message(name):
            return str(reason.get("code", ""))
        return self(
            name, start=_clock_face(reason.get("start_ms")), end=_clock_face(reason.get("end_ms")),
            seconds=_seconds(reason.get("length_ms", reason.get("total_ms"))),
            limit=_seconds(reason.get("limit_ms")), cause=str(reason.get("cause", "")),
            segments=_number(reason.get("segments")), what=self._what(reason),
        )

    def _what(self, reason: Mapping[str, object]) -> str:
        """What a measured reason names: an alarm's kind, why a scan or an anchor failed, what lacks."""
        families = {
            "continuity_failed": ("alarm", reason.get("kind")),
            "anchor_failed": ("anchor-why", reason.get("why")),
            "scan_repeat": ("scan-why", reason.get("why")), "scan_review": ("scan-why", reason.get("why")),
            "placement_failed": ("place-why", reason.get("missing")),
        }  # fmt: skip
        family, named = families.get(str(reason.get("code")), ("", None))
        codes = named if isinstance(named, list) else [named]
        names = [f"{family}-{str(code).replace('_', '-')}" for code in codes]
        return self("joint").join(self(name) for name in names if self._bundle.has_message(name)) or "–"

    def refusal(self, error: PairingError) -> str:
        """What happened and what to do, from the protocol's own table."""
        row = error.row
        return f"{row.says[self.language]} {row.do[self.language]}"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _seconds(value: object) -> int:
    return round(_number(value) / 1_000)


def _clock_face(value: object) -> str:
    return datetime.fromtimestamp(_number(value) / 1_000).astimezone().strftime("%H:%M:%S")
