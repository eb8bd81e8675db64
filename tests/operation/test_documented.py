"""docs/operations.md names what the code has: every setting, metric and line of the log."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from evidence_server import checks, verdict
from evidence_server.metrics import Metrics, Standing
from evidence_server.routes.backend import MAX_STREAMS
from evidence_server.settings import Settings
from pairing.messages import MAX_BATCH
from pairing.policy import DAY_S

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PROTOCOL = (ROOT / "protocol.md").read_text(encoding="utf-8")
LEVELS = ("debug", "info", "warning", "error")


def rows(heading: str) -> list[list[str]]:
    """The table below the heading, without its own: the cells, without their quotes."""
    section = OPERATIONS.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


def test_every_setting_is_there_with_its_default() -> None:
    told = {quoted(name)[0]: default for name, default, _ in rows("Settings")}
    assert told.keys() == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if field.default != "":
            assert quoted(told[name.upper()]) == [str(field.default)]


def test_every_metric_is_there() -> None:
    told = {re.sub(r"(_total)?({.*})?$", "", quoted(name)[0]) for name, _ in rows("What to watch")}
    text = Metrics().text(Standing({}, 0, 0, 0, 0)).decode()
    known = {family.name for family in text_string_to_metric_families(text)}
    assert told == {name for name in known if name.startswith("evidence_") and not name.endswith("_created")}


def test_the_limits_of_the_protocol_are_those_of_the_code() -> None:
    section = PROTOCOL.partition("\n## 10. Limits\n")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE))
    assert told["streams of a sitting (`GET /v1/sittings/{id}/events`)"].startswith(f"{MAX_STREAMS} at once")
    assert re.findall(r"\d+ longest|first \d+", told["lists of a verdict"]) == [
        f"first {verdict.LISTED}", f"{checks.LISTED} longest", f"first {checks.LISTED}",
    ]
    assert f"Durations are whole seconds, 0 to {DAY_S:,};" in PROTOCOL
    assert f"(of one phone's at most {MAX_BATCH} such records)" in PROTOCOL


def logged(path: Path) -> set[tuple[str, str, tuple[str, ...]]]:
    """What the module logs: event, level, fields."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in LEVELS and isinstance(node.func.value, ast.Name) and "log" in node.func.value.id:
            event = node.args[0]
            assert isinstance(event, ast.Constant), ast.unparse(node)
            fields = ("exception" if item.arg == "exc_info" else str(item.arg) for item in node.keywords)
            found.add((str(event.value), node.func.attr, tuple(sorted(fields))))
    return found


def test_every_line_of_the_log_is_there() -> None:
    told = {
        (quoted(event)[0], level, tuple(sorted(quoted(fields))))
        for event, level, fields, _ in rows("The log")
    }
    known = set().union(*(logged(path) for path in (ROOT / "evidence_server").rglob("*.py")))
    assert told == known
