"""tus over HTTP: a thin shell that joins the rules (`upload`), the store and the owner of the uploads.

Used twice: by the bare server, with creation, and by the product, where a signed head has created the
upload and only OPTIONS, HEAD and PATCH remain.

For whoever makes the application: run it with `AppRunner(app, auto_decompress=False)`, or a small gzip
body is inflated before we see it.  `request.content` is read as a stream, so `client_max_size` does not
apply here: the limit is the upload's length.  A proxy in front must not buffer requests.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from evidence_server import upload as tus
from evidence_server.routes.errors import error_response, unexpected
from evidence_server.routes.holds import BodyCutError, Cut, Hold, Holds
from evidence_server.routes.waterline import Waterline
from evidence_server.store import Part, Store
from evidence_server.upload import Append, CreatingOwner, Rules, Upload, UploadOwner, UploadRequest
from pairing.errors import PairingError

WRITE_BYTES = 1024 * 1024
"""Received bytes of one body are gathered up to this many before they go to the disk, while there is room."""
GATHERED_BYTES = 64 * 1024 * 1024
"""What all bodies together may gather: with many at once each writes sooner."""

_DRAINED_BYTES = 64 * 1024
_METHODS = ("OPTIONS", "HEAD", "PATCH", "POST", "DELETE", "PUT")
_CUT_CODES = {
    Cut.TAKEN_OVER: "upload_taken_over",
    Cut.STOPPING: "busy",
    Cut.IDLE: "upload_idle",
    Cut.BROKEN: "malformed",
}


async def _no_early_continue(request: web.Request) -> None:
    """`Expect: 100-continue` is answered once the headers are accepted: see `_Body`."""


class TusShell:
    """The handlers of one server's uploads."""

    def __init__(
        self,
        owner: UploadOwner,
        store: Store,
        rules: Rules,
        *,
        now_ms: Callable[[], int],
        idle_s: int = 30,
        creator: CreatingOwner | None = None,
    ) -> None:
        """`idle_s`: a body from which nothing arrives for so many seconds ends its request.

        `creator` takes POST and DELETE where `rules` offer creation or termination.
        """
        offers = {tus.Extension.CREATION, tus.Extension.TERMINATION} & rules.extensions
        if offers and creator is None:
            raise ValueError("creation and termination need a creator")
        self._owner, self._creator, self._store, self._rules = owner, creator, store, rules
        self._now_ms, self._idle_s = now_ms, idle_s
        self._holds = Holds()
        self._bodies = 0

    def mount(self, app: web.Application, prefix: str) -> None:
        """Serve uploads at PREFIX/{upload_id} and, if creation is offered, PREFIX and PREFIX/."""
        one = prefix + "/{upload_id:[A-Za-z0-9_-]{1,64}}"
        handlers = {one: self.handle_upload}
        if tus.Extension.CREATION in self._rules.extensions:
            handlers |= {prefix: self.handle_creation, f"{prefix}/": self.handle_creation}
        for address, handler in handlers.items():
            # One resource for all methods: the router tries resources one after the other.
            resource = app.router.add_resource(address)
            for method in _METHODS:
                resource.add_route(method, handler, expect_handler=_no_early_continue)
        app.on_shutdown.append(self._stop)

    async def _stop(self, app: web.Application) -> None:
        """Let running requests keep what they received and end: the server is going down."""
        self._holds.stop()

    async def handle_creation(self, request: web.Request) -> web.StreamResponse:
        """OPTIONS and POST of the creation address."""
        upload: Upload | None = None
        try:
            asked = _asked(request)
            decision = tus.decide(self._rules, asked, None, self._now_ms())
            if isinstance(decision, tus.Announce):
                return web.Response(status=204, headers=tus.announcement(self._rules))
            if not isinstance(decision, tus.Create) or self._creator is None:
                raise PairingError("method_not_allowed", asked.effective_method)
            await self._store.require_room(decision.length or 0)
            upload = await self._creator.create(decision.length, decision.metadata, self._now_ms())
            location = f"{request.rel_url.path.rstrip('/')}/{upload.upload_id}"
            extra: Mapping[str, str] = {}
            # Nobody else has its address yet: it is held only so that a server that stops can cut it.
            if decision.append is not None:
                async with self._holds.hold(upload.upload_id) as hold:
                    try:
                        upload, extra = await self._append(request, hold, upload, decision.append)
                    except PairingError:
                        # Nobody could go on with it.
                        await self._store.discard(upload.sitting, upload.name)
                        await self._creator.terminate(upload)
                        raise
            elif tus.is_whole(upload):
                upload, extra = await self._finish(upload)
            return web.Response(status=201, headers={**tus.created(self._rules, upload, location), **extra})
        except PairingError as refusal:
            return self._refuse(request, refusal, None)
        except ConnectionError:
            raise
        except Exception as error:
            return self._fail(request, error)

    async def handle_upload(self, request: web.Request) -> web.StreamResponse:
        """OPTIONS, HEAD, PATCH and DELETE of one upload."""
        upload_id = request.match_info["upload_id"]
        upload: Upload | None = None
        try:
            asked = _asked(request)
            tus.check_request(self._rules, asked, creating=False)
            if asked.effective_method == "OPTIONS":
                return web.Response(status=204, headers=tus.announcement(self._rules))
            async with self._holds.hold(upload_id) as hold:
                upload, extra = await self._load(upload_id)
                decision = tus.decide(self._rules, asked, upload, self._now_ms())
                if isinstance(decision, tus.Terminate):
                    await self._terminate(upload)
                    return web.Response(status=204, headers={"Tus-Resumable": tus.TUS_VERSION})
                if isinstance(decision, Append):
                    if not upload.finished:
                        upload, extra = await self._append(request, hold, upload, decision)
                    return web.Response(status=204, headers={**tus.progress(self._rules, upload), **extra})
                return web.Response(status=200, headers={**tus.shown(self._rules, upload), **extra})
        except PairingError as refusal:
            return self._refuse(request, refusal, upload)
        except ConnectionError:
            raise
        except Exception as error:
            return self._fail(request, error)

    async def remove_expired(self, upload_id: str) -> bool:
        """Remove the upload if its time is over and no request is at it; whether it was removed."""
        if self._creator is None or self._holds.held(upload_id):
            return False
        async with self._holds.hold(upload_id):
            try:
                upload, _ = await self._load(upload_id)
            except PairingError:
                return False
            if not tus.expired(self._rules, upload, self._now_ms()):
                return False
            await self._terminate(upload)
            return True

    async def _load(self, upload_id: str) -> tuple[Upload, Mapping[str, str]]:
        """The upload as it stands, and its extra headers if it is finished.

        Also where a crash between the last byte and `UploadOwner.finished` is made good.
        """
        known = await self._owner.find(upload_id)
        if known is None:
            raise PairingError("upload_unknown")
        standing, upload = await self._store.standing(known.sitting, known.name), known
        if standing.modified_ms is not None:
            upload = dataclasses.replace(
                known,
                offset=standing.offset,
                finished=standing.finished,
                last_write_ms=max(known.last_write_ms, standing.modified_ms),
            )
        if upload.finished:
            return upload, await self._owner.finished(upload)
        if not tus.is_whole(upload):
            return upload, {}
        try:
            return await self._finish(upload)
        except PairingError as refusal:
            if refusal.code != "upload_hash":
                raise
            return dataclasses.replace(upload, offset=0), {}

    async def _append(
        self, request: web.Request, hold: Hold, upload: Upload, append: Append
    ) -> tuple[Upload, Mapping[str, str]]:
        """Take the body.  What arrived is durable when this returns or raises, unless it was refused."""
        if append.new_length is not None and self._creator is not None:
            upload = await self._creator.set_length(upload, append.new_length)
        part = await self._store.part(upload.sitting, upload.name, expected_bytes=request.content_length or 0)
        self._bodies += 1
        try:
            try:
                last = await _Body(request, hold, self._idle_s, self._share).into(part, append)
            except BodyCutError as cut:
                await part.sync()
                raise PairingError(_CUT_CODES[cut.cut], cut.cut.value, offset=part.durable) from cut
            offset = part.written + sum(map(len, last))
            upload = dataclasses.replace(upload, offset=offset, last_write_ms=self._now_ms())
            if tus.is_whole(upload):
                return await self._seal(part, upload, last)
            await part.sync(last)
            return upload, {}
        finally:
            self._bodies -= 1
            await part.close()

    def _share(self) -> int:
        """How many bytes each of the bodies under way may gather."""
        return min(WRITE_BYTES, GATHERED_BYTES // self._bodies)

    async def _finish(self, upload: Upload) -> tuple[Upload, Mapping[str, str]]:
        """Finalise an upload whose bytes are all there already."""
        part = await self._store.part(upload.sitting, upload.name)
        try:
            return await self._seal(part, upload)
        finally:
            await part.close()

    async def _seal(
        self, part: Part, upload: Upload, last: Sequence[bytes] = ()
    ) -> tuple[Upload, Mapping[str, str]]:
        """Make a part, whole with `last`, an object and tell the owner, in this order, before any answer."""
        stored = await part.finalise(last, upload.sha256)
        upload = dataclasses.replace(upload, offset=stored.size, finished=True)
        return upload, await self._owner.finished(upload)

    async def _terminate(self, upload: Upload) -> None:
        if self._creator is None:
            raise PairingError("method_not_allowed", "DELETE")
        # Bytes first: after a crash in between the upload is there, empty, and is deleted again.
        await self._store.discard(upload.sitting, upload.name)
        await self._store.release(upload.sitting, upload.name)
        await self._creator.terminate(upload)

    def _refuse(self, request: web.Request, refusal: PairingError, upload: Upload | None) -> web.Response:
        response = error_response(refusal)
        response.headers.update(tus.refusal_headers(self._rules, refusal, upload))
        _close_unless_small(request, response)
        return response

    def _fail(self, request: web.Request, error: Exception) -> web.Response:
        response = unexpected(request, error)
        response.headers["Tus-Resumable"] = tus.TUS_VERSION
        _close_unless_small(request, response)
        return response


class _Body:
    """The body of one request on its way into a part."""

    def __init__(self, request: web.Request, hold: Hold, idle_s: int, share: Callable[[], int]) -> None:
        self._request, self._hold, self._idle_s, self._share = request, hold, idle_s, share
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0

    async def into(self, part: Part, append: Append) -> list[bytes]:
        """Append the body to the part; gives its last bytes, for the caller to append as it syncs.

        Raises BodyCutError with what arrived appended, or with nothing if there was a checksum to hold;
        PairingError "upload_length" and "upload_hash" with nothing.
        """
        checksum = append.checksum
        digest = None if checksum is None else tus.body_hash(checksum)
        content, received = self._request.content, 0
        await self._continue()
        clock = asyncio.get_running_loop().time
        waterline = Waterline(self._request.transport, self._request.content_length, clock)
        self._hold.wake_at(waterline)
        try:
            while piece := await self._hold.read(content, self._idle_s):
                received += len(piece)
                if append.limit is not None and received > append.limit:
                    await part.rewind()
                    raise PairingError("upload_length", f"more than the {append.limit} bytes missing")
                if digest is not None:
                    digest.update(piece)
                await self._gather(part, piece)
                if content.total_bytes == received:
                    waterline.wait_for_more(received)
        except PairingError:
            raise
        except BaseException:
            # Cut, or this task cancelled.  Bytes whose checksum will never come are not kept.
            if digest is not None:
                await part.rewind()
            else:
                await self._flush(part)
            raise
        if checksum is not None and digest is not None and digest.digest() != checksum.digest:
            await part.rewind()
            raise PairingError("upload_hash", f"{checksum.algorithm} of the body", offset=part.durable)
        return self._gathered

    async def _continue(self) -> None:
        request = self._request
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # the answer itself has not begun

    async def _gather(self, part: Part, piece: bytes) -> None:
        self._gathered.append(piece)
        self._gathered_bytes += len(piece)
        if self._gathered_bytes > self._share():
            await self._flush(part)

    async def _flush(self, part: Part) -> None:
        pieces, self._gathered, self._gathered_bytes = self._gathered, [], 0
        if pieces:
            await part.append(pieces)


def _asked(request: web.Request) -> UploadRequest:
    return UploadRequest(request.method, {name.lower(): value for name, value in request.headers.items()})


def _close_unless_small(request: web.Request, response: web.Response) -> None:
    """After a refusal aiohttp reads what is left of the body; only where that is little is it worth it."""
    if request.content.at_eof():
        return
    length = request.content_length
    if length is None or length > _DRAINED_BYTES or "Expect" in request.headers:
        response.force_close()
