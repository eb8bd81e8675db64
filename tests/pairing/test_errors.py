"""The table of refusals: complete, in both languages, and the only one."""

from __future__ import annotations

import re
from http import HTTPStatus
from pathlib import Path

import pytest

from pairing.errors import ERRORS, ErrorRow, Fault, PairingError, refusals_table
from tests.pairing.refusals import Raised, raised_in

ROOT = Path(__file__).parents[2]
PACKAGES = ("pairing", "evidence_server", "phone_client")
RAISED = [
    raised
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if path != ROOT / "pairing" / "errors.py"
    for raised in raised_in(path)
]
TUS_CHECKSUM_MISMATCH = 460  # tus 1.0, checksum extension
ALLOWED_STATUSES = {status.value for status in HTTPStatus if status >= 400} | {TUS_CHECKSUM_MISMATCH}
HAN = re.compile(r"[\u4e00-\u9fff]")
every_row = pytest.mark.parametrize(("code", "row"), ERRORS.items(), ids=list(ERRORS))


def test_codes_are_found_where_they_are_raised() -> None:
    assert len(RAISED) > 100
    assert {Path(raised.place).relative_to(ROOT).parts[0] for raised in RAISED} == set(PACKAGES)


def test_each_code_that_is_raised_has_a_row() -> None:
    codes = {raised.place: (raised.codes or frozenset()) - ERRORS.keys() for raised in RAISED}
    assert {place: strangers for place, strangers in codes.items() if strangers} == {}


def test_each_row_is_of_a_code_that_is_raised() -> None:
    """The phone's client counts: it shows one that the server never answers with."""
    assert ERRORS.keys() - {code for raised in RAISED for code in raised.codes or ()} == set()


def test_reading_tells_each_code_that_is_raised() -> None:
    assert [raised.place for raised in RAISED if raised.codes is None] == []


@every_row
def test_a_row_has_both_languages(code: str, row: ErrorRow) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    for texts in (row.says, row.do):
        assert texts.keys() == {"zh-CN", "en"}
        assert re.fullmatch(r"[A-Z].*\S\.", texts["en"])
        assert not HAN.search(texts["en"])
        assert re.fullmatch(r"\S.*。", texts["zh-CN"])
        assert HAN.search(texts["zh-CN"])
    assert row.says["en"] != row.do["en"]
    assert row.says["zh-CN"] != row.do["zh-CN"]


@every_row
def test_a_row_has_a_status_that_fits_its_fault(code: str, row: ErrorRow) -> None:
    assert row.status in ALLOWED_STATUSES
    if row.fault is Fault.SERVICE:
        assert row.status >= 500, f"{code}: clients retry 5xx"
    if row.status < 500:
        assert row.fault in {Fault.PEER, Fault.NOBODY}


def test_no_two_rows_say_the_same() -> None:
    for language in ("zh-CN", "en"):
        said = [row.says[language] for row in ERRORS.values()]
        assert len(set(said)) == len(said)


def test_the_protocol_holds_the_table() -> None:
    assert refusals_table() in (ROOT / "protocol.md").read_text(encoding="utf-8"), "python -m pairing.errors"


def test_a_refusal_is_its_row() -> None:
    refusal = PairingError("chain_broken", "entry 3 comes next", run=1, seq=3)
    assert (refusal.code, refusal.detail) == ("chain_broken", "entry 3 comes next")
    assert refusal.extra == {"run": 1, "seq": 3}
    assert refusal.row is ERRORS["chain_broken"]
    assert str(refusal) == "chain_broken: entry 3 comes next"
    assert str(PairingError("busy")) == f"busy: {ERRORS['busy'].says['en']}"


SOURCE = """
TABLE = {1: "one", 2: "two"}
def literal():
    raise PairingError("literal", "detail")
def either(full):
    raise errors.PairingError("yes" if full else "no")
def looked_up(number):
    raise PairingError(TABLE[number])
def handed_on(place, code):
    raise PairingError(code)
def handing():
    handed_on(1, "first")
    handed_on(2, "second")
def asked(code):
    if code in ERRORS:
        raise PairingError(code)
def unknown(answer):
    raise PairingError(answer.code)
"""


def test_how_codes_are_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(SOURCE, encoding="utf-8")
    assert list(raised_in(module)) == [
        Raised(f"{module}:4", frozenset({"literal"})),
        Raised(f"{module}:6", frozenset({"yes", "no"})),
        Raised(f"{module}:8", frozenset({"one", "two"})),
        Raised(f"{module}:10", frozenset({"first", "second"})),
        Raised(f"{module}:16", frozenset()),
        Raised(f"{module}:18", None),
    ]
