"""What a peer sends is never a fault of ours: such an answer would move that phone's deadline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from evidence_server.app import build
from evidence_server.settings import Settings
from tests.operation.http_phone import Backend, BoundPhone
from tests.upload.raw_http import Address

NO_UTF8 = b"a\xff\xfe"
CONTENT = bytes(range(256))


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    data = tmp_path / "data"
    data.mkdir()
    settings: dict[str, Any] = {"data": data}
    async with TestServer(await build(Settings(**settings))) as server, aiohttp.ClientSession() as http:
        yield Backend(http, str(server.make_url("")).rstrip("/"), (data / "keys/api.key").read_text().strip())


async def status(backend: Backend, method: str, path: str, name: str, value: bytes) -> int:
    """The status of the answer to a request with one header, as bytes."""
    host, _, port = backend.url.removeprefix("http://").partition(":")
    async with Address(host, int(port)).connect() as connection:
        lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: test", b"Tus-Resumable: 1.0.0"]
        await connection.send(b"\r\n".join([*lines, name.encode() + b": " + value, b"", b""]))
        return (await connection.answer()).status


@pytest.mark.parametrize("path", ["/v1/binding", "/v1/sittings/one", "/v1/receipts/x"])
async def test_a_token_that_is_no_text_is_refused(backend: Backend, path: str) -> None:
    assert await status(backend, "GET", path, "Authorization", b"Bearer " + NO_UTF8) == 401


async def test_a_refused_method_that_is_no_text_is_quoted(backend: Backend) -> None:
    address = await (await BoundPhone.bind(backend)).commit(CONTENT)
    assert await status(backend, "PATCH", address, "X-HTTP-Method-Override", NO_UTF8) == 405


async def test_a_name_too_long_for_a_file_is_not_found(backend: Backend) -> None:
    assert await status(backend, "GET", "/laptop/" + "a" * 300, "Accept", b"*/*") == 404
