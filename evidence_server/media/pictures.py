"""Decodes all pictures of a run from the packets that its demuxer kept, as small upright frames."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import cast

import av
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from evidence_server.media.clip import ClipLimits, frame_of, rotation_of
from evidence_server.media.keyframe import DECODERS
from evidence_server.vision.frame import Frame
from evidence_server.vision.pace import Pace

WORKING = ClipLimits()


class PictureDecoder:
    """One run's decoder. Times are the run's own, in seconds."""

    def __init__(self, pace: Pace, limits: ClipLimits = WORKING) -> None:
        """Frames come out that ``pace`` wants."""
        self._pace = pace
        self._limits = limits
        self._decoder: VideoCodecContext | None = None
        self._header = b""
        """Until it is known how pictures are turned."""
        self._rotation = 0

    def turn_as(self, header: bytes) -> None:
        """Turn pictures as the container says whose first segment this is.

        A demuxed packet doesn't say it: only libav's own reading of the container does.
        """
        self._header = header

    def decode(self, packet: Packet[Stream]) -> Iterator[Frame]:
        """The frames that a packet completes; nothing where it is damaged: the next key frame goes on.

        Raises:
            MemoryError: decoding wants more memory than the process may have.
        """
        try:
            if self._header and packet.is_keyframe:
                self._rotation = rotation_of(io.BytesIO(self._header), packet, self._limits.pixels)
                self._header = b""
            if self._decoder is None:
                self._decoder = self._begin(packet)
            copy = Packet(bytes(packet))
            copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
            for picture in self._decoder.decode(copy):
                at_s = _time_s(picture, packet)
                if at_s is not None and self._pace.wants(at_s):
                    yield frame_of(at_s, picture, self._limits.short_side, self._rotation)
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, MemoryError):
                raise

    def _begin(self, packet: Packet[Stream]) -> VideoCodecContext:
        context = packet.stream.codec_context
        if not isinstance(context, VideoCodecContext) or context.codec.name not in DECODERS:
            raise ValueError("no decoder for this codec")
        if context.width * context.height > self._limits.pixels:
            raise ValueError(f"a picture of {context.width}x{context.height}")
        decoder = cast(VideoCodecContext, av.CodecContext.create(context.codec.name, "r"))
        decoder.extradata = context.extradata
        decoder.thread_count = 1
        decoder.options = {"max_pixels": str(self._limits.pixels), "skip_loop_filter": "all"}
        return decoder


def _time_s(picture: VideoFrame, packet: Packet[Stream]) -> float | None:
    """When it is shown; decoders of pictures in order may leave it to the packet."""
    pts = packet.pts if picture.pts is None else picture.pts
    base = packet.time_base
    return None if pts is None or base is None else float(pts * base)
