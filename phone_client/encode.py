"""One run's encoder: frames in, slices of one fragmented MP4 out.

Media time 0 is a little before the first frame, so that the encoder's priming of the sound never needs a
negative time stamp: with that and without edit lists, a frame's media time is its monotonic moment minus
the run's base, to the tick (ISO/IEC 14496-12 `tfdt`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from phone_client.boxes import Slice, SliceCutter
from phone_client.camera import Frame, Picture

LEAD_US = 100_000
"""How long before the first frame a run's media time begins: longer than any encoder primes its sound."""

_PICTURE_TICKS = 90_000
_SOUND_RATE = 48_000
_SOUND_BLOCK = 1_024
_SOUND_SLACK = _SOUND_RATE // 25
_MOVFLAGS = "empty_moov+default_base_moof+frag_keyframe+frag_discont+skip_trailer"


@dataclass(frozen=True)
class EncoderSettings:
    """Bit rates in bit/s; a key frame at least every `key_us`, a slice about every `slice_us`; pictures wider
    than `widest` are scaled down."""

    picture_rate: int = 800_000
    sound_rate: int = 64_000
    key_us: int = 2_000_000
    slice_us: int = 500_000
    widest: int = 1_280


class _Sink:
    """The muxer's output: it may be written to in pieces of any size."""

    def __init__(self) -> None:
        self._pieces = bytearray()

    def write(self, piece: bytes) -> int:
        self._pieces += piece
        return len(piece)

    def take(self) -> bytes:
        taken = bytes(self._pieces)
        self._pieces.clear()
        return taken


class RunEncoder:
    """Encodes H.264 and, where there is sound, AAC into one container stream."""

    def __init__(self, first: Picture, has_sound: bool, settings: EncoderSettings | None = None) -> None:
        """`first` fixes size and base; it is not encoded here, `add` it like every other frame."""
        self.base_us = first.at_us - LEAD_US
        self.pictures = 0
        self.doubled = 0
        self._settings = settings or EncoderSettings()
        self._sink = _Sink()
        self._cutter = SliceCutter()
        self._container = av.open(
            self._sink, "w", format="mp4",
            options={
                "movflags": _MOVFLAGS, "frag_duration": str(self._settings.slice_us),
                "avoid_negative_ts": "disabled", "use_editlist": "0",
                # A silent microphone must not hold pictures back longer than a slice.
                "max_interleave_delta": str(self._settings.slice_us),
            },
        )
        self._picture_stream = self._add_pictures(first.frame)
        self._sound = _SoundTrack(self._add_sound()) if has_sound else None
        self._last_ticks = -1
        self._next_key_us = 0

    def _add_pictures(self, first: VideoFrame) -> VideoStream:
        shrink = max(1.0, first.width / self._settings.widest)
        stream = self._container.add_stream("libx264", rate=30)
        stream.width, stream.height = int(first.width / shrink) // 2 * 2, int(first.height / shrink) // 2 * 2
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = self._settings.picture_rate
        stream.time_base = stream.codec_context.time_base = Fraction(1, _PICTURE_TICKS)
        stream.codec_context.gop_size = 1_000_000  # key frames are placed by time, see `_encode_picture`
        stream.options = {
            "preset": "veryfast", "tune": "zerolatency", "forced-idr": "1", "sc_threshold": "0",
            "maxrate": str(2 * self._settings.picture_rate), "bufsize": str(2 * self._settings.picture_rate),
        }
        return stream

    def _add_sound(self) -> AudioStream:
        stream = self._container.add_stream("aac", rate=_SOUND_RATE, layout="mono")
        stream.bit_rate = self._settings.sound_rate
        return stream

    def add(self, frame: Frame) -> list[Slice]:
        """Encode a frame; gives the slices that became whole."""
        media_us = frame.at_us - self.base_us
        if isinstance(frame, Picture):
            self._encode_picture(frame.frame, media_us)
        elif self._sound is not None:
            for block in self._sound.add(frame.frame, media_us):
                self._container.mux(self._sound.stream.encode(block))
        return self._cutter.feed(self._sink.take())

    def finish(self) -> list[Slice]:
        """Flush everything and end the container stream; gives the last slices."""
        if self.pictures:
            self._container.mux(self._picture_stream.encode(None))
        if self._sound is not None and self._sound.begun:
            self._container.mux(self._sound.stream.encode(None))
        self._container.close()
        return self._cutter.feed(self._sink.take())

    def _encode_picture(self, frame: VideoFrame, media_us: int) -> None:
        ticks = media_us * _PICTURE_TICKS // 1_000_000
        if ticks <= self._last_ticks:
            # Two frames of one moment (a driver's doubt): the container can hold only one.
            self.doubled += 1
            return
        stream = self._picture_stream
        picture = frame.reformat(width=stream.width, height=stream.height, format="yuv420p")
        picture.pts, picture.time_base = ticks, Fraction(1, _PICTURE_TICKS)
        if media_us >= self._next_key_us:
            picture.pict_type = PictureType.I
            self._next_key_us = media_us + self._settings.key_us - 1_000
        else:
            picture.pict_type = PictureType.NONE
        self._container.mux(stream.encode(picture))
        self._last_ticks = ticks
        self.pictures += 1


class _SoundTrack:
    """Sound as even blocks of mono samples.

    Holes in a device's sound become silence and overlaps are cut, so that the sound stays with the pictures
    however the sound card's own clock runs."""

    def __init__(self, stream: AudioStream) -> None:
        self.stream = stream
        self.begun = False
        self._resampler = AudioResampler(format="fltp", layout="mono", rate=_SOUND_RATE)
        self._held: deque[np.ndarray] = deque()
        self._held_samples = 0
        self._next = 0  # media time, in samples, of the first sample held

    def add(self, frame: AudioFrame, media_us: int) -> list[AudioFrame]:
        frame.pts = None
        parts = [part.to_ndarray()[0] for part in self._resampler.resample(frame)]
        samples = np.concatenate(parts) if parts else _silence(0)
        start = media_us * _SOUND_RATE // 1_000_000
        if not self.begun:
            self._next, self.begun = max(0, start), True
        ahead = start - (self._next + self._held_samples)
        if ahead > _SOUND_SLACK:
            self._hold(_silence(ahead))
        elif ahead < -_SOUND_SLACK:
            samples = samples[-ahead:]
        self._hold(samples)
        return list(iter(self._block, None))

    def _hold(self, samples: np.ndarray) -> None:
        if len(samples):
            self._held.append(samples)
            self._held_samples += len(samples)

    def _block(self) -> AudioFrame | None:
        if self._held_samples < _SOUND_BLOCK:
            return None
        whole = np.concatenate(list(self._held))
        block, rest = whole[:_SOUND_BLOCK], whole[_SOUND_BLOCK:]
        self._held.clear()
        self._held_samples = 0
        self._hold(rest)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block[None]), format="fltp", layout="mono")
        frame.sample_rate = _SOUND_RATE
        frame.pts, frame.time_base = self._next, Fraction(1, _SOUND_RATE)
        self._next += _SOUND_BLOCK
        return frame


def _silence(samples: int) -> np.ndarray:
    return np.zeros(samples, np.float32)
