"""Decodes a clip to small frames, eight a second, as cheaply as a correct picture allows.

Two thirds of what a room scan costs is decoding, so: one thread, no loop filter, and only the frames that are
wanted are scaled, their luma by area and their chroma by picking. Times are the container's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from evidence_server.media.keyframe import DECODERS
from evidence_server.vision.frame import Frame, Picture
from evidence_server.vision.pace import Pace

#: Planar formats with halved chroma, scaled here; libav converts all others.
_PLANAR = frozenset({"yuv420p", "yuvj420p"})
#: The ways a picture may be turned upright (libav: degrees counter-clockwise).
_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE, -90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180, -180: cv2.ROTATE_180,
}


@dataclass(frozen=True)
class ClipLimits:
    """How much of a clip is looked at, and at what size."""

    short_side: int = 180
    """Pixels of the frames' shorter side: 720x1280 becomes 180x320."""
    rate_hz: float = 8.0
    """Frames a second unless a pace is given; all of them where there are fewer."""
    pixels: int = 4096 * 2304
    """Of a coded picture; a larger one is not decoded."""
    duration_s: float = 300.0
    """What comes later is not decoded."""
    decoded_frames: int = 20_000
    """Most pictures decoded: 300 s at 60 a second, and some."""


class Clip:
    """One reading of a clip. `problem` says after :meth:`frames` why there are fewer than the clip
    promises."""

    def __init__(self, source: BinaryIO | Path, limits: ClipLimits = ClipLimits()) -> None:
        """`source`: a seekable file or its path; MP4 or WebM."""
        self._source = source
        self._limits = limits
        self.problem = ""
        """not_media, no_video, no_decoder, pixel_limit, time_limit, frame_limit, undecodable, no_frames, or
        empty."""
        self.duration_s = 0.0
        """From the first to the last decoded picture."""

    def frames(self, pace: Pace | None = None) -> Iterator[Frame]:
        """The frames in order of time, those that `pace` wants; whatever can be decoded of a damaged clip.

        Raises MemoryError if decoding wants more memory than the process may have.
        """
        given = 0
        try:
            for frame in self._read(pace or Pace(self._limits.rate_hz)):
                given += 1
                yield frame
        except av.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            self.problem = "undecodable" if given else "not_media"
        except (ValueError, cv2.error):
            # libav answers some headers, OpenCV some sizes, with errors of their own.
            self.problem = "undecodable"
        if not given and not self.problem:
            self.problem = "no_frames"

    def _read(self, pace: Pace) -> Iterator[Frame]:
        source: Any = str(self._source) if isinstance(self._source, Path) else self._source
        options = {"protocol_whitelist": "file" if isinstance(self._source, Path) else "none"}
        with av.open(source, "r", options=options, metadata_errors="replace") as container:
            stream = self._picture_track(container)
            if stream is None:
                return
            first, last, decoded = None, -1.0, 0
            for picture in self._decoded(container, stream):
                decoded += 1
                if decoded > self._limits.decoded_frames:
                    self.problem = "frame_limit"
                    return
                if picture.pts is None or stream.time_base is None:
                    continue
                at_s = float(picture.pts * stream.time_base)
                first = at_s if first is None else first
                at_s -= first
                if at_s <= last:
                    continue  # a clip whose times run back is shown as far as they run on
                if at_s > self._limits.duration_s:
                    self.problem = "time_limit"
                    return
                last = self.duration_s = at_s
                if pace.wants(at_s):
                    yield frame_of(at_s, picture, self._limits.short_side, picture.rotation)

    def _picture_track(self, container: InputContainer) -> VideoStream | None:
        stream = next(iter(container.streams.video), None)
        if stream is None:
            self.problem = "no_video"
            return None
        context = stream.codec_context
        if context is None or context.codec.name not in DECODERS:
            self.problem = "no_decoder"
            return None
        if context.width * context.height > self._limits.pixels:
            self.problem = "pixel_limit"
            return None
        context.thread_count = 1
        context.options = {"max_pixels": str(self._limits.pixels), "skip_loop_filter": "all"}
        return stream

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        """All pictures that decode; a damaged packet costs only what depends on it."""
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.FFmpegError as error:
                if isinstance(error, MemoryError):
                    raise
                self.problem = "undecodable"


def frame_of(t_s: float, picture: VideoFrame, short_side: int, rotation: float) -> Frame:
    """The frame at working size that can be had larger, too."""
    return Frame(
        t_s, upright(picture, short_side, rotation), lambda larger: upright(picture, larger, rotation)
    )


def upright(picture: VideoFrame, short_side: int, rotation: float) -> Picture:
    """The picture at working size, turned by `rotation` degrees counter-clockwise."""
    width, height = picture.width, picture.height
    scale = min(1.0, short_side / min(width, height))
    # Chroma has half the size: both sides are even.
    small = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
    if picture.format.name in _PLANAR and width >= 2 * small[0]:
        bgr = _scaled_planes(picture, small)
    else:
        scaled = picture.reformat(small[0], small[1], "bgr24", interpolation="AREA")
        bgr = cast(Picture, scaled.to_ndarray())
    return turned(bgr, rotation)


def turned(picture: Picture, rotation: float) -> Picture:
    """The picture turned by `rotation` degrees counter-clockwise, in quarters."""
    turn = _TURNS.get(round(rotation / 90) * 90)
    return cast(Picture, picture if turn is None else cv2.rotate(picture, turn))


def rotation_of(source: BinaryIO, key: Packet[Stream] | None = None, pixels: int = ClipLimits.pixels) -> int:
    """By how many degrees counter-clockwise the container says that its pictures are to be turned; 0 where it
    says nothing or nothing can be read.

    libav tells it with a decoded picture only: of `key`, a key frame, where `source` may be the header alone,
    else of the first one in `source`.

    Raises:
        MemoryError: decoding wants more memory than the process may have.
    """
    options = {"protocol_whitelist": "none"}
    try:
        with av.open(source, "r", options=options, metadata_errors="replace") as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            if context.codec.name not in DECODERS or context.width * context.height > pixels:
                return 0
            context.thread_count = 1
            context.options = {"max_pixels": str(pixels), "skip_loop_filter": "all"}
            decoded: Iterable[VideoFrame] = container.decode(stream)
            if key is not None:
                decoded = [*context.decode(Packet(bytes(key))), *context.decode(None)]
            return round(next(iter(decoded)).rotation)
    except (av.FFmpegError, IndexError, StopIteration, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
        return 0


def _scaled_planes(picture: VideoFrame, small: tuple[int, int]) -> Picture:
    """Scale the coded planes before converting: a tenth of the pixels are touched that libav's scaler
    touches."""
    width, height = small
    luma, blue, red = (_plane(plane) for plane in picture.planes)
    planes = np.empty((height * 3 // 2, width), np.uint8)
    # With four rows or more to one, every second is enough of an average and takes half of the time.
    rows = luma[::2] if picture.height >= 4 * height else luma
    planes[:height] = cv2.resize(rows, small, interpolation=cv2.INTER_AREA)
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    for out, plane in zip(chroma, (blue, red), strict=True):
        out[:] = cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_NEAREST)
    if picture.format.name == "yuvj420p":
        # OpenCV converts studio range only, in which black is 16 and white 235.
        planes[:height] = cv2.convertScaleAbs(planes[:height], alpha=219 / 255, beta=16)
    return cast(Picture, cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420))


def _plane(plane: Any) -> Picture:
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
