"""One run as the worker reads it: its demuxer, what came before, and the measurement of each segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import av

from evidence_server.media.demuxer import Demuxer, Drained, Header, Times
from evidence_server.media.keyframe import decode_key_frame
from evidence_server.media.limits import Limits
from evidence_server.media.measurement import AudioTrack, KeyFrame, Measurement, Problem, VideoTrack
from evidence_server.media.restart import (
    FRAGMENT_START_BYTES,
    container_of,
    fragment_start,
    has_whole_fragment,
)

#: A header that is longer is not kept, and its run can't be taken up again after a hole.
_HEADER_KEPT_BYTES = 1 << 18
#: A demuxer remembers every packet of its run (10 MB an hour); past so many a new one takes over.
_RENEW_PACKETS = 20_000


class _Span(NamedTuple):
    """The fields of a track that its packets' times give; in the order of :class:`measurement.Track`."""

    packets: int
    first_us: int | None
    end_us: int | None
    max_step_us: int
    non_monotonic: int


class _TrackClock:
    """A track's time, followed from packet to packet."""

    def __init__(self) -> None:
        self._last_pts_us: int | None = None
        self._last_dts_us: int | None = None

    def follow(self, packets: Sequence[Times]) -> _Span:
        """Measure a segment's packets, and remember the last for the next segment."""
        shown: list[tuple[int, int]] = []
        backward = 0
        for packet in packets:
            dts_us = packet.pts_us if packet.dts_us is None else packet.dts_us
            if dts_us is None or (self._last_dts_us is not None and dts_us <= self._last_dts_us):
                backward += 1
            if dts_us is not None:
                self._last_dts_us = dts_us
                shown.append((dts_us if packet.pts_us is None else packet.pts_us, packet.duration_us))
        if not shown:
            return _Span(len(packets), None, None, 0, backward)
        shown.sort()
        times = [at_us for at_us, _ in shown]
        if self._last_pts_us is not None and self._last_pts_us < times[0]:
            times.insert(0, self._last_pts_us)
        steps = [later - earlier for earlier, later in pairwise(times)]
        last_us, duration_us = shown[-1]
        self._last_pts_us = max(last_us, self._last_pts_us or last_us)
        # WebM states no duration for pictures: the step before is the best there is.
        end_us = last_us + (duration_us or (steps[-1] if steps else 0))
        return _Span(len(packets), shown[0][0], end_us, max(steps, default=0), backward)


