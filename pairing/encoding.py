"""Base64url without padding (RFC 4648 §5, RFC 7515 §2) and SHA-256 in that form."""

from __future__ import annotations

import base64
import binascii
import hashlib


def b64u(raw: bytes) -> str:
    """`raw` as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_b64u(text: str) -> bytes:
    """The bytes behind `text`.

    Raises ValueError unless `text` is the one canonical encoding: signed records are hashed verbatim, so
    a second spelling of the same bytes would be a second record.
    """
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not base64url") from error
    if b64u(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


def sha256_b64u(content: bytes | str) -> str:
    """SHA-256 of bytes, or of a text's UTF-8, as 43 base64url characters."""
    return b64u(hashlib.sha256(content.encode() if isinstance(content, str) else content).digest())
