"""The files of a page: what was there at the start is served, and nothing else."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from evidence_server.routes.errors import refusals
from evidence_server.routes.page_files import PageFiles

SCRIPT = "export const word = 'evidence';\n" * 40


@pytest.fixture
async def client(tmp_path: Path) -> TestClient[web.Request, web.Application]:
    folder = tmp_path / "page"
    (folder / "views").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "views" / "main.js").write_text(SCRIPT)
    (folder / "notes.txt").write_text("not for the web")
    (tmp_path / "secret.js").write_text("1")
    app = web.Application(middlewares=[refusals])
    PageFiles(folder, "/p/", {"Referrer-Policy": "no-referrer"}).mount(app)
    client = TestClient(TestServer(app), auto_decompress=False)
    await client.start_server()
    return client


async def test_the_folder_itself_is_its_index(client: TestClient[web.Request, web.Application]) -> None:
    async with client, client.get("/p/") as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        async with client.get("/p", allow_redirects=False) as moved:
            assert (moved.status, moved.headers["Location"]) == (301, "/p/")


async def test_a_file_goes_compressed_to_those_that_take_it(
    client: TestClient[web.Request, web.Application],
) -> None:
    async with client:
        async with client.get("/p/views/main.js", headers={"Accept-Encoding": "gzip, br"}) as answer:
            packed = await answer.read()
            assert answer.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(packed).decode() == SCRIPT
        async with client.get("/p/views/main.js", headers={"Accept-Encoding": "identity"}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert (await answer.read()).decode() == SCRIPT
            tag = answer.headers["ETag"]
        async with client.get("/p/views/main.js", headers={"If-None-Match": tag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")


@pytest.mark.parametrize(
    "path", ["notes.txt", "missing.js", "views/", "../secret.js", "%2e%2e/secret.js", "/etc/passwd", "views"]
)
async def test_what_is_no_file_of_the_page_is_refused_like_anything_else(
    client: TestClient[web.Request, web.Application], path: str
) -> None:
    async with client, client.get(f"/p/{path}") as answer:
        assert answer.status == 404
        if answer.content_type == "application/json":
            assert (await answer.json())["error"] == "not_found"


async def test_comments_stay_at_home_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(
        "/** What\n * it does. */\n// why\nconst a = 1; // kept\n/** @type {number} */ const b = 2;\n"
        "/*! licence */\nconst c = `\n/p/`; /* kept */\n  // why not\n  c();\n"
    )
    (tmp_path / "a.css").write_text("/* all */\na {\n  color: red; /* kept */\n}\n")
    (tmp_path / "a.ftl").write_text("# part\na = one\n    two # kept\n")
    app = web.Application()
    PageFiles(tmp_path, "/p/", {}).mount(app)
    client = TestClient(TestServer(app))
    await client.start_server()
    kept = {
        "a.js": "\n\n\nconst a = 1; // kept\n/** @type {number} */ const b = 2;\n"
        "/*! licence */\nconst c = `\n/p/`; /* kept */\n\nc();\n",
        "a.css": "\na {\ncolor: red; /* kept */\n}\n",
        "a.ftl": "\na = one\n    two # kept\n",
    }
    async with client:
        for name, text in kept.items():
            async with client.get(f"/p/{name}") as answer:
                assert await answer.text() == text
