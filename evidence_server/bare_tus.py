"""The bare tus server: the upload core without sittings, for interoperability tests and benchmarks.

    DIR/uploads/ID.json            what was declared: length, metadata, time of creation
    DIR/files/parts|objects/ID     the bytes, unencrypted

No authentication, no encryption: never to be reached from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from email.message import Message
from pathlib import Path

import structlog
from aiohttp import web

from evidence_server.disk import full_disk_refused, make_folder, sync_folder, write_new
from evidence_server.routes.errors import refusals
from evidence_server.routes.tus import TusShell
from evidence_server.store import LocalStore, Store
from evidence_server.upload import Extension, Rules, Upload, UploadRequest, parse_metadata
from pairing.errors import PairingError

log = structlog.get_logger(__name__)

_KEPT_IN = "files"
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


class BareUploads:
    """`CreatingOwner` whose knowledge is one small JSON file an upload."""

    def __init__(self, folder: Path) -> None:
        """Read what an earlier process left in `folder`, made if missing."""
        self._folder = folder
        make_folder(folder)
        read = (self._read(path) for path in folder.glob("*.json"))
        self._uploads = {upload.upload_id: upload for upload in read if upload is not None}

    @staticmethod
    def _read(path: Path) -> Upload | None:
        """The upload, or None if a crash came before it was written: nobody was told of that one."""
        try:
            told = json.loads(path.read_text())
        except ValueError:
            return None
        return Upload(
            upload_id=path.stem,
            sitting=_KEPT_IN,
            name=path.stem,
            length=told["length"],
            metadata=told["metadata"],
            last_write_ms=told["created_ms"],
        )

    @staticmethod
    def _told(upload: Upload) -> bytes:
        told = {"length": upload.length, "metadata": upload.metadata, "created_ms": upload.last_write_ms}
        return json.dumps(told).encode()

    def _begin(self, upload: Upload) -> None:
        path = self._folder / f"{upload.upload_id}.json"
        with full_disk_refused():
            try:
                # Crash here: a file with part of the text, which is passed over: as if not asked.
                write_new(path, self._told(upload))
            except OSError:
                path.unlink(missing_ok=True)
                raise
            # Crash before: there or not; nobody was told.
            sync_folder(self._folder)

    def _rewrite(self, upload: Upload) -> None:
        draft = self._folder / f"{upload.upload_id}.{secrets.token_hex(8)}.draft"
        with full_disk_refused():
            write_new(draft, self._told(upload))
            # Crash before: as if not asked.  Crash between here and the sync: either; nobody was told.
            draft.replace(self._folder / f"{upload.upload_id}.json")
            sync_folder(self._folder)

    @property
    def ids(self) -> list[str]:
        """All uploads, finished or not."""
        return list(self._uploads)

    async def find(self, upload_id: str) -> Upload | None:
        return self._uploads.get(upload_id)

    async def finished(self, upload: Upload) -> Mapping[str, str]:
        return {}

    async def create(self, length: int | None, metadata: str, now_ms: int) -> Upload:
        upload_id = secrets.token_hex(16)
        upload = Upload(upload_id, _KEPT_IN, upload_id, length, metadata=metadata, last_write_ms=now_ms)
        await asyncio.to_thread(self._begin, upload)
        self._uploads[upload_id] = upload
        return upload

    async def set_length(self, upload: Upload, length: int) -> Upload:
        known = dataclasses.replace(self._uploads[upload.upload_id], length=length)
        await asyncio.to_thread(self._rewrite, known)
        self._uploads[upload.upload_id] = known
        return dataclasses.replace(upload, length=length)

    async def terminate(self, upload: Upload) -> None:
        def remove() -> None:
            (self._folder / f"{upload.upload_id}.json").unlink(missing_ok=True)
            sync_folder(self._folder)

        await asyncio.to_thread(remove)
        self._uploads.pop(upload.upload_id, None)


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
    uploads = BareUploads(folder / "uploads")
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
    """Serve /files/ and /files on `host`:`port`, keeping everything in `data`, until SIGTERM or SIGINT."""
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
