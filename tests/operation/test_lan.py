"""`serve --lan`: a phone beside this machine can come to trust it, and reaches the app over TLS."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from pathlib import Path

import aiohttp

from demo.commands import free_port

_HERE = "127.0.0.2"
"""A second address of this machine's own: its phone is this test."""
_PATIENCE_S = 60


async def test_a_phone_trusts_this_machine_and_opens_the_app(tmp_path: Path) -> None:
    plain, tls = free_port(), free_port()
    command = [sys.executable, "-m", "evidence_server", "serve", "--lan", "--address", _HERE]
    command += ["--data", str(tmp_path / "data"), "--port", str(plain)]
    server = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={"EVIDENCE_LAN_PORT": str(tls), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        guide = ""
        async with asyncio.timeout(_PATIENCE_S):
            while "Ctrl+C" not in guide:
                line = await server.stdout.readline()
                assert line, guide
                guide += line.decode()
        assert f"http://{_HERE}:{plain}/" in guide
        laptop = re.search(rf"http://127\.0\.0\.1:{plain}/laptop/#s=(\S+?)&t=(\S+)", guide)
        assert laptop is not None

        async with aiohttp.ClientSession() as phone:
            async with phone.get(f"http://{_HERE}:{plain}/") as answer:
                page = await answer.text()
                assert answer.status == 200
                assert f'href="https://{_HERE}:{tls}/p/"' in page
            async with phone.get(f"http://{_HERE}:{plain}/authority.crt") as answer:
                assert answer.content_type == "application/x-x509-ca-cert"
                authority = await answer.text()
            async with phone.get(f"http://{_HERE}:{plain}/v1/time") as answer:
                assert answer.status == 404  # on that address nothing else is served without TLS
            trusting = ssl.create_default_context(cadata=authority)
            async with phone.get(f"https://{_HERE}:{tls}/p/", ssl=trusting) as answer:
                assert answer.status == 200
            sitting, token = laptop.groups()
            headers = {"Authorization": f"Bearer {token}"}
            async with phone.get(
                f"http://127.0.0.1:{plain}/v1/sittings/{sitting}/offer", headers=headers
            ) as answer:
                link = json.loads(await answer.text())["link"]
                assert link.startswith(f"https://{_HERE}:{tls}/p/#t=")
    finally:
        server.terminate()
        assert await server.wait() == 0
