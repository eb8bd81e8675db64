"""Bytes that are meant to hurt: the worker stays small, and the next run is measured."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from evidence_server.media import Limits, Measurement, MediaWorker
from evidence_server.media.restart import MP4, WEBM
from tests.media.recordings import at_fragments, codes, encoded, measured, reader, totals

RSS_LIMIT_KB = 400_000
WIDE, HIGH = 8190, 2046
REALTIME = {"deadline": "realtime", "cpu-used": "8"}
FAST = {"libx264": {"preset": "ultrafast"}, "libvpx": REALTIME, "libvpx-vp9": REALTIME}


async def measured_alone(worker: MediaWorker, content: bytes, container: str) -> Measurement:
    """Measure a run of one segment, and see that the worker stayed small."""
    found = await worker.measure("hostile", 0, (), container, reader([content]))
    assert peak_kb(worker) < RSS_LIMIT_KB
    return found


def peak_kb(worker: MediaWorker) -> int:
    """The most memory that the worker ever held."""
    status = Path(f"/proc/{worker.pid}/status").read_text() if worker.pid else ""
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def box(kind: bytes, size: int) -> bytes:
    """The head of a box of any claimed size."""
    return b"\0\0\0\1" + kind + size.to_bytes(8, "big")


@pytest.mark.parametrize(
    ("content", "container", "code"),
    [
        (b"", MP4, "not_media"),
        (b"\0" * 100_000, MP4, "not_media"),
        (random.Random(1).randbytes(100_000), WEBM, "not_media"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", MP4, "not_media"),
        (b"\x1a\x45\xdf\xa3" + random.Random(2).randbytes(100_000), WEBM, "undecodable"),
    ],
)
async def test_not_media(worker: MediaWorker, content: bytes, container: str, code: str) -> None:
    found = await measured_alone(worker, content, container)
    assert codes(found) == [code]
    assert found.video is None


async def test_another_container_than_claimed(worker: MediaWorker, mp4: bytes, webm: bytes) -> None:
    assert codes(await worker.measure("a", 0, (), WEBM, reader([mp4]))) == ["container_mismatch"]
    found = await worker.measure("b", 0, (), MP4, reader([webm]))
    assert codes(found) == ["container_mismatch"]
    assert found.container == WEBM


async def test_boxes_without_end(worker: MediaWorker, mp4: bytes) -> None:
    header, fragment, *_ = at_fragments(MP4, mp4)
    endless = header + box(b"free", 1 << 60)
    found = await measured(worker, "one", [endless, *[bytes(1_000_000)] * 5])
    assert totals(found) == (0, 0)
    many = b"\0\0\0\x08free" * 500_000
    assert totals({0: await measured_alone(worker, header + many + fragment, MP4)})[1] > 0
    nested = b"".join(box(b"moov", 1 << 40) for _ in range(50_000))
    assert totals({0: await measured_alone(worker, b"\0\0\0\x08ftyp" + nested, MP4)}) == (0, 0)


@pytest.mark.parametrize(("container", "codec"), [("mp4", "libx264"), ("webm", "libvpx-vp9")])
async def test_a_picture_of_enormous_size_is_not_decoded(
    worker: MediaWorker, container: str, codec: str
) -> None:
    bomb = encoded(container, codec, WIDE, HIGH, **FAST[codec])
    assert len(bomb) < 400_000
    found = await measured_alone(worker, bomb, f"video/{container}")
    assert "pixel_limit" in codes(found)
    assert found.key_frame is None
    assert peak_kb(worker) < 100_000


async def test_a_size_that_only_the_codec_tells(worker: MediaWorker) -> None:
    """The container says 320x240, the codec's own header says otherwise."""
    bomb = encoded("webm", "libvpx", WIDE, HIGH, **FAST["libvpx"])
    honest = encoded("webm", "libvpx", 320, 240)
    found_sizes = [honest.index(b"\xb0\x82\x01\x40"), honest.index(b"\xba\x81\xf0")]
    assert all(at > 0 for at in found_sizes)
    width, height = (WIDE).to_bytes(2, "big"), (HIGH).to_bytes(2, "big")
    disguised = bomb.replace(b"\xb0\x82" + width, b"\xb0\x82\x01\x40").replace(
        b"\xba\x82" + height, b"\xba\x82\0\xf0"
    )
    found = await measured_alone(worker, disguised, WEBM)
    assert found.video is not None
    assert (found.video.width, found.video.height) == (320, 240)
    assert found.key_frame is not None
    assert not found.key_frame.decoded
    assert "key_frame_undecodable" in codes(found)
    assert peak_kb(worker) < 100_000


