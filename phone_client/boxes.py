"""Fragmented MP4 (ISO/IEC 14496-12) as far as a recorder needs it: whole boxes and their times.

A *slice* is the smallest piece of a run that is whole by itself: first `ftyp`+`moov`, then one
`moof`+`mdat` after the other.  Segments are whole slices, so this module is what decides where a
segment may end, and what of a torn file is still good after a crash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_HEADER = 8
_LARGE_HEADER = 16
_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"mvex", b"moof", b"traf"})


class BoxError(ValueError):
    """The bytes are not the fragmented MP4 this client's own muxer writes."""


@dataclass(frozen=True)
class Track:
    """What the `moov` says of one track: `kind` is `vide` or `soun`, `timescale` is ticks a second."""

    kind: str
    timescale: int
    default_duration: int


@dataclass(frozen=True)
class Slice:
    """Whole boxes.  `start_us`..`end_us` are media times, taken from the picture track where there is one;
    both are None for the first slice, which carries no media (`ftyp`+`moov`)."""

    raw: bytes
    start_us: int | None
    end_us: int | None


def _box(raw: bytes | bytearray | memoryview, at: int, end: int) -> tuple[bytes, int, int] | None:
    """Type, start of payload and end of the box at `at`; None while its header is not complete."""
    if end - at < _HEADER:
        return None
    size = int.from_bytes(raw[at : at + 4], "big")
    kind = bytes(raw[at + 4 : at + 8])
    payload = at + _HEADER
    if size == 1:
        if end - at < _LARGE_HEADER:
            return None
        size = int.from_bytes(raw[at + 8 : at + 16], "big")
        payload = at + _LARGE_HEADER
    if size < payload - at:
        raise BoxError(f"box {kind!r} at {at} claims {size} bytes")
    return kind, payload, at + size


def _children(raw: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while at < end:
        found = _box(raw, at, end)
        if found is None or found[2] > end:
            raise BoxError(f"a box at {at} reaches past its container")
        yield found
        at = found[2]


def _leaves(raw: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Every box that is no container, in order; a container is announced before its children."""
    for kind, payload, stop in _children(raw, at, end):
        yield kind, payload, stop
        if kind in _CONTAINERS:
            yield from _leaves(raw, payload, stop)


def _number(raw: bytes, at: int, length: int) -> int:
    piece = raw[at : at + length]
    if len(piece) != length:
        raise BoxError("a box ends in the middle of a field")
    return int.from_bytes(piece, "big")


def read_tracks(init: bytes) -> dict[int, Track]:
    """The tracks that a first slice (`ftyp`+`moov`) declares, by track number.  Raises BoxError."""
    timescales: dict[int, int] = {}
    kinds: dict[int, str] = {}
    defaults: dict[int, int] = {}
    number = 0
    for kind, at, _ in _leaves(init, 0, len(init)):
        if kind == b"tkhd":
            number = _number(init, at + (20 if init[at] else 12), 4)
        elif kind == b"mdhd":
            timescales[number] = _number(init, at + (20 if init[at] else 12), 4)
        elif kind == b"hdlr" and number:
            kinds[number] = init[at + 8 : at + 12].decode("ascii", "replace")
        elif kind == b"trex":
            defaults[_number(init, at + 4, 4)] = _number(init, at + 12, 4)
    if not timescales or any(scale == 0 for scale in timescales.values()):
        raise BoxError("the moov declares no usable track")
    return {n: Track(kinds.get(n, ""), scale, defaults.get(n, 0)) for n, scale in timescales.items()}


def _run_duration(raw: bytes, at: int, default_duration: int) -> int:
    """The summed sample durations of one `trun` whose payload starts at `at`, in the track's ticks."""
    flags = _number(raw, at + 1, 3)
    count = _number(raw, at + 4, 4)
    if not flags & 0x100:
        return count * default_duration
    first = at + 8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0)
    stride = 4 * sum(1 for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit)
    return sum(_number(raw, first + i * stride, 4) for i in range(count))


def fragment_times(moof: bytes, tracks: Mapping[int, Track]) -> tuple[int, int]:
    """Media time of a `moof`'s start and end in microseconds: of the pictures, or of the sound where the
    fragment has no picture.  Raises BoxError."""
    spans: dict[str, tuple[int, int]] = {}
    track = Track("", 1, 0)
    default_duration = start = 0
    for kind, at, _ in _leaves(moof, 0, len(moof)):
        if kind == b"tfhd":
            found = tracks.get(_number(moof, at + 4, 4))
            if found is None:
                raise BoxError("a fragment names a track that the moov does not declare")
            track = found
            flags = _number(moof, at + 1, 3)
            skip = at + 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0)
            default_duration = _number(moof, skip, 4) if flags & 0x8 else track.default_duration
        elif kind == b"tfdt":
            start = _number(moof, at + 4, 8 if moof[at] else 4)
        elif kind == b"trun":
            begin = start * 1_000_000 // track.timescale
            start += _run_duration(moof, at, default_duration)
            end = start * 1_000_000 // track.timescale
            known = spans.get(track.kind, (begin, end))
            spans[track.kind] = (min(known[0], begin), max(known[1], end))
    for kind_name in ("vide", "soun"):
        if kind_name in spans:
            return spans[kind_name]
    raise BoxError("a fragment without samples")


class SliceCutter:
    """Cuts a container stream, fed in pieces of any size, into slices.

    Bytes come out exactly as they went in: joining all slices and `rest` gives the stream back.
    `tracks` is what an earlier first slice declared, for a stream that is entered in the middle.
    """

    def __init__(self, tracks: Mapping[int, Track] | None = None) -> None:
        self.tracks: Mapping[int, Track] = dict(tracks or {})
        self._held = bytearray()
        self._scanned = 0  # end of the last whole box inside `_held`
        self._moof: tuple[int, int] | None = None

    @property
    def rest(self) -> bytes:
        """What has come in and is not yet a whole slice."""
        return bytes(self._held)

    def feed(self, piece: bytes) -> list[Slice]:
        """Take more bytes, give the slices they complete.  Raises BoxError on anything but our own stream."""
        self._held += piece
        slices: list[Slice] = []
        while (found := _box(self._held, self._scanned, len(self._held))) and found[2] <= len(self._held):
            kind, _, end = found
            begin, self._scanned = self._scanned, end
            if kind == b"moof":
                self._moof = (begin, end)
            elif kind == b"moov":
                self.tracks = read_tracks(bytes(self._held[:end]))
                slices.append(self._take(end, None, None))
            elif kind == b"mdat":
                if self._moof is None:
                    raise BoxError("media without the fragment that describes it")
                times = fragment_times(bytes(self._held[slice(*self._moof)]), self.tracks)
                slices.append(self._take(end, *times))
        return slices

    def _take(self, end: int, start_us: int | None, end_us: int | None) -> Slice:
        raw = bytes(self._held[:end])
        del self._held[:end]
        self._scanned = 0
        self._moof = None
        return Slice(raw, start_us, end_us)
