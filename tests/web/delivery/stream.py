"""What a browser's recorder would hand over: fragmented MP4 in slices of two seconds, pictures numbered."""

from __future__ import annotations

import io
from pathlib import Path

import av

from demo.camera import render
from phone_client.boxes import Slice, SliceCutter

RATE = 15
SLICE_MS = 2_000


def recorded(folder: Path, seconds: int) -> list[Slice]:
    """The header and then one slice for every two seconds."""
    film = folder / "camera.mp4"
    render(film, seconds=seconds, rate=RATE, width=640, height=480)
    out = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(str(film)) as source, av.open(out, "w", format="mp4", options=options) as target:
        tracks = {
            stream.index: target.add_stream_from_template(stream)
            for stream in (*source.streams.video, *source.streams.audio)
        }
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = tracks[packet.stream_index]
                target.mux(packet)
    # Behind the last fragment stands an index (mfra), which a recorder does not write.
    return SliceCutter().feed(out.getvalue())
