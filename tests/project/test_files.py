"""What every file of the project keeps to."""

from __future__ import annotations

import ast
import configparser
import json
import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 400  # that are not blank
CODE = (".py", ".js", ".mjs", ".css")
PRODUCT = ("pairing", "phone_client", "evidence_server", "demo")

# Put together here so that this file does not name what it looks for.
REGISTRY = re.compile(
    "|".join(("registry[.]" + "(npmjs|yarnpkg)", "pypi[.]" + "org", "python" + "hosted", "deb[.]" + "debian"))
)
PRIVATE_PATH = re.compile(r"(?<![\w./<-])/(" + "work|home|Users|root" + r")/[\w.-]")


def tracked(*suffixes: str) -> list[Path]:
    """The files that git tracks, those of the given suffixes or all."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)]


def text_of(path: Path) -> str:
    """The file's text; nothing for pictures and other binary files."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_modules_have_one_job() -> None:
    filled = re.compile(r"^.*\S", re.MULTILINE)
    lengths = {name_of(path): len(filled.findall(text_of(path))) for path in tracked(*CODE)}
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}
    jobless = re.compile(r"(.*/)?(utils?|helpers?|misc|common)\.\w+")
    assert [name for name in lengths if jobless.fullmatch(name)] == []


def test_public_modules_say_what_they_are() -> None:
    silent = [
        name_of(path)
        for path in tracked(".py")
        if path.relative_to(ROOT).parts[0] in PRODUCT and not ast.get_docstring(ast.parse(text_of(path)))
    ]
    assert silent == []


def test_no_assert_on_input() -> None:
    """`python -O` drops asserts, so product code never checks with one."""
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in tracked(".py")
        if path.relative_to(ROOT).parts[0] in PRODUCT
        for node in ast.walk(ast.parse(text_of(path)))
        if isinstance(node, ast.Assert)
    ]
    assert found == []


@pytest.mark.parametrize("pattern", [REGISTRY, PRIVATE_PATH], ids=["registry host", "private path"])
def test_no_file_names_a_machine(pattern: re.Pattern[str]) -> None:
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in tracked()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


def test_no_third_party_code_is_tracked() -> None:
    theirs = {"node_modules", "vendor", ".venv"}
    assert [name_of(path) for path in tracked() if theirs & set(path.relative_to(ROOT).parts)] == []


def test_every_python_requirement_has_both_bounds() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    lists = [settings["options"]["install_requires"], *settings["options.extras_require"].values()]
    requirements = [Requirement(line) for text in lists for line in text.split("\n") if line]
    assert requirements
    open_ended = [
        str(requirement)
        for requirement in requirements
        if requirement.name != settings["metadata"]["name"]
        and {bound.operator for bound in requirement.specifier} != {">=", "<"}
    ]
    assert open_ended == []


def test_the_javascript_lock_names_hashes_and_no_host() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "resolved" in entry or "integrity" not in entry] == []
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    for kind in ("dependencies", "devDependencies"):
        assert lock["packages"][""][kind] == wanted[kind]
