"""What the exam backend and the laptop page call: sittings (protocol §1, §2)."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import qrcode
import qrcode.image.svg
from aiohttp import web
from qrcode.image.pil import PilImage

from evidence_server import anchor, views
from evidence_server.bind import Binder, Offer
from evidence_server.identity import Identity
from evidence_server.record import Recorder
from evidence_server.register import Register
from evidence_server.release import Releaser
from evidence_server.routes import models
from evidence_server.routes.access import Access
from evidence_server.routes.api import Route
from evidence_server.settings import Settings
from evidence_server.vision import marker
from pairing import codes
from pairing.errors import PairingError

STREAM_SILENCE_S = 10
"""How often the page hears something even when nothing changes."""
MAX_STREAMS = 16
"""Streams of one sitting at once: its page needs one, and a few people may look on."""
NEXT_CHANGE_HEADER = "Evidence-Next-Change"
"""Milliseconds since 1970, by the server's clock, when a marker gives way to the next."""


class BackendRoutes:
    """Handlers for the exam backend and the laptop page."""

    def __init__(
        self, register: Register, identity: Identity, access: Access, binder: Binder, recorder: Recorder,
        releaser: Releaser, settings: Settings,
    ) -> None:
        self._register = register
        self._identity = identity
        self._access = access
        self._binder = binder
        self._recorder = recorder
        self._releaser = releaser
        self._settings = settings
        self._followers = Followers()

    def table(self) -> Sequence[Route[Any]]:
        """The operations."""
        one = "/v1/sittings/{sitting}"
        return (
            Route("POST", "/v1/sittings", "createSitting", "Create a sitting", "backend",
                  models.CreateSitting, models.Created, self.create,
                  ("policy_invalid", "sitting_exists", "claims_invalid")),
            Route("GET", one, "readSitting", "Read a sitting", "page", None, models.SittingNow, self.read,
                  ("sitting_unknown",)),
            Route("GET", f"{one}/offer", "readOffer", "Read the current link and typed code", "page", None,
                  models.OfferNow, self.offer, ("sitting_unknown", "wrong_stage")),
            Route("POST", f"{one}/confirm", "confirmPhone", "Bind the phone whose six digits were compared",
                  "page", models.NameKey, models.SittingNow, self.confirm,
                  ("sitting_unknown", "key_mismatch", "claim_lapsed", "wrong_stage")),
            Route("POST", f"{one}/refuse", "refusePhone", "Turn the phone away and open a new offer", "page",
                  models.NameKey, models.SittingNow, self.refuse,
                  ("sitting_unknown", "key_mismatch", "claim_lapsed", "wrong_stage")),
            Route("POST", f"{one}/end", "endSitting", "The exam is over", "backend", models.EndSitting,
                  models.SittingNow, self.end, ("sitting_unknown", "end_invalid", "decided")),
            Route("POST", f"{one}/publish", "publishResults", "The results are out: release the phones",
                  "backend", models.Publish, models.SittingNow, self.publish,
                  ("sitting_unknown", "wrong_stage")),
        )

    async def create(self, request: web.Request, body: models.CreateSitting) -> dict[str, Any]:
        """Creates a sitting."""
        self._access.backend(request)
        state = await self._binder.create(
            body.sitting_id, body.exam, body.window.start_ms, body.window.end_ms, body.policy
        )
        token = self._identity.page_token(state.id)
        offer = await self._binder.offer(state.id) if state.offer else None
        return {
            "sitting_id": state.id, "page_token": token,
            "page_url": f"{self._settings.base_url}/laptop/#s={state.id}&t={token}",
            "link": self._link(offer) if offer else None,
            "code": codes.group_code(offer.code) if offer else None,
        }

    async def read(self, request: web.Request, _body: None) -> dict[str, Any]:
        """A sitting's state."""
        self._access.page(request)
        sitting = request.match_info["sitting"]
        await self._binder.lapse(sitting)
        return self._see(await self._register.look(sitting))

    async def offer(self, request: web.Request, _body: None) -> dict[str, Any]:
        """The current link and typed code."""
        self._access.page(request)
        offer = await self._binder.offer(request.match_info["sitting"])
        return {
            "link": self._link(offer), "code": codes.group_code(offer.code),
            "address": f"{self._settings.base_url}/p/", "link_refresh_at_ms": offer.link_refresh_at_ms,
            "code_refresh_at_ms": offer.code_refresh_at_ms, "server_time_ms": self._register.now_ms(),
        }

    async def confirm(self, request: web.Request, body: models.NameKey) -> dict[str, Any]:
        """Binds the pending phone."""
        by = self._access.page(request)
        return self._see(await self._binder.confirm(request.match_info["sitting"], body.key, by))

    async def refuse(self, request: web.Request, body: models.NameKey) -> dict[str, Any]:
        """Turns the pending phone away."""
        by = self._access.page(request)
        return self._see(await self._binder.refuse(request.match_info["sitting"], body.key, by))

    async def end(self, request: web.Request, body: models.EndSitting) -> dict[str, Any]:
        """The exam is over."""
        by = self._access.backend(request)
        return self._see(await self._recorder.end(request.match_info["sitting"], body.at_ms, by, body.reason))

    async def publish(self, request: web.Request, body: models.Publish) -> dict[str, Any]:
        """The results are out."""
        by = self._access.backend(request)
        return self._see(await self._releaser.publish(request.match_info["sitting"], by, body.reason))

    async def qr(self, request: web.Request) -> web.Response:
        """The current link as a QR code, `qr.svg` or `qr.png`."""
        self._access.page(request)
        offer = await self._binder.offer(request.match_info["sitting"])
        kind = request.match_info["kind"]
        picture = await asyncio.to_thread(_draw, self._link(offer), kind)
        content_type = "image/svg+xml" if kind == "svg" else "image/png"
        return web.Response(body=picture, content_type=content_type, headers={"Cache-Control": "no-store"})

    async def anchor(self, request: web.Request) -> web.Response:
        """The marker of this moment, to be shown on the laptop; a document of its own reloads itself."""
        self._access.page(request)
        sitting = request.match_info["sitting"]
        await self._register.look(sitting)
        now_ms = self._register.now_ms()
        change_ms = anchor.next_change_ms(now_ms)
        code = anchor.code_at(self._identity.anchor_key(sitting), anchor.slot_of(now_ms))
        return web.Response(text=marker.svg(code), content_type="image/svg+xml", headers={
            "Cache-Control": "no-store", NEXT_CHANGE_HEADER: str(change_ms),
            "Refresh": str((change_ms - now_ms) // 1000 + 1),
        })

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The state as server-sent events: one on each change, a comment in between."""
        self._access.page(request)
        sitting = request.match_info["sitting"]
        state = await self._register.look(sitting)
        headers = {
            "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
        }
        response = web.StreamResponse(headers=headers)
        with self._followers.admit(sitting, request.transport):
            await response.prepare(request)
            seen = -1
            while not self._register.stopping:
                if state.seq != seen:
                    seen = state.seq
                    text = json.dumps(self._see(state), ensure_ascii=False)
                    await response.write(f"event: state\ndata: {text}\n\n".encode())
                else:
                    await response.write(b": still here\n\n")
                state = await self._register.changes(sitting, seen, STREAM_SILENCE_S)
        return response

    def mount(self, app: web.Application) -> None:
        """The operations that do not answer in JSON."""
        app.router.add_get("/v1/sittings/{sitting}/qr.{kind:svg|png}", self.qr)
        app.router.add_get("/v1/sittings/{sitting}/anchor.svg", self.anchor)
        app.router.add_get("/v1/sittings/{sitting}/events", self.events)

    def _link(self, offer: Offer) -> str:
        return f"{self._settings.base_url}/p/#t={offer.ticket}"

    def _see(self, state: Any) -> dict[str, Any]:
        return views.sitting(state, self._register.now_ms(), self._settings.support_contact)


class Followers:
    """The connections on which each sitting is followed."""

    def __init__(self) -> None:
        self._open: dict[str, set[asyncio.BaseTransport]] = {}

    @contextmanager
    def admit(self, sitting: str, connection: asyncio.BaseTransport | None) -> Iterator[None]:
        """Around one stream of events.  Raises PairingError("throttled")."""
        if connection is None:
            raise ConnectionResetError("the connection is lost already")
        followers = self._open.setdefault(sitting, set())
        # A page that is gone is noticed only when it is written to: it is not to keep the next one out.
        if sum(not one.is_closing() for one in followers) >= MAX_STREAMS:
            raise PairingError("throttled", "too many streams of one sitting", retry_after_s=STREAM_SILENCE_S)
        followers.add(connection)
        try:
            yield
        finally:
            followers.discard(connection)
            if not followers:
                self._open.pop(sitting, None)


def _draw(link: str, kind: str) -> bytes:
    """`link` as a QR code with its quiet zone of four modules, error correction M."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=8, border=4)
    code.add_data(link)
    picture = io.BytesIO()
    if kind == "svg":
        code.make_image(image_factory=qrcode.image.svg.SvgPathFillImage).save(picture)
    else:
        code.make_image(image_factory=PilImage).save(picture, "PNG")
    if not picture.tell():
        raise PairingError("internal", "the QR code is empty")
    return picture.getvalue()