class Reading:
    """Feeds a run's segments to a demuxer and measures each one."""

    def __init__(
        self, container: str, limits: Limits, tools: Mapping[str, str], begin: Callable[[Demuxer], None]
    ) -> None:
        """``container`` is the claimed media type; ``begin`` starts a demuxer in the run's thread."""
        self._claimed = container
        self._limits = limits
        self._tools = tools
        self._begin = begin
        self._found: str | None = None
        self._header = b""
        self._demuxer: Demuxer | None = None
        self._refused: Problem | None = None
        self._broken = False
        # Without a place in the container: everything up to the next fragment's start is passed over.
        self._lost = False
        self._passed_over = b""
        self._packets = 0
        self._video_clock, self._audio_clock = _TrackClock(), _TrackClock()

    def feed(self, segment: int, piece: bytes, *, jump: bool, measure: bool) -> Measurement | None:
        """Read the run's next segment; the measurement, or None if ``measure`` is false.

        ``jump`` says that segments are missing in front of this one.

        Raises:
            MemoryError: reading wants more memory than the process may have; it must end.
        """
        problems: list[Problem] = []
        if self._refused is None and self._demuxer is None:
            self._refused = self._refusal(segment, piece)
        if self._refused is not None:
            problems.append(self._refused)
            return self._measurement(segment, piece, Drained([], [], None, 0), problems, measure=measure)
        if jump:
            self._video_clock, self._audio_clock = _TrackClock(), _TrackClock()
        drained = self._drain(piece, jump, problems)
        self._broken = self._note_error(problems)
        self._packets += len(drained.video) + len(drained.audio)
        if segment > 0 and not self._broken and not drained.video and not drained.audio:
            problems.append(Problem("no_packets", "no packet became complete"))
        return self._measurement(segment, piece, drained, problems, measure=measure)

    def finish(self) -> Measurement | None:
        """Say that the run is over, and measure what that still brings out.

        Raises:
            MemoryError: see :meth:`feed`.
        """
        problems: list[Problem] = []
        drained = Drained([], [], None, 0)
        if self._demuxer is not None:
            drained = self._demuxer.end()
            if self._demuxer.header is None and not self._broken:
                problems.append(Problem("truncated", "the run ended before the first packet"))
        return self._measurement(None, b"", drained, problems, measure=True)

    def close(self) -> None:
        """End the demuxer, so that its thread is free for another run."""
        if self._demuxer is not None:
            self._demuxer.end()

    def _refusal(self, segment: int, piece: bytes) -> Problem | None:
        """Why the run can't be read at all, judged by its first bytes."""
        if segment != 0:
            return Problem("no_header", f"reading begins at segment {segment}")
        self._found = container_of(piece)
        if self._found is None:
            return Problem("not_media", "the first bytes belong to no known container")
        if self._found != self._claimed:
            return Problem("container_mismatch", f"claimed {self._claimed}, found {self._found}")
        return None

    def _drain(self, piece: bytes, jump: bool, problems: list[Problem]) -> Drained:
        if self._demuxer is None:
            header = piece[: fragment_start(self._claimed, piece)]
            self._header = header if len(header) <= _HEADER_KEPT_BYTES else b""
            return self._start().feed(piece)
        if jump:
            return self._restart(piece)
        if self._broken:
            problems.append(Problem("resynchronised", "the container broke in an earlier segment"))
            return self._restart(piece)
        if self._lost:
            return self._seek(self._demuxer, piece)
        if self._packets >= _RENEW_PACKETS and self._header and fragment_start(self._claimed, piece) == 0:
            return self._restart(piece)
        drained = self._demuxer.feed(piece)
        if not drained.video and not drained.audio and has_whole_fragment(self._claimed, piece):
            # A wrong size somewhere before made the demuxer skip what it should have read.
            problems.append(Problem("resynchronised", "a whole fragment gave no packets"))
            return self._restart(piece)
        return drained

    def _start(self) -> Demuxer:
        if self._demuxer is not None:
            self._demuxer.end()
        self._packets = 0
        self._demuxer = Demuxer(self._claimed)
        self._begin(self._demuxer)
        return self._demuxer

    def _restart(self, piece: bytes) -> Drained:
        """Begin again with the header, then at the first fragment that starts in ``piece`` or behind it."""
        demuxer = self._start()
        demuxer.feed(self._header)
        self._passed_over = b""
        return self._seek(demuxer, piece)

    def _seek(self, demuxer: Demuxer, piece: bytes) -> Drained:
        piece = self._passed_over + piece
        start = fragment_start(self._claimed, piece)
        self._lost = start is None
        # A fragment's start may itself be cut in two.
        self._passed_over = piece[-FRAGMENT_START_BYTES:] if self._lost else b""
        return demuxer.feed(b"" if start is None else piece[start:])

    def _note_error(self, problems: list[Problem]) -> bool:
        error = self._demuxer.error if self._demuxer else None
        if error is None:
            return False
        if isinstance(error, MemoryError) or not isinstance(error, av.FFmpegError):
            raise error
        problems.append(Problem("undecodable", error.strerror or type(error).__name__))
        return True

    def _measurement(
        self, segment: int | None, piece: bytes, drained: Drained, problems: list[Problem], *, measure: bool
    ) -> Measurement | None:
        video = self._video_clock.follow(drained.video)
        audio = self._audio_clock.follow(drained.audio)
        if not measure:
            return None
        header = self._demuxer.header if self._demuxer else None
        pictures, sound, key_frame = None, None, None
        if header is not None:
            _note_tracks(header, drained, problems)
            if video.non_monotonic or audio.non_monotonic:
                detail = f"{video.non_monotonic} pictures, {audio.non_monotonic} sound packets"
                problems.append(Problem("times_backward", detail))
            key_frame = self._key_frame(header, drained, problems)
            if header.video:
                keys = sum(packet.key for packet in drained.video)
                pictures = VideoTrack(
                    header.video.codec, *video, header.video.width, header.video.height, keys
                )
            if header.audio:
                sound = AudioTrack(
                    header.audio.codec, *audio, header.audio.sample_rate, header.audio.channels
                )
        found = tuple(problems)
        return Measurement(segment, len(piece), self._found, pictures, sound, key_frame, found, self._tools)

    def _key_frame(self, header: Header, drained: Drained, problems: list[Problem]) -> KeyFrame | None:
        if header.video is None or drained.key_packet is None:
            return None
        if header.video.width * header.video.height > self._limits.pixels:
            problems.append(Problem("pixel_limit", f"{header.video.width}x{header.video.height}"))
            return None
        key_frame = decode_key_frame(drained.key_packet, self._limits.pixels)
        if not key_frame.decoded:
            problems.append(Problem("key_frame_undecodable", key_frame.detail))
        return key_frame


def _note_tracks(header: Header, drained: Drained, problems: list[Problem]) -> None:
    if drained.truncated:
        problems.append(Problem("truncated", f"{drained.truncated} packets"))
    if header.others:
        problems.append(Problem("extra_tracks", f"{header.others} besides the first picture and sound"))
    if header.video is None:
        problems.append(Problem("no_video", "the container has no picture track"))
    if header.audio is None:
        problems.append(Problem("no_audio", "the container has no sound track"))
