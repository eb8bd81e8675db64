"""Writes the vectors: `python -m tests.vectors.make`.  Running it again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.vectors import chains, codes, records, timing

HERE = Path(__file__).parent
MAKERS: Mapping[str, Callable[[], dict[str, object]]] = {
    "codes": codes.make,
    "records": records.make,
    "chains": chains.make_chains,
    "manifest": chains.make_manifests,
    "deadline": timing.make_deadlines,
    "clock": timing.make_clocks,
}


def text_of(name: str) -> str:
    """What NAME.json has to hold."""
    return json.dumps(MAKERS[name](), indent=1, ensure_ascii=True) + "\n"


def path_of(name: str) -> Path:
    """Where it is kept."""
    return HERE / f"{name}.json"


if __name__ == "__main__":
    for name in MAKERS:
        path_of(name).write_text(text_of(name), encoding="utf-8")
