"""Cutting a container stream into whole slices."""

from __future__ import annotations

import itertools

import pytest

from phone_client.boxes import BoxError, Slice, SliceCutter, read_tracks
from phone_client.encode import EncoderSettings, RunEncoder
from tests.phone.sources import pictures, sound


@pytest.fixture(scope="module")
def slices() -> list[Slice]:
    """3 s of pictures and sound as the client's own muxer writes them."""
    frames = [*pictures(45, 5_000_000), *(sound(5_000_000 + n * 100_000, 4_800) for n in range(30))]
    frames.sort(key=lambda frame: frame.at_us)
    encoder = RunEncoder(pictures(1, 5_000_000)[0], True, EncoderSettings())
    found = [piece for frame in frames for piece in encoder.add(frame)]
    return found + encoder.finish()


def cut(stream: bytes, step: int) -> tuple[list[Slice], bytes]:
    cutter = SliceCutter()
    found = [
        piece for at in range(0, len(stream), step) for piece in cutter.feed(stream[at : at + step])
    ]
    return found, cutter.rest


@pytest.mark.parametrize("step", [1, 7, 1_000, 1 << 30])
def test_the_size_of_the_pieces_does_not_matter(slices: list[Slice], step: int) -> None:
    stream = b"".join(piece.raw for piece in slices)
    assert cut(stream, step) == (slices, b"")


def test_a_stream_begins_with_its_tracks_and_goes_on_with_media(slices: list[Slice]) -> None:
    assert slices[0].raw[4:8] == b"ftyp"
    assert slices[0].start_us is None
    assert {track.kind for track in read_tracks(slices[0].raw).values()} == {"vide", "soun"}
    assert all(piece.raw[4:8] == b"moof" for piece in slices[1:])


def test_slices_are_short_and_their_times_join(slices: list[Slice]) -> None:
    times = [(piece.start_us, piece.end_us) for piece in slices[1:]]
    assert times[0][0] == 100_000
    for (_, end), (start, _) in itertools.pairwise(times):
        assert end == start
    assert all(end - start <= 600_000 for start, end in times if start is not None and end is not None)


def test_what_is_torn_is_not_a_slice(slices: list[Slice]) -> None:
    stream = b"".join(piece.raw for piece in slices)
    whole = len(stream) - len(slices[-1].raw)
    for end in range(whole, len(stream)):
        found, rest = cut(stream[:end], 1 << 30)
        assert (found, rest) == (slices[:-1], stream[whole:end])


def test_a_stream_can_be_entered_in_the_middle(slices: list[Slice]) -> None:
    cutter = SliceCutter(read_tracks(slices[0].raw))
    assert cutter.feed(b"".join(piece.raw for piece in slices[3:])) == slices[3:]


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(b"\x00\x00\x00\x03moof", id="a box smaller than its header"),
        pytest.param(b"\x00\x00\x00\x0cmdat\x00\x00\x00\x00", id="media without its fragment"),
        pytest.param(b"\x00\x00\x00\x08moov", id="no track"),
        pytest.param(b"\x00\x00\x00\x10moov\x00\x00\x00\x40trak", id="a child past its parent"),
    ],
)
def test_anything_else_is_refused(damaged: bytes) -> None:
    with pytest.raises(BoxError):
        SliceCutter().feed(damaged)
