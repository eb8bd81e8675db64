"""A demuxer that is fed piece by piece, and says what came out of each piece.

libav pulls: it asks a file for bytes and blocks. So every demuxer runs in a thread of its own, in which it
waits inside ``read`` until the next piece arrives. When it asks for more than was delivered the piece is
*drained*: whatever packets could be read from it have been.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from queue import SimpleQueue
from typing import NamedTuple, Protocol

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from evidence_server.media.restart import MP4

#: libav reads through a buffer of this size; larger reads bypass it.
_BUFFER_BYTES = 1 << 14
#: Of the sound, so many packets are kept in every so many microseconds: the first only primes the decoder.
_SOUND_WINDOW_US, _SOUND_PACKETS = 500_000, 3
#: Key frames that follow each other faster are not kept: nobody needs them, and they would be costly.
_KEY_STEP_US = 900_000


class Readable(Protocol):
    """What libav reads from; with ``seek`` and ``tell``, too, it may move about."""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, empty only at the end."""


def open_container(source: Readable, container: str) -> InputContainer:
    """Open a container for demuxing; ``container`` is the media type that fixes the format.

    Raises:
        av.FFmpegError: not such a container.
    """
    options = {
        # As little probing as libav knows: the header must do, and no decoder runs in here.
        "probesize": "32",
        "fpsprobesize": "0",
        "codec_whitelist": "none",
        # What is read is what was uploaded: no other file, no network.
        "protocol_whitelist": "none",
    }
    return av.open(
        source,
        "r",
        format="mov" if container == MP4 else "matroska",
        options=options,
        buffer_size=_BUFFER_BYTES,
        metadata_errors="replace",  # titles are anybody's bytes
    )


class Times(NamedTuple):
    """One packet's times in microseconds; None if the container states none."""

    pts_us: int | None
    dts_us: int | None
    duration_us: int
    key: bool


@dataclass(frozen=True)
class TrackFacts:
    """A track as the container's header states it; numbers that do not apply are 0."""

    codec: str
    width: int
    height: int
    sample_rate: int
    channels: int


@dataclass(frozen=True)
class Header:
    """The tracks that are measured, and how many others there are."""

    video: TrackFacts | None
    audio: TrackFacts | None
    others: int


@dataclass
class Kept:
    """What a look at the recording needs: see :mod:`evidence_server.media.glance`."""

    keys: list[Packet[Stream]]
    """Packets that hold a key frame of the picture track, at most about one a second."""
    sound: list[Packet[Stream]]
    """The first few sound packets of every half second."""
    sizes: list[tuple[int, int]]
    """When each picture that is no key frame is shown (microseconds), and how many bytes it takes."""
    pictures: list[Packet[Stream]] = field(default_factory=list)
    """All packets of the picture track, where each picture is to be seen."""


class Keep(Enum):
    """Which packets come out whole."""

    FIRST_KEY = auto()
    """The first key frame, for measuring."""
    GLANCE = auto()
    """Besides it what a look at the recording needs: key frames, some sound, sizes."""
    PICTURES = auto()
    """Besides it all pictures."""


@dataclass
class Drained:
    """What came out of a piece."""

    video: list[Times]
    audio: list[Times]
    key_packet: Packet[Stream] | None
    """The first packet that holds a key frame of the picture track."""
    truncated: int
    """Packets that the container cut short."""
    kept: Kept = field(default_factory=lambda: Kept([], [], []))
    """Empty unless the demuxer was asked to keep packets."""


class Demuxer:
    """One reading of a container from its header on. All methods but :meth:`run` are the feeding thread's."""

    def __init__(self, container: str, keep: Keep = Keep.FIRST_KEY) -> None:
        """``container`` is the media type that fixes the format: it is never guessed."""
        self._container = container
        self._keep = keep
        self._state = threading.Condition()
        self._pieces = b""
        self._at = 0
        self._ended = False
        self._waiting = False
        self._finished = False
        self._drained = Drained([], [], None, 0)
        self.header: Header | None = None
        """None until the header has been read."""
        self.error: BaseException | None = None
        """What ended the reading, if anything but the end of the run."""

    def feed(self, piece: bytes) -> Drained:
        """Give the next bytes, wait until they are drained, and return what came out of them."""
        with self._state:
            self._pieces, self._at, self._waiting = piece, 0, False
            self._state.notify_all()
            self._state.wait_for(lambda: self._waiting or self._finished)
            drained, self._drained = self._drained, Drained([], [], None, 0)
            self._pieces = b""
            return drained

    def end(self) -> Drained:
        """Say that no more bytes will come, wait for the end, and return what still came out."""
        with self._state:
            self._ended = True
            self._state.notify_all()
            self._state.wait_for(lambda: self._finished)
            return self._drained

    def read(self, size: int) -> bytes:
        """libav's side of the file: at most ``size`` bytes, empty only at the end of the run."""
        with self._state:
            while self._at >= len(self._pieces) and not self._ended:
                self._waiting = True
                self._state.notify_all()
                self._state.wait()
            piece = self._pieces[self._at : self._at + size]
            self._at += len(piece)
            return piece

    def run(self) -> None:
        """Demux until the end or an error; the body of the demuxer's thread."""
        try:
            self._demux()
        except BaseException as error:  # whatever it is, the feeding thread must learn it
            # Without its traceback, which would keep the container open.
            self.error = error.with_traceback(None)
        finally:
            with self._state:
                self._finished = True
                self._state.notify_all()

    def _demux(self) -> None:
        with open_container(self, self._container) as container:
            video, audio = first_track(container, "video"), first_track(container, "audio")
            others = len(container.streams) - (video is not None) - (audio is not None)
            self.header = Header(_facts(video), _facts(audio), others)
            packets: Iterator[Packet[Stream]] = container.demux()
            if self._keep is Keep.GLANCE:
                packets = keep_for_glance(packets, video, audio, lambda: self._drained.kept)
            elif self._keep is Keep.PICTURES:
                packets = _keep_pictures(packets, video, lambda: self._drained.kept)
            self._keep_all(packets, _Ticks.of(video), _Ticks.of(audio))

    def _keep_all(self, packets: Iterator[Packet[Stream]], video: _Ticks, audio: _Ticks) -> None:
        """One turn for each packet, of which an hour has 220,000."""
        for packet in packets:
            if not packet.size:
                continue  # the empty one at the end of each track, which serves to flush decoders
            drained = self._drained
            index = packet.stream_index
            if packet.is_corrupt:
                drained.truncated += 1
            elif index == video.index:
                key = packet.is_keyframe
                drained.video.append(video.times(packet, key))
                if key and drained.key_packet is None:
                    drained.key_packet = packet
            elif index == audio.index:
                drained.audio.append(audio.times(packet, packet.is_keyframe))


