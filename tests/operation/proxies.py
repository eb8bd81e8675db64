"""The examples of docs/operation/ as real proxies, unprivileged, in front of a real server."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from demo.commands import free_port

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "operation"
SAFETY_S = 30  # only keeps a broken proxy from hanging a test


def changed(text: str, *changes: tuple[str, str]) -> str:
    """`text` with each pattern, which must be there, replaced: the rest of the example stays as it is."""
    for pattern, replacement in changes:
        text, found = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        assert found, pattern
    return text


@asynccontextmanager
async def nginx(folder: Path, server_port: int, *changes: tuple[str, str]) -> AsyncIterator[int]:
    """Debian's nginx with the example, further changed by `changes`, without TLS; gives its port."""
    port = free_port()
    site = changed(
        (EXAMPLES / "nginx.conf").read_text(encoding="utf-8"),
        (r"listen 443 ssl http2;", f"listen 127.0.0.1:{port};"),
        (r"^ *ssl_certificate.*\n", ""),
        (r"127\.0\.0\.1:8480", f"127.0.0.1:{server_port}"),
        *changes,
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}{site}}}\n",
        encoding="utf-8",
    )
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert program, "make setup-test installs nginx-light"
    async with _running(folder, port, program, "-e", "stderr", "-p", str(folder), "-c", str(config)):
        yield port


@asynccontextmanager
async def caddy(folder: Path, server_port: int, *changes: tuple[str, str]) -> AsyncIterator[int]:
    """Caddy with the example, without TLS; gives its port."""
    port = free_port()
    site = changed(
        (EXAMPLES / "Caddyfile").read_text(encoding="utf-8"),
        (r"^evidence\.example", f"http://:{port}"),
        (r"^\tresp", "\tbind 127.0.0.1\n\tresp"),
        (r"127\.0\.0\.1:8480", f"127.0.0.1:{server_port}"),
        *changes,
    )
    config = folder / "Caddyfile"
    options = f"{{\nadmin off\nstorage file_system {folder}\npersist_config off\n}}\n"
    config.write_text(options + site, encoding="utf-8")
    program = Path(sys.executable).with_name("caddy")
    async with _running(folder, port, str(program), "run", "--config", str(config), "--adapter", "caddyfile"):
        yield port


@asynccontextmanager
async def _running(folder: Path, port: int, *command: str) -> AsyncIterator[None]:
    """The command until the block ends; it is entered once its port takes connections."""
    with (folder / "proxy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        async with asyncio.timeout(SAFETY_S):
            while not await _connects(port):
                assert process.returncode is None, (folder / "proxy.log").read_text()
                await asyncio.sleep(0.02)  # neither proxy tells when it listens
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _connects(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
