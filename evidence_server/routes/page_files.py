"""The files of a page, read once, and served from memory, compressed for those that take gzip.

Scripts, styles and words leave their comments at home, and all but the words their indentation; line for
line, so that a browser's line numbers are the source's: on a phone's network that is a third of the app.

Only what was found at the start has an address, so no path of a request ever reaches the file system.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from pairing.errors import PairingError

_TYPES = {
    ".css": "text/css", ".ftl": "text/plain", ".html": "text/html", ".js": "text/javascript",
    ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json", ".png": "image/png",
}
_INDEX = "index.html"
_COMMENT = re.compile(r"^[ \t]*(?:/\*(?!!)(?:[^*]|\*(?!/))*\*/|//.*)[ \t]*$", re.MULTILINE)
"""A comment that has its lines to itself; one that begins with /*! is a licence's."""
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
"""In words it has a meaning; in scripts only text that spans lines would keep it, which is markup here."""
_WORDS_COMMENT = re.compile(r"^#.*$", re.MULTILINE)
_PACKS_WELL = frozenset({".css", ".ftl", ".html", ".js", ".svg", ".webmanifest"})
_LEAST_PACKED = 600
"""Bytes below which compressing does not save a packet."""


@dataclass(frozen=True)
class _File:
    """One file as it is sent; `packed` is its gzip form, where that is worth it."""

    content: bytes
    packed: bytes | None
    media_type: str
    etag: str


class PageFiles:
    """The files under `folder`, served under `prefix` (which begins and ends with a slash).

    `headers` go with each of them."""

    def __init__(self, folder: Path, prefix: str, headers: Mapping[str, str]) -> None:
        self._prefix = prefix
        self._headers = dict(headers)
        self._files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.suffix in _TYPES and path.is_file()
        }

    def mount(self, app: web.Application) -> None:
        """Adds the route; the prefix without its last slash leads to it."""
        bare = self._prefix.rstrip("/")

        async def to_page(_request: web.Request) -> web.StreamResponse:
            raise web.HTTPMovedPermanently(self._prefix)

        app.router.add_get(bare, to_page)
        app.router.add_get(self._prefix + "{name:.*}", self.answer)

    async def answer(self, request: web.Request) -> web.Response:
        """The file that is named.  Raises PairingError("not_found")."""
        file = self._files.get(request.match_info["name"] or _INDEX)
        if file is None:
            raise PairingError("not_found", "the page has no such file")
        headers = {**self._headers, "ETag": f'"{file.etag}"', "Vary": "Accept-Encoding"}
        if any(tag.value == file.etag for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        body = file.content
        if file.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"], body = "gzip", file.packed
        headers["Content-Type"] = file.media_type
        return web.Response(body=body, headers=headers)


def _read(path: Path) -> _File:
    content = _trimmed(path.read_bytes(), path.suffix)
    packed = None
    if path.suffix in _PACKS_WELL and len(content) >= _LEAST_PACKED:
        packed = gzip.compress(content, mtime=0)
    media_type = _TYPES[path.suffix]
    if path.suffix in _PACKS_WELL:
        media_type += "; charset=utf-8"
    return _File(content, packed, media_type, hashlib.sha256(content).hexdigest()[:32])


def _trimmed(content: bytes, suffix: str) -> bytes:
    """The file without what only its readers need."""
    if suffix in {".js", ".css"}:
        without = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), content.decode())
        return _INDENTATION.sub("", without).encode()
    return _WORDS_COMMENT.sub("", content.decode()).encode() if suffix == ".ftl" else content
