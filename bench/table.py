"""README's table of benchmarks, made from bench/results: `python -m bench.table` prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.report import Goal

RESULTS = Path(__file__).with_name("results")
HEADING = ("claim", "measured", "peer in the same run", "goal", "not done beyond", "command")


def table(results: Path = RESULTS) -> str:
    """Markdown: a row for each claim of each result file, in the files' order of name.

    Raises KeyError or TypeError for a file that `bench.report.tell` has not written.
    """
    rows = [HEADING, tuple("---" for _ in HEADING), *_rows(results)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _rows(results: Path) -> Iterator[tuple[str, ...]]:
    for path in sorted(results.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        for goal in told["goals"]:
            yield _row(_goal(goal), told["benchmark"])


def _goal(told: dict[str, Any]) -> Goal:
    """`word` follows from the figures, and is not believed."""
    return Goal(**{name: value for name, value in told.items() if name != "word"})


def _row(goal: Goal, benchmark: str) -> tuple[str, ...]:
    bound, beyond = ("≥", "<") if goal.more_is_better else ("≤", ">")
    unit = f" {goal.unit}" if goal.unit else ""
    return (
        goal.what,
        f"{goal.measured:,g}{unit} ({goal.word})",
        goal.peer or "—",
        f"{bound} {goal.goal:,g}{unit}",
        f"{beyond} {goal.not_beyond:,g}{unit}",
        f"`python -m bench.{benchmark}`",
    )


if __name__ == "__main__":
    print(table())
