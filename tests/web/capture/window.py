"""The page under test in a window that is really hidden, as another application hides a phone's browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from tests.page.browser import CHROMIUM
from tests.web.capture.rig import PATIENCE_MS, PERMISSIONS, browser_arguments

CHROMEDRIVER = "/usr/bin/chromedriver"


class Window:
    """One browser window with the page under test."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def do(self, script: str) -> Any:
        """Runs `script` with the page's `rig`."""
        return self._driver.execute_script(f"const rig = globalThis.rig; return {script};")

    def until(self, condition: str) -> None:
        """Waits until `condition` holds."""
        wait = WebDriverWait(self._driver, PATIENCE_MS / 1_000, poll_frequency=0.1)
        wait.until(lambda _: self.do(condition))

    def hide_for(self, hidden_ms: int) -> None:
        """Hides the page for so long."""
        hide_for(self._driver, hidden_ms)


def hide_for(driver: Chrome, hidden_ms: int) -> None:
    """Another tab in front of the page for so long; to look into the page meanwhile would bring it back."""
    tab = driver.current_window_handle
    driver.switch_to.new_window("tab")
    WebDriverWait(driver, PATIENCE_MS / 1_000).until(
        lambda other: other.execute_script("return performance.now()") > hidden_ms
    )
    driver.close()
    driver.switch_to.window(tab)


@contextmanager
def browser_window(camera: Path, sound: Path, *more: str) -> Iterator[Chrome]:
    """A browser with one window, which nothing makes believe that it is seen."""
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*browser_arguments(camera, sound), *more):
        options.add_argument(argument)
    driver = Chrome(options=options, service=Service(CHROMEDRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def window(origin: str, camera: Path, sound: Path) -> Iterator[Window]:
    """The page under test in a fresh browser."""
    with browser_window(camera, sound) as driver:
        permissions = {"origin": origin, "permissions": PERMISSIONS}
        driver.execute_cdp_cmd("Browser.grantPermissions", permissions)
        driver.get(f"{origin}/rig/index.html")
        one = Window(driver)
        one.until("rig !== undefined")
        yield one
