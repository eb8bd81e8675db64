"""Who may do what: the backend's key, a page token, a phone's bearer, each in `Authorization: Bearer …`."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from evidence_server.identity import Identity
from evidence_server.journal import Journal
from pairing.encoding import sha256_b64u
from pairing.errors import PairingError

MAX_TOKEN = 200


def token_of(request: web.Request) -> str:
    """The bearer token.  Raises PairingError("unauthorised")."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # aiohttp gives bytes that are no UTF-8 as halves of surrogate pairs, which nothing can encode again
    if scheme.lower() != "bearer" or not 0 < len(token) <= MAX_TOKEN or not token.isascii():
        raise PairingError("unauthorised", "Authorization: Bearer TOKEN is expected")
    return token


@dataclass(frozen=True)
class BoundPhone:
    """A phone that showed its bearer: the sitting and its key's thumbprint."""

    sitting: str
    key: str


class Access:
    """Checks tokens.  Every method raises PairingError("unauthorised")."""

    def __init__(self, identity: Identity, journal: Journal) -> None:
        self._identity = identity
        self._journal = journal

    def backend(self, request: web.Request) -> str:
        """Only the exam backend."""
        if not self._identity.is_api_key(token_of(request)):
            raise PairingError("unauthorised", "the backend's key is expected")
        return "backend"

    def page(self, request: web.Request) -> str:
        """The backend, or the laptop page of the sitting in the path; says which."""
        token = token_of(request)
        if self._identity.is_api_key(token):
            return "backend"
        if self._identity.is_page_token(request.match_info["sitting"], token):
            return "page"
        raise PairingError("unauthorised", "the backend's key or this sitting's page token is expected")

    async def phone(self, request: web.Request) -> BoundPhone:
        """A phone that claimed this or another sitting."""
        name = await self._journal.find("bearer", sha256_b64u(token_of(request)))
        if name is None:
            raise PairingError("unauthorised", "a claim's bearer is expected")
        return BoundPhone(name.sitting, name.of)
