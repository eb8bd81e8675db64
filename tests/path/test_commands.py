"""The command lines: --json prints one object, a wrong use exits with 2 and a sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from demo.commands import free_port
from tests.path.rig import Printed, Rig, run

pytestmark = pytest.mark.asyncio(loop_scope="module")

USAGE = 2


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    folder = tmp_path_factory.mktemp("commands")
    async with Rig(folder, folder / "no-camera") as started:
        yield started


async def _of_server(rig: Rig, *command: str) -> Printed:
    where = ("--data", str(rig.server.data), "--port", str(rig.server.port))
    return await run("evidence_server", *command, *where)


def _one_object(printed: Printed) -> dict[str, Any]:
    assert printed.code == 0, printed
    assert printed.output.count("\n") == 1
    told = json.loads(printed.output)
    assert isinstance(told, dict)
    return told


async def test_json_is_one_object(rig: Rig) -> None:
    created = _one_object(await _of_server(rig, "sitting", "--id", "json", "--json"))
    assert set(created) >= {"sitting_id", "link", "code", "page_token"}
    state, end = await asyncio.gather(
        _of_server(rig, "state", "json", "--json"), _of_server(rig, "end", "json", "--json")
    )
    assert _one_object(state)["sitting_id"] == "json"
    assert _one_object(end)["end_ms"] is not None


async def test_server_commands_that_are_used_wrongly(rig: Rig, tmp_path: Path) -> None:
    no_json = tmp_path / "keys.json"
    no_json.write_text("{")
    empty = tmp_path / "empty.bundle.zip"
    empty.write_bytes(b"")
    data, port, free = str(rig.server.data), str(rig.server.port), str(free_port())
    wrong = {
        "no argument": _of_server(rig, "confirm"),
        "unknown sitting": _of_server(rig, "state", "nobody"),
        "policy": _of_server(rig, "sitting", "--policy", "{"),
        "policy's value": _of_server(rig, "sitting", "--policy", '{"max_gap_s": -1}'),
        "id": _of_server(rig, "sitting", "--id", "a candidate's name"),
        "no server there": run("evidence_server", "state", "x", "--data", data, "--port", free),
        "no key there": run("evidence_server", "state", "x", "--data", str(tmp_path)),
        "no bundle": run("evidence_server", "verify", str(tmp_path / "none.zip")),
        "no key set": run("evidence_server", "verify", str(empty), "--jwks", str(no_json)),
        "folder to check in use": run("evidence_server", "check", "--data", data),
        "no folder to check": run("evidence_server", "check", "--data", str(tmp_path / "none")),
        "nothing to back up": run("evidence_server", "backup", "--data", data),
        "no folder to back up": run(
            "evidence_server", "backup", str(tmp_path / "to"), "--data", str(tmp_path / "none")
        ),
        "no backup": run(
            "evidence_server", "restore", str(tmp_path), "--keys", str(no_json), "--data", str(tmp_path / "n")
        ),
        "folder in use": run("evidence_server", "serve", "--data", data, "--port", free),
        "port in use": run("evidence_server", "serve", "--data", str(tmp_path / "other"), "--port", port),
        "no port": run("evidence_server", "serve", "--data", str(tmp_path / "third"), "--port", "99999"),
        "port in use by tus": run("evidence_server", "tus", "--data", str(tmp_path / "tus"), "--port", port),
    }
    ended = dict(zip(wrong, await asyncio.gather(*wrong.values()), strict=True))
    assert {name: printed.code for name, printed in ended.items()} == dict.fromkeys(wrong, USAGE)
    assert {name for name, printed in ended.items() if printed.output or not printed.errors} == set()
    assert {name for name, printed in ended.items() if "Traceback" in printed.errors} == set()


async def test_phone_commands_that_are_used_wrongly(rig: Rig, tmp_path: Path) -> None:
    link = (await rig.create())["link"]
    picture = tmp_path / "no-picture.png"
    picture.write_bytes(b"")
    camera = ("--camera", str(rig.camera))
    wrong = {
        "nothing to bind": camera,
        "two offers": ("--link", link, "--code", "7ZK39QFAM", *camera),
        "a code without its server": ("--code", "7ZK39QFAM", *camera),
        "a mistyped code": ("--code", "7ZK39QFAA", "--server", rig.server.public_url, *camera),
        "an unknown link": ("--link", link[:-4] + "AAAA", *camera),
        "no link": ("--link", "https://example.org/", *camera),
        "no picture": ("--qr", str(picture), *camera),
        "no camera named": ("--link", link),
        "unknown language": ("--lang", "fr"),
    }
    runs = (
        run("phone_client", "run", *arguments, "--buffer", str(tmp_path / name.replace(" ", "-")))
        for name, arguments in wrong.items()
    )
    ended = dict(zip(wrong, await asyncio.gather(*runs), strict=True))
    assert {name: printed.code for name, printed in ended.items()} == dict.fromkeys(wrong, USAGE)
    assert {name for name, printed in ended.items() if not printed.output + printed.errors} == set()
    assert {name for name, printed in ended.items() if "Traceback" in printed.errors} == set()


async def test_a_second_phone_in_the_same_folder_is_refused(rig: Rig, camera: Path) -> None:
    rig.camera = camera
    created = await rig.create()
    phone = await rig.start_phone("--link", created["link"])
    await phone.shown()
    second = await run("phone_client", "run", "--buffer", str(rig.buffer), "--lang", "en", "--json")
    assert second.code == USAGE
    assert json.loads(second.output)["says"] == f"Another client is already using the buffer {rig.buffer}."


@pytest.mark.parametrize("module", ["evidence_server", "phone_client"])
async def test_help(module: str) -> None:
    printed = await run(module, "--help")
    assert printed.code == 0
    assert "Usage" in printed.output
