"""The laptop page in a real Chromium, against a backend that speaks the real HTTP seam."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from phone_client.bind import read_qr
from tests.page.backend import Backend
from tests.page.browser import LANGUAGES, THEMES, Language, Theme, laptop
from tests.page.screenshots import LOST, arrive
from tests.page.states import CLAIM, KEY, MINUTE, NOW, STATES, phone

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMES = (*STATES, LOST)
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

TITLES: dict[str, tuple[str, str]] = {
    "scan": ("请用手机扫描二维码", "Scan this code with your phone"),
    "claim": ("手机上显示的是同一组数字吗？", "Does your phone show the same number?"),
    "waiting": ("绑定成功，请看手机", "Connected: now look at your phone"),
    "recording": ("正在录制", "Recording"),
    "recording-with-gaps": ("正在录制", "Recording"),
    "recording-alarm": ("正在录制", "Recording"),
    "room-running": ("正在录制", "Recording"),
    "room-repeat": ("正在录制", "Recording"),
    "room-review": ("正在录制", "Recording"),
    "offline": ("手机离线，录像保存在手机上", "Phone offline – the recording is kept on the phone"),
    "interrupted": ("录制中断：来电", "Interrupted: phone call"),
    "stopped": ("手机已停止录制", "The phone has stopped recording"),
    "unknown": ("暂时不知道手机是否在录制", "Not known whether the phone is recording"),
    "ended-nothing": ("还没有收到任何录像", "No recording has arrived yet"),
    "ended-still-recording": (
        "考试已结束，请在手机上停止录制",
        "The exam is over: stop recording on the phone",
    ),
    "ended-uploading": ("请让手机页面保持打开", "Keep the phone's page open"),
    "ended-offline": ("请让手机重新联网", "Connect the phone to a network"),
    "ended-silent": ("请让手机重新联网", "Connect the phone to a network"),
    "ended-overdue": ("已过截止时间，请继续上传", "The deadline has passed: go on uploading"),
    "ended-checking": ("录像已全部到达服务器", "Everything has arrived"),
    "complete": ("佐证完整", "Evidence complete"),
    "complete-recorded-on": ("佐证完整", "Evidence complete"),
    "incomplete": ("佐证不完整", "Evidence incomplete"),
    "late": ("佐证齐全，但有逾期", "Evidence whole, but late"),
    "published": ("成绩已公布，可以删除手机上的录像", "Results are out: you may delete the recording"),
    "lost": ("最后得知：正在录制", "Last known: Recording"),
}
# A sentence beside the title that this state must show, in English.
BESIDE = {
    "scan": "exam.example.org/p",
    "claim": "Android 15 · Chrome 156",
    "recording-with-gaps": "2 gaps, 13 s in all",
    "recording-alarm": "camera covered",
    "room-running": "The candidate is turning: 124° so far.",
    "room-repeat": "To be repeated: not all of the room was seen, the candidate",
    "room-review": "What lacks in the picture: the whole desk, the laptop's screen.",
    "interrupted": "End the call and go back to the recording page on the phone.",
    "ended-uploading": "of 42 min recorded",
    "incomplete": "A gap was longer than allowed. 14:20:00 – 14:26:00",
    "late": "Verdict version 2, issued at 14:42, replaces version 1",
    "published": "Verdict: Evidence complete",
    "lost": "What you see below was true at 14:42:10, not now.",
}


ALL_RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}


async def violations(page: Page, rules: dict[str, Any] = ALL_RULES) -> list[str]:
    """What axe-core objects to: each rule with the elements it names."""
    # Evaluated, not added as a script element: the page's CSP stays as the server sends it.
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = await page.evaluate("rules => axe.run({runOnly: rules})", rules)
    return [f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in found["violations"]]


@pytest.mark.parametrize("name", NAMES)
async def test_each_state_says_the_right_thing_and_is_accessible(
    browser: Browser, backend: Backend, name: str
) -> None:
    async with laptop(browser, "zh-CN") as page:
        await arrive(page, backend, name)
        for language, title in zip(LANGUAGES, TITLES[name], strict=True):
            await page.locator(f"[data-language={language}]").click()
            await expect(page.locator("html")).to_have_attribute("lang", language)
            await expect(page.locator("h1")).to_have_text(title)
            # The themes differ in colours alone.
            await page.emulate_media(color_scheme="light")
            assert not await violations(page), language
            await page.emulate_media(color_scheme="dark")
            assert not await violations(page, CONTRAST), language
        await expect(page.locator("body")).to_contain_text(BESIDE.get(name, TITLES[name][1]))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", THEMES)
async def test_the_qr_code_on_the_screen_is_the_link(
    browser: Browser, backend: Backend, language: Language, theme: Theme
) -> None:
    for size in ((1280, 800), (360, 740)):
        async with laptop(browser, language, theme, size) as page:
            await arrive(page, backend, "scan")
            box = await page.locator(".qr-picture").bounding_box()
            assert box is not None
            assert box["width"] >= 260
            shot = np.frombuffer(await page.screenshot(full_page=True), np.uint8)
            picture = cv2.imdecode(shot, cv2.IMREAD_COLOR)
            assert picture is not None
            assert read_qr(picture) == backend.link()


async def test_the_qr_code_is_fetched_again_when_it_rotates(page: Page, backend: Backend) -> None:
    backend.link_lasts_ms = 1_200
    await arrive(page, backend, "scan")
    before = await page.locator(".qr-picture").get_attribute("src")
    asked = backend.pictures
    await backend.until(lambda: backend.pictures > asked)
    await expect(page.locator(".qr-picture")).not_to_have_attribute("src", before or "")
    await expect(page.locator(".code")).to_contain_text("7K3M")


async def test_confirm_posts_the_key_shown_and_shows_the_binding(page: Page, backend: Backend) -> None:
    backend.after = STATES["waiting"]
    await arrive(page, backend, "claim")
    await page.get_by_role("button", name="Yes, this is my phone").click()
    await expect(page.locator("h1")).to_have_text(TITLES["waiting"][1])
    assert backend.answers == [("confirm", KEY)]


async def test_refuse_posts_the_key_shown_and_shows_a_new_code(page: Page, backend: Backend) -> None:
    backend.after = STATES["scan"]
    await arrive(page, backend, "claim")
    await page.get_by_role("button", name="Not my phone").click()
    await expect(page.locator("h1")).to_have_text(TITLES["scan"][1])
    assert backend.answers == [("refuse", KEY)]


async def test_another_claim_replaces_digits_and_key(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "claim")
    await backend.show(STATES["claim"] | {"claim": CLAIM | {"digits": "000042", "key": "another-key"}})
    await expect(page.locator(".digits")).to_contain_text("000042")
    await page.get_by_role("button", name="Yes, this is my phone").click()
    await backend.until(lambda: backend.answers)
    assert backend.answers == [("confirm", "another-key")]


async def test_the_digits_survive_a_reload(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "claim")
    await page.reload()
    await expect(page.locator(".digits")).to_contain_text("407193")


async def test_a_lapsed_claim_can_no_longer_be_answered(page: Page, backend: Backend) -> None:
    await backend.show(STATES["claim"] | {"claim": CLAIM | {"lapses_at_ms": NOW - 1}})
    await page.goto(backend.address)
    await expect(page.get_by_role("button", name="Yes, this is my phone")).to_be_disabled()
    await expect(page.get_by_role("button", name="Not my phone")).to_be_disabled()


async def test_a_refusal_is_shown_in_the_servers_words(browser: Browser, backend: Backend) -> None:
    backend.refusal = {
        "error": "key_mismatch",
        "says": {"zh-CN": "要确认的手机与等待绑定的手机不同。", "en": "Not the phone that waits."},
        "do": {"zh-CN": "请核对两个屏幕上的六位数字。", "en": "Compare the six digits on both screens."},
    }
    async with laptop(browser, "zh-CN") as page:
        await arrive(page, backend, "claim")
        await page.get_by_role("button", name="是，这是我的手机").click()
        alert = page.get_by_role("alert")
        await expect(alert).to_have_text("要确认的手机与等待绑定的手机不同。 请核对两个屏幕上的六位数字。")
        await page.get_by_role("button", name="English").click()
        await expect(alert).to_have_text("Not the phone that waits. Compare the six digits on both screens.")
        await expect(page.get_by_role("button", name="Yes, this is my phone")).to_be_enabled()


async def test_a_lost_stream_is_told_and_recovers(page: Page, backend: Backend) -> None:
    await arrive(page, backend, LOST)
    await expect(page.locator(".banner")).to_contain_text("Connection to the server lost.")
    await expect(page.locator(".hero")).to_have_attribute("data-tone", "stale")
    await expect(page.locator("[data-fact=contact] dd")).to_have_text("14:42:06")
    backend.state = STATES["complete"]
    backend.mend()
    await expect(page.locator("html")).to_have_attribute("data-connection", "live", timeout=20_000)
    await expect(page.locator(".banner")).to_be_hidden()
    await expect(page.locator("h1")).to_have_text(TITLES["complete"][1])


async def test_a_server_that_is_away_from_the_start_is_told_and_awaited(page: Page, backend: Backend) -> None:
    await backend.cut()
    await page.goto(backend.address)
    await expect(page.locator(".banner")).to_contain_text("Check this laptop's network.")
    backend.mend()
    await expect(page.locator("h1")).to_have_text(TITLES["scan"][1], timeout=20_000)
    await expect(page.locator(".banner")).to_be_hidden()


async def test_a_page_without_its_words_says_so(browser: Browser, backend: Backend) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.route("**/*.ftl", lambda route: route.abort())
    await page.goto(backend.address)
    await expect(page.locator("main")).to_contain_text("This page did not load completely")
    await context.close()


async def test_a_stream_that_falls_silent_is_opened_again(page: Page, backend: Backend) -> None:
    await page.clock.install()
    await arrive(page, backend, "recording")
    assert backend.opened == 1
    await page.clock.fast_forward(26_000)
    await backend.until(lambda: backend.opened == 2)
    await expect(page.locator("html")).to_have_attribute("data-connection", "live")


async def test_a_code_that_is_out_of_date_is_covered_while_the_server_is_away(
    page: Page, backend: Backend
) -> None:
    backend.link_lasts_ms = 4_000
    await arrive(page, backend, "scan")
    await backend.cut()
    await expect(page.locator(".qr-cover")).to_have_text("No connection: the QR code can't be used now")
    await expect(page.locator(".qr-picture")).not_to_be_visible()


async def test_every_change_of_the_stream_is_drawn(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "scan")
    for name in ("claim", "waiting", "recording", "interrupted", "ended-uploading", "complete", "published"):
        await backend.show(STATES[name])
        await expect(page.locator("h1")).to_have_text(TITLES[name][1])
        await expect(page.locator("html")).to_have_attribute("data-stage", STATES[name]["stage"])


async def test_silence_of_the_phone_turns_amber_without_any_event(page: Page, backend: Backend) -> None:
    await backend.show(STATES["recording"] | {"phone": phone(last_contact_ms=NOW - 18_000)})
    await page.goto(backend.address)
    await expect(page.locator("h1")).to_have_text(TITLES["recording"][1])
    await expect(page.locator("h1")).to_have_text(TITLES["offline"][1])


async def test_the_reader_is_told_changes_and_not_every_second(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "recording")
    await page.evaluate(
        """() => {
          window.told = [];
          const told = document.getElementById("announce");
          new MutationObserver(() => window.told.push(told.textContent)).observe(told, {childList: true});
        }"""
    )
    contact = page.locator("[data-fact=contact] dd")
    shown = await contact.inner_text()
    await expect(contact).not_to_have_text(shown)
    await backend.show(STATES["recording"] | {"phone": phone(stored_ms=40 * MINUTE)})
    await expect(page.locator("[data-step=stored] .path-length")).to_have_text("40 min")
    await expect(page.locator("[data-step=stored]")).to_have_attribute("data-whole", "false")
    await backend.show(STATES["stopped"])
    await expect(page.locator("h1")).to_have_text(TITLES["stopped"][1])
    told: list[str] = await page.evaluate("window.told")
    assert told == [
        "The phone has stopped recording The exam is not over. Start recording on the phone again now."
    ]


async def test_the_language_is_remembered(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "recording")
    await page.get_by_role("button", name="中文").click()
    await expect(page.locator("h1")).to_have_text(TITLES["recording"][0])
    await page.reload()
    await expect(page.locator("h1")).to_have_text(TITLES["recording"][0])
    await expect(page.get_by_role("button", name="中文")).to_have_attribute("aria-pressed", "true")


async def test_a_wrong_token_and_an_address_without_one_say_so(page: Page, backend: Backend) -> None:
    await page.goto(f"{backend.origin}/laptop/#s=sit-4f1c&t=wrong")
    await expect(page.locator(".hero-do")).to_have_text(
        "The access token is missing or wrong. Open the original link or page again."
    )
    assert not await violations(page)
    await page.goto("about:blank")
    await page.goto(f"{backend.origin}/laptop/")
    await expect(page.locator("h1")).to_have_text("Open this page from the exam system")
    await page.get_by_role("button", name="中文").click()
    await expect(page.locator("h1")).to_have_text("请从考试系统打开本页")


async def test_what_the_phone_calls_itself_stays_text(page: Page, backend: Backend) -> None:
    hostile = "<img src=x onerror=\"document.title='owned'\">"
    await backend.show(STATES["claim"] | {"claim": CLAIM | {"client": hostile}, "exam": "<b>exam</b>"})
    await page.goto(backend.address)
    await expect(page.locator(".claim")).to_contain_text(hostile)
    await expect(page.locator("#exam")).to_have_text("<b>exam</b>")
    assert await page.locator("main img").count() == 0


async def test_consecutive_missing_segments_are_one_row(page: Page, backend: Backend) -> None:
    segments = [{"start_ms": NOW + 4_000 * n, "end_ms": NOW + 4_000 * n + 3_990} for n in (-40, -39, -38, -9)]
    await backend.show(STATES["ended-uploading"] | {"missing": segments, "gaps": []})
    await page.goto(backend.address)
    await expect(page.locator("tbody tr")).to_have_count(2)
    await expect(page.locator("tbody tr").first).to_contain_text("Still on the phone14:39:3014:39:41")


async def test_what_was_recorded_after_the_end_is_not_owed(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "complete-recorded-on")
    await expect(page.locator(".path")).not_to_be_visible()
    ended = STATES["ended-checking"] | {
        "phone": phone("stopped", stored_ms=41 * MINUTE, committed_ms=42 * MINUTE)
    }
    await backend.show(ended)
    await expect(page.locator("h1")).to_have_text(TITLES["ended-checking"][1])


async def test_what_the_server_saw_is_shown_with_its_pictures(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "room-review")
    pictures = page.locator(".sight img")
    await expect(pictures).to_have_count(2)
    widths = "(all) => Promise.all(all.map((one) => one.decode().then(() => one.naturalWidth)))"
    assert await pictures.evaluate_all(widths) == [1440, 360]
    # The next turn takes its place.
    await backend.show(STATES["room-running"])
    await expect(page.locator(".sight")).to_contain_text("124°")
    await expect(pictures.first).not_to_be_visible()


async def test_a_picture_that_does_not_come_leaves_the_words(page: Page, backend: Backend) -> None:
    backend.without_pictures = True
    await backend.show(STATES["room-repeat"])
    await page.goto(backend.address)
    await expect(page.locator(".sight")).to_contain_text("To be repeated")
    await expect(page.locator(".sight img")).to_have_count(0)


async def test_alarms_are_in_the_timeline_and_the_open_one_above_it(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "recording-alarm")
    await expect(page.locator("[data-fact=alarm] dd")).to_have_text("camera covered")
    await page.locator("summary").click()
    rows = await page.locator("tbody tr").all_inner_texts()
    assert [row.split("\t") for row in rows if row.startswith("Alarm")] == [
        ["Alarm", "14:09:00", "14:10:00", "1 min", "nobody in the picture"],
        ["Alarm", "14:22:00", "14:24:00", "2 min", "too dark"],
        ["Alarm", "14:41:50", "still open", "–", "camera covered"],
    ]
    await expect(page.locator(".strip .swatch-alarm")).to_have_count(3)
    # Gaps are summed up without them.
    await expect(page.locator(".card", has=page.locator(".strip"))).to_contain_text("2 gaps, 13 s in all")


async def test_reasons_say_what_and_when(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "incomplete")
    reasons = page.locator(".reasons")
    await expect(reasons.first).to_contain_text(
        "The room scan has to be repeated: not all of the room was seen, too fast."
    )
    assert await reasons.last.locator("li").all_inner_texts() == [
        "14:09:00 – 14:10:00: nobody in the picture",
        "14:00:00 – 14:01:00: another exam's marker was seen",
        "The phone's placement does not meet the rules; what lacks: the laptop's screen.",
    ]


async def test_an_unknown_reason_is_shown_as_its_code(page: Page, backend: Backend) -> None:
    verdict = STATES["incomplete"]["verdict"] | {"reasons": [{"code": "something_new"}]}
    await backend.show(STATES["incomplete"] | {"verdict": verdict})
    await page.goto(backend.address)
    await expect(page.locator(".reasons").first).to_have_text("something_new")


@pytest.mark.parametrize("name", NAMES)
async def test_nothing_is_wider_than_a_narrow_screen_or_cut_by_large_text(
    browser: Browser, backend: Backend, name: str
) -> None:
    async with laptop(browser, "en", "light", (360, 740)) as page:
        await arrive(page, backend, name)
        for size in ("100%", "150%"):
            await page.evaluate("size => { document.documentElement.style.fontSize = size }", size)
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, size


async def test_keyboard_alone_reaches_and_presses_the_answers(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "claim")
    async with asyncio.timeout(20):
        while await page.evaluate("document.activeElement?.className ?? ''") != "button yes":
            await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await backend.until(lambda: backend.answers)
    assert backend.answers == [("confirm", KEY)]
