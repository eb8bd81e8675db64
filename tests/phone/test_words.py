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
from phone_client.wording import LANGUAGES, Wording


def names(language: str) -> dict[str, set[str]]:
    """The sentences of a language and the places in them."""
    text = files("phone_client").joinpath("locale", f"{language}.ftl").read_text("utf-8")
    found: dict[str, set[str]] = {}
    for block in re.split(r"\n(?=[a-z#])", text):
        if match := re.match(r"([a-z-]+) = ", block):
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
    said = told("en", snapshot(), snapshot(), lost, lost, snapshot(online=False), snapshot(ended=True))
    assert said.count("Recording. Keep this running") == 2
    assert said.count("NOT recording (camera_lost): unplugged") == 1
    assert said.count("No network.") == 1
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


@pytest.mark.parametrize(("ms", "face"), [(0, "0:00:00"), (3_599_999, "0:59:59"), (-61_000, "-0:01:01")])
def test_time_left(ms: int, face: str) -> None:
    assert clock_face(ms) == face
