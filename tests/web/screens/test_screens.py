"""Every face of the phone's page in a real Chromium: what it says, who can read it, what its buttons do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from phone_client.bind import read_qr
from tests.page.browser import chromium
from tests.web.screens.stage import phone, serving, show
from tests.web.screens.states import MINUTE, NOW, STATES, alarm

pytestmark = pytest.mark.asyncio(loop_scope="module")
AXE = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
ALL_RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}

# Each face's screen, colour and title.
FACES: dict[str, tuple[str, str, str]] = {
    "fit-wechat": ("fit", "idle", "WeChat can't record your exam"),
    "fit-ios-no-recorder": ("fit", "idle", "This browser can't record"),
    "fit-private": ("fit", "idle", "A private window forgets the recording"),
    "bind": ("bind", "idle", "Connect this phone"),
    "bind-refused": ("bind", "idle", "Connect this phone"),
    "bind-claiming": ("bind", "idle", "Connecting…"),
    "bind-claiming-away": ("bind", "idle", "Connecting…"),
    "consent": ("consent", "idle", "May this phone record your exam?"),
    "consent-declined": ("consent", "idle", "Nothing is recorded"),
    "preflight-first": ("preflight", "idle", "Check the phone"),
    "preflight-ready": ("preflight", "idle", "Check the phone"),
    "preflight-failed": ("preflight", "idle", "Check the phone"),
    "preflight-opening": ("preflight", "idle", "Opening the camera…"),
    "confirm": ("confirm", "recording", "Is the same number on the laptop?"),
    "confirm-offline": ("confirm", "offline", "Is the same number on the laptop?"),
    "scan-ready": ("scan", "recording", "Show the room once around"),
    "scan-turning": ("scan", "recording", "Turn to the right, slowly"),
    "scan-too-fast": ("scan", "recording", "Turn to the right, slowly"),
    "scan-looking": ("scan", "recording", "The server is looking at it"),
    "scan-late": ("scan", "recording", "The server has not answered yet"),
    "scan-offline": ("scan", "offline", "No network: you may go on"),
    "scan-accept": ("scan", "recording", "The room scan is fine"),
    "scan-repeat": ("scan", "recording", "Turn once more"),
    "scan-repeat-again": ("scan", "recording", "Turn once more"),
    "scan-review": ("scan", "recording", "You may go on: a person will look at it"),
    "place": ("place", "recording", "Now put the phone in its place"),
    "place-scan-owed": ("place", "recording", "Now put the phone in its place"),
    "place-looking": ("place", "recording", "The server is looking at the picture"),
    "place-late": ("place", "recording", "The server has not answered yet"),
    "place-offline": ("place", "offline", "No network: you may go on"),
    "place-missing": ("place", "recording", "Something is not in the picture yet"),
    "place-missing-more": ("place", "recording", "Something is not in the picture yet"),
    "record-before": ("record", "recording", "Recording"),
    "record": ("record", "recording", "Recording"),
    "record-offline": ("record", "offline", "Recording"),
    "record-covered": ("record", "recording", "Recording"),
    "record-scan-owed": ("record", "recording", "Recording"),
    "record-mute": ("record", "recording", "Recording"),
    "record-call": ("record", "interrupted", "NOT recording"),
    "record-black": ("record", "interrupted", "Look here"),
    "record-hidden": ("record", "interrupted", "Look here"),
    "record-full": ("record", "interrupted", "NOT recording"),
    "record-tap": ("record", "interrupted", "NOT recording"),
    "record-reopened": ("record", "interrupted", "NOT recording"),
    "record-stop-early": ("record", "recording", "The exam is not over. Stop all the same?"),
    "record-stop-sure": ("record", "recording", "Really stop before the end?"),
    "record-ended": ("record", "recording", "Recording"),
    "record-ended-call": ("record", "interrupted", "NOT recording"),
    "record-held": ("record", "recording", "Recording"),
    "upload-reopened": ("upload", "stopped", "Keep this page open, 12 min left"),
    "upload-stuck": ("upload", "stopped", "Part of it can't be uploaded"),
    "upload-stopping": ("upload", "stopped", "Closing the recording…"),
    "upload": ("upload", "stopped", "Keep this page open, 12 min left"),
    "upload-late": ("upload", "stopped", "Done at 17:37, deadline 15:37: change network"),
    "upload-offline": ("upload", "stopped", "No network: connect the phone"),
    "upload-metered": ("upload", "stopped", "Waiting for Wi\u2011Fi"),
    "upload-overdue": ("upload", "stopped", "The deadline has passed: go on uploading"),
    "upload-resume": ("upload", "stopped", "You have stopped, but the exam is not over"),
    "upload-arrived": ("upload", "stopped", "Everything has arrived"),
    "complete": ("decided", "stopped", "Evidence complete"),
    "incomplete": ("decided", "stopped", "Evidence incomplete"),
    "late": ("decided", "stopped", "Evidence whole, but late"),
    "released": ("released", "stopped", "Results are out: the recording is deleted"),
    "released-held": ("released", "stopped", "Results are out: the recording is deleted"),
    "released-part": ("released", "stopped", "Results are out: what the server has is deleted"),
    "lapsed": ("lapsed", "recording", "Nobody answered in time on the laptop"),
    "refused": ("refused", "recording", "The laptop answered “not my phone”"),
    "replaced": ("replaced", "stopped", "Another phone has taken over this exam"),
    "elsewhere": ("elsewhere", "idle", "The recording runs in another window"),
    "broken": ("broken", "idle", "This page has failed"),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def address() -> AsyncIterator[str]:
    async with serving() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def read(browser: Browser, address: str) -> AsyncIterator[Page]:
    """A page that is only looked at."""
    async with phone(browser, address) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, address: str) -> AsyncIterator[Page]:
    async with phone(browser, address) as opened:
        yield opened


async def violations(page: Page, rules: dict[str, Any]) -> list[str]:
    """What axe-core objects to: each rule with the elements it names."""
    # Evaluated, not added as a script element: the page's CSP stays as the server sends it.
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = await page.evaluate("rules => axe.run({runOnly: rules})", rules)
    return [f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in found["violations"]]


async def pressed(page: Page) -> list[list[Any]]:
    """What the candidate asked for, as actions with their arguments."""
    found: list[list[Any]] = await page.evaluate("stage.pressed")
    return found


async def test_no_face_is_forgotten() -> None:
    assert FACES.keys() == STATES.keys()


@pytest.mark.parametrize("name", STATES)
async def test_each_face_says_the_right_thing_and_is_accessible(read: Page, name: str) -> None:
    stage, capture, title = FACES[name]
    await read.emulate_media(color_scheme="light")
    await show(read, STATES[name])
    root = read.locator("html")
    await expect(root).to_have_attribute("data-stage", stage)
    await expect(root).to_have_attribute("data-capture", capture)
    await expect(read.locator("h1")).to_have_text(title)
    assert not await violations(read, ALL_RULES)
    # The themes differ in colours alone.
    await read.emulate_media(color_scheme="dark")
    assert not await violations(read, CONTRAST)


async def test_with_large_text_nothing_is_cut_off_at_the_side(page: Page) -> None:
    # A browser's text size is the root's: 200 %.
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    for language in ("en", "zh-CN"):
        await page.evaluate("(one) => document.querySelector(`[data-language=${one}]`).click()", language)
        await expect(page.locator("html")).to_have_attribute("lang", language)
        for name, view in STATES.items():
            await show(page, view)
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 360, (name, language)


# --- recording ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["record", "record-offline", "record-call", "record-tap"])
async def test_the_word_and_the_ground_are_read_from_two_metres(page: Page, name: str) -> None:
    await show(page, STATES[name])
    box = await page.locator(".state-word").bounding_box()
    assert box is not None
    # 40 px of 360 are 8 mm on a phone 7 cm wide: above the 5.8 mm that 10 arc minutes are at two metres.
    size = await page.locator(".state-word").evaluate("(one) => parseFloat(getComputedStyle(one).fontSize)")
    assert size >= 40
    grounds = await page.evaluate(
        "[document.body, document.querySelector('.top')].map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(grounds)) == 1


async def test_one_tap_anywhere_in_the_middle_goes_on(page: Page) -> None:
    await show(page, STATES["record-tap"])
    await page.touchscreen.tap(180, 370)
    await show(page, STATES["record-reopened"])
    await page.touchscreen.tap(180, 370)
    assert [name for name, *_ in await pressed(page)] == ["tap", "start"]


async def test_stopping_before_the_end_asks_twice(page: Page) -> None:
    await show(page, STATES["record"])
    await page.locator("[data-act=stop]").click()
    await show(page, STATES["record-stop-early"])
    await page.locator("[data-act=stop-yes]").click()
    await show(page, STATES["record-stop-sure"])
    assert [name for name, *_ in await pressed(page)] == ["ask", "ask"]
    await page.locator("[data-act=stop-yes]").click()
    assert await pressed(page) == [["ask", "stop"], ["ask", "stop_sure"], ["stop"]]


@pytest.mark.parametrize("name", ["record-ended", "record-ended-call"])
async def test_once_the_exam_has_ended_one_press_stops(page: Page, name: str) -> None:
    await show(page, STATES[name])
    await expect(page.locator("main")).to_contain_text("The exam is over. Press “Stop”.")
    await page.locator("[data-act=stop]").click()
    assert await pressed(page) == [["stop"]]


async def test_red_interrupts_a_reader_and_green_does_not(page: Page) -> None:
    await show(page, STATES["record"])
    await expect(page.locator("#announce")).to_have_text("Recording")
    await expect(page.locator("#alarm")).to_have_text("")
    await show(page, STATES["record-call"])
    await expect(page.locator("#alarm")).to_contain_text("NOT recording Why: phone call")
    await show(page, STATES["record"])
    await expect(page.locator("#alarm")).to_have_text("")


@pytest.mark.parametrize(("motion", "flashes"), [("no-preference", "alarm"), ("reduce", "none")])
async def test_red_flashes_only_where_motion_is_wanted(
    browser: Browser, address: str, motion: str, flashes: str
) -> None:
    async with phone(browser, address, reduced_motion=motion) as page:
        await show(page, STATES["record-call"])
        style = await page.evaluate(
            "(({animationName, animationDuration}) => [animationName, animationDuration])"
            "(getComputedStyle(document.body))"
        )
        assert style[0] == flashes
        if flashes != "none":
            assert float(style[1].removesuffix("s")) >= 1  # three flashes a second could harm
        border = await page.locator("#app").evaluate("(one) => getComputedStyle(one).borderTopStyle")
        assert (border == "solid") == (flashes == "none")


async def test_what_the_server_sees_wrong_is_told_in_amber_and_is_not_red(page: Page) -> None:
    await show(page, STATES["record-covered"])
    note = page.locator(".state-note.care")
    await expect(note).to_have_text("The camera seems covered: uncover it.")
    await expect(page.locator("#alarm")).to_have_text("")
    await expect(page.locator(".state-main .state-do")).not_to_contain_text("All is well")
    unknown = STATES["record-covered"]["state"] | {"alarms": [alarm("something_new")]}
    await show(page, STATES["record-covered"] | {"state": unknown})
    await expect(note).to_contain_text("Something seems wrong with the picture")
    # What an unreachable server said last may be over.
    await show(page, STATES["record-covered"] | {"state": unknown | {"online": False}})
    await expect(note).to_have_count(0)


# --- room scan and placement --------------------------------------------------------------------------------


async def test_each_reason_is_a_sentence_and_directions_are_told_by_the_clock(page: Page) -> None:
    await show(page, STATES["scan-repeat"])
    assert await page.locator(".wrongs li").all_inner_texts() == [
        "Missing: from 8 to 12 o'clock. Turn further right, all the way back to 12.",
        "Too fast: take half a minute for the whole turn.",
        "You were not in the picture all the time: stretch your arm and keep your face in it.",
        "Not clearly seen: from 7 to 8 o'clock.",
    ]
    await expect(page.locator(".sectors .is-missing")).to_have_count(13)
    await expect(page.locator(".room-strip img")).to_be_visible()
    await show(page, STATES["scan-repeat-again"])
    wrongs = page.locator(".wrongs li")
    await expect(wrongs.first).to_have_text(
        "Missing: from 3 to 5 o'clock. Turn slowly there and leave nothing out."
    )
    await expect(wrongs.last).to_have_text("This scan can't be used: turn once more, slowly.")


async def test_after_the_second_turn_one_may_go_on_and_before_it_not(page: Page) -> None:
    await show(page, STATES["scan-repeat"])
    await expect(page.locator("[data-act=scan-accept]")).to_have_count(0)
    await page.locator("[data-act=scan-repeat]").click()
    await show(page, STATES["scan-repeat-again"])
    await page.locator("[data-act=scan-accept]").click()
    assert await pressed(page) == [["repeatScan"], ["acceptScan"]]


@pytest.mark.parametrize("name", ["scan-late", "scan-offline", "scan-review"])
async def test_who_gets_no_answer_or_none_that_holds_them_goes_on(page: Page, name: str) -> None:
    await show(page, STATES["scan-looking"])
    await expect(page.locator("[data-act=scan-accept]")).to_have_count(0)
    await show(page, STATES[name])
    await page.locator("[data-act=scan-accept]").click()
    assert await pressed(page) == [["acceptScan"]]


async def test_the_answer_to_another_turn_is_none_to_this_one(page: Page) -> None:
    other = STATES["scan-repeat"]["state"]["scan"] | {"begin_mono_ms": 1}
    await show(page, STATES["scan-repeat"] | {"state": STATES["scan-repeat"]["state"] | {"scan": other}})
    await expect(page.locator("h1")).to_have_text("The server is looking at it")


async def test_each_thing_that_lacks_has_its_hint_and_the_candidate_decides(page: Page) -> None:
    await show(page, STATES["place-missing"])
    lacks = page.locator(".lacks li")
    assert await lacks.evaluate_all("(all) => all.map((one) => one.dataset.lacks)") == [
        "candidate", "desk", "screen",
    ]  # fmt: skip
    await expect(lacks.first).to_contain_text("You can't be seen")
    await page.locator("[data-act=placed]").click()
    await page.locator("[data-act=place-accept]").click()
    assert await pressed(page) == [["placed"], ["acceptPlace"]]
    # The same answer as before the last press is not yet the answer to it.
    before = json.dumps(STATES["place-missing"]["state"]["placement"], separators=(",", ":"))
    await show(page, STATES["place-missing"] | {"place": {"asked_at_ms": NOW, "before": before}})
    await expect(page.locator("h1")).to_have_text("The server is looking at the picture")


async def test_a_scan_that_is_owed_can_be_made_before_the_exam_only(page: Page) -> None:
    owed = STATES["record-scan-owed"]
    await show(page, owed)
    await page.locator("[data-act=scan-repeat]").click()
    assert await pressed(page) == [["repeatScan"]]
    begun = owed["state"] | {"window": {"start_ms": NOW - 1, "end_ms": NOW + MINUTE}}
    await show(page, owed | {"state": begun})
    await expect(page.locator("[data-act=scan-repeat]")).to_have_count(0)


# --- binding, consent, checks -------------------------------------------------------------------------------


async def test_a_typed_code_is_judged_while_it_is_typed(page: Page) -> None:
    await show(page, STATES["bind"])
    field, told = page.locator("#code"), page.locator("#code-feedback")
    await field.press_sequentially("7k3m9qx")
    await expect(field).to_have_value("7K3M-9QX")
    await expect(told).to_have_text("2 characters left")
    await field.press_sequentially("ta")
    await expect(told).to_have_text("One character is wrong: compare each one with the laptop")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await page.keyboard.press("Enter")
    assert await pressed(page) == []
    # 32-symbol base, check symbol 37: see https://www.crockford.com/base32.html
    await field.press("Backspace")
    number = 0
    for letter in "7K3M9QXT":
        number = number * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(letter)
    await field.press_sequentially("0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U"[number % 37].lower())
    await expect(told).to_have_text("The code is whole")
    await page.keyboard.press("Enter")
    [[name, code]] = await pressed(page)
    assert (name, code[:9]) == ("claim", "7K3M-9QXT")


async def test_consent_needs_both_and_can_be_refused(page: Page) -> None:
    await show(page, STATES["consent"])
    await page.locator("[data-act=consent]").click()
    await expect(page.locator("#consent-missing")).to_contain_text("Both are needed")
    await page.locator("input[name=face]").check()
    await page.locator("[data-act=consent]").click()
    assert await pressed(page) == []
    await page.locator("input[name=room]").check()
    await page.locator("[data-act=consent]").click()
    await page.locator("[data-act=decline]").click()
    assert await pressed(page) == [["consent", True, True], ["decline", True]]


async def test_each_failed_check_says_what_to_do_and_can_be_tried_again(page: Page) -> None:
    await show(page, STATES["preflight-failed"])
    row = page.locator("[data-check=storage]")
    await expect(row).to_contain_text("Only 310 MB are free; 780 MB are needed.")
    await expect(row).to_contain_text("Delete films or apps")
    await row.locator("button").click()
    assert await pressed(page) == [["check", "storage"]]
    # Without a camera there is nothing to start.
    await expect(page.locator("[data-act=start]")).to_have_count(0)
    await show(page, STATES["preflight-ready"])
    await expect(page.locator("[data-act=start]")).to_be_visible()


async def test_mobile_network_is_chosen_before_the_exam(page: Page) -> None:
    await show(page, STATES["preflight-ready"])
    box = page.locator("[data-check=network] input[name=metered]")
    await expect(box).to_be_checked()
    await box.uncheck()
    assert await pressed(page) == [["useMetered", False]]


async def test_a_bound_phone_says_that_it_takes_no_other_exam(page: Page) -> None:
    notice = page.locator(".notice")
    await show(page, STATES["record-held"])
    await expect(notice).to_contain_text("Oral assessment 2026” until its results are out.")
    await show(page, STATES["released-held"])
    await expect(notice).to_contain_text("Press “Forget this exam on this phone”")
    await show(page, STATES["record"])
    await expect(notice).to_have_count(0)


async def test_a_new_screen_takes_the_keyboard_to_its_title(page: Page) -> None:
    await show(page, STATES["consent"])
    await show(page, STATES["preflight-first"])
    assert await page.evaluate("document.activeElement.tagName") == "H1"
    # News on the same screen leaves it where it is.
    await page.locator("[data-act=check]").focus()
    await show(page, STATES["preflight-ready"] | {"checks": STATES["preflight-first"]["checks"]})
    assert await page.evaluate("document.activeElement.dataset.act") == "check"


# --- verdict ------------------------------------------------------------------------------------------------


async def test_the_proof_is_a_qr_code_that_reads_as_it_says(page: Page) -> None:
    await show(page, STATES["complete"])
    await page.locator("[data-act=proof]").click()
    await expect(page.locator(".proof svg")).to_be_visible()
    shot = np.frombuffer(await page.locator(".proof").screenshot(), np.uint8)
    picture = cv2.imdecode(shot, cv2.IMREAD_COLOR)
    assert picture is not None
    assert read_qr(cv2.resize(picture, None, fx=3, fy=3)) == STATES["complete"]["proof"]


async def test_reasons_say_what_and_when(page: Page) -> None:
    await show(page, STATES["incomplete"])
    cards = page.locator(".reasons")
    await expect(cards.first).to_contain_text(
        "The room scan has to be repeated: not all of the room was seen, too fast."
    )
    review = await cards.last.locator("li").all_inner_texts()
    assert review == [
        "13:52:10 – 13:58:10: nobody in the picture",
        "14:12:10 – 14:12:15: camera covered",
        "14:23:10 – 14:37:10: the marker on the laptop's screen was not seen",
        "The phone's placement does not meet the rules; what lacks: the whole desk, the laptop's screen.",
    ]


async def test_the_way_by_hand_is_offered_where_something_is_missing(page: Page) -> None:
    offers = {
        "incomplete": 1, "upload-stuck": 1, "upload-late": 1, "upload-offline": 1, "upload": 0, "complete": 0,
    }  # fmt: skip
    for name, offered in offers.items():
        await show(page, STATES[name])
        await expect(page.locator("[data-act=carry]")).to_have_count(offered)
    await show(page, STATES["incomplete"])
    await expect(page.locator(".code")).to_have_text("sit-4f1c-82d0")