async def test_many_tracks(worker: MediaWorker, mp4: bytes) -> None:
    header = at_fragments(MP4, mp4)[0]
    trak = header[header.index(b"trak") - 4 :]
    trak = trak[: int.from_bytes(trak[:4], "big")]
    moov_at = header.index(b"moov") - 4
    moov = header[moov_at : moov_at + int.from_bytes(header[moov_at : moov_at + 4], "big")]
    for more, code in ((9, "extra_tracks"), (3000, "memory_limit")):
        crowded = (len(moov) + more * len(trak)).to_bytes(4, "big") + moov[4:] + more * trak
        assert codes(await measured_alone(worker, mp4.replace(moov, crowded), MP4)) == [code]


async def test_a_title_that_is_no_text(worker: MediaWorker, mp4: bytes) -> None:
    mark = b"Lavf"
    assert mark in mp4
    found = await measured_alone(worker, mp4.replace(mark, b"\xff\xfe\xff\xc0"), MP4)
    assert found.problems == ()


async def test_damage_inside_a_fragment_spares_the_others(worker: MediaWorker, mp4: bytes) -> None:
    segments = at_fragments(MP4, mp4)
    noise = random.Random(3).randbytes(len(segments[2]) - 24)
    segments[2] = segments[2][:24] + noise
    found = await measured(worker, "run", segments)
    clean = await measured(worker, "clean", at_fragments(MP4, mp4))
    assert found[1] == clean[1]
    assert codes(found[2])
    last = max(found)
    assert totals({last: found[last]}) == totals({last: clean[last]})


async def test_any_flipped_byte_leaves_the_worker_able(worker: MediaWorker, mp4: bytes, webm: bytes) -> None:
    chance = random.Random(4)
    for container, run in ((MP4, mp4), (WEBM, webm)):
        for number in range(30):
            broken = bytearray(run[:60_000])
            for _ in range(chance.choice((1, 10, 1000))):
                broken[chance.randrange(8, len(broken))] = chance.randrange(256)
            await worker.measure(f"{container} {number}", 0, (), container, reader([bytes(broken)]))
    assert totals(await measured(worker, "clean", [mp4]))[0] > 0
    assert peak_kb(worker) < RSS_LIMIT_KB


async def test_too_large_a_segment_is_not_read() -> None:
    async with MediaWorker(Limits(segment_bytes=1000)) as worker:
        found = await worker.measure("run", 0, (), MP4, reader([bytes(1001)]))
        assert codes(found) == ["size_limit"]


@pytest.mark.parametrize(("kind", "count_at"), [(b"stsz", 12), (b"trun", 8)])
async def test_more_memory_than_allowed(worker: MediaWorker, mp4: bytes, kind: bytes, count_at: int) -> None:
    """A table that claims millions of entries, for which the reader makes room before it reads them."""
    at = mp4.index(kind) + count_at
    greedy = mp4[:at] + (0x3FF0000).to_bytes(4, "big") + mp4[at + 4 :]
    assert codes(await measured_alone(worker, greedy, MP4)) == ["memory_limit"]
    assert totals(await measured(worker, "clean", [mp4]))[0] > 0
