"""One flipped bit, anywhere in the file: the bundle does not hold, and the segment it hit is named."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence_server.proof import Proof, prove

_FIXTURES = (HealthCheck.function_scoped_fixture,)
_LOCAL_HEADER = 30
"""Bytes of a ZIP's local file header in front of the name (APPNOTE.TXT 4.3.7)."""
_DESCRIPTOR = 16
"""Bytes of the data descriptor behind an entry that was streamed (4.3.9)."""


def flipped(bundle: Path, folder: Path, bit: int) -> Proof:
    """What is found with that bit of the file flipped."""
    content = bytearray(bundle.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path = folder / "flipped.zip"
    path.write_bytes(content)
    return prove(path)


def regions(bundle: Path) -> dict[str, range]:
    """The file's bytes by what they are: each entry's header, content and descriptor, the directory."""
    found: dict[str, range] = {}
    with zipfile.ZipFile(bundle) as archive:
        for entry in archive.infolist():
            start = entry.header_offset + _LOCAL_HEADER + len(entry.filename)
            found[f"header of {entry.filename}"] = range(entry.header_offset, start)
            stop = start + entry.file_size
            found[entry.filename] = range(start, stop)
            found[f"descriptor of {entry.filename}"] = range(stop, stop + _DESCRIPTOR)
        end = bundle.stat().st_size - 22
        found["directory"] = range(archive.start_dir, end)
        found["end"] = range(end, end + 22)
    return found


def test_the_regions_are_the_whole_file(bundle: Path) -> None:
    covered = sorted((span.start, span.stop) for span in regions(bundle).values())
    assert [start for start, _ in covered] == [0, *(stop for _, stop in covered[:-1])]
    assert covered[-1][1] == bundle.stat().st_size


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=_FIXTURES)
def test_a_bit_anywhere(bundle: Path, tmp_path: Path, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, bundle.stat().st_size * 8 - 1))
    assert not flipped(bundle, tmp_path, bit).holds


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=_FIXTURES)
def test_a_bit_of_every_region(bundle: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Small regions get as many examples as large ones."""
    name, span = data.draw(st.sampled_from(sorted(regions(bundle).items(), key=lambda item: item[0])))
    bit = data.draw(st.integers(span.start * 8, span.stop * 8 - 1))
    proof = flipped(bundle, tmp_path, bit)
    assert not proof.holds
    if name.startswith("media/"):
        says = " ".join(finding.says for finding in proof.findings if not finding.holds)
        assert name in says


@pytest.mark.parametrize("byte", range(22))
def test_every_bit_of_the_end_of_the_directory(bundle: Path, tmp_path: Path, byte: int) -> None:
    end = regions(bundle)["end"]
    for bit in range(8):
        assert not flipped(bundle, tmp_path, (end.start + byte) * 8 + bit).holds
