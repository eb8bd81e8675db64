"""A look at a recording without decoding all of it: its key frames as small pictures, and its sound's level.

A key frame decodes alone, and a few packets out of every half second tell whether there is any sound; an hour
of 720p15 costs about a hundredth of decoding it.  It belongs into the limited process, like all decoding.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import av
import cv2
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from evidence_server.media.clip import rotation_of, turned
from evidence_server.media.keyframe import DECODERS
from evidence_server.vision.frame import Frame, Picture

FRAME_PIXELS = 640
"""Longer side of the small pictures: 720p halves exactly, and a face at a desk keeps some 30 pixels."""
SOUND_DECODERS = frozenset({"aac", "opus", "libopus"})
"""Decoders that are let near uploaded sound: what browsers' and phones' recorders write."""
WINDOW_S = 0.5
"""One level for each so many seconds of sound; of each, the demuxer keeps the first few packets."""
_MAX_SAMPLES = 96_000
"""Of one window and channel: what a packet claims beyond is not looked at."""


@dataclass(frozen=True)
class Level:
    """How loud the sound is at `t_s`: full scale is 1, and a constant offset does not count."""

    t_s: float
    rms: float
    peak: float


@dataclass(frozen=True, eq=False)
class Glance:
    """One key frame: when, and what was seen of it; without a `frame` the `problem` says why."""

    t_s: float
    frame: Frame | None
    luma: Picture | None = None
    """The whole luma plane in full size, of every nth key frame, if asked for."""
    problem: str = ""


class Glancer:
    """Decodes what was kept of one run's packets, in their order.  Times are the run's own, in seconds."""

    def __init__(self, pixel_limit: int, *, luma_every: int = 0, origin_s: float = 0.0) -> None:
        """`luma_every` n adds the full luma to every nth key frame; `origin_s` is subtracted from times."""
        self._pixel_limit = pixel_limit
        self._luma_every = luma_every
        self._origin_s = origin_s
        self._pictures: VideoCodecContext | None = None
        self._sound: AudioCodecContext | None = None
        self._looked = 0
        self._last_s: float | None = None
        self._last_window: int | None = None
        self._header = b""
        """Until it is known how pictures are turned."""
        self._rotation = 0

    def turn_as(self, header: bytes) -> None:
        """Turn pictures as the container says whose first segment this is."""
        self._header = header

    def turn_by(self, rotation: int) -> None:
        """Turn pictures by so many degrees counter-clockwise."""
        self._rotation = rotation

    def look(self, packet: Packet[Stream]) -> Glance | None:
        """Decode one key frame; None if it is not later than the one before.

        A failure is an answer, not an exception.

        Raises:
            MemoryError: decoding wants more memory than the process may have.
        """
        t_s = _time_s(packet) - self._origin_s
        if self._last_s is not None and t_s <= self._last_s:
            return None
        self._last_s = t_s
        self._looked += 1
        try:
            picture = self._decode(packet)
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, MemoryError):
                raise
            self._pictures = None
            return Glance(t_s, None, problem=str(error) or type(error).__name__)
        with_luma = self._luma_every > 0 and self._looked % self._luma_every == 0
        if self._header:
            self._rotation = rotation_of(io.BytesIO(self._header), packet, self._pixel_limit)
            self._header = b""
        luma = turned(_luma(picture), self._rotation).copy() if with_luma else None
        return Glance(t_s, Frame(t_s, turned(small(picture), self._rotation)), luma)

    def listen(self, packets: Iterable[Packet[Stream]]) -> list[Level]:
        """The levels of the sound packets that were kept; packets that can't be decoded give none.

        Raises:
            MemoryError: see :meth:`look`.
        """
        levels: list[Level] = []
        window: list[Packet[Stream]] = []
        for packet in packets:
            if window and _window(packet) != _window(window[0]):
                levels += self._level(window)
                window = []
            window.append(packet)
        return levels + self._level(window)

    def _decode(self, packet: Packet[Stream]) -> VideoFrame:
        """The key frame in `packet`.

        Raises:
            ValueError: no decoder, no picture, or one that is damaged or too large.
            av.FFmpegError: the decoder refuses it.
        """
        if self._pictures is None:
            self._pictures = self._picture_decoder(packet)
        decoder = self._pictures
        # Its bytes alone: the container may have marked the packet as one not to be shown.
        frames = [*decoder.decode(Packet(bytes(packet))), *decoder.decode(None)]
        decoder.flush_buffers()
        if not frames:
            raise ValueError("the decoder gave no picture")
        if frames[0].is_corrupt:
            raise ValueError("the decoder found damage")
        if frames[0].width < 2 or frames[0].height < 2:
            raise ValueError(f"a picture of {frames[0].width}x{frames[0].height}")
        return frames[0]

    def _picture_decoder(self, packet: Packet[Stream]) -> VideoCodecContext:
        context = packet.stream.codec_context
        if not isinstance(context, VideoCodecContext) or context.codec.name not in DECODERS:
            raise ValueError("no decoder for this codec")
        if context.width * context.height > self._pixel_limit:
            raise ValueError(f"a picture of {context.width}x{context.height}")
        decoder = cast(VideoCodecContext, av.CodecContext.create(context.codec.name, "r"))
        decoder.extradata = context.extradata
        decoder.thread_count = 1
        # The size that the codec's own header states is bound, too; the loop filter only smooths.
        decoder.options = {"max_pixels": str(self._pixel_limit), "skip_loop_filter": "all"}
        return decoder

    def _level(self, window: Sequence[Packet[Stream]]) -> list[Level]:
        """The level of packets that follow each other: one, or none if they can't be decoded."""
        decoder = self._sound_decoder(window[0]) if window else None
        if decoder is None or _window(window[0]) == self._last_window:
            return []
        self._last_window = _window(window[0])
        heard: list[AudioFrame] = []
        try:
            for number, packet in enumerate(window):
                frames = decoder.decode(Packet(bytes(packet)))
                # What came before it was not decoded: the first packet only primes the decoder.
                if number or len(window) == 1:
                    heard += frames
        except av.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            self._sound = None
        samples = [_samples(frame) for frame in heard]
        if not any(map(len, samples)):
            return []
        t_s = _window(window[0]) * WINDOW_S - self._origin_s
        wave = np.concatenate(samples)
        wave -= wave.mean()
        return [Level(t_s, float(np.sqrt(np.mean(wave * wave))), float(np.abs(wave).max()))]

    def _sound_decoder(self, packet: Packet[Stream]) -> AudioCodecContext | None:
        context = packet.stream.codec_context
        if self._sound is None and isinstance(context, AudioCodecContext):
            if context.codec.name not in SOUND_DECODERS:
                return None
            decoder = cast(AudioCodecContext, av.CodecContext.create(context.codec.name, "r"))
            decoder.extradata = context.extradata
            if context.sample_rate:
                decoder.sample_rate = context.sample_rate
            self._sound = decoder
        return self._sound


