"""Small recordings made at test time from a camera file, cut into segments, and the ways to damage them."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from demo.camera import render
from evidence_server.media import Measurement, MediaWorker
from evidence_server.media.restart import MP4, fragment_start

RATE, SECONDS, WIDTH, HEIGHT = 15, 6, 320, 240
#: Every fragment or cluster lasts this long.
FRAGMENT_US = 2_000_000


def camera_file(folder: Path) -> Path:
    """A camera file of ``SECONDS``."""
    path = folder / "camera.mp4"
    render(path, SECONDS, RATE, WIDTH, HEIGHT)
    return path


def fragmented_mp4(camera: Path) -> bytes:
    """The camera file's packets in fragmented MP4: a header, then a moof and mdat every two seconds."""
    return _remuxed(camera, ("video", "audio"))


def silent_mp4(camera: Path) -> bytes:
    """The same without its sound track."""
    return _remuxed(camera, ("video",))


def _remuxed(camera: Path, kinds: Sequence[str]) -> bytes:
    out = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof", "frag_duration": str(FRAGMENT_US)}
    with av.open(str(camera)) as source, av.open(out, "w", format="mp4", options=options) as target:
        kept = [stream for stream in source.streams if stream.type in kinds]
        tracks = {stream: target.add_stream_from_template(stream) for stream in kept}
        for packet in source.demux(kept):
            if packet.dts is not None:
                packet.stream = tracks[packet.stream]
                target.mux(packet)
    return out.getvalue()


def webm(camera: Path) -> bytes:
    """The camera file encoded as VP8 and Opus in WebM, as a browser's recorder streams it."""
    out = io.BytesIO()
    options = {"live": "1", "cluster_time_limit": str(FRAGMENT_US // 1000), "fflags": "+bitexact"}
    with av.open(str(camera)) as source, av.open(out, "w", format="webm", options=options) as target:
        # A negative speed is fixed; a positive one follows the machine, and every run would differ.
        pictures = target.add_stream("libvpx", rate=RATE, options={"deadline": "realtime", "cpu-used": "-8"})
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        pictures.bit_rate, pictures.gop_size = 400_000, 2 * RATE
        pictures.time_base = pictures.codec_context.time_base = Fraction(1, RATE)
        sound = target.add_stream("libopus", rate=48_000, layout="mono")
        for frame in source.decode():
            if isinstance(frame, av.VideoFrame):
                copy = frame.reformat(WIDTH, HEIGHT, "yuv420p")
                copy.pts = round((frame.time or 0) * RATE)
                copy.time_base = Fraction(1, RATE)
                target.mux(pictures.encode(copy))
            elif isinstance(frame, av.AudioFrame):
                target.mux(sound.encode(frame))
        target.mux(pictures.encode(None))
        target.mux(sound.encode(None))
    return out.getvalue()


def at_fragments(container: str, run: bytes) -> list[bytes]:
    """The run cut as Chromium's recorder cuts MP4: the header alone, then fragment by fragment."""
    cuts, at = [0], -1
    while (start := fragment_start(container, run, at + 1)) is not None:
        cuts.append(start)
        at = start
    return [run[begin:end] for begin, end in zip(cuts, [*cuts[1:], len(run)], strict=True)]


def every(size: int, run: bytes) -> list[bytes]:
    """The run cut into segments of ``size`` bytes, wherever that falls."""
    return [run[at : at + size] for at in range(0, len(run), size)]


def reader(segments: Sequence[bytes]) -> Callable[[int], Awaitable[bytes]]:
    """What the worker reads segments with."""

    async def read(number: int) -> bytes:
        return segments[number]

    return read


async def measured(
    worker: MediaWorker,
    run: str,
    segments: Sequence[bytes],
    container: str = MP4,
    missing: Sequence[int] = (),
) -> dict[int, Measurement]:
    """Measure a run's segments in order, without those ``missing``."""
    there = [number for number in range(len(segments)) if number not in missing]
    return {
        number: await worker.measure(run, number, there[:index], container, reader(segments))
        for index, number in enumerate(there)
    }


def totals(measurements: dict[int, Measurement]) -> tuple[int, int]:
    """Pictures and sound packets of all segments."""
    pictures = sum(found.video.packets for found in measurements.values() if found.video)
    sound = sum(found.audio.packets for found in measurements.values() if found.audio)
    return pictures, sound


def codes(measurement: Measurement) -> list[str]:
    """The codes of a measurement's problems."""
    return [problem.code for problem in measurement.problems]


def long_mp4(camera: Path, seconds: int) -> bytes:
    """Packets without sense, as many as a recording of ``seconds`` has."""
    out = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof", "frag_duration": "4000000"}
    with av.open(str(camera)) as source, av.open(out, "w", format="mp4", options=options) as target:
        pictures, sound = (target.add_stream_from_template(stream) for stream in source.streams)
        for second in range(seconds):
            for stream, count, size in ((pictures, RATE, 1), (sound, 50, 960)):
                for number in range(second * count, (second + 1) * count):
                    packet = av.Packet(bytes(20))
                    packet.pts = packet.dts = number * size
                    packet.duration, packet.time_base = size, Fraction(1, count * size)
                    packet.stream = stream
                    target.mux(packet)
    return out.getvalue()


class _Pipe:
    """A file that can't be rewound."""

    def __init__(self, content: bytes) -> None:
        self.read = io.BytesIO(content).read


def packets_of(run: bytes) -> tuple[int, int]:
    """Pictures and sound packets that libav finds in a run, or its beginning, read as a file."""
    counts = {"video": 0, "audio": 0}
    with av.open(_Pipe(run), "r") as container:
        for packet in container.demux():
            if packet.size and not packet.is_corrupt:
                counts[packet.stream.type] += 1
    return counts["video"], counts["audio"]


def encoded(container: str, codec: str, width: int, height: int, **options: Any) -> bytes:
    """One black picture of any size."""
    out = io.BytesIO()
    settings = {"movflags": "empty_moov+default_base_moof"} if container == "mp4" else {}
    with av.open(out, "w", format=container, options=settings) as target:
        pictures = target.add_stream(codec, rate=1, options=options)
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        target.mux(pictures.encode(frame))
        target.mux(pictures.encode(None))
    return out.getvalue()
