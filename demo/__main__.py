"""`make demo`: one candidate's evidence on its whole path, with public commands only.

Two sittings.  The first loses its network for ten seconds, and its server is killed in the middle of an
upload; it ends complete.  The second keeps one segment back until the deadline is over: incomplete, then,
when the segment arrives, late.  Both bundles are checked offline in an empty folder; one flipped bit
breaks the proof.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from demo.commands import DemoError, Phone, Server, command
from demo.network import Network

_say = Console(highlight=False, soft_wrap=True)

NETWORK_AWAY_S = 10
FIRST_S, SECOND_S = 12, 8
WITHHELD = 3
NO_SCAN = {"checks": {"scan": "review"}}
"""The demonstration's camera stands still: nobody turns around with it."""
SHORT_POLICY = NO_SCAN | {"upload_window_s": 20, "min_notice_s": 0}


def title(text: str) -> None:
    """A chapter of the story."""
    _say.rule(text, align="left")


async def first_sitting(server: Server, network: Network, camera: str, folder: Path) -> Path:
    """By QR code, through a lost network and a killed server, to `complete`."""
    title("1  扫码绑定，断网、服务器崩溃，仍然完整 · by QR, network lost, server killed: complete")
    qr = folder / "qr.png"
    exam = "Oral assessment 综合素质评估"
    sitting = await server.command_json(
        "sitting", "--exam", exam, "--qr", str(qr), "--policy", json.dumps(NO_SCAN), "--json"
    )
    _say.print(f"laptop page: {sitting['page_url']}", markup=False)
    phone = Phone(_say, "--qr", str(qr), "--camera", camera, "--buffer", str(folder / "first"))
    await phone.start()
    await confirm(server, sitting["sitting_id"], phone)
    await server.wait_for_stored(sitting["sitting_id"], 2)

    _say.print(f"[bold]the network is lost for {NETWORK_AWAY_S} s[/] 断网")
    network.cut()
    await asyncio.sleep(NETWORK_AWAY_S)
    network.restore()
    _say.print("[bold]the network is back[/] 恢复")

    _say.print("[bold]SIGKILL of the server in the middle of the next upload[/] 服务器崩溃")
    async with network.in_the_middle_of_an_upload():
        await server.kill()
    await server.start()
    _say.print("[bold]the server is up again, on the same folder[/] 服务器重启")
    stored = (await server.state(sitting["sitting_id"]))["phone"]["segments"]["stored"]
    await server.wait_for_stored(sitting["sitting_id"], stored + 3)

    await server.command("end", sitting["sitting_id"])
    code = await phone.finished()
    if code != 0:
        raise DemoError(f"the phone ended with {code}, not 0 (complete)")
    await server.command("publish", sitting["sitting_id"])
    return await export(server, sitting["sitting_id"], "complete")


async def second_sitting(server: Server, network: Network, camera: str, folder: Path) -> Path:
    """By typed code; one segment withheld past a short deadline: `incomplete`, then `late`."""
    title("2  输入绑定码，一段迟到 · by typed code, one segment withheld: incomplete, then late")
    sitting = await server.command_json("sitting", "--policy", json.dumps(SHORT_POLICY), "--json")
    arguments = (
        "--code", sitting["code"], "--server", server.public_url, "--camera", camera,
        "--buffer", str(folder / "second"),
    )
    network.withhold(WITHHELD)
    phone = Phone(_say, *arguments)
    await phone.start()
    await confirm(server, sitting["sitting_id"], phone)
    await server.wait_for_stored(sitting["sitting_id"], WITHHELD + 1)
    await server.command("end", sitting["sitting_id"])
    if await phone.finished() != 1:
        raise DemoError("the phone did not end with 1 (incomplete)")
    verdict = (await server.state(sitting["sitting_id"]))["verdict"]
    for item in verdict["missing"]:
        _say.print(f"missing: {_interval(item)}")
    _say.print(f"version {verdict['version']}", f"verdict: {verdict['word']}")

    network.withhold(0)
    _say.print("[bold]the withheld segment is let through: the same command again[/] 补传")
    phone = Phone(_say, *arguments)
    await phone.start()
    if await phone.finished() != 1:
        raise DemoError("the phone did not end with 1 (late)")
    state = await server.state(sitting["sitting_id"])
    if (state["verdict"]["word"], state["verdict"]["version"]) != ("late", 2):
        raise DemoError(f"expected version 2, late; got {state['verdict']}")
    return await export(server, sitting["sitting_id"], "late")


