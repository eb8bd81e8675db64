"""The bare tus server: the upload core without sittings, for interoperability tests and benchmarks.

    DIR/uploads.jsonl              what was declared: length, metadata, time of creation
    DIR/files/parts|objects/ID     the bytes, unencrypted

No authentication, no encryption: never to be reached from outside.  A program of its own, so that it
holds nothing but what it needs: `python -m evidence_server.bare_tus DATA HOST PORT`, which is what
`python -m evidence_server tus` becomes.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from email.message import Message
from pathlib import Path
from typing import NoReturn

import structlog
import uvloop
from aiohttp import web

from evidence_server.bare_uploads import BareUploads
from evidence_server.data_folder import DataFolder
from evidence_server.local_store import LocalStore
from evidence_server.logs import log_to_stderr
from evidence_server.routes.errors import refusals
from evidence_server.routes.tus import TusShell
from evidence_server.store import Store
from evidence_server.upload import Extension, Rules, Upload, UploadRequest, parse_metadata
from pairing.errors import PairingError

log = structlog.get_logger(__name__)

_RULES = Rules(frozenset(Extension), max_bytes=64 * 2**30, expire_after_ms=24 * 3600 * 1000)
_SWEEP_S = 600
_SHUTDOWN_S = 10
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, "
    "Tus-Resumable, Tus-Version, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, "
    "Upload-Offset",
}
_CORS_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST, HEAD, PATCH, OPTIONS, GET, DELETE",
    "Access-Control-Allow-Headers": "Content-Type, Tus-Resumable, Upload-Checksum, Upload-Defer-Length, "
    "Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, X-Requested-With",
    "Access-Control-Max-Age": "86400",
}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def make_app(
    folder: Path,
    store: Store,
    rules: Rules = _RULES,
    idle_s: int = 30,
    now_ms: Callable[[], int] = _now_ms,
) -> web.Application:
    """The server as an application; run it with `auto_decompress=False`.

    `idle_s`: how long a request's body may stay silent; `now_ms`: the clock of the file system.
    """
    uploads = BareUploads(folder)
    shell = TusShell(uploads, store, rules, now_ms=now_ms, idle_s=idle_s, creator=uploads)
    app = web.Application(middlewares=[refusals])
    shell.mount(app, "/files")

    async def download(request: web.Request) -> web.StreamResponse:
        if "X-HTTP-Method-Override" in request.headers:
            return await shell.handle_upload(request)
        upload = await uploads.find(request.match_info["upload_id"])
        if upload is None:
            raise PairingError("upload_unknown")
        if not await store.exists(upload.sitting, upload.name):
            raise PairingError("upload_unfinished")
        return await _send(request, store, upload)

    app.router.add_route("GET", "/files/{upload_id:[A-Za-z0-9_-]{1,64}}", download)

    async def allow_browsers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(_CORS)
        if UploadRequest(request.method).effective_method == "OPTIONS":
            response.headers.update(_CORS_PREFLIGHT)

    app.on_response_prepare.append(allow_browsers)

    async def sweeping(app: web.Application) -> AsyncIterator[None]:
        await _remove_expired(shell, uploads)
        task = asyncio.create_task(_sweep(shell, uploads))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await uploads.close()

    app.cleanup_ctx.append(sweeping)
    return app


async def _sweep(shell: TusShell, uploads: BareUploads) -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        await _remove_expired(shell, uploads)


async def _remove_expired(shell: TusShell, uploads: BareUploads) -> None:
    for upload_id in uploads.ids:
        try:
            if await shell.remove_expired(upload_id):
                log.info("upload_expired", upload_id=upload_id)
        except OSError as error:  # one that cannot be removed is tried again next time
            log.error("expiry_failed", upload_id=upload_id, exc_info=error)


async def _send(request: web.Request, store: Store, upload: Upload) -> web.StreamResponse:
    """The bytes of a finished upload, as a download under the name its metadata gives."""
    size = await store.size(upload.sitting, upload.name)
    disposition = Message()
    names = parse_metadata(upload.metadata) if upload.metadata else {}
    filename = names.get("filename", upload.upload_id.encode()).decode("utf-8", "replace")
    disposition.add_header("Content-Disposition", "attachment", filename=("utf-8", "", filename))
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Disposition": disposition["Content-Disposition"],
            "X-Content-Type-Options": "nosniff",
        }
    )
    response.content_length = size
    await response.prepare(request)
    async for piece in store.chunks(upload.sitting, upload.name):
        await response.write(piece)
    await response.write_eof()
    return response


async def serve_tus(data: Path, host: str, port: int) -> None:
    """Serve /files/ and /files on `host`:`port`, keeping everything in `data`, until SIGTERM or SIGINT.

    Raises PairingError("folder_in_use") and OSError (the address is taken, the folder cannot be written).
    """
    with DataFolder(data).locked():
        store = LocalStore(data, None)
        runner = web.AppRunner(
            make_app(data, store), auto_decompress=False, access_log=None, shutdown_timeout=_SHUTDOWN_S
        )
        await runner.setup()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            await web.TCPSite(runner, host, port).start()
            log.info("listening", addresses=[f"http://{a[0]}:{a[1]}/files/" for a in runner.addresses])
            await stop.wait()
        finally:
            await runner.cleanup()
            await store.close()


def main(data: str, host: str, port: str) -> None:
    """Run until SIGTERM or SIGINT.  Exit code 2 if it cannot start, with a sentence on standard error."""
    log_to_stderr("info")
    # What is loaded now stays for good: not to be looked through again and again.
    gc.collect()
    gc.freeze()
    try:
        uvloop.run(serve_tus(Path(data), host, int(port)))
    except PairingError as error:
        row = error.row
        _cannot_start(f"{row.says['zh-CN']}{row.do['zh-CN']}\n{row.says['en']} {row.do['en']} ({error})")
    except OSError as error:
        _cannot_start(str(error))


def _cannot_start(why: str) -> NoReturn:
    print(f"服务器无法启动。The server cannot start: {why}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main(*sys.argv[1:])
