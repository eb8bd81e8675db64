"""A recorder's stream that the test knows byte for byte: WebM, two seconds of pictures a slice."""

from __future__ import annotations

import random

SLICE_MS = 2_000
PICTURES = 30
PICTURE_BYTES = 1_500
CONTAINER = "video/webm"


def _element(tag: str, content: bytes) -> bytes:
    size = len(content) | 1 << 28  # a length of four bytes
    return bytes.fromhex(tag) + size.to_bytes(4, "big") + content


def _endless(tag: str) -> bytes:
    return bytes.fromhex(tag) + b"\x01" + b"\xff" * 7


def _header() -> bytes:
    info = _element("1549a966", _element("2ad7b1", (1_000_000).to_bytes(4, "big")))
    track = _element("d7", b"\x01") + _element("83", b"\x01") + _element("86", b"V_VP8")
    tracks = _element("1654ae6b", _element("ae", track))
    return _element("1a45dfa3", _element("4282", b"webm")) + _endless("18538067") + info + tracks


def slice_of(run: int, number: int) -> bytes:
    """Slice `number` (0, 1, …) of a run; the first begins with the header."""
    dice = random.Random(f"{run}/{number}")
    cluster = _endless("1f43b675") + _element("e7", (number * SLICE_MS).to_bytes(8, "big"))
    for picture in range(PICTURES):
        at_ms = picture * SLICE_MS // PICTURES
        key = b"\x80" if picture == 0 else b"\x00"
        cluster += _element("a3", b"\x81" + at_ms.to_bytes(2, "big") + key + dice.randbytes(PICTURE_BYTES))
    return cluster if number else _header() + cluster


def stream_of(run: int, slices: int) -> bytes:
    """The first slices of a run, one behind the other."""
    return b"".join(slice_of(run, number) for number in range(slices))


def slices_in(run: int, size: int) -> int:
    """How many slices the first `size` bytes of a run begin."""
    slices = 0
    while size > 0:
        size -= len(slice_of(run, slices))
        slices += 1
    return slices
