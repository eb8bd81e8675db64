"""What the product depends on may be given to others under Apache-2.0."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageMetadata, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.imports import imports, modules

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("pairing", "phone_client", "evidence_server")

# A library's own runtime, under the GPL with the exception that lets anybody link it, is no copyleft.
COPYLEFT = re.compile(r"\bA?GPL|Affero|(?<!Lesser )General Public", re.IGNORECASE)
LINKING_EXCEPTION = re.compile(r"GPL-[\w.-]+[ -]WITH[ -]GCC-exception[\w.-]*", re.IGNORECASE)


def install_requires() -> list[Requirement]:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    return [Requirement(line) for line in settings["options"]["install_requires"].split("\n") if line]


def with_dependencies(requirements: Iterable[Requirement]) -> Iterator[Distribution]:
    """The distributions that installing the requirements here brings, each once."""
    waiting = [(requirement, extra) for requirement in requirements for extra in ("", *requirement.extras)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found = distribution(name)
        if not extra:
            yield found
        for line in found.requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting.extend((needed, inner) for inner in ("", *needed.extras))


def stated_licence(metadata: PackageMetadata) -> str:
    """What the distribution says: the licence expression, or the classifiers and the licence's first line."""
    expression = metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [line for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]
    return "; ".join([*classifiers, *metadata.get("License", "").strip().splitlines()[:1]])


def is_copyleft(licence: str) -> bool:
    return bool(COPYLEFT.search(LINKING_EXCEPTION.sub("", licence)))


def test_no_runtime_dependency_is_copyleft() -> None:
    stated = {found.name: stated_licence(found.metadata) for found in with_dependencies(install_requires())}
    assert len(stated) > len(install_requires())
    assert {name: licence for name, licence in stated.items() if not licence or is_copyleft(licence)} == {}


@pytest.mark.parametrize(
    ("licence", "copyleft"),
    [
        ("Apache-2.0", False),
        ("BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1", False),
        ("LGPL-3.0-only", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("GPL-2.0-or-later", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("AGPL-3.0-only", True),
        ("GNU Affero General Public License", True),
    ],
)
def test_copyleft_is_recognised(licence: str, copyleft: bool) -> None:
    assert is_copyleft(licence) is copyleft


def test_what_is_imported_is_required() -> None:
    """Nothing is imported that only comes along with something else, or only with the tests."""
    required = {canonicalize_name(requirement.name) for requirement in install_requires()}
    providers = packages_distributions()
    known = modules(ROOT, SHIPPED)
    unasked = {
        f"{module} imports {target}"
        for module, path in known.items()
        for target in imports(module, path, known)
        for top in [target.split(".")[0]]
        if top in providers
        and top not in SHIPPED
        and not required & {canonicalize_name(provider) for provider in providers[top]}
    }
    assert unasked == set()
