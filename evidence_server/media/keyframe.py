"""Decodes one key frame, alone, in a decoder of its own."""

from __future__ import annotations

import av
import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from evidence_server.media.measurement import KeyFrame

#: Decoders that are let near uploaded bytes.
DECODERS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d"})
#: Formats whose first plane is 8-bit luma.
_LUMA_FIRST = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12", "gray"})


def decode_key_frame(packet: Packet[Stream], pixel_limit: int) -> KeyFrame:
    """Decode the key frame in ``packet``; a failure is an answer, not an exception.

    Raises:
        MemoryError: decoding wants more memory than the process may have.
    """
    context = packet.stream.codec_context
    if context is None or context.codec.name not in DECODERS:
        return _failed("no decoder for this codec")
    decoder = av.CodecContext.create(context.codec.name, "r")
    if not isinstance(decoder, VideoCodecContext):
        return _failed("no picture codec")
    decoder.extradata = context.extradata
    decoder.thread_count = 1
    decoder.options = {
        # The container's size was checked before; this binds the size that the codec's own header states.
        "max_pixels": str(pixel_limit),
        # It only smooths what has been decoded, finds no damage, and takes up to half of the time.
        "skip_loop_filter": "all",
    }
    try:
        # Its bytes alone: the container may have marked the packet as one not to be shown.
        frames = [*decoder.decode(Packet(bytes(packet))), *decoder.decode(None)]
    except av.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        return _failed(error.strerror or type(error).__name__)
    if not frames:
        return _failed("the decoder gave no picture")
    frame = frames[0]
    return KeyFrame(
        decoded=not frame.is_corrupt,
        width=frame.width,
        height=frame.height,
        mean_luma=_mean_luma(frame),
        detail="the decoder found damage" if frame.is_corrupt else "",
    )


def _failed(detail: str) -> KeyFrame:
    return KeyFrame(decoded=False, width=0, height=0, mean_luma=0, detail=detail)


def _mean_luma(frame: VideoFrame) -> int:
    if frame.format.name not in _LUMA_FIRST:
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    luma = rows[: frame.height, : frame.width]
    # 32 bits hold 16 million pixels, more than any limit; with 64 it takes twice as long.
    return int(luma.sum(dtype=np.uint32)) // int(luma.size)
