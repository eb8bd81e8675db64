"""Measuring one hour of 720p15 in the limited worker: processor seconds of the worker.

The hour is one minute of rendered camera pictures, its packets repeated, in four-second fragments: real
H.264 and AAC.  The peer is decoding every picture, timed on the same minute in the same run.
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
from tests.media.recordings import at_fragments, reader

MINUTE_S, RATE, WIDTH, HEIGHT = 60, 15, 1280, 720
OVERLAP_S = 1
"""The minute's sound ends a little after its pictures: the next copy begins behind both."""


def repeated(camera: Path, times: int) -> bytes:
    """The camera file's packets `times` over, as a recorder would have written one long run."""
    out = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof", "frag_duration": "4000000"}
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
    try:
        camera = folder / "camera.mp4"
        render(camera, MINUTE_S, RATE, WIDTH, HEIGHT)
        full = decode_s(camera)
        segments = at_fragments(MP4, repeated(camera, asked.minutes))
        seconds, pictures = asyncio.run(measured(segments))
    finally:
        shutil.rmtree(folder)
    hour = seconds * 60 / asked.minutes
    goals = [Goal("CPU of the worker for an hour of 720p15", round(hour, 2), 4, 8, "s")]
    detail: dict[str, object] = {
        "minutes": asked.minutes, "segments": len(segments), "pictures": pictures,
        "bytes": sum(map(len, segments)), "full_decode_s_an_hour": round(full, 1),
        "ratio_to_full_decode": round(hour / full, 3),
    }
    tell("verifying", facts(asked.folder) | {"av": av.__version__}, goals, detail, asked.json)


if __name__ == "__main__":
    main()
