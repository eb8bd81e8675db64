"""Who may do what at the real server, and how it refuses."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from evidence_server.anchor import code_at, next_change_ms, slot_of
from evidence_server.identity import Identity
from evidence_server.vision.marker import svg
from tests.path.rig import Rig

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Two:
    """A server with two sittings."""

    rig: Rig
    one: dict[str, Any]
    other: dict[str, Any]

    async def ask(
        self, method: str, path: str, token: str | None = None, body: object = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of an answer."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.request(
            method, self.rig.server.url + path, json=body
        ) as answer:
            return answer.status, await answer.json()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    folder = tmp_path_factory.mktemp("access")
    async with Rig(folder, folder / "no-camera") as rig:
        yield Two(rig, await rig.create("--id", "one"), await rig.create("--id", "other"))


async def test_a_messenger_that_fetches_the_link_uses_nothing_up(two: Two) -> None:
    url = two.rig.server.url
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{url}/p/") as page:
            text = await page.text()
            assert (page.status, page.headers["Referrer-Policy"]) == (200, "no-referrer")
        named = re.findall(r'(?:href|src)="([^":#]+)"', text)
        assert "main.js" in named
        for name in named:
            async with http.get(f"{url}/p/{name}") as answer:
                assert answer.status == 200, name
    status, _ = await two.ask("GET", "/v1/sittings/one/offer", two.one["page_token"])
    assert status == 200


READS = ("", "/offer", "/events", "/qr.svg", "/qr.png", "/anchor.svg")
OF_THE_BACKEND = (
    ("POST", "/v1/sittings", {}),
    ("POST", "/v1/sittings/one/end", {}),
    ("POST", "/v1/sittings/one/publish", {}),
    ("GET", "/v1/sittings/one/bundle", None),
)
OF_PHONES = (
    ("GET", "/v1/binding", None),
    ("POST", "/v1/entries", {"entries": ["x" * 16]}),
    ("POST", "/v1/manifests", {"manifest": "x" * 16}),
    ("GET", "/v1/receipts/x", None),
)


async def test_a_page_token_opens_its_own_sitting(two: Two) -> None:
    status, state = await two.ask("GET", "/v1/sittings/one", two.one["page_token"])
    assert (status, state["sitting_id"]) == (200, "one")


@pytest.mark.parametrize("read", READS)
async def test_a_page_token_opens_no_other_sitting(two: Two, read: str) -> None:
    status, refusal = await two.ask("GET", f"/v1/sittings/other{read}", two.one["page_token"])
    assert (status, refusal["error"]) == (401, "unauthorised")


@pytest.mark.parametrize(("method", "path", "body"), OF_THE_BACKEND)
async def test_a_page_token_is_no_backend(two: Two, method: str, path: str, body: object) -> None:
    status, refusal = await two.ask(method, path, two.one["page_token"], body)
    assert (status, refusal["error"]) == (401, "unauthorised")


@pytest.mark.parametrize(("method", "path", "body"), OF_PHONES)
async def test_neither_page_nor_backend_is_a_phone(two: Two, method: str, path: str, body: object) -> None:
    for token in (two.one["page_token"], two.rig.server.api_key):
        status, refusal = await two.ask(method, path, token, body)
        assert (status, refusal["error"]) == (401, "unauthorised")


@pytest.mark.parametrize("token", [None, "", "wrong", "x" * 300])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [*(("GET", f"/v1/sittings/one{read}", None) for read in READS), *OF_THE_BACKEND, *OF_PHONES],
)
async def test_wrong_tokens_open_nothing(
    two: Two, token: str | None, method: str, path: str, body: object
) -> None:
    status, refusal = await two.ask(method, path, token, body)
    assert (status, refusal["error"]) == (401, "unauthorised")


async def test_a_changed_token_opens_nothing(two: Two) -> None:
    token = two.one["page_token"]
    for place in (0, len(token) // 2):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert (await two.ask("GET", "/v1/sittings/one", changed))[0] == 401


async def test_the_marker_of_this_moment_is_drawn_with_the_time_of_its_next_change(two: Two) -> None:
    key = Identity.open(two.rig.folder / "data" / "keys").anchor_key("one")
    headers = {"Authorization": f"Bearer {two.one['page_token']}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(
        f"{two.rig.server.url}/v1/sittings/one/anchor.svg"
    ) as answer:
        change = int(answer.headers["Evidence-Next-Change"])
        assert answer.content_type == "image/svg+xml"
        assert answer.headers["Cache-Control"] == "no-store"
        assert 1 <= int(answer.headers["Refresh"]) <= 30
        assert await answer.text() == svg(code_at(key, slot_of(change - 1)))
    assert change == next_change_ms(change - 1)


async def test_an_unknown_sitting_has_no_marker(two: Two) -> None:
    status, refusal = await two.ask("GET", "/v1/sittings/none/anchor.svg", two.rig.server.api_key)
    assert (status, refusal["error"]) == (404, "sitting_unknown")


async def test_confirm_without_a_claim_is_refused(two: Two) -> None:
    status, refusal = await two.ask(
        "POST", "/v1/sittings/one/confirm", two.one["page_token"], {"key": "k" * 43}
    )
    assert 400 <= status < 500
    assert refusal["error"] in {"wrong_stage", "key_mismatch", "claim_lapsed"}


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/uploads/unknown", 405, "method_not_allowed"),
        ("DELETE", "/v1/sittings", 405, "method_not_allowed"),
    ],
)
async def test_unknown_routes_are_refused_in_json(
    two: Two, method: str, path: str, status: int, error: str
) -> None:
    answered, refusal = await two.ask(method, path, two.rig.server.api_key)
    assert (answered, refusal["error"]) == (status, error)
    assert set(refusal["says"]) == set(refusal["do"]) == {"zh-CN", "en"}


async def test_an_unknown_sitting_is_refused(two: Two) -> None:
    status, refusal = await two.ask("GET", "/v1/sittings/nobody", two.rig.server.api_key)
    assert (status, refusal["error"]) == (404, "sitting_unknown")
