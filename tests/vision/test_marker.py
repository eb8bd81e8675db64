"""The marker's code: how far two are apart, and what its picture says."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_server.vision import marker

CODES = st.integers(0, 2**marker.CODE_BITS - 1)


@given(CODES)
def test_a_pattern_names_its_code(code: int) -> None:
    pattern = marker.pattern(code)
    assert 0 <= pattern < 2**36
    assert marker.code_of(pattern) == code


def test_two_codes_differ_in_at_least_six_modules() -> None:
    """The code is linear: what counts is how few modules, all wrong at once, leave the check as it was."""
    zero = marker.pattern(0)
    words = [marker.pattern(1 << bit) ^ zero for bit in range(marker.CODE_BITS)]
    checks = [word & 0xFFF for word in words] + [1 << bit for bit in range(marker.CHECK_BITS)]
    assert 0 not in checks, "a single module goes unnoticed"
    pairs = {one ^ other for one, other in combinations(checks, 2)}
    assert len(set(checks)) == 36, "two modules cancel out"
    assert len(pairs) == 36 * 35 // 2, "four modules cancel out"
    assert not pairs & set(checks), "three modules cancel out"
    # with every word even, five can't
    assert all(word.bit_count() % 2 == 0 for word in words)


@given(CODES, st.sets(st.integers(0, 35), min_size=1, max_size=5))
def test_up_to_five_wrong_modules_are_noticed(code: int, wrong: set[int]) -> None:
    pattern = marker.pattern(code)
    assert marker.code_of(pattern ^ sum(1 << bit for bit in wrong)) is None


@pytest.mark.parametrize("plain", ["0" * 36, "1" * 36, "01" * 18, "000111" * 6, "010101101010" * 3])
def test_plain_squares_and_stripes_are_no_markers(plain: str) -> None:
    assert marker.code_of(int(plain, 2)) is None


@pytest.mark.parametrize("number", [-1, 2**24])
def test_only_24_bits_are_a_code(number: int) -> None:
    with pytest.raises(ValueError, match="24 bits"):
        marker.pattern(number)


@pytest.mark.parametrize("number", [-1, 2**36, 2**60])
def test_only_36_bits_are_a_pattern(number: int) -> None:
    assert marker.code_of(number) is None


def test_the_picture_has_a_white_zone_a_black_border_and_the_bits() -> None:
    code = 0xA5F00D
    root = ElementTree.fromstring(marker.svg(code, 10))
    assert (root.get("width"), root.get("viewBox")) == ("100", "0 0 10 10")
    ground, border, bits = root
    assert (ground.get("fill"), border.get("d")) == ("#fff", "M1 1h8v8H1z")
    drawn = str(bits.get("d")).removesuffix("h1v1h-1z").split("h1v1h-1z")
    places = {tuple(int(part) for part in one[1:].split()) for one in drawn}
    pattern = f"{marker.pattern(code):036b}"
    assert places == {(2 + at % 6, 2 + at // 6) for at, bit in enumerate(pattern) if bit == "1"}
