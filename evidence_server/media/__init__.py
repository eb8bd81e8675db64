"""Measures uploaded media in a limited process of its own; the server itself never opens it."""

from evidence_server.media.limits import Limits
from evidence_server.media.measurement import AudioTrack, KeyFrame, Measurement, Problem, Track, VideoTrack
from evidence_server.media.process import MediaWorkerError
from evidence_server.media.supervisor import MediaWorker

__all__ = [
    "AudioTrack",
    "KeyFrame",
    "Limits",
    "Measurement",
    "MediaWorker",
    "MediaWorkerError",
    "Problem",
    "Track",
    "VideoTrack",
]
