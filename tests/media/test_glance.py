"""Looking at recordings by key frames and a little of their sound, segment by segment and as a whole."""

from __future__ import annotations

import io
import random
import threading
from pathlib import Path

import av
import numpy as np
import pytest

from demo.camera import SAMPLE_RATE
from evidence_server.media.demuxer import Demuxer, Keep, Kept
from evidence_server.media.glance import FRAME_PIXELS, Glance, Glancer, Level
from evidence_server.media.inspection import inspect
from evidence_server.media.restart import MP4, WEBM
from tests.media.recordings import HEIGHT, SECONDS, WIDTH, at_fragments, encoded, every, silent_mp4

PIXELS = 4096 * 2304


def kept_of(container: str, segments: list[bytes]) -> list[Kept]:
    """What a demuxer keeps of each segment."""
    demuxer = Demuxer(container, Keep.GLANCE)
    thread = threading.Thread(target=demuxer.run)
    thread.start()
    kept = [demuxer.feed(segment).kept for segment in segments]
    kept.append(demuxer.end().kept)
    thread.join()
    return kept


def glanced(container: str, segments: list[bytes], **options: int) -> tuple[list[Glance], list[Level]]:
    glancer = Glancer(PIXELS, **options)
    glances: list[Glance] = []
    levels: list[Level] = []
    for kept in kept_of(container, segments):
        glances += [found for packet in kept.keys if (found := glancer.look(packet))]
        levels += glancer.listen(kept.sound)
    return glances, levels


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_frames_and_levels(request: pytest.FixtureRequest, form: str) -> None:
    run = request.getfixturevalue(form)
    container = {"mp4": MP4, "webm": WEBM}[form]
    glances, levels = glanced(container, at_fragments(container, run))
    assert [round(one.t_s) for one in glances] == [0, 2, 4]
    for glance in glances:
        assert glance.frame is not None
        assert glance.frame.bgr.shape == (HEIGHT, WIDTH, 3)
        assert 60 < glance.frame.luma.mean() < 200
        assert glance.luma is None
    assert len(levels) >= 2 * SECONDS - 1
    assert all(0.0005 < level.rms < 0.5 and level.rms <= level.peak for level in levels), levels


def test_the_frame_has_the_pictures_own_colours(mp4: bytes) -> None:
    glances, _ = glanced(MP4, [mp4])
    frame = glances[1].frame
    assert frame is not None
    with av.open(io.BytesIO(mp4)) as container:
        decoded = [picture.to_ndarray(format="bgr24") for picture in container.decode(video=0)]
    truth = decoded[30].astype(int)
    assert np.abs(frame.bgr.astype(int) - truth).mean() < 6


def test_segments_cut_anywhere_give_the_same(mp4: bytes) -> None:
    whole, cut = glanced(MP4, [mp4]), glanced(MP4, every(7_001, mp4))
    assert [one.t_s for one in whole[0]] == [one.t_s for one in cut[0]]
    assert len(cut[1]) >= len(whole[1])


def test_the_full_luma_of_every_second_key_frame(mp4: bytes) -> None:
    glances, _ = glanced(MP4, [mp4], luma_every=2)
    assert [one.luma is not None for one in glances] == [False, True, False]
    assert glances[1].luma is not None
    assert glances[1].luma.shape == (HEIGHT, WIDTH)


def test_what_is_not_asked_for_is_not_kept(mp4: bytes) -> None:
    demuxer = Demuxer(MP4)
    thread = threading.Thread(target=demuxer.run)
    thread.start()
    drained = demuxer.feed(mp4)
    demuxer.end()
    thread.join()
    assert drained.key_packet is not None
    assert drained.kept == Kept([], [], [])


def test_key_frames_in_haste_are_thinned() -> None:
    run = film(seconds=2, rate=15, gop=1)
    (kept, _) = kept_of(MP4, [run])
    assert len(kept.keys) <= 4


