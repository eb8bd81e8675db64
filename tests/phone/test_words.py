"""What the client says, in both languages."""

from __future__ import annotations

import re
from importlib.resources import files
from io import StringIO

import pytest
from rich.console import Console

from pairing.errors import PairingError
from phone_client.ledger import Totals
from phone_client.progress import Lines, Screen, Snapshot, clock_face
from phone_client.record import RecorderState
from phone_client.sight import ALARMS, PLACE_CODES, SCAN_REASONS
from phone_client.wording import LANGUAGES, Wording


def names(language: str) -> dict[str, set[str]]:
    """The sentences of a language and the places in them."""
    text = files("phone_client").joinpath("locale", f"{language}.ftl").read_text("utf-8")
    found: dict[str, set[str]] = {}
    for block in re.split(r"\n(?=[a-z#])", text):
        if match := re.match(r"([a-z-]+) =", block):
            found[match.group(1)] = set(re.findall(r"\$([a-z]+)", block))
    return found


def snapshot(**changes: object) -> Snapshot:
    facts = {
        "recorder": RecorderState("recording"), "totals": Totals(5, 4, 3, 1_000_000, 20_000_000),
        "verified": 2, "left_ms": 3_725_000, "online": True, "bound": True, "ended": False,
        "digits": "123456",
    }
    return Snapshot(**(facts | changes))  # type: ignore[arg-type]


def told(language: str, *shown: Snapshot) -> str:
    out = StringIO()
    lines = Lines(Console(file=out, width=200), Wording(language), every=1)
    for now in shown:
        lines.show(now)
    return out.getvalue()


def test_both_languages_say_the_same_things() -> None:
    chinese, english = names("zh-CN"), names("en")
    assert chinese == english
    assert len(chinese) > 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_says_what_happened_and_what_to_do(language: str) -> None:
    row = PairingError("offer_used").row
    said = Wording(language).refusal(PairingError("offer_used"))
    assert row.says[language] in said
    assert row.do[language] in said


REASONS = {
    "no_recording": {},
    "missing_media": {"segments": 3, "start_ms": 1_000, "end_ms": 61_000},
    "gap_too_long": {"start_ms": 1_000, "end_ms": 61_000, "length_ms": 60_000, "cause": "call"},
    "gaps_too_long": {"total_ms": 61_400, "limit_ms": 60_000},
    "undecodable_media": {"segments": 1, "start_ms": 1_000, "end_ms": 61_000},
    "scan_missing": {},
    "scan_repeat": {"why": ["too_fast", "something_new"]},
    "scan_review": {"why": []},
    "scan_not_measured": {},
    "placement_failed": {"missing": ["desk"]},
    "placement_missing": {},
    "placement_not_measured": {},
    "continuity_failed": {"kind": "absent", "start_ms": 1_000, "end_ms": 61_000},
    "continuity_not_measured": {},
    "anchor_failed": {"why": "not_seen", "start_ms": 1_000, "end_ms": 61_000},
    "anchor_not_measured": {},
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", REASONS)
def test_every_reason_of_a_verdict_is_said_with_its_figures(language: str, code: str) -> None:
    facts: dict[str, object] = REASONS[code]
    said = Wording(language).reason({"code": code} | facts)
    assert code not in said
    for name, figure in (("segments", "3"), ("length_ms", "60"), ("limit_ms", "60"), ("cause", "call")):
        if name in facts and facts[name] != 1:
            assert figure in said
    if "start_ms" in facts:
        assert re.search(r"\d\d:\d\d:01", said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_the_measurements_has_its_words(language: str) -> None:
    wanted = {f"scan-why-{code}" for code in SCAN_REASONS} | {f"place-why-{code}" for code in PLACE_CODES}
    wanted |= {f"alarm-{kind}" for kind in ALARMS}
    assert {name.replace("_", "-") for name in wanted} <= names(language).keys()


def test_a_measured_reason_says_what_it_names() -> None:
    said = Wording("en").reason({"code": "scan_repeat", "why": ["too_fast", "dark", "something_new"]})
    assert said == "The room scan has to be repeated: too fast, too dark."
    absent = {"code": "continuity_failed", "kind": "absent", "start_ms": 1_000, "end_ms": 2_000}
    assert Wording("en").reason(absent).endswith(": nobody in the picture.")
    assert Wording("en").reason(absent | {"kind": ["?"]}).endswith(": –.")


def test_a_reason_of_a_newer_server_is_named_by_its_code() -> None:
    assert Wording("en").reason({"code": "moon_phase", "days": 3}) == "moon_phase"


def test_a_language_there_is_none_of() -> None:
    with pytest.raises(ValueError, match="fr"):
        Wording("fr")


def test_a_sentence_that_is_missing_or_lacks_a_place_is_a_fault() -> None:
    with pytest.raises(LookupError):
        Wording("en")("no-such-sentence")
    with pytest.raises(KeyError, match="bound"):
        Wording("en")("bound")


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["recorded 0:00:20 (5)", "committed 4 of 5", "stored 3 of 5", "verified 2 of 5", "1:02:05"]),
     ("zh-CN", ["已录制 0:00:20 (5)", "已登记 4 / 5", "已存储 3 / 5", "已核验 2 / 5", "1:02:05"])],
)
def test_the_numbers_are_all_there(language: str, words: list[str]) -> None:
    said = told(language, snapshot())
    assert all(word in said for word in words), said


def test_changes_are_told_once() -> None:
    lost = snapshot(recorder=RecorderState("interrupted", "camera_lost", "unplugged"))
    away = snapshot(online=False)
    stopped = snapshot(online=False, recorder=RecorderState("stopped"))
    said = told("en", snapshot(), snapshot(), lost, lost, away, snapshot(ended=True), stopped)
    assert said.count("Recording. Keep this running") == 2
    assert said.count("NOT recording (camera_lost): unplugged") == 1
    assert said.count("No network. The recording goes on") == 1
    assert said.count("No network. What was recorded") == 1
    assert said.count("The network is back.") == 1
    assert said.count("The exam is over.") == 1


def test_the_screen_shows_the_same_numbers() -> None:
    out = StringIO()
    console = Console(file=out, width=100, force_terminal=True)
    with Screen(console, Wording("en")) as screen:
        screen.show(snapshot(recorder=RecorderState("recording", dropped=7)))
        screen.say("bound", sitting="s_1")
    said = out.getvalue()
    assert "3 of 5" in said
    assert "frames lost" in said
    assert "bound to sitting s_1" in said


@pytest.mark.parametrize(
    ("ms", "face"), [(0, "0:00:00"), (3_599_999, "0:59:59"), (-400, "0:00:00"), (-61_000, "-0:01:01")]
)
def test_time_left(ms: int, face: str) -> None:
    assert clock_face(ms) == face
