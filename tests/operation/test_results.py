"""README's table is what the committed results say."""

from __future__ import annotations

from pathlib import Path

from bench.table import table

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_table_is_made_from_the_results() -> None:
    _, _, behind = README.read_text(encoding="utf-8").partition("<!-- python -m bench.table -->\n")
    assert behind.startswith(table() + "\n\n"), "run: python -m bench.table"
