"""The rules of tus 1.0, without input or output: request and upload in, decision or refusal out.

`decide` looks at the method, the headers and where the upload stands, and says what is to be done with
the body, before a byte of it is read; `shown` and `refusal_headers` say what the answer carries.
Refusals are `PairingError`s with the codes of `pairing.errors`.  Times are arguments.

Source: tus resumable upload protocol 1.0.0 with the extensions creation, creation-with-upload,
creation-defer-length, checksum, expiration and termination, as far as `Rules` says.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum
from types import MappingProxyType
from typing import Protocol

from pairing.errors import PairingError

TUS_VERSION = "1.0.0"
MEDIA_TYPE = "application/offset+octet-stream"
CHECKSUMS: Mapping[str, int] = MappingProxyType({"sha1": 20, "sha256": 32, "sha512": 64})
"""Algorithms of Upload-Checksum, in the order announced, with the bytes of their results."""

MAX_METADATA_CHARS = 4096
_INTEGER = re.compile(r"[0-9]{1,15}")
_METADATA_KEY = re.compile(r"[!-+\--~]+")  # printable ASCII without space and comma


@dataclass(frozen=True)
class Upload:
    """One upload: what its owner knows of it, and (from the store) where it stands.

    `sitting` and `name` say where its bytes are kept.  `length` in bytes is None while it is deferred.
    `sha256` (lower-case hexadecimal), if known beforehand, is what the bytes must hash to.  `metadata`
    is the Upload-Metadata header as the client sent it.  `last_write_ms` is when a byte was last kept,
    or else when the upload was made; it starts the time to expiry.
    """

    upload_id: str
    sitting: str
    name: str
    length: int | None
    sha256: str | None = None
    metadata: str = ""
    last_write_ms: int = 0
    offset: int = 0
    finished: bool = False


class UploadOwner(Protocol):
    """Who knows the uploads; the HTTP shell asks it, the store does the keeping."""

    async def find(self, upload_id: str) -> Upload | None:
        """The upload of this id, as far as the owner knows it (`offset`, `finished` are the store's).

        None: there is no such upload.  May raise PairingError, such as "upload_gone".
        """

    async def finished(self, upload: Upload) -> Mapping[str, str]:
        """Called when the object is durable under its name, before anyone is told that it is whole.

        Again after a crash in between, and for every later HEAD: must be idempotent, and gives the same
        extra response headers (a receipt) each time.
        """


class CreatingOwner(UploadOwner, Protocol):
    """An owner that also takes POST and DELETE.  Each call is durable when it returns."""

    async def create(self, length: int | None, metadata: str, now_ms: int) -> Upload:
        """Make a new upload with an id of its own."""

    async def set_length(self, upload: Upload, length: int) -> Upload:
        """Give an upload of deferred length its length, for good."""

    async def terminate(self, upload: Upload) -> None:
        """Forget the upload; the shell has removed its bytes, the calls may be repeated."""


class Extension(Enum):
    """The extensions this core knows, by their name in Tus-Extension."""

    CREATION = "creation"
    CREATION_WITH_UPLOAD = "creation-with-upload"
    CREATION_DEFER_LENGTH = "creation-defer-length"
    CHECKSUM = "checksum"
    EXPIRATION = "expiration"
    TERMINATION = "termination"


@dataclass(frozen=True)
class Rules:
    """What one server offers.  `max_bytes` and `expire_after_ms` None: no limit, no expiry."""

    extensions: frozenset[Extension]
    max_bytes: int | None = None
    expire_after_ms: int | None = None

    def __post_init__(self) -> None:
        on_top = {Extension.CREATION_WITH_UPLOAD, Extension.CREATION_DEFER_LENGTH}
        if on_top & self.extensions and Extension.CREATION not in self.extensions:
            raise ValueError("creation-with-upload and creation-defer-length need creation")
        if (Extension.EXPIRATION in self.extensions) != (self.expire_after_ms is not None):
            raise ValueError("expiration is announced exactly if uploads expire")


PRODUCT_RULES = Rules(frozenset({Extension.CHECKSUM}))
"""On upload addresses that a signed head created: HEAD and PATCH only."""


@dataclass(frozen=True)
class Checksum:
    """What the body of one request must hash to."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True)
class Announce:
    """Answer an OPTIONS request with `announcement`."""


@dataclass(frozen=True)
class Show:
    """Answer a HEAD request with `shown`."""


@dataclass(frozen=True)
class Append:
    """Append the body at the upload's offset.

    At most `limit` bytes (None: no limit known); one more is the refusal "upload_length" and nothing of
    the body is kept.  `new_length` is to be set first.  Where `checksum` does not hold, or the body breaks
    off so that it cannot be checked, nothing of the body is kept.
    """

    limit: int | None
    checksum: Checksum | None = None
    new_length: int | None = None


@dataclass(frozen=True)
class Create:
    """Make an upload, then, if `append`, take the body as its first bytes."""

    length: int | None
    metadata: str
    append: Append | None


@dataclass(frozen=True)
class Terminate:
    """Remove the upload and what is stored of it."""


Decision = Announce | Show | Append | Create | Terminate


@dataclass(frozen=True)
class UploadRequest:
    """A request as the rules see it: header names in lower case."""

    method: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def effective_method(self) -> str:
        """X-HTTP-Method-Override, where present, is the method."""
        return self.headers.get("x-http-method-override", self.method).upper()


def allowed_methods(rules: Rules, creating: bool) -> tuple[str, ...]:
    """Methods of the creation address (`creating`) or of an upload's."""
    if creating:
        return ("OPTIONS", "POST") if Extension.CREATION in rules.extensions else ("OPTIONS",)
    base = ("OPTIONS", "HEAD", "PATCH")
    return (*base, "DELETE") if Extension.TERMINATION in rules.extensions else base


def check_request(rules: Rules, request: UploadRequest, creating: bool) -> None:
    """The refusals that need no upload: method, protocol version, content coding.

    The shell asks this before it looks the upload up, so that a request of another version touches nothing.
    """
    method = request.effective_method
    allowed = allowed_methods(rules, creating)
    if method not in allowed:
        raise PairingError("method_not_allowed", method, allow=", ".join(allowed))
    if method == "OPTIONS":
        return
    if request.headers.get("tus-resumable") != TUS_VERSION:
        raise PairingError("tus_version", "Tus-Resumable is missing or not 1.0.0")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise PairingError("content_encoded", "Content-Encoding is not accepted")


def decide(rules: Rules, request: UploadRequest, upload: Upload | None, now_ms: int) -> Decision:
    """What to do with a request on `upload`, or on the creation address if that is None.

    Raises PairingError: see `check_request`, and "malformed", "wrong_media_type", "checksum_algorithm",
    "too_large", "upload_offset" (extra `offset`), "upload_length", "upload_gone".
    """
    check_request(rules, request, upload is None)
    method = request.effective_method
    if method == "OPTIONS":
        return Announce()
    if upload is None:
        return _decide_creation(rules, request.headers)
    if expired(rules, upload, now_ms):
        raise PairingError("upload_gone", "expired")
    if method == "HEAD":
        return Show()
    if method == "DELETE":
        return Terminate()
    return _decide_patch(rules, request.headers, upload)


def _decide_patch(rules: Rules, headers: Mapping[str, str], upload: Upload) -> Append:
    _require_media_type(headers)
    offset = _integer(headers, "upload-offset")
    if offset is None:
        raise PairingError("malformed", "Upload-Offset is required")
    checksum = _checksum(rules, headers)
    new_length = _integer(headers, "upload-length")
    if offset != upload.offset:
        raise PairingError("upload_offset", f"at {upload.offset}, not {offset}", offset=upload.offset)
    length = upload.length
    if new_length is not None:
        if length is not None and new_length != length:
            raise PairingError("malformed", "Upload-Length is set already and cannot be changed")
        if new_length < upload.offset:
            raise PairingError("malformed", "Upload-Length is less than what is stored")
        _require_size(rules, new_length)
        length, new_length = new_length, new_length if length is None else None
    end = rules.max_bytes if length is None else length
    limit = None if end is None else end - upload.offset
    _require_body_within(headers, limit, "upload_length" if length is not None else "too_large")
    return Append(limit, checksum, new_length)


def _decide_creation(rules: Rules, headers: Mapping[str, str]) -> Create:
    length = _integer(headers, "upload-length")
    deferred = headers.get("upload-defer-length")
    if (length is None) == (deferred is None):
        raise PairingError("malformed", "exactly one of Upload-Length and Upload-Defer-Length is required")
    if deferred is not None:
        if Extension.CREATION_DEFER_LENGTH not in rules.extensions:
            raise PairingError("malformed", "creation-defer-length is not offered: Upload-Length is required")
        if deferred != "1":
            raise PairingError("malformed", "Upload-Defer-Length can only be 1")
    if length is not None:
        _require_size(rules, length)
    metadata = headers.get("upload-metadata", "")
    _require_metadata(metadata)
    if not _has_body(headers):
        return Create(length, metadata, None)
    if Extension.CREATION_WITH_UPLOAD not in rules.extensions:
        raise PairingError("malformed", "creation-with-upload is not offered: send no body")
    _require_media_type(headers)
    limit = rules.max_bytes if length is None else length
    _require_body_within(headers, limit, "upload_length" if length is not None else "too_large")
    return Create(length, metadata, Append(limit, _checksum(rules, headers)))


def expired(rules: Rules, upload: Upload, now_ms: int) -> bool:
    """Whether an unfinished upload's time is over; never asked while a request is writing to it."""
    return (
        rules.expire_after_ms is not None
        and not upload.finished
        and now_ms >= upload.last_write_ms + rules.expire_after_ms
    )


def is_whole(upload: Upload) -> bool:
    """Whether all bytes are there: to be finalised, if it is not yet."""
    return upload.length is not None and upload.offset == upload.length


def announcement(rules: Rules) -> dict[str, str]:
    """Headers of an OPTIONS answer."""
    headers = {"Tus-Resumable": TUS_VERSION, "Tus-Version": TUS_VERSION}
    if rules.extensions:
        headers["Tus-Extension"] = ",".join(e.value for e in Extension if e in rules.extensions)
    if rules.max_bytes is not None:
        headers["Tus-Max-Size"] = str(rules.max_bytes)
    if Extension.CHECKSUM in rules.extensions:
        headers["Tus-Checksum-Algorithm"] = ",".join(CHECKSUMS)
    return headers


def progress(rules: Rules, upload: Upload) -> dict[str, str]:
    """Headers of a PATCH or POST answer that took bytes: how far the upload is, until when it waits."""
    return {"Tus-Resumable": TUS_VERSION, "Upload-Offset": str(upload.offset), **_expiry(rules, upload)}


def shown(rules: Rules, upload: Upload) -> dict[str, str]:
    """Headers of a HEAD answer."""
    headers = {**progress(rules, upload), "Cache-Control": "no-store"}
    if upload.length is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.length)
    if upload.metadata:
        headers["Upload-Metadata"] = upload.metadata
    return headers


