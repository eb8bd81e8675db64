"""The two languages say the same things, and everything the page may be asked to say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor

from pairing.messages import CAUSES

PAGE = Path(__file__).parents[2] / "evidence_server" / "page"
# Codes of the sitting's state, which the page turns into message ids; a gap's cause is never "none".
GAP_CAUSES = CAUSES - {"none"}
REASONS = {
    "no_recording", "missing_media", "gap_too_long", "gaps_too_long", "undecodable_media", "stored_late",
    "no_manifest", "scan_not_measured", "scan_repeat", "placement_not_measured", "placement_failed",
    "continuity_not_measured", "continuity_failed", "anchor_not_measured", "anchor_failed", "committed_late",
    "fork", "clock_drift", "media_irregular", "scan_missing", "scan_review", "placement_missing",
    "placed_late", "scan_late", "scan_other_phone",
}  # fmt: skip
# What the server's measurements name, and the pages say in words.
ALARMS = {
    "black", "covered", "frozen", "repeated", "moved", "absent", "people", "blurred", "dark", "silent",
}  # fmt: skip
SCAN_REASONS = {
    "blurred", "candidate_absent", "candidate_changed", "covered", "dark", "few_frames", "jump", "landscape",
    "loop", "not_closed", "not_enough", "people", "people_perhaps", "sectors_missing", "sensors_differ",
    "static_surroundings", "still", "too_fast", "too_long", "too_short", "undecodable", "unseen",
    "upside_down",
}  # fmt: skip
PLACE_CODES = {
    "alone", "candidate", "desk", "light", "pictures", "screen", "sharpness", "steady",
}  # fmt: skip
ANCHOR_WHY = {"not_seen", "wrong_sequence", "foreign"}
MEASURED = {
    *(f"alarm-{kind}" for kind in ALARMS),
    *(f"scan-why-{code}" for code in SCAN_REASONS),
    *(f"place-why-{code}" for code in PLACE_CODES),
    *(f"reason-anchor-failed-{why}" for why in ANCHOR_WHY),
}


class _Variables(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802 - the library's name
        self.names.add(node.id.name)


def messages(language: str) -> dict[str, set[str]]:
    """The ids of a language, each with the variables its sentence uses; a broken file fails."""
    resource = FluentParser().parse((PAGE / "locales" / f"{language}.ftl").read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {}
    for entry in resource.body:
        assert not isinstance(entry, ast.Junk), entry.content
        if isinstance(entry, ast.Message):
            assert entry.id.name not in found, f"{entry.id.name} twice"
            variables = _Variables()
            variables.visit(entry)
            found[entry.id.name] = variables.names
    return found


def test_both_languages_have_the_same_messages_with_the_same_variables() -> None:
    assert messages("zh-CN") == messages("en")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_code_the_server_sends_has_a_sentence(language: str) -> None:
    wanted = {f"reason-{code}" for code in REASONS}
    wanted |= {f"{family}-{code}" for family in ("cause", "fix") for code in GAP_CAUSES} | MEASURED
    assert {name.replace("_", "-") for name in wanted} <= messages(language).keys()


def test_every_message_named_in_the_scripts_exists_and_none_is_left_over() -> None:
    scripts = [path for path in PAGE.rglob("*.js") if "vendor" not in path.parts]
    source = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    known = messages("en").keys()
    said = set(re.findall(r"""say\(\s*"([^"]+)\"""", source))
    assert said <= known
    literal = set(re.findall(r"""["`]([a-z]+(?:-[a-z0-9]+)+)["`]""", source))
    # `phone-${condition}-title` and the like name any id that fits; codes of the server go by family.
    templates = (re.escape(text) for text in re.findall(r"`([^`]*)`", source))
    built = [re.sub(r"\\\$\\\{[^}]*\\\}", "[a-z0-9-]+", text) for text in templates]
    fits = re.compile("|".join([*built, "(reason|cause|fix|alarm|scan-why|place-why)-.+"]))
    assert not {name for name in known - literal if not fits.fullmatch(name)}