def test_4k_becomes_small() -> None:
    glances, _ = glanced(MP4, [encoded("mp4", "libx264", 3840, 2160, preset="ultrafast")])
    assert glances[0].frame is not None
    assert glances[0].frame.bgr.shape == (360, FRAME_PIXELS, 3)


def test_too_large_a_picture_is_not_decoded() -> None:
    bomb = encoded("mp4", "libx264", 8190, 2046, preset="ultrafast")
    glances, _ = glanced(MP4, [bomb])
    assert [one.frame for one in glances] == [None]
    assert "8190x2046" in glances[0].problem


def test_an_odd_size() -> None:
    glances, _ = glanced(WEBM, [encoded("webm", "libvpx", 321, 181, deadline="realtime")])
    assert glances[0].frame is not None
    assert glances[0].frame.bgr.shape == (180, 320, 3) or glances[0].frame.bgr.shape == (182, 322, 3)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_packets_are_answers(mp4: bytes, seed: int) -> None:
    chance = random.Random(seed)
    broken = bytearray(mp4)
    for _ in range(400):
        broken[chance.randrange(3000, len(broken))] = chance.randrange(256)
    glances, levels = glanced(MP4, [bytes(broken)])
    assert len(glances) <= 4
    assert all(np.isfinite(level.rms) for level in levels)


def film(seconds: int, rate: int, gop: int, sound: bool = False) -> bytes:
    """A grey film with a bar that wanders, and a tone if asked for."""
    out = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof", "frag_duration": "1000000"}
    with av.open(out, "w", format="mp4", options=options) as target:
        settings = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0"}
        pictures = target.add_stream("libx264", rate=rate, options=settings)
        pictures.width, pictures.height, pictures.pix_fmt, pictures.gop_size = 320, 240, "yuv420p", gop
        tone = target.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if sound else None
        for number in range(seconds * rate):
            picture = np.full((240, 320, 3), 120, np.uint8)
            picture[:, number * 7 % 300 :][:, :20] = 220
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            target.mux(pictures.encode(frame))
        target.mux(pictures.encode(None))
        if tone is not None:
            for second in range(seconds):
                wave = 0.1 * np.sin(np.arange(SAMPLE_RATE) * 0.05, dtype=np.float32)[None]
                frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
                frame.sample_rate, frame.pts = SAMPLE_RATE, second * SAMPLE_RATE
                target.mux(tone.encode(frame))
            target.mux(tone.encode(None))
    return out.getvalue()


def test_inspected_as_a_file(camera: Path) -> None:
    with camera.open("rb") as source:
        found = inspect(source, None)
    assert (found.looks, found.undecoded, found.problems) == (3, 0, ())
    assert abs(found.duration_s - SECONDS) < 0.2
    assert [span.kind for span in found.spans] == []


def test_without_sound_it_is_silent_from_end_to_end(camera: Path) -> None:
    found = inspect(io.BytesIO(silent_mp4(camera)), None)
    (span,) = found.spans
    assert (span.kind, span.start_s) == ("silent", 0.0)
    assert abs(span.end_s - SECONDS) < 0.2


def test_one_picture_a_second(camera: Path) -> None:
    found = inspect(io.BytesIO(film(seconds=20, rate=1, gop=2, sound=True)), None)
    assert found.looks == 10
    assert abs(found.duration_s - 20) <= 1


def test_no_key_frames_but_the_first() -> None:
    found = inspect(io.BytesIO(film(seconds=20, rate=10, gop=10_000, sound=True)), None)
    assert found.looks == 1
    assert found.spans == ()
    assert [(span.start_s, round(span.end_s)) for span in found.unchecked] == [(0.0, 20)]


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_file_that_is_cut_off_gives_what_there_is(mp4: bytes, part: float) -> None:
    found = inspect(io.BytesIO(mp4[: int(len(mp4) * part)]), None)
    assert 1 <= found.looks <= 3
    assert found.duration_s <= SECONDS + 0.2


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 1000, b"\0\0\0\x18ftypisom" + bytes(1000), b"\x1a\x45\xdf\xa3" * 99]
)
def test_what_is_no_recording(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        inspect(io.BytesIO(content), None)
