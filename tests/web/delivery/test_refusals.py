"""The phone's web app says refusals in the words of the one table."""

from __future__ import annotations

from pathlib import Path

from pairing.errors import refusals_javascript

WEB = Path(__file__).parents[3] / "phone_client" / "web"


def test_the_web_app_has_the_table_as_it_is() -> None:
    written = (WEB / "pairing" / "refusals.js").read_text(encoding="utf-8")
    assert written == refusals_javascript() + "\n", (
        "run: python -m pairing.errors --javascript > phone_client/web/pairing/refusals.js"
    )
