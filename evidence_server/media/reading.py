"""One run as the worker reads it: its demuxer, what came before, and the measurement of each segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from evidence_server.media.demuxer import Demuxer, Drained, Header, Times
from evidence_server.media.keyframe import decode_key_frame
from evidence_server.media.limits import Limits
from evidence_server.media.measurement import AudioTrack, KeyFrame, Measurement, Problem, VideoTrack
from evidence_server.media.stream import RunStream


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
        self._limits = limits
        self._tools = tools
        self._stream = RunStream(container, begin)
        self._video_clock, self._audio_clock = _TrackClock(), _TrackClock()

    def feed(self, segment: int, piece: bytes, *, jump: bool, measure: bool) -> Measurement | None:
        """Read the run's next segment; the measurement, or None if ``measure`` is false.

        ``jump`` says that segments are missing in front of this one.

        Raises:
            MemoryError: reading wants more memory than the process may have; it must end.
        """
        problems: list[Problem] = []
        if jump:
            self._video_clock, self._audio_clock = _TrackClock(), _TrackClock()
        drained = self._stream.feed(segment, piece, jump=jump, problems=problems)
        return self._measurement(segment, piece, drained, problems, measure=measure)

    def finish(self) -> Measurement | None:
        """Say that the run is over, and measure what that still brings out.

        Raises:
            MemoryError: see :meth:`feed`.
        """
        problems: list[Problem] = []
        drained = self._stream.finish(problems)
        return self._measurement(None, b"", drained, problems, measure=True)

    def close(self) -> None:
        """End the demuxer, so that its thread is free for another run."""
        self._stream.close()

    def _measurement(
        self, segment: int | None, piece: bytes, drained: Drained, problems: list[Problem], *, measure: bool
    ) -> Measurement | None:
        video = self._video_clock.follow(drained.video)
        audio = self._audio_clock.follow(drained.audio)
        if not measure:
            return None
        header = self._stream.header
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
        return Measurement(
            segment, len(piece), self._stream.found, pictures, sound, key_frame, tuple(problems), self._tools
        )

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
