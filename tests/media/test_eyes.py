"""The eye as the server runs it: a limited process that is fed segments, and answers scans and placements."""

from __future__ import annotations

import io
import random
from collections.abc import AsyncIterator, Sequence
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
import pytest
import pytest_asyncio
from skimage import data

from evidence_server.media.eyes import Eyes
from evidence_server.media.inspection import inspect
from evidence_server.media.restart import MP4, WEBM
from evidence_server.vision import marker
from tests.media.recordings import at_fragments, encoded, reader
from tests.vision.scan_room import film, turn

RATE = 8
CODE = 0x123456
GRAIN = list(np.random.default_rng(8).integers(0, 255, (4 * RATE, 96, 64, 3), np.uint8))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def eyes() -> AsyncIterator[Eyes]:
    async with Eyes() as eyes:
        yield eyes


def recorded(
    pictures: Sequence[np.ndarray], rate: int = RATE, rotation: int = 0, numbers: Sequence[int] = (),
) -> list[bytes]:
    """The pictures as a phone's recorder sends them: fragmented MP4, a key frame every two seconds; those of
    these `numbers`, if given, in whose place the others are missing."""
    out = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof+frag_keyframe"}
    with av.open(out, "w", format="mp4", options=options) as file:
        stream = file.add_stream("libx264", rate=rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.gop_size, stream.bit_rate = "yuv420p", 2 * rate, 1_000_000
        stream.options = {"preset": "ultrafast", "tune": "zerolatency"}
        if rotation:
            stream.set_display_rotation(rotation)
        for number, picture in zip(numbers or range(len(pictures)), pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return at_fragments(MP4, out.getvalue())


async def scanned(eyes: Eyes, name: str, pieces: Sequence[bytes], from_us: int = 0) -> dict[str, Any]:
    """What the eye answers to a scan in these pieces."""
    for number in range(len(pieces)):
        await eyes.follow(
            name, number, range(number), MP4, reader(pieces), kind="scan", from_us=from_us, to_us=None
        )
    answer = await eyes.conclude(name, orientation=[])
    assert answer is not None
    return answer


@pytest.fixture(scope="module")
def whole_turn() -> list[np.ndarray]:
    return [frame.bgr for frame in film(turn(376), RATE)]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_scan_is_followed_and_answered(eyes: Eyes, whole_turn: list[np.ndarray]) -> None:
    pieces = recorded(whole_turn)
    far = []
    for number in range(len(pieces)):
        seen = await eyes.follow(
            "turn", number, range(number), MP4, reader(pieces), kind="scan", from_us=0, to_us=None
        )
        far.append(seen["progress"]["yaw_deg"])
    assert far == sorted(far)
    assert far[-1] > 270
    answer = await eyes.conclude("turn", orientation=[])
    assert answer is not None
    result = answer["result"]
    assert (result["accepted"], result["closed"], len(result["sectors_covered"])) == ("accept", True, 36)
    assert abs(result["net_yaw_deg"] - 376) <= 4
    strip = cv2.imdecode(np.frombuffer(answer["picture"], np.uint8), cv2.IMREAD_COLOR)
    assert strip is not None
    assert strip.shape[1] > 1_000
    assert await eyes.conclude("turn", orientation=[]) is None  # answered once, then forgotten


@pytest.mark.asyncio(loop_scope="module")
async def test_only_the_marked_stretch_is_the_scan(eyes: Eyes, whole_turn: list[np.ndarray]) -> None:
    half = len(whole_turn) // 2
    answer = await scanned(eyes, "half", recorded(whole_turn), half * 1_000_000 // RATE)
    assert answer["result"]["accepted"] == "repeat"
    assert not answer["result"]["closed"]
    assert answer["result"]["duration_ms"] < 7_500


@pytest.mark.asyncio(loop_scope="module")
async def test_a_phone_that_records_lying_down_is_turned_upright(
    eyes: Eyes, whole_turn: list[np.ndarray]
) -> None:
    lying = [np.ascontiguousarray(np.rot90(picture, -1)) for picture in whole_turn]
    answer = await scanned(eyes, "lying", recorded(lying, rotation=90))
    assert answer["result"]["face_percent"] > 80, answer["result"]


def desk(first: int, count: int) -> list[np.ndarray]:
    """Pictures of somebody upright in front of a wall, 640 x 360, whose head moves; numbered from `first`."""
    wall = cv2.resize(data.coffee(), (720, 440))[..., ::-1]
    person = cv2.resize(np.ascontiguousarray(data.astronaut()[:340, 90:350, ::-1]), (153, 200))
    grain, pictures = np.random.default_rng(first), []
    for number in range(first, first + count):
        picture = wall[40:400, 40:680].copy()
        left, top = 250 + 9 * (number // RATE % 3), 100 + 5 * (number // RATE % 2)
        picture[top : top + 200, left : left + 153] = person
        pictures.append(np.clip(picture + grain.normal(0, 2, picture.shape), 0, 255).astype(np.uint8))
    return pictures


def lying(pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
    """As a phone codes them that says: turn by 90 degrees counter-clockwise."""
    return [np.ascontiguousarray(np.rot90(picture, -1)) for picture in pictures]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_phone_that_was_put_lying_down_is_turned_upright(eyes: Eyes) -> None:
    upright = desk(0, 6 * RATE)
    pieces = recorded(lying(upright), rotation=90)
    name = "put lying"
    for number in range(len(pieces)):
        await eyes.follow(
            name, number, range(number), MP4, reader(pieces), kind="placement", from_us=0, to_us=6_000_000
        )
    answer = await eyes.conclude(name)
    assert answer is not None
    assert "candidate" not in answer["result"]["missing"]
    assert shows(answer["picture"], upright[4 * RATE]) > 0.9  # the last key frame


def shows(jpeg: bytes, picture: np.ndarray) -> float:
    """How well what a person is shown correlates with the picture; 0 if it has not even its shape."""
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    if shown is None or (shown.shape[1] > shown.shape[0]) != (picture.shape[1] > picture.shape[0]):
        return 0.0
    fitted = cv2.resize(picture[..., 1], shown.shape[::-1], interpolation=cv2.INTER_AREA)
    return float(np.corrcoef(shown.ravel(), fitted.ravel())[0, 1])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("rotation", [90, -90, 180])
async def test_a_recording_is_looked_through_upright(eyes: Eyes, rotation: int) -> None:
    """Of a picture that stands still a person is shown a thumbnail, by the eye and by inspection alike."""
    (upright,) = desk(0, 1)
    coded = np.ascontiguousarray(np.rot90(upright, -rotation // 90))
    pieces = recorded([coded] * (20 * RATE), rotation=rotation)
    shown = []
    for number in range(len(pieces)):
        seen = await eyes.follow(
            f"still {rotation}", number, range(number), MP4, reader(pieces), kind="run", codes=[], fresh_us=[]
        )
        shown += [one["jpeg"] for one in seen["pictures"] if one["kind"] == "frozen"]
    spans = inspect(io.BytesIO(b"".join(pieces)), None).spans
    shown += [span.picture for span in spans if span.kind == "frozen" and span.picture]
    assert len(shown) == 2
    assert min(shows(jpeg, upright) for jpeg in shown) > 0.9


@pytest.mark.asyncio(loop_scope="module")
async def test_a_run_is_looked_through_with_its_markers(eyes: Eyes) -> None:
    """Eight seconds of a room with the marker, then eight of nothing."""
    room = cv2.resize(np.random.default_rng(3).integers(40, 200, (9, 16, 3), np.uint8), (640, 360))
    for row in range(10):
        for column in range(10):
            inside = 1 <= row <= 8 and 1 <= column <= 8
            white = not inside
            if 2 <= row <= 7 and 2 <= column <= 7:
                white = bool(marker.pattern(CODE) >> (35 - (row - 2) * 6 - (column - 2)) & 1)
            room[100 + 8 * row : 108 + 8 * row, 200 + 8 * column : 208 + 8 * column] = 255 if white else 0
    grain = np.random.default_rng(4)
    shown = [np.clip(room + grain.normal(0, 2, room.shape), 0, 255).astype(np.uint8) for _ in range(8 * RATE)]
    nothing = [np.zeros_like(room)] * (8 * RATE)
    pieces = recorded(shown + nothing)
    seen: dict[str, Any] = {}
    markers = []
    for number in range(len(pieces)):
        seen = await eyes.follow(
            "room", number, range(number), MP4, reader(pieces), kind="run", codes=[CODE], fresh_us=[]
        )
        markers += seen["markers"]
    assert [codes for _, *codes in markers] == [[CODE], []]
    black = [span for span in seen["open"] + seen["closed"] if span["kind"] == "black"]
    assert [round(span["start_us"] / 1e6) for span in black] in ([7], [8])


@pytest.mark.asyncio(loop_scope="module")
async def test_where_the_phone_was_put(eyes: Eyes, whole_turn: list[np.ndarray]) -> None:
    pieces = recorded(whole_turn[:1] * (6 * RATE))
    for number in range(len(pieces)):
        await eyes.follow(
            "put", number, range(number), MP4, reader(pieces), kind="placement", from_us=0, to_us=6_000_000
        )
    answer = await eyes.conclude("put")
    assert answer is not None
    assert answer["result"]["ok"] is False
    assert {"screen", "desk"} <= set(answer["result"]["missing"])
    assert "candidate" not in answer["result"]["missing"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("content", "container"), [
    (b"", MP4), (b"\0" * 100_000, MP4), (random.Random(1).randbytes(100_000), WEBM),
    (b"\x1a\x45\xdf\xa3" + random.Random(2).randbytes(100_000), WEBM),
    (recorded([np.zeros((64, 48, 3), np.uint8)])[0][:400], MP4),
    (encoded("mp4", "libx264", 8190, 2046, preset="ultrafast"), MP4),
    (b"".join(recorded([np.zeros((64, 48, 3), np.uint8)] * 3, rate=1)), MP4),
    (b"".join(recorded(GRAIN, rotation=37)), MP4),
    (b"".join(recorded(GRAIN, numbers=[number * number for number in range(len(GRAIN))])), MP4),
    (b"".join(recorded([np.full((2160, 3840, 3), 90, np.uint8)] * RATE)), MP4),
], ids=[
    "empty", "zeros", "noise", "webm-noise", "cut", "huge", "one-a-second", "rotated-oddly", "variable-rate",
    "4K",
])  # fmt: skip
@pytest.mark.parametrize("kind", ["scan", "placement", "run"])
async def test_hostile_media_passes_nothing(eyes: Eyes, kind: str, content: bytes, container: str) -> None:
    """It does not crash the eye for good, and it never passes: the next one is answered as ever."""
    facts = {"kind": kind, "from_us": 0, "to_us": 60_000_000, "codes": [], "fresh_us": []}
    name = f"hostile {kind} {len(content)}"
    seen = await eyes.follow(name, 0, (), container, reader([content]), **facts)
    answer = await eyes.conclude(name, orientation=[])
    if kind != "run":
        result = (answer or {}).get("result", {})
        assert result.get("accepted", "repeat") == "repeat"
        assert not result.get("ok", False)
    assert not seen.get("markers") or not seen["markers"][0][1:]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_killed_eye_is_fed_again(eyes: Eyes, whole_turn: list[np.ndarray]) -> None:
    pieces = recorded(whole_turn)
    for number in range(len(pieces) - 1):
        await eyes.follow(
            "again", number, range(number), MP4, reader(pieces), kind="scan", from_us=0, to_us=None
        )
    await eyes.stop()
    last = len(pieces) - 1
    seen = await eyes.follow(
        "again", last, range(last), MP4, reader(pieces), kind="scan", from_us=0, to_us=None
    )
    assert seen["progress"]["yaw_deg"] > 270
    assert await eyes.conclude("again", orientation=[]) is not None
