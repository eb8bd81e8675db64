"""Measuring one hour of 720p15 in the limited worker: processor seconds of the worker.

Two hours of real H.264 and AAC, each one minute of rendered camera pictures whose packets are repeated:
*phone* is that minute as the reference phone's own encoder records it, in its fragments of half a second,
sealed every four; *heavy* is it at a bit rate several times as high, encoded in haste, in fragments of four
seconds.  The peer is decoding every picture, timed on the same minute in the same run.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import time
from pathlib import Path

import av

from bench.machine import cpu_s, facts
from bench.report import Goal, arguments, scratch, tell
from demo.camera import render
from evidence_server.media.restart import MP4
from evidence_server.media.supervisor import MediaWorker
from phone_client.boxes import Slice
from phone_client.camera import Picture, Sound
from phone_client.encode import EncoderSettings, RunEncoder
from tests.media.recordings import at_fragments, reader

MINUTE_S, RATE, WIDTH, HEIGHT = 60, 15, 1280, 720
OVERLAP_S = 1
"""The minute's sound ends a little after its pictures: the next copy begins behind both."""


SEGMENT_US = 4_000_000


def as_phone_records(camera: Path, out: Path) -> None:
    """The camera file through the reference phone's encoder, with its default settings."""
    encoder: RunEncoder | None = None
    slices: list[Slice] = []
    with av.open(str(camera)) as source:
        for frame in source.decode():
            at_us = int((frame.pts or 0) * (frame.time_base or 0) * 1_000_000)
            if isinstance(frame, av.VideoFrame):
                picture = Picture(at_us, frame)
                encoder = encoder or RunEncoder(picture, has_sound=True)
                slices += encoder.add(picture)
            elif isinstance(frame, av.AudioFrame) and encoder is not None:
                slices += encoder.add(Sound(at_us, frame))
    if encoder is None:
        raise RuntimeError("no pictures were rendered")
    out.write_bytes(b"".join(piece.raw for piece in [*slices, *encoder.finish()]))


def sealed(fragments: list[bytes], together: int) -> list[bytes]:
    """Segments of so many fragments each, the header with the first."""
    header, *rest = fragments
    segments = [b"".join(rest[at : at + together]) for at in range(0, len(rest), together)]
    return [header + segments[0], *segments[1:]]


def repeated(camera: Path, times: int, fragment_us: int = SEGMENT_US) -> bytes:
    """The file's packets `times` over, as a recorder would have written one long run."""
    out = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof", "frag_duration": str(fragment_us)}
    with av.open(str(camera)) as source, av.open(out, "w", format="mp4", options=options) as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        packets = list(source.demux())
        for number in range(times):
            for packet in packets:
                if packet.pts is None or packet.dts is None or packet.time_base is None:
                    continue  # the empty one that ends each stream
                shift = round(number * (MINUTE_S + OVERLAP_S) / packet.time_base)
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts, copy.time_base = packet.pts + shift, packet.dts + shift, packet.time_base
                copy.duration, copy.is_keyframe = packet.duration, packet.is_keyframe
                copy.stream = streams[packet.stream.index]
                target.mux(copy)
    return out.getvalue()


def decode_s(camera: Path) -> float:
    """Processor seconds of decoding every picture of the minute, for an hour."""
    began = time.process_time()
    with av.open(str(camera)) as source:
        for _ in source.decode(video=0):
            pass
    return (time.process_time() - began) * 60


async def measured(segments: list[bytes]) -> tuple[float, int]:
    """Processor seconds of the worker, and pictures found."""
    async with MediaWorker() as worker:
        pid = worker.pid
        if pid is None:
            raise RuntimeError("the worker does not run")
        before, pictures = cpu_s(pid), 0
        for number in range(len(segments)):
            found = await worker.measure("run", number, range(number), MP4, reader(segments))
            pictures += found.video.packets if found.video else 0
        return cpu_s(pid) - before, pictures


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--minutes", type=int, default=60)
    asked = parser.parse_args()
    folder = scratch(asked.folder)
    told: dict[str, dict[str, object]] = {}
    hours: dict[str, float] = {}
    try:
        heavy, phone = folder / "heavy.mp4", folder / "phone.mp4"
        render(heavy, MINUTE_S, RATE, WIDTH, HEIGHT)
        as_phone_records(heavy, phone)
        slice_us = EncoderSettings().slice_us
        for name, file, fragment_us in (("phone", phone, slice_us), ("heavy", heavy, SEGMENT_US)):
            full = decode_s(file)
            fragments = at_fragments(MP4, repeated(file, asked.minutes, fragment_us))
            segments = sealed(fragments, SEGMENT_US // fragment_us)
            seconds, pictures = asyncio.run(measured(segments))
            hours[name] = seconds * 60 / asked.minutes
            told[name] = {
                "segments": len(segments), "pictures": pictures, "bytes": sum(map(len, segments)),
                "cpu_s_an_hour": round(hours[name], 2), "full_decode_s_an_hour": round(full, 1),
                "ratio_to_full_decode": round(hours[name] / full, 3),
            }
    finally:
        shutil.rmtree(folder)
    goals = [
        Goal(f"CPU of the worker for an hour of 720p15, {name}", round(hours[name], 2), 4, 8, "s")
        for name in hours
    ]
    detail: dict[str, object] = {"minutes": asked.minutes, **told}
    tell("verifying", facts(asked.folder) | {"av": av.__version__}, goals, detail, asked.json)


if __name__ == "__main__":
    main()
