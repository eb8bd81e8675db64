"""What is measured on honest recordings, however they are cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence_server.media import Measurement, MediaWorker
from evidence_server.media.restart import MP4, WEBM
from tests.media.recordings import (
    HEIGHT,
    RATE,
    SECONDS,
    WIDTH,
    at_fragments,
    codes,
    every,
    long_mp4,
    measured,
    packets_of,
    reader,
    totals,
)

PICTURES = RATE * SECONDS


@pytest.fixture
def run_of(mp4: bytes, webm: bytes) -> Callable[[str], bytes]:
    return {MP4: mp4, WEBM: webm}.__getitem__


@pytest.mark.parametrize("container", [MP4, WEBM])
async def test_a_run_cut_at_fragments(
    worker: MediaWorker, run_of: Callable[[str], bytes], container: str
) -> None:
    run = run_of(container)
    segments = at_fragments(container, run)
    found = await measured(worker, "run", segments, container)
    assert totals(found) == packets_of(run)
    assert totals(found)[0] == PICTURES
    header, *bodies = found.values()
    assert (header.video, header.audio, header.key_frame, header.problems) == (None, None, None, ())
    assert len(bodies) >= 3
    for body in bodies:
        assert body.container == container
        assert body.problems == ()
        assert body.video is not None
        assert body.audio is not None
        assert (body.video.width, body.video.height) == (WIDTH, HEIGHT)
        assert body.audio.sample_rate == 48_000
        assert body.video.max_step_us <= 90_000
        assert body.audio.max_step_us <= 30_000
    assert bodies[0].key_frame is not None
    assert bodies[0].key_frame.decoded
    assert (bodies[0].key_frame.width, bodies[0].key_frame.height) == (WIDTH, HEIGHT)
    assert 60 < bodies[0].key_frame.mean_luma < 200
    end_us = max(body.video.end_us or 0 for body in bodies if body.video)
    assert abs(end_us - SECONDS * 1_000_000) < 100_000


@pytest.mark.parametrize("container", [MP4, WEBM])
@pytest.mark.parametrize("size", [997, 20_011, 150_000])
async def test_packets_come_out_with_the_bytes_that_complete_them(
    worker: MediaWorker, run_of: Callable[[str], bytes], container: str, size: int
) -> None:
    run = run_of(container)
    segments = every(size, run)
    found = await measured(worker, "run", segments, container)
    assert totals(found) == packets_of(run)
    # A few beginnings, each read as a file that ends there, must have given the same packets by then.
    first_fragment = (fragments := at_fragments(container, run))[0] + fragments[1]
    for number in range(len(first_fragment) // size + 1, len(segments), max(1, len(segments) // 7)):
        so_far = {n: found[n] for n in range(number + 1)}
        assert totals(so_far) == packets_of(run[: (number + 1) * size])


async def test_codecs_are_named_as_found(worker: MediaWorker, mp4: bytes, webm: bytes) -> None:
    for run, container, names in ((mp4, MP4, ("h264", "aac")), (webm, WEBM, ("vp8", "opus"))):
        found = await worker.measure(container, 0, (), container, reader([run]))
        assert found.video is not None
        assert found.audio is not None
        assert (found.video.codec, found.audio.codec) == names


@pytest.mark.parametrize("container", [MP4, WEBM])
async def test_reading_again_gives_the_same(
    worker: MediaWorker, run_of: Callable[[str], bytes], container: str
) -> None:
    segments = every(30_000, run_of(container))
    found = await measured(worker, "run", segments, container)
    last = len(segments) - 1
    async with MediaWorker() as other:
        again = await other.measure("elsewhere", last, range(last), container, reader(segments))
        middle = await other.measure("elsewhere", last // 2, range(last // 2), container, reader(segments))
    assert again == found[last]
    assert middle == found[last // 2]


@pytest.mark.parametrize("container", [MP4, WEBM])
@pytest.mark.parametrize("cut", [at_fragments, lambda _, run: every(40_000, run)])
async def test_behind_a_hole_reading_goes_on_at_the_next_fragment(
    worker: MediaWorker,
    run_of: Callable[[str], bytes],
    container: str,
    cut: Callable[[str, bytes], list[bytes]],
) -> None:
    run = run_of(container)
    segments = cut(container, run)
    found = await measured(worker, "run", segments, container, missing=[2])
    whole = await measured(worker, "whole", segments, container)
    lost = totals(whole)[0] - totals(found)[0]
    assert 0 < lost <= 3 * 2 * RATE
    last = found[len(segments) - 1]
    assert last.video is not None
    assert last == whole[len(segments) - 1]
    assert "times_backward" not in {code for one in found.values() for code in codes(one)}


async def test_a_hole_that_is_filled_later(worker: MediaWorker, mp4: bytes) -> None:
    segments = at_fragments(MP4, mp4)
    read = reader(segments)
    await measured(worker, "run", segments, MP4, missing=[2])
    filled = await worker.measure("run", 2, [0, 1], MP4, read)
    behind = await worker.measure("run", 3, [0, 1, 2], MP4, read)
    whole = await measured(worker, "whole", segments)
    assert (filled, behind) == (whole[2], whole[3])


async def test_without_its_header_a_run_is_not_readable(worker: MediaWorker, mp4: bytes) -> None:
    segments = at_fragments(MP4, mp4)
    found = await worker.measure("run", 2, [1], MP4, reader(segments))
    assert codes(found) == ["no_header"]
    assert found.video is None
    later = await worker.measure("run", 2, [0, 1], MP4, reader(segments))
    assert later.problems == ()


async def test_finish_measures_what_the_end_brings_out(worker: MediaWorker, mp4: bytes, webm: bytes) -> None:
    await measured(worker, "whole", [mp4])
    assert (end := await worker.finish("whole")) is not None
    assert (end.segment, end.bytes, end.problems) == (None, 0, ())
    fragments = at_fragments(MP4, mp4)
    await measured(worker, "cut", [fragments[0] + fragments[1][:-100]])
    assert (end := await worker.finish("cut")) is not None
    assert codes(end) == ["truncated"]
    await measured(worker, "header", [webm[:20]], WEBM)
    assert (end := await worker.finish("header")) is not None
    assert codes(end) == ["truncated"]
    assert await worker.finish("never opened") is None


async def test_a_long_run_stays_one_run(worker: MediaWorker, camera: Path) -> None:
    """Long enough for the worker to renew its demuxer, which must not show."""
    run = long_mp4(camera, 700)
    segments = at_fragments(MP4, run)
    found = await measured(worker, "run", segments)
    assert totals(found) == packets_of(run) == (700 * RATE, 700 * 50)
    assert {code for one in found.values() for code in codes(one)} <= {"key_frame_undecodable"}
    assert max(one.video.max_step_us for one in found.values() if one.video) < 100_000
    assert max(one.audio.max_step_us for one in found.values() if one.audio) < 50_000


async def test_json_goes_there_and_back_without_floats(worker: MediaWorker, mp4: bytes) -> None:
    found = await worker.measure("run", 0, (), MP4, reader([mp4]))
    text = json.dumps(found.to_json())
    assert Measurement.from_json(json.loads(text)) == found
    assert not [
        value for value in json.loads(text, parse_float=lambda _: pytest.fail("a float")) if value is None
    ]
    assert found.tools.keys() == {"av", "ffmpeg"}


async def test_only_the_containers_of_runs(worker: MediaWorker) -> None:
    with pytest.raises(ValueError, match="json"):
        await worker.measure("run", 0, (), "application/json", reader([b"{}"]))
