"""When a browser's recording was captured, as the web app reads it out of the pieces, against a demuxer."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import random
import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
import pytest_asyncio

from phone_client.boxes import SliceCutter
from tests.node import node
from tests.web.core.host import hosting
from tests.web.core.killable import killable_chromium

HERE = Path(__file__).parent
TYPES = {"video/mp4": 'video/mp4;codecs="avc1.42E01E,opus"', "video/webm": 'video/webm;codecs="vp8,opus"'}
CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
LEAST_SPAN_US = 1_500_000
SOUND_US = 500_000
JITTER_US = 300_000  # a fragment says of its last picture only about how long it is shown
Span = Sequence[int] | None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    """What Chromium's recorder hands over, piece by piece, for each container."""
    profile = tmp_path_factory.mktemp("profile")
    async with hosting() as host, killable_chromium(profile, *CAMERA) as browser:
        await browser.page.goto(f"{host.address}/t/recorder.html")
        async with asyncio.timeout(60):
            made: dict[str, list[str]] = await browser.page.evaluate(
                "types => record(types)", list(TYPES.values())
            )
    return {kind: [base64.b64decode(piece) for piece in made[TYPES[kind]]] for kind in TYPES}


def scanned(folder: Path, container: str, pieces: Sequence[bytes]) -> list[Any]:
    """The times that the web app gives each piece."""
    path = folder / "pieces.json"
    path.write_text(json.dumps([base64.b64encode(piece).decode() for piece in pieces]), encoding="ascii")
    done = subprocess.run(
        [node(), HERE / "scan.mjs", container, path], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    spans: list[Any] = json.loads(done.stdout)
    return spans


def pictures_of(content: bytes) -> list[tuple[int, int]]:
    """Of every picture: where it lies, and when it is shown, in microseconds."""
    with av.open(io.BytesIO(content), "r") as source:
        track = source.streams.video[0]
        return [
            (packet.pos, int(packet.pts * packet.time_base * 1_000_000))
            for packet in source.demux(track)
            if packet.pts is not None and packet.time_base is not None and packet.pos is not None
        ]


@pytest.mark.parametrize("container", TYPES)
def test_each_piece_has_the_times_of_its_pictures(
    container: str, recordings: dict[str, list[bytes]], tmp_path: Path
) -> None:
    pieces = recordings[container]
    pictures = pictures_of(b"".join(pieces))
    assert len(pictures) > 10
    at = 0
    for piece, span in zip(pieces, scanned(tmp_path, container, pieces), strict=True):
        shown = [at_us for place, at_us in pictures if at <= place < at + len(piece)]
        at += len(piece)
        if not shown:
            assert span is None
            continue
        # MP4 has the track's ticks, WebM milliseconds; both round down.
        assert abs(span[0] - shown[0]) <= 1_000
        # How long the last picture is shown WebM does not say.
        assert shown[-1] < span[1] <= shown[-1] + 500_000


@pytest.mark.parametrize("container", TYPES)
def test_pieces_may_end_anywhere(
    container: str, recordings: dict[str, list[bytes]], tmp_path: Path
) -> None:
    content = b"".join(recordings[container])
    (whole,) = scanned(tmp_path, container, [content])
    assert whole[1] - whole[0] > LEAST_SPAN_US
    dice = random.Random(container)
    for longest in (40, 5_000, 100_000):
        pieces, at = [], 0
        while at < len(content):
            pieces.append(content[at : at + dice.randint(1, longest)])
            at += len(pieces[-1])
        spans = [span for span in scanned(tmp_path, container, pieces) if span]
        starts, ends = zip(*spans, strict=True)
        if container == "video/mp4":
            assert [starts[0], max(ends)] == whole
            assert all(later > sooner - JITTER_US for sooner, later in pairwise(starts))
        else:  # a piece of sound alone has its times, which are not quite the pictures'
            assert abs(starts[0] - whole[0]) < SOUND_US
            assert abs(max(ends) - whole[1]) < SOUND_US


def test_mp4_is_read_as_the_python_client_reads_it(
    recordings: dict[str, list[bytes]], tmp_path: Path
) -> None:
    slices = SliceCutter().feed(b"".join(recordings["video/mp4"]))
    expected = [
        None if piece.start_us is None else [piece.start_us, piece.end_us] for piece in slices
    ]
    assert len(expected) > 2
    assert scanned(tmp_path, "video/mp4", [piece.raw for piece in slices]) == expected


@pytest.mark.parametrize("container", TYPES)
def test_what_is_no_recording_has_no_times(
    container: str, recordings: dict[str, list[bytes]], tmp_path: Path
) -> None:
    """The bytes are kept all the same: only their times are the window's."""
    noise = random.Random(container).randbytes(50_000)
    pieces = recordings[container]
    for spoilt in ([b"\xff" * 100, *pieces], [noise, *pieces], [pieces[0], b"\x00" * 10_000, *pieces]):
        assert scanned(tmp_path, container, spoilt)[-1] == "lost"
