"""The carry file: what is written is read, and no file brings anything but `carry_invalid`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from functools import partial

import pytest

from pairing.carry import MAX_LINES, Carry, open_carry, write_carry
from pairing.errors import PairingError
from pairing.jws import MAX_RECORD
from tests.vectors.signing import name_of

ENTRIES = ("a.b.c", "d.e.f")
MEDIA = {name_of(content): content for content in (b"first", b"", b"third" * 1_000)}
CARRY = b'{"sitting":"s_1","generation":2}'


def written(manifest: str | None = "m.m.m") -> bytes:
    """A carry file of two entries and three segments."""
    file = io.BytesIO()
    segments = [(name, partial(MEDIA.__getitem__, name)) for name in MEDIA]
    write_carry(file, "s_1", 2, ENTRIES, manifest, segments)
    return file.getvalue()


def zipped(compression: int = zipfile.ZIP_STORED, **files: bytes) -> bytes:
    """Any ZIP, by its files' names (`_` for a dot)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return file.getvalue()


def opened(raw: bytes) -> Carry:
    return open_carry(zipfile.ZipFile(io.BytesIO(raw)))


def encrypted(raw: bytes) -> bytes:
    """The same ZIP with every entry said to be encrypted."""
    flagged = bytearray(raw)
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for at in _places(raw, signature):
            flagged[at + flags_at] |= 1
    return bytes(flagged)


def _places(raw: bytes, signature: bytes) -> Iterator[int]:
    at = raw.find(signature)
    while at >= 0:
        yield at
        at = raw.find(signature, at + 1)


@pytest.mark.parametrize("manifest", ["m.m.m", None])
def test_what_is_written_is_read(manifest: str | None) -> None:
    carry = opened(written(manifest))
    assert (carry.sitting, carry.generation) == ("s_1", 2)
    assert (carry.entries, carry.manifest) == (ENTRIES, manifest)
    assert dict(carry.segments()) == MEDIA


@pytest.mark.parametrize(
    "raw",
    [
        zipped(), zipped(carry_json=CARRY), zipped(entries_txt=b""),
        zipped(carry_json=b"[]", entries_txt=b""), zipped(carry_json=CARRY + b"}", entries_txt=b""),
        zipped(carry_json=b'{"sitting":"s_1"}', entries_txt=b""),
        zipped(carry_json=b'{"sitting":"../s","generation":1}', entries_txt=b""),
        zipped(carry_json=CARRY + b" " * 4_096, entries_txt=b""),
        zipped(carry_json=CARRY, entries_txt=b"a.b.c\n" * (MAX_LINES + 1)),
        zipped(carry_json=CARRY, entries_txt=b"", manifest_jws=b"x" * (MAX_RECORD + 1)),
        zipped(zipfile.ZIP_DEFLATED, carry_json=CARRY, entries_txt=b"a.b.c\n"),
        encrypted(written()),
    ],
    ids=[
        "empty", "no entries", "no carry.json", "a list", "no JSON", "no generation", "a path for a sitting",
        "carry.json too long", "too many entries", "manifest too long", "compressed", "encrypted",
    ],
)  # fmt: skip
def test_what_is_no_carry_file(raw: bytes) -> None:
    with pytest.raises(PairingError) as refusal:
        opened(raw)
    assert refusal.value.code == "carry_invalid"


def test_a_segment_that_cannot_be_read_is_passed_over() -> None:
    raw = written()
    at = raw.index(b"third")
    carry = opened(raw[:at] + b"X" + raw[at + 1 :])
    assert [content for _, content in carry.segments()] == [b"first", b""]


def test_no_flipped_bit_raises_anything_else() -> None:
    """Beyond what opening the archive raises, which is its opener's to catch."""
    raw = written()
    for place, byte in enumerate(raw):
        if raw[place : place + 5] in b"thirdthird":
            continue  # a thousand times the same
        for bit in range(8):
            flipped = raw[:place] + bytes([byte ^ 1 << bit]) + raw[place + 1 :]
            try:
                archive = zipfile.ZipFile(io.BytesIO(flipped))
            except (zipfile.BadZipFile, NotImplementedError):
                continue
            try:
                segments = list(open_carry(archive).segments())
            except PairingError as refusal:
                assert refusal.code == "carry_invalid"  # noqa: PT017  either outcome is right
            else:
                assert {content for _, content in segments} <= set(MEDIA.values())
