"""The messages between the server and its media worker: a JSON head, then raw bytes.

    4 bytes  length of the head, big-endian
    head     one JSON object; its "bytes" says how many raw bytes follow (0 if absent)
    raw      a segment

Requests: ``feed`` (seat, container, segment, jump, measure, bytes), ``finish`` (seat), ``close`` (seat).
The reply is ``{"measurement": {…}}``, with null where nothing was to be measured, or ``{"fatal":
"memory_limit"}``, after which the worker must be ended. Before the first request the worker says
``{"tools": {…}}``.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")
HEAD_LENGTH_BYTES = _LENGTH.size
#: No head comes near it: a longer one means that the two sides have lost step.
MAX_HEAD_BYTES = 1 << 20


class WireError(Exception):
    """The other side sent what is no message."""


def pack(head: dict[str, Any]) -> bytes:
    """A message's length and head; its raw bytes, if any, are sent behind it."""
    body = json.dumps(head, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


def head_length(prefix: bytes) -> int:
    """The head's length out of a message's first ``HEAD_LENGTH_BYTES``.

    Raises:
        WireError: longer than any head.
    """
    length = int(_LENGTH.unpack(prefix)[0])
    if length > MAX_HEAD_BYTES:
        raise WireError(f"a head of {length} bytes")
    return length


def unpack(body: bytes) -> dict[str, Any]:
    """The head.

    Raises:
        WireError: no JSON object.
    """
    try:
        head = json.loads(body)
    except ValueError as error:
        raise WireError(str(error)) from error
    if not isinstance(head, dict):
        raise WireError("the head is no object")
    return head


def receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next message of a blocking stream, or None at its end.

    Raises:
        WireError: no message, or the stream ended inside one.
    """
    prefix = stream.read(HEAD_LENGTH_BYTES)
    if not prefix:
        return None
    if len(prefix) < HEAD_LENGTH_BYTES:
        raise WireError("ended inside a length")
    length = head_length(prefix)
    head = unpack(stream.read(length))
    size = int(head.get("bytes", 0))
    raw = stream.read(size)
    if len(raw) < size:
        raise WireError("ended inside a segment")
    return head, raw