def created(rules: Rules, upload: Upload, location: str) -> dict[str, str]:
    """Headers of a POST answer."""
    return {**progress(rules, upload), "Location": location}


def refusal_headers(rules: Rules, refusal: PairingError, upload: Upload | None) -> dict[str, str]:
    """Headers that go with a refusal; `upload` if it was found."""
    headers = {"Tus-Resumable": TUS_VERSION, "Cache-Control": "no-store"}
    if refusal.code == "tus_version":
        headers["Tus-Version"] = TUS_VERSION
    if "allow" in refusal.extra:
        headers["Allow"] = str(refusal.extra["allow"])
    if "offset" in refusal.extra:
        headers["Upload-Offset"] = str(refusal.extra["offset"])
    if upload is not None and refusal.code != "upload_gone":
        headers.update(_expiry(rules, upload))
    return headers


def _expiry(rules: Rules, upload: Upload) -> dict[str, str]:
    if rules.expire_after_ms is None or upload.finished:
        return {}
    return {"Upload-Expires": formatdate((upload.last_write_ms + rules.expire_after_ms) // 1000, usegmt=True)}


def _integer(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name)
    if text is None:
        return None
    if not _INTEGER.fullmatch(text):
        raise PairingError("malformed", f"{name} is not a non-negative integer of at most 15 digits")
    return int(text)


def _has_body(headers: Mapping[str, str]) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _require_body_within(headers: Mapping[str, str], limit: int | None, code: str) -> None:
    declared = _integer(headers, "content-length")
    if limit is not None and declared is not None and declared > limit:
        raise PairingError(code, f"{declared} bytes where at most {limit} are missing")


def _require_media_type(headers: Mapping[str, str]) -> None:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise PairingError("wrong_media_type", f"Content-Type must be {MEDIA_TYPE}")


def _require_size(rules: Rules, length: int) -> None:
    if rules.max_bytes is not None and length > rules.max_bytes:
        raise PairingError("too_large", f"uploads have at most {rules.max_bytes} bytes")


def _checksum(rules: Rules, headers: Mapping[str, str]) -> Checksum | None:
    text = headers.get("upload-checksum")
    if text is None or Extension.CHECKSUM not in rules.extensions:
        return None
    algorithm, _, encoded = text.partition(" ")
    if algorithm not in CHECKSUMS:
        raise PairingError("checksum_algorithm", f"not {algorithm[:32]!r}")
    try:
        digest = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise PairingError("malformed", "Upload-Checksum is not base64") from None
    if len(digest) != CHECKSUMS[algorithm]:
        raise PairingError("malformed", f"a {algorithm} has {CHECKSUMS[algorithm]} bytes")
    return Checksum(algorithm, digest)


def body_hash(checksum: Checksum) -> hashlib._Hash:
    """A hash object of the checksum's algorithm, to be fed with the body."""
    return hashlib.new(checksum.algorithm, usedforsecurity=False)


def parse_metadata(text: str) -> dict[str, bytes]:
    """The pairs of an Upload-Metadata header; PairingError("malformed") unless it is one."""
    pairs: dict[str, bytes] = {}
    if len(text) > MAX_METADATA_CHARS:
        raise PairingError("malformed", f"Upload-Metadata has at most {MAX_METADATA_CHARS} characters")
    for item in text.split(","):
        key, _, encoded = item.strip(" ").partition(" ")
        if not _METADATA_KEY.fullmatch(key) or key in pairs:
            raise PairingError("malformed", "keys of Upload-Metadata are unique, printable and not empty")
        try:
            pairs[key] = base64.b64decode(encoded, validate=True)
        except ValueError:
            raise PairingError("malformed", "values of Upload-Metadata are base64") from None
    return pairs


def _require_metadata(text: str) -> None:
    if text:
        parse_metadata(text)
