"""The API against its own description: requests made from it, and no answer that it does not describe."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from rich.console import Console

from demo.commands import Server
from evidence_server.app import build
from evidence_server.routes.streams import TAG
from evidence_server.settings import Settings
from tests.operation.http_phone import Backend, BoundPhone

EXAMPLES = 15
SAFETY_S = 120

# A body with too many entries may be too large as a whole.
REFUSED = ["400", "401", "404", "409", "413", "422"]
# What is described may be refused all the same: a string of the right length is no signature yet.
UNFIT = "positive_data_acceptance"


@pytest.mark.parametrize("who", ["backend", "phone"])
async def test_every_answer_is_described(who: str, tmp_path: Path) -> None:
    server = Server(Console(quiet=True), tmp_path / "data")
    await server.start()
    try:
        async with aiohttp.ClientSession() as http:
            backend = Backend(http, server.url, server.api_key)
            phone = await BoundPhone.bind(backend)
            described = await backend.ask("GET", "/openapi.json")
        settings = tmp_path / "schemathesis.toml"
        settings.write_text(
            f"[parameters]\nsitting = {json.dumps(phone.sitting)}\nwait = 0\n"
            f"[checks.negative_data_rejection]\nexpected-statuses = {json.dumps(REFUSED)}\n",
            encoding="utf-8",
        )
        token = server.api_key if who == "backend" else phone.bearer
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(settings),
            "run", f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {token}",
            "--generation-deterministic", "--max-examples", str(EXAMPLES), "--phases", "coverage,fuzzing",
            "--checks", "all", "--exclude-checks", UNFIT, "--exclude-tag", TAG, "--no-color",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(SAFETY_S):
            printed, _ = await process.communicate()
    finally:
        await server.stop()
    assert process.returncode == 0, printed.decode()
    assert '"level": "error"' not in (tmp_path / "server.log").read_text(encoding="utf-8")
    operations = [one for methods in described["paths"].values() for one in methods.values()]
    made = [one for one in operations if TAG not in one.get("tags", ())]
    assert f"{len(made)} selected / {len(operations)} total" in printed.decode()


async def test_every_route_of_the_api_is_described(tmp_path: Path) -> None:
    data = tmp_path / "data"
    await asyncio.to_thread(data.mkdir)
    app = await build(Settings.model_validate({"data": data}))
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    async with (
        TestServer(app) as server, aiohttp.ClientSession() as http,
        http.get(server.make_url("/openapi.json")) as answer,
    ):
        paths = (await answer.json())["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described <= routes
    # aiohttp answers HEAD wherever there is a GET; uploads refuse the other methods with 405
    beside = {"HEAD", "POST", "DELETE", "PUT"}
    silent = {(method, path) for method, path in routes - described if path.startswith(("/v1/", "/uploads/"))}
    assert {path for method, path in silent if method not in beside} == set()
    assert {path for method, path in silent if method != "HEAD"} <= {"/uploads/{upload_id}"}
