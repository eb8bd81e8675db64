"""Where reading can begin inside a run: the container's header, and the fragments behind it.

Segments are cut anywhere in a run. After a hole the demuxer is given the run's header and then the start of
the next fragment: a ``moof`` box (ISO/IEC 14496-12, 8.8.4) or a Cluster element (RFC 9559, 5.1.3).
"""

from __future__ import annotations

MP4, WEBM = "video/mp4", "video/webm"

#: A moof begins with its mfhd, whose size is always 16.
_MOOF = b"moof\x00\x00\x00\x10mfhd"
_CLUSTER = b"\x1f\x43\xb6\x75"
#: First children of a Cluster: Timestamp, CRC-32, Void.
_CLUSTER_CHILDREN = (0xE7, 0xBF, 0xEC)
#: No start of a fragment is recognised by more bytes.
FRAGMENT_START_BYTES = 16
#: Types of boxes that an MP4 file or its first segment begins with.
_FIRST_BOXES = (b"ftyp", b"styp", b"moov", b"free", b"skip", b"wide")
#: A cluster's own size is unknown when it is streamed; this much of it surely holds a block.
_CLUSTER_ENOUGH_BYTES = 1 << 16


def container_of(start: bytes) -> str | None:
    """The container that a run's first bytes belong to, as its media type; None for anything else."""
    if start[4:8] in _FIRST_BOXES:
        return MP4
    return WEBM if start[:4] == b"\x1a\x45\xdf\xa3" else None


def fragment_start(container: str, segment: bytes, begin: int = 0) -> int | None:
    """The offset at which the first fragment at or behind ``begin`` starts, or None."""
    if container == MP4:
        found = segment.find(_MOOF, begin + 4)
        return found - 4 if found >= 0 else None
    at = begin
    while (at := segment.find(_CLUSTER, at)) >= 0:
        size_at = at + len(_CLUSTER)
        if size_at < len(segment) and segment[size_at]:
            child_at = size_at + 9 - segment[size_at].bit_length()
            if child_at < len(segment) and segment[child_at] in _CLUSTER_CHILDREN:
                return at
        at += 1
    return None


def has_whole_fragment(container: str, segment: bytes) -> bool:
    """Whether a fragment lies wholly inside the segment, so that packets must come out of it."""
    start = fragment_start(container, segment)
    if start is None:
        return False
    if container == WEBM:
        return len(segment) - start > _CLUSTER_ENOUGH_BYTES
    boxes_end = start
    for kind in (b"moof", b"mdat"):
        if segment[boxes_end + 4 : boxes_end + 8] != kind:
            return False
        boxes_end += int.from_bytes(segment[boxes_end : boxes_end + 4], "big")
    return boxes_end <= len(segment)
