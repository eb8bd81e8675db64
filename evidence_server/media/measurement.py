"""What the media worker says about one segment: integers and strings only, equal for equal bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PROBLEM_CODES = frozenset(
    {
        "not_media",  # the run does not begin like the container it claims, nor like one we know
        "container_mismatch",  # the run begins like another container than it claims
        "no_header",  # the run's first segment is not at hand, nothing behind it can be read
        "undecodable",  # the demuxer refused the bytes, or the worker crashed on them twice
        "key_frame_undecodable",  # a key frame came out of the container but not out of the decoder
        "pixel_limit",  # the picture is larger than the worker decodes
        "time_limit",  # reading the segment took more processor time than any honest one, twice
        "memory_limit",  # reading the segment wanted more memory than any honest one, twice
        "size_limit",  # the segment is larger than the worker takes
        "resynchronised",  # the container's structure broke before; reading began again at a fragment
        "truncated",  # the bytes ended in the middle of a packet
        "times_backward",  # a packet is not later than the one before it
        "no_packets",  # nothing came out, and this is not the run's first segment
        "no_video",  # the header names no picture track
        "no_audio",  # the header names no sound track
        "extra_tracks",  # more than one picture or sound track; only the first of each is measured
    }
)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a segment: ``code`` out of :data:`PROBLEM_CODES`, ``detail`` for a person."""

    code: str
    detail: str


@dataclass(frozen=True)
class Track:
    """What a segment adds to one track. Times are microseconds of the run's own media clock."""

    codec: str
    """The codec's short name: h264, vp8, vp9, av1, aac, opus, …; empty if libav does not know it."""
    packets: int
    """Packets that became complete with this segment's bytes."""
    first_us: int | None
    """Earliest presentation time among them; None without packets."""
    end_us: int | None
    """Latest presentation time plus that packet's duration; None without packets."""
    max_step_us: int
    """Longest step between neighbours in time, the run's last packet before this segment included (unless
    segments are missing between them); 0 with fewer than two."""
    non_monotonic: int
    """Packets whose decoding time is not later than the one before, or that have no time."""


@dataclass(frozen=True)
class VideoTrack(Track):
    """Sizes in pixels, as the container states them."""

    width: int
    height: int
    key_frames: int


@dataclass(frozen=True)
class AudioTrack(Track):
    """``sample_rate`` in hertz."""

    sample_rate: int
    channels: int


@dataclass(frozen=True)
class KeyFrame:
    """The first key frame of a segment, decoded alone."""

    decoded: bool
    width: int
    height: int
    mean_luma: int
    """0 black … 255 white, rounded down; 0 if not decoded."""
    detail: str
    """Why it could not be decoded, or what the decoder remarked; empty if all is well."""


@dataclass(frozen=True)
class Measurement:
    """All that is measured on one segment, given the segments before it."""

    segment: int | None
    """The segment's number in its run; None for what :meth:`MediaWorker.finish` flushed."""
    bytes: int
    container: str | None
    """The container as found: ``video/mp4``, ``video/webm``, or None."""
    video: VideoTrack | None
    """None while the container's header has not been read, and if it names no such track."""
    audio: AudioTrack | None
    key_frame: KeyFrame | None
    """None if the segment has no key frame."""
    problems: tuple[Problem, ...]
    tools: Mapping[str, str]
    """Versions: ``av`` and ``ffmpeg``."""

    def to_json(self) -> dict[str, Any]:
        """As an object of JSON values, without floats."""
        return vars(self) | {
            "video": _fields(self.video), "audio": _fields(self.audio), "key_frame": _fields(self.key_frame),
            "problems": [_fields(problem) for problem in self.problems], "tools": dict(self.tools),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Measurement:
        """The inverse of :meth:`to_json`.

        Raises:
            KeyError, TypeError: not the object that :meth:`to_json` makes.
        """
        return cls(
            segment=found["segment"],
            bytes=found["bytes"],
            container=found["container"],
            video=VideoTrack(**found["video"]) if found["video"] else None,
            audio=AudioTrack(**found["audio"]) if found["audio"] else None,
            key_frame=KeyFrame(**found["key_frame"]) if found["key_frame"] else None,
            problems=tuple(Problem(**problem) for problem in found["problems"]),
            tools=dict(found["tools"]),
        )


def _fields(part: Track | KeyFrame | Problem | None) -> dict[str, Any] | None:
    return None if part is None else dict(vars(part))
