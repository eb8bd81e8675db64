"""The anchor's marker: a 24-bit code as a black square of 6 × 6 modules, and how far two markers are apart.

The square looks like an ArUco marker (Garrido-Jurado et al. 2014, doi:10.1016/j.patcog.2014.01.005): a white
quiet zone, a black border, both one module wide, and inside 36 modules, white for 1, row by row, the highest
bit first.  24 of them are the code and 12 its cyclic redundancy check, so that

- two codes differ in at least 6 modules (the tests count it): forgiving 2 wrong ones never turns a code into
  another;
- a random dark square passes for *some* marker once in 1,000 (4 rotations / 2¹²), for one of two *expected*
  ones with up to 2 modules forgiven once in 13 million (2 × 4 × 667 / 2³⁶);
- another sitting's marker is an expected one once in 8 million (2 / 2²⁴: the same code by chance), or passes
  for it on its side, 2 modules forgiven, once in 9 million (2 × 3 × 631 / 2³⁵: patterns have one parity).

This module draws too, for a server that must not load a picture library: it needs none.
"""

from __future__ import annotations

CODE_BITS = 24
CHECK_BITS = 12
SIDE = 6
"""Modules on a side that carry the bits."""
MODULES = SIDE + 4
"""Modules on a side with border and quiet zone."""
# x¹² + x⁸ + x⁷ + x⁶ + x⁵ + x² + x + 1, found by search: distance 6 at 36 bits.
_POLYNOMIAL = 0x11E7
# A linear code holds all zeros, and may hold stripes: the digits of pi keep plain squares from being markers.
_MASK = 0x243F6A888
_BITS = CODE_BITS + CHECK_BITS


def pattern(code: int) -> int:
    """The 36 modules of a code (0 ≤ code < 2²⁴) as a number, the top left module its highest bit.

    Raises ValueError for any other number.
    """
    if not 0 <= code < 1 << CODE_BITS:
        raise ValueError(f"a code has {CODE_BITS} bits")
    return (code << CHECK_BITS | _remainder(code << CHECK_BITS)) ^ _MASK


def code_of(modules: int) -> int | None:
    """The code whose pattern is exactly `modules`; None when its check does not fit."""
    plain = modules ^ _MASK
    return plain >> CHECK_BITS if 0 <= plain < 1 << _BITS and _remainder(plain) == 0 else None


def distance(one: int, other: int) -> int:
    """In how many modules two patterns differ."""
    return (one ^ other).bit_count()


def svg(code: int, module_px: int = 24) -> str:
    """The marker with its quiet zone as an SVG picture of 10 × 10 modules, `module_px` user units each.

    Raises ValueError if `code` is none.
    """
    side = MODULES * module_px
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" '
        f'viewBox="0 0 {MODULES} {MODULES}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{MODULES}v{MODULES}H0z"/>'
        f'<path fill="#000" d="M1 1h{SIDE + 2}v{SIDE + 2}H1z"/>'
        f'<path fill="#fff" d="{_white(pattern(code))}"/></svg>\n'
    )


def _white(modules: int) -> str:
    """The white modules as squares of an SVG path."""
    return "".join(
        f"M{2 + index % SIDE} {2 + index // SIDE}h1v1h-1z"
        for index in range(_BITS)
        if modules >> (_BITS - 1 - index) & 1
    )


def _remainder(bits: int) -> int:
    """What is left of a polynomial of up to 36 bits after division by the generator."""
    for shift in range(_BITS - 1, CHECK_BITS - 1, -1):
        if bits >> shift & 1:
            bits ^= _POLYNOMIAL << (shift - CHECK_BITS)
    return bits
