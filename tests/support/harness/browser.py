"""A headless browser, and screenshots of its pages."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# All tests can be collected without the browser's driver.
pytest.importorskip("playwright", reason="tests with a browser need its driver: uv run --group system")

from playwright.sync_api import Locator, Page, expect, sync_playwright

__all__ = ["Locator", "MissingBrowserError", "Page", "expect", "open_page", "take_picture"]

#: Folder of the screenshots; Git ignores it.
_PICTURES = Path(__file__).parents[3] / "artifacts" / "browser"

#: Milliseconds to wait for anything on a page; the machine may be busy.
_TIMEOUT = 30_000


class MissingBrowserError(Exception):
    """Chromium is not installed."""


@contextmanager
def open_page() -> Iterator[Page]:
    """
    Open an empty page in a Chromium that is closed with it.

    :raises MissingBrowserError: saying what to install.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise MissingBrowserError("Chromium is missing: apt-get install chromium")
    expect.set_options(timeout=_TIMEOUT)
    flags = ["--no-proxy-server", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            page.set_default_timeout(_TIMEOUT)
            yield page
        finally:
            browser.close()


def take_picture(page: Page, name: str) -> None:
    """Save a screenshot of the page."""
    page.screenshot(path=_PICTURES / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.png", animations="disabled")
