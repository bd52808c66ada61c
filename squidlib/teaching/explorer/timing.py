"""Timing: how long the explorer takes from a new value to the finished state, and to the changed picture in a browser.

Figures for ``squid bench``; never asserted. The browser part needs Playwright (extra ``test``) and a Chromium.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from digitanatomy import KINDS
from squidlib.teaching.explorer.begin import load_state
from squidlib.teaching.explorer.server import serving
from squidlib.teaching.explorer.setting import ladder
from squidlib.teaching.explorer.subjects import OFFERED

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHOWN = ".squid-verdict"  #: what is on the page once it shows a view
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# From a key's event to the frame in which the reconstruction has changed, in milliseconds.
_WATCH = """() => {
  const pictures = () => document.querySelector(".squid-pair img").src;
  const before = pictures();
  window.squidDone = new Promise(resolve => {
    let begun = 0;
    document.addEventListener("keydown", event => { begun = begun || performance.now(); }, {once: true, capture: true});
    const observer = new MutationObserver(() => {
      if (pictures() === before) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun), 0));
    });
    observer.observe(document.querySelector(".squid-explorer"), {subtree: true, childList: true});
  });
}"""


def state_milliseconds(count: int = 100, seed: int = 0) -> list[float]:
    """From a new setting, never seen before, to its finished view."""
    state = load_state()
    state.view.cache_clear()
    generator = np.random.default_rng(seed)
    readings, taken = ladder(state.most_slots), []
    for _ in range(count):
        reading = readings[generator.integers(len(readings))]
        image = f"{KINDS[generator.integers(len(KINDS))]}-{generator.integers(OFFERED)}"
        tile, edit = int(generator.integers(9)), f"h{generator.integers(1, 10)}"
        setting = replace(reading, image=image, edits=edit, tile=tile)
        begun = time.perf_counter()
        state.view(setting)
        taken.append(1000 * (time.perf_counter() - begun))
    return taken


def chromium() -> str | None:
    """Where a Chromium is, or None; the environment variable CHROMIUM names another one."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium without a window.

    Raises:
        ModuleNotFoundError: where Playwright is not installed.
        RuntimeError: where there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        raise RuntimeError("no Chromium was found; install one, or name it in the environment variable CHROMIUM")
    with sync_playwright() as playwright:
        # no sandbox: it needs rights that containers do not have; the only page is our own
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield launched
        finally:
            launched.close()


def open_explorer(page: Page, address: str) -> None:
    """Go to the explorer's page and wait until it shows a view."""
    page.goto(address)
    page.wait_for_selector(SHOWN, timeout=120_000)


def move(page: Page, label: str, key: str) -> None:
    """Move a slider by keyboard."""
    slider = page.locator(".squid-explorer .widget-inline-hbox").filter(has=page.get_by_text(label, exact=True)).first
    slider.locator(".noUi-handle").focus()
    page.keyboard.press(key)


def upload(page: Page, name: str, content: bytes) -> None:
    """Press the button of the upload and choose a file of that name and content."""
    with page.expect_file_chooser() as asked:
        page.locator(".squid-explorer .widget-upload").click()
    asked.value.set_files({"name": name, "mimeType": "image/png", "buffer": content})


def browser_milliseconds(count: int = 30) -> list[float]:
    """From the key that moves the slider of the memory size to the changed reconstruction."""
    taken = []
    with open(os.devnull, "wb") as log, serving(log=log.fileno()) as (address, _), browser() as launched:
        page = launched.new_page()
        open_explorer(page, address)
        for index in range(count):
            page.evaluate(_WATCH)
            move(page, "Memory size", "ArrowLeft" if index % 20 < 10 else "ArrowRight")
            taken.append(float(page.evaluate("window.squidDone")))
            page.wait_for_timeout(400)  # a student looks at what came
    return taken
