"""The packed set of digests does what Python's own dictionary does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairing.digests import Digests
from pairing.encoding import sha256_b64u

NUMBERS = st.lists(st.integers(0, 200), max_size=150)


def named(number: int) -> str:
    return sha256_b64u(str(number))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_each_once_and_numbered_as_it_came(first: list[int], second: list[int], asked: list[int]) -> None:
    """In one set, and in one that lies over another."""
    numbers: dict[str, int] = {}
    below = Digests()
    for digest in map(named, first):
        assert below.add(digest) == numbers.setdefault(digest, len(numbers))
    before = list(below)
    assert before == list(numbers)
    above = Digests(below)
    for digest in map(named, second):
        assert above.add(digest) == numbers.setdefault(digest, len(numbers))
    assert list(above) == list(numbers)
    assert len(above) == len(numbers)
    assert list(below) == before
    below.add(sha256_b64u("later"))  # what grows below is not seen above
    assert list(above) == list(numbers)
    assert sha256_b64u("later") not in above
    for digest in map(named, asked):
        assert above.number(digest) == numbers.get(digest)
        assert (digest in above) == (digest in numbers)
        assert (digest in below) == (digest in before)


@pytest.mark.parametrize("digest", ["", "no digest", "A" * 42, "A" * 44, named(1)[:-1] + "B", named(1) + "A"])
def test_what_is_no_digest_is_not_in_it(digest: str) -> None:
    digests = Digests()
    digests.add(named(1))
    assert digest not in digests
    assert digests.number(digest) is None
    with pytest.raises(ValueError, match=r"digest|base64url"):
        digests.add(digest)
    assert list(digests) == [named(1)]
