"""Where a request comes from, with or without proxies in front."""

from __future__ import annotations

from aiohttp import web

_LONGEST = 64
"""No address is longer; what is, was made up."""


class Origin:
    """Tells peers' addresses apart.  `proxies` in front each add one to X-Forwarded-For.

    What stands before those in the header is the peer's own word and is not believed: with the number of
    proxies wrong, either everybody shares one address, or everybody can claim any.
    """

    def __init__(self, proxies: int) -> None:
        self._proxies = proxies

    def address(self, request: web.Request) -> str:
        """The peer's address; the nearest proxy's if the header does not tell."""
        lines = request.headers.getall("X-Forwarded-For", [])
        told = [part.strip() for line in lines for part in line.split(",")]
        if 0 < self._proxies <= len(told):
            return told[-self._proxies][:_LONGEST]
        return request.remote or ""