def keep_for_glance(
    packets: Iterable[Packet[Stream]], video: Stream | None, audio: Stream | None, kept: Callable[[], Kept]
) -> Iterator[Packet[Stream]]:
    """Hands ``packets`` on, and adds those that a look at the recording needs to what ``kept`` gives."""
    pictures, sound = _Ticks.of(video), _Ticks.of(audio)
    window, in_window = -1, 0
    next_key_us: int | None = None
    for packet in packets:
        if packet.size and not packet.is_corrupt and packet.pts is not None:
            if packet.stream_index == pictures.index:
                at_us = packet.pts * pictures.scale // pictures.over
                if not packet.is_keyframe:
                    kept().sizes.append((at_us, packet.size))
                elif next_key_us is None or at_us >= next_key_us:
                    kept().keys.append(packet)
                    next_key_us = at_us + _KEY_STEP_US
            elif packet.stream_index == sound.index:
                now = packet.pts * sound.scale // sound.over // _SOUND_WINDOW_US
                window, in_window = now, in_window + 1 if now == window else 1
                if in_window <= _SOUND_PACKETS:
                    kept().sound.append(packet)
        yield packet


def _keep_pictures(
    packets: Iterable[Packet[Stream]], video: Stream | None, kept: Callable[[], Kept]
) -> Iterator[Packet[Stream]]:
    """Hands ``packets`` on, and adds those of the picture track to what ``kept`` gives."""
    pictures = _Ticks.of(video)
    for packet in packets:
        if packet.size and not packet.is_corrupt and packet.stream_index == pictures.index:
            kept().pictures.append(packet)
        yield packet


@dataclass(frozen=True)
class _Ticks:
    """A track's number and the length of its tick, `scale` / `over` microseconds."""

    index: int
    scale: int
    over: int

    @classmethod
    def of(cls, stream: Stream | None) -> _Ticks:
        """Those of `stream`; without one, a number that no packet has."""
        if stream is None or stream.time_base is None:
            return cls(-1, 0, 1)
        return cls(stream.index, stream.time_base.numerator * 1_000_000, stream.time_base.denominator)

    def times(self, packet: Packet[Stream], key: bool) -> Times:
        """A packet's times in microseconds."""
        pts, dts, scale, over = packet.pts, packet.dts, self.scale, self.over
        return Times(
            None if pts is None else pts * scale // over, None if dts is None else dts * scale // over,
            (packet.duration or 0) * scale // over, key,
        )


def first_track(container: InputContainer, kind: str) -> Stream | None:
    """The first track of a kind, ``video`` or ``audio``: the only one that is looked at."""
    return next((stream for stream in container.streams if stream.type == kind), None)


def _facts(stream: Stream | None) -> TrackFacts | None:
    if stream is None:
        return None
    context = stream.codec_context
    if context is None:
        return TrackFacts("", 0, 0, 0, 0)
    return TrackFacts(
        codec=context.codec.canonical_name,
        width=getattr(context, "width", 0) or 0,
        height=getattr(context, "height", 0) or 0,
        sample_rate=getattr(context, "sample_rate", 0) or 0,
        channels=getattr(context, "channels", 0) or 0,
    )


class Seat(threading.Thread):
    """A thread that runs one demuxer after another; all are started before the process may make no more."""

    def __init__(self, number: int) -> None:
        """``number`` only names the thread."""
        super().__init__(name=f"seat-{number}", daemon=True)
        self._jobs: SimpleQueue[Demuxer] = SimpleQueue()

    def begin(self, demuxer: Demuxer) -> None:
        """Run ``demuxer`` as soon as the one before has ended."""
        self._jobs.put(demuxer)

    def run(self) -> None:
        """The thread's body."""
        while True:
            self._jobs.get().run()