def small(picture: VideoFrame) -> Picture:
    """The picture as it was coded, as BGR, full range, its longer side at most `FRAME_PIXELS`."""
    width, height = picture.width, picture.height
    scale = min(1.0, FRAME_PIXELS / max(width, height))
    # even, because colour has half the size
    size = max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
    if picture.format.name != "yuv420p":
        picture = picture.reformat(*size, "bgr24", interpolation="AREA")
        return cast(Picture, picture.to_ndarray())
    half = size[0] // 2, size[1] // 2
    chroma = [_plane(picture, number, -(-height // 2), -(-width // 2)) for number in (1, 2)]
    luma = cv2.resize(_plane(picture, 0, height, width), size, interpolation=cv2.INTER_AREA)
    colour = cv2.merge([cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in chroma])
    return cast(Picture, cv2.cvtColorTwoPlane(luma, colour, cv2.COLOR_YUV2BGR_NV12))


def _plane(picture: VideoFrame, number: int, height: int, width: int) -> Picture:
    plane = picture.planes[number]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[:height, :width]


def _luma(picture: VideoFrame) -> Picture:
    if picture.format.name not in ("yuv420p", "yuvj420p", "nv12", "gray"):
        picture = picture.reformat(format="gray")
    return _plane(picture, 0, picture.height, picture.width)


def _samples(frame: AudioFrame) -> NDArray[np.float32]:
    """The first channel's samples, full scale 1."""
    planes: NDArray[Any] = frame.to_ndarray()
    channels = 1 if frame.format.is_planar else frame.layout.nb_channels
    channel = planes[0, ::channels][:_MAX_SAMPLES]
    if channel.dtype.kind == "i":
        return (channel / np.float32(np.iinfo(channel.dtype).max)).astype(np.float32)
    # a hostile stream may decode to numbers that are none
    return np.nan_to_num(channel.astype(np.float32), posinf=1.0, neginf=-1.0)


def _time_s(packet: Packet[Stream]) -> float:
    """When the packet is shown.  (What has no time is not kept.)"""
    base = packet.time_base
    return 0.0 if packet.pts is None or base is None else packet.pts * base.numerator / base.denominator


def _window(packet: Packet[Stream]) -> int:
    return int(_time_s(packet) // WINDOW_S)