async def confirm(server: Server, sitting: str, phone: Phone) -> None:
    """Compares the digits on both screens, as the candidate would, and confirms by the key."""
    shown = await phone.shown()
    claim = (await server.state(sitting))["claim"]
    if claim["digits"] != shown.digits:
        raise DemoError("the two screens show different digits")
    _say.print(f"both screens show {shown.digits}; confirmed on the laptop", markup=False)
    await server.command("confirm", sitting, "--key", shown.key)


async def export(server: Server, sitting: str, name: str) -> Path:
    """The bundle, into the checkout."""
    path = Path.cwd() / f"{name}.bundle.zip"
    await server.command("export", sitting, "--out", str(path))
    return path


async def prove(bundle: Path, keys: Path, expected: int) -> None:
    """Checks a bundle in an empty folder, away from server and data."""
    with tempfile.TemporaryDirectory() as empty:
        shutil.copy(bundle, empty)
        shutil.copy(keys, empty)
        await command(_say, "verify", bundle.name, "--jwks", keys.name, cwd=empty, expected=expected)


def flip_a_bit(bundle: Path, to: Path) -> None:
    """A copy of the bundle with one bit of one segment's media flipped."""
    with zipfile.ZipFile(bundle) as archive:
        media = [entry for entry in archive.infolist() if entry.filename.startswith("media/")]
        entry = media[len(media) // 2]
    content = bytearray(bundle.read_bytes())
    middle = entry.header_offset + 30 + len(entry.filename) + entry.file_size // 2
    content[middle] ^= 1
    to.write_bytes(content)
    _say.print(f"one bit flipped in {entry.filename}", markup=False)


async def run(camera: str, folder: Path) -> None:
    """The whole demonstration, in `folder`."""
    network = Network(target=0)
    await network.start()
    server = Server(_say, folder / "data", f"http://127.0.0.1:{network.port}")
    await server.start()
    network.target = server.port
    try:
        complete = await first_sitting(server, network, camera, folder)
        late = await second_sitting(server, network, camera, folder)
        keys = folder / "jwks.json"
        keys.write_text(json.dumps(await server.jwks()))
    finally:
        await server.stop()
        await network.stop()
    title("3  离线核验 · checked offline, in an empty folder, with the server gone")
    await prove(complete, keys, expected=0)
    await prove(late, keys, expected=1)
    title("4  改动一个比特 · one flipped bit")
    broken = folder / "flipped.bundle.zip"
    flip_a_bit(complete, broken)
    await prove(broken, keys, expected=3)
    title("done")
    _say.print(f"{complete.name}, {late.name}: the evidence, here in this folder", markup=False)


def _interval(item: dict[str, Any]) -> str:
    start, end = (datetime.fromtimestamp(item[name] / 1000, UTC) for name in ("start_ms", "end_ms"))
    return f"{start:%H:%M:%S} – {end:%H:%M:%S} UTC ({(end - start).total_seconds():.1f} s)"


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--camera", default=os.environ.get("CAMERA") or "demo/run/camera.mp4",
                        help="a video file, or a V4L2 device such as /dev/video0 (also: CAMERA=…)")
    parser.add_argument("--folder", type=Path, default=Path("demo/run"), help="where everything is kept")
    given = parser.parse_args()
    folder: Path = given.folder.resolve()
    for name in ("data", "first", "second"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(run(given.camera, folder))
    except DemoError as error:
        _say.print(f"[red]the demonstration failed:[/] {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
