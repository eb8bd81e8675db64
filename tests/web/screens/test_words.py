"""The two languages say the same things, and everything the phone's page may be asked to say."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor

from pairing.messages import CAUSES
from tests.node import node
from tests.page import test_words as laptop
from tests.web.screens.stage import WEB

LANGUAGES = ("zh-CN", "en")
VISION = Path(__file__).parents[3] / "evidence_server" / "vision"


class _Variables(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802 - the library's name
        self.names.add(node.id.name)


def messages(language: str) -> dict[str, set[str]]:
    """The ids of a language, each with the variables its sentence uses; a broken file fails."""
    resource = FluentParser().parse((WEB / "locales" / f"{language}.ftl").read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {}
    for entry in resource.body:
        assert not isinstance(entry, ast.Junk), entry.content
        if isinstance(entry, ast.Message):
            assert entry.id.name not in found, f"{entry.id.name} twice"
            variables = _Variables()
            variables.visit(entry)
            found[entry.id.name] = variables.names
    return found


def sayings() -> dict[str, dict[str, Any]]:
    """What every check before the exam can come to, as preflight.js has it."""
    script = f"import {{ SAYINGS }} from {json.dumps((WEB / 'preflight.js').as_uri())};" \
        "console.log(JSON.stringify(SAYINGS))"  # fmt: skip
    done = subprocess.run([node(), "--input-type=module", "-e", script], capture_output=True, check=True)
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def test_both_languages_have_the_same_messages_with_the_same_variables() -> None:
    assert messages("zh-CN") == messages("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_the_protocol_has_a_sentence(language: str) -> None:
    wanted = {f"reason-{code}" for code in laptop.REASONS}
    wanted |= {f"{family}-{code}" for family in ("cause", "fix") for code in CAUSES} | laptop.MEASURED
    wanted |= {f"watch-{kind}" for kind in laptop.ALARMS}
    wanted |= {f"place-fix-{code}" for code in laptop.PLACE_CODES}
    wanted |= {f"scan-wrong-{code}" for code in laptop.SCAN_REASONS}
    assert {name.replace("_", "-") for name in wanted} <= messages(language).keys()


def scan_reasons() -> set[str]:
    """The codes that a scan's answer may name, as the server's sources spell them."""
    sources = [*VISION.glob("*.py"), VISION.parent / "scan.py"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    return set(re.findall(r"""Reason\(\s*"([a-z_]+)\"""", source))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_that_the_server_measures_in_a_turn_has_its_sentences(language: str) -> None:
    codes = {code.replace("_", "-") for code in scan_reasons()}
    assert len(codes) > 15
    wanted = {f"{family}-{code}" for family in ("scan-wrong", "scan-why") for code in codes}
    assert wanted <= messages(language).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_check_has_its_sentences_and_no_fact_is_missing(language: str) -> None:
    known = messages(language)
    for check, outcomes in sayings().items():
        if check == "quiet":
            continue  # told with a picture per system
        for says, outcome in outcomes.items():
            assert known[f"check-{check}-{says}"] <= set(outcome["facts"])
            if outcome["result"] != "ok":
                assert known[f"check-{check}-{says}-do"] <= set(outcome["facts"])


def test_what_the_laptop_says_too_is_said_in_the_same_words() -> None:
    """Causes, reasons, the path and the verdict: two screens that stand side by side."""
    for language in LANGUAGES:
        here, there = sentences(WEB, language), sentences(laptop.PAGE, language)
        shared = re.compile("(cause|reason|path|verdict|alarm|scan-why|place-why)-")
        same = [name for name in there if shared.match(name) and name in here]
        assert len(same) > 30
        # The laptop calls itself "this laptop".
        assert {name for name in same if here[name] != there[name]} <= {
            "reason-anchor-not-measured", "reason-anchor-failed",
        }  # fmt: skip


def sentences(folder: Any, language: str) -> dict[str, str]:
    """The lines of a language file, by id."""
    text = (folder / "locales" / f"{language}.ftl").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+) = (.+)$", text, re.MULTILINE))


def test_every_message_named_in_the_scripts_exists_and_none_is_left_over() -> None:
    scripts = [WEB / name for name in ("main.js", "desk.js", "words.js", "mount.js")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in [*scripts, *(WEB / "view").glob("*.js")])
    known = messages("en").keys()
    said = set(re.findall(r"""say\(\s*"([^"]+)\"""", source))
    assert said <= known
    literal = set(re.findall(r"""["`]([a-z]+(?:-[a-z0-9]+)+)["`]""", source)) | said
    # `check-${id}` and the like name any id that fits; codes of the protocol go by family.
    templates = (re.escape(text) for text in re.findall(r"`([a-z][a-z-]*-\$\{[^`]*)`", source))
    built = [re.sub(r"\\\$\\\{[^}]*\\\}", "[a-z0-9-]+", text) for text in templates]
    fits = re.compile("|".join([*built, "(reason|cause|fix|app|scan-why|place-why)-.+"]))
    assert not {name for name in known - literal if not fits.fullmatch(name)}
