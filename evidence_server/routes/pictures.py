"""The pictures that were made of what was seen: strips of room scans, thumbnails of alarms."""

from __future__ import annotations

from aiohttp import web

from evidence_server.register import Register
from evidence_server.routes.access import Access
from evidence_server.sitting import Sitting
from evidence_server.store import Store
from pairing.errors import PairingError


class PictureRoutes:
    """Serves a sitting's pictures to its page and backend, and a phone's own to the phone."""

    def __init__(self, register: Register, store: Store, access: Access) -> None:
        self._register = register
        self._store = store
        self._access = access

    def mount(self, app: web.Application) -> None:
        """Adds the routes."""
        app.router.add_get("/v1/sittings/{sitting}/pictures/{picture}", self.of_sitting)
        app.router.add_get("/v1/binding/pictures/{picture}", self.of_phone)

    async def of_sitting(self, request: web.Request) -> web.Response:
        """Any picture of the sitting."""
        self._access.page(request)
        state = await self._register.look(request.match_info["sitting"])
        return await self._send(state, request.match_info["picture"], state.pictures())

    async def of_phone(self, request: web.Request) -> web.Response:
        """A picture that was made from this phone's recording."""
        phone = await self._access.phone(request)
        state = await self._register.look(phone.sitting)
        own = {name for one in state.generations if one.key == phone.key for name in one.seen.pictures()}
        return await self._send(state, request.match_info["picture"], own)

    async def _send(self, state: Sitting, name: str, allowed: set[str]) -> web.Response:
        if name not in allowed:
            raise PairingError("not_found", name)
        picture = await self._store.read(state.id, name)
        # Its name tells its bytes: it never changes.  It shows a person: no cache that others share keeps it.
        headers = {"Cache-Control": "private, max-age=3600, immutable"}
        return web.Response(body=picture, content_type="image/jpeg", headers=headers)
