"""Looks through a whole recording, a file, for what its camera and microphone did not see and hear.

It decodes what it reads: for files of one's own, or in the limited process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import av
from av.packet import Packet
from av.stream import Stream

from evidence_server.media.clip import rotation_of
from evidence_server.media.demuxer import Kept, first_track, keep_for_glance, open_container
from evidence_server.media.glance import WINDOW_S, Glance, Glancer
from evidence_server.media.limits import Limits
from evidence_server.media.restart import container_of
from evidence_server.vision.boxes import FaceFinding
from evidence_server.vision.continuity import Continuity
from evidence_server.vision.spans import UNCHECKED, Span

#: So many packets are read before what was kept of them is looked at: some ten seconds.
_BATCH_PACKETS = 600
#: A recording of 12 hours has 22,000 key frames two seconds apart.
MAX_LOOKS = 50_000


@dataclass(frozen=True)
class Inspection:
    """What was found.  Times are seconds from the recording's first picture."""

    spans: tuple[Span, ...]
    unchecked: tuple[Span, ...]
    """Stretches without a picture that could be looked at."""
    duration_s: float
    looks: int
    """Key frames that were looked at."""
    undecoded: int
    """Key frames that could not be."""
    problems: tuple[str, ...]


class Inspector:
    """Feeds what was kept of packets to a glancer and to continuity."""

    def __init__(
        self, faces: FaceFinding | None, pixel_limit: int, origin_s: float = 0.0, luma_every: int = 0,
        rotation: int = 0,
    ) -> None:
        """`origin_s` is the time of the recording's first picture; `luma_every` and `rotation`: see
        :class:`Glancer`."""
        self.continuity = Continuity(faces)
        self._faces = faces
        self._glancer = Glancer(pixel_limit, luma_every=luma_every, origin_s=origin_s)
        self._glancer.turn_by(rotation)
        self._origin_s = origin_s
        self.looks = 0
        self.undecoded = 0

    def turn_as(self, header: bytes) -> None:
        """Turn pictures as the container says whose first segment this is."""
        self._glancer.turn_as(header)

    def begin_afresh(self) -> list[Span]:
        """Compare what comes with nothing before; the spans so far, none of which goes on, without those in
        which no picture could be looked at: they are followed all along."""
        over = [
            replace(span, open=False) for span in self.continuity.spans() if span.kind != UNCHECKED
        ]
        # Whether pictures could be looked at has nothing to do with what they show.
        self.continuity = Continuity(self._faces, sight=self.continuity.sight)
        return over

    def take(self, kept: Kept) -> list[Glance]:
        """Look at what was kept and forget it; the key frames that could be decoded are returned.

        Raises:
            MemoryError: decoding wants more memory than the process may have.
        """
        for level in self._glancer.listen(kept.sound):
            self.continuity.take_sound(level.t_s, WINDOW_S, level.rms)
        sizes = sorted((at_us / 1e6 - self._origin_s, float(size)) for at_us, size in kept.sizes)
        glances = []
        for packet in kept.keys:
            glance = self._glancer.look(packet)
            if glance is None:
                continue
            before = [size for size in sizes if size[0] < glance.t_s]
            self.continuity.take_sizes(before)
            sizes = sizes[len(before) :]
            if glance.frame is None:
                self.undecoded += 1
                self.continuity.take_unreadable(glance.t_s)
                continue
            self.continuity.take_picture(glance.frame)
            self.looks += 1
            glances.append(glance)
        self.continuity.take_sizes(sizes)
        for part in (kept.keys, kept.sound, kept.sizes):
            part.clear()
        return glances


def inspect(source: BinaryIO, faces: FaceFinding | None, limits: Limits | None = None) -> Inspection:
    """Look through a recording: MP4 or WebM, from its beginning.  What is cut off gives what there is.

    Raises:
        ValueError: it is none of the two, or has no pictures.
        MemoryError: decoding wants more memory than the process may have.
    """
    container = container_of(source.read(64))
    source.seek(0)
    if container is None:
        raise ValueError("neither MP4 nor WebM")
    problems: list[str] = []
    limits = limits or Limits()
    rotation = rotation_of(source, pixels=limits.pixels)
    source.seek(0)
    try:
        with open_container(source, container) as opened:
            video, audio = first_track(opened, "video"), first_track(opened, "audio")
            if video is None:
                raise ValueError("no picture track")
            return _inspect(opened.demux(), video, audio, faces, limits, rotation, problems)
    except av.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        raise ValueError(error.strerror or type(error).__name__) from error


def _inspect(
    packets: Iterator[Packet[Stream]], video: Stream, audio: Stream | None,
    faces: FaceFinding | None, limits: Limits, rotation: int, problems: list[str],
) -> Inspection:
    kept = Kept([], [], [])
    inspector: Inspector | None = None
    origin_s = end_s = 0.0
    # looked up once: there are 220,000 packets in an hour
    video_index, tick_s = video.index, float(video.time_base or 0)
    reading = _until_broken(keep_for_glance(packets, video, audio, lambda: kept), problems)
    for number, packet in enumerate(reading, start=1):
        if packet.stream_index == video_index and packet.pts is not None:
            t_s = packet.pts * tick_s
            if inspector is None:
                origin_s = end_s = t_s
                inspector = Inspector(faces, limits.pixels, origin_s, rotation=rotation)
            end_s = max(end_s, t_s + (packet.duration or 0) * tick_s)
        if inspector is not None and number % _BATCH_PACKETS == 0:
            inspector.take(kept)
            if inspector.looks >= MAX_LOOKS:
                problems.append(f"only the first {MAX_LOOKS} key frames were looked at")
                break
    if inspector is None:
        raise ValueError("no pictures")
    inspector.take(kept)
    inspector.continuity.finish(end_s - origin_s)
    told = inspector.continuity.spans()
    spans = tuple(span for span in told if span.kind != UNCHECKED)
    unchecked = tuple(span for span in told if span.kind == UNCHECKED)
    return Inspection(
        spans, unchecked, end_s - origin_s, inspector.looks, inspector.undecoded, tuple(problems)
    )


def _until_broken(packets: Iterator[Packet[Stream]], problems: list[str]) -> Iterator[Packet[Stream]]:
    """The packets up to where the container breaks off."""
    try:
        yield from packets
    except av.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        problems.append(error.strerror or type(error).__name__)
