"""How a benchmark tells its result: lines for people, one JSON object for `bench/results`."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Goal:
    """One claim: what was measured, what it should be, and beyond what it counts as not done.

    `peer` is what something else did in the same run, with its unit, where there is something to compare.
    """

    what: str
    measured: float
    goal: float
    not_beyond: float
    unit: str
    more_is_better: bool = False
    peer: str = ""

    @property
    def word(self) -> str:
        """Met, or how far from it."""
        sign = -1 if self.more_is_better else 1
        if sign * self.measured <= sign * self.goal:
            return "met"
        return "short of the goal" if sign * self.measured <= sign * self.not_beyond else "not done"


def arguments(purpose: str) -> argparse.ArgumentParser:
    """The arguments that all benchmarks have: --json, and --folder for what they store."""
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()),
        help="where a temporary folder is made; the disk that counts (default: %(default)s)",
    )
    return parser


def scratch(folder: Path) -> Path:
    """A new folder for one run, inside `folder`."""
    return Path(tempfile.mkdtemp(prefix=f"bench-{os.getpid()}-", dir=folder))


def tell(
    name: str, machine: dict[str, object], goals: list[Goal], detail: dict[str, object], as_json: bool
) -> None:
    """Print the result."""
    if as_json:
        told = {
            "benchmark": name, "goals": [asdict(goal) | {"word": goal.word} for goal in goals],
            "detail": detail, "machine": machine,
        }
        print(json.dumps(told, indent=1, ensure_ascii=False))
        return
    for goal in goals:
        bound = "≥" if goal.more_is_better else "≤"
        print(f"{goal.what}: {goal.measured:g} {goal.unit} (goal {bound} {goal.goal:g}: {goal.word})")
    for key, value in (detail | {"machine": machine}).items():
        print(f"  {key}: {value}")
