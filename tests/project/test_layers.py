"""The layers of the product, held by reading every import statement."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.project.imports import imports, modules, reached

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pairing", "phone_client", "evidence_server", "demo")

# A module belongs to the first row that names it or a package around it; what no other row names
# is the server's ground, where least is allowed. Stages meet in the sitting, so none of them imports another.
# A name that begins with a dot is the server's.
TABLE = """
layer    | may import                                               | modules
core     |                                                          | pairing
phone    | core                                                     | phone_client
wiring   | bare-tus routes sweep offline {stages} media vision ground core | .app .__main__ .commands
bare-tus | routes upload ground core                                | .bare_tus .bare_uploads
routes   | {stages} vision ground core                              | .routes
sweep    | {stages} ground core                                     | .sweep
offline  | verdict media ground core                                | .proof .remeasure .check .backup
bind     | ground core                                              | .bind
record   | ground core                                              | .record
support  | ground core                                              | .support
upload   | ground core                                              | .upload .receive
verify   | media ground core                                        | .verify
verdict  | ground core                                              | .verdict .checks
watch    | media ground core                                        | .watch .unseen
media    | vision core                                              | .media
vision   |                                                          | .vision
ground   | core                                                     | evidence_server
demo     |                                                          | demo
"""
STAGES = "bind record upload verify watch verdict support"


class Layer(NamedTuple):
    """A row: what the layer is called, the other layers that its modules may import, and its modules."""

    name: str
    may_import: frozenset[str]
    members: tuple[str, ...]


def _layers(table: str) -> tuple[Layer, ...]:
    lines = table.format(stages=STAGES).replace(" .", " evidence_server.").strip().splitlines()
    return tuple(
        Layer(name.strip(), frozenset(allowed.split()) | {name.strip()}, tuple(members.split()))
        for name, allowed, members in (line.split("|") for line in lines[1:])
    )


LAYERS = _layers(TABLE)

# The core has no clock, files, sockets or randomness of its own: now and random bytes are arguments.
CORE_LIBRARIES = frozenset({"cryptography", "joserfc"})
NOT_IN_THE_CORE = frozenset(
    {"asyncio", "datetime", "os", "pathlib", "random", "secrets", "shutil", "socket", "subprocess"}
    | {"tempfile", "threading", "time", "uuid"}
)


def layer_of(module: str) -> Layer:
    """The row that the module belongs to."""
    return next(row for row in LAYERS if any(f"{module}.".startswith(f"{member}.") for member in row.members))


def broken_layers(known: Mapping[str, Path]) -> list[str]:
    """One line for every import that the table does not allow."""
    found = []
    for module, path in known.items():
        layer = layer_of(module)
        for target in sorted(imports(module, path, known)):
            if target.split(".")[0] not in PACKAGES or target == module:
                continue
            if layer_of(target).name not in layer.may_import:
                found.append(f"{module} ({layer.name}) imports {target} ({layer_of(target).name})")
    return found


@pytest.fixture(scope="module")
def known() -> dict[str, Path]:
    return modules(ROOT, PACKAGES)


def test_every_import_stays_within_the_table(known: dict[str, Path]) -> None:
    assert broken_layers(known) == []


def test_every_name_in_the_table_is_a_module(known: dict[str, Path]) -> None:
    assert {member for row in LAYERS for member in row.members} - known.keys() == set()


def test_the_core_imports_only_the_standard_library_and_cryptography(known: dict[str, Path]) -> None:
    allowed = (sys.stdlib_module_names - NOT_IN_THE_CORE) | CORE_LIBRARIES | {"pairing"}
    strangers = {
        f"{module} imports {target}"
        for module, path in known.items()
        if layer_of(module).name == "core"
        for target in imports(module, path, known)
        if target.split(".")[0] not in allowed
    }
    assert strangers == set()


# Importing the first can never lead to any of the others.
NEVER_REACHED = {
    "the server hands media to its worker and parses none itself": (
        "evidence_server.app",
        ("av", "cv2"),
    ),
    "the bare tus command is uploads and storage, without sittings": (
        "evidence_server.bare_tus",
        ("evidence_server.app", "evidence_server.sitting", "evidence_server.journal", "av", "cv2"),
    ),
}


@pytest.mark.parametrize("why", NEVER_REACHED)
def test_what_is_never_reached(why: str, known: dict[str, Path]) -> None:
    start, forbidden = NEVER_REACHED[why]
    found = reached(start, known)
    assert [
        f"{target} by {importer}"
        for target, importer in found.items()
        if any(f"{target}.".startswith(f"{name}.") for name in forbidden)
    ] == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("evidence_server/bind.py", "from evidence_server.record import Heads"),
        ("evidence_server/record.py", "from evidence_server import app"),
        ("evidence_server/store.py", "def put():\n    from .bind import claim"),
        ("evidence_server/routes/tus.py", "from ..app import wire"),
        ("evidence_server/app.py", "import phone_client.upload"),
        ("phone_client/upload.py", "import evidence_server.store as store"),
        ("pairing/codes.py", "from evidence_server.store import Store"),
        ("evidence_server/verify.py", "from demo import camera"),
    ],
)
def test_a_planted_import_is_found(tmp_path: Path, module: str, line: str) -> None:
    inside = ["app", "bind", "record", "store", "verify", "routes/tus", "routes/__init__"]
    for name in [*(f"evidence_server/{each}" for each in inside), "phone_client/upload", "demo/camera"]:
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert broken_layers(modules(tmp_path, PACKAGES)) == []
    (tmp_path / module).parent.mkdir(exist_ok=True)
    (tmp_path / module).write_text(line, encoding="utf-8")
    assert len(broken_layers(modules(tmp_path, PACKAGES))) == 1
