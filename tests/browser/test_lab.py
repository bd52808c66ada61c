"""Lesson 12 in JupyterLab: opened as a student opens it, all cells run, then moved by keyboard and mouse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from squidlib.teaching.explorer.timing import move, upload
from tests.browser.actions import changes, expect_sound, link, note, picture, pixels, press, score, tile, verdict
from tests.browser.conftest import Served


@pytest.fixture(scope="module")
def lesson(chromium: Browser, lab: Served) -> Iterator[Page]:
    """The lesson's notebook after Run All Cells, at the explorer."""
    private = chromium.new_context(viewport={"width": 1500, "height": 1300})
    page = private.new_page()
    page.goto(lab.address)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=120_000)
    page.wait_for_timeout(3000)  # the kernel of the notebook starts
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".squid-verdict").first.wait_for(timeout=180_000)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=180_000)
    page.locator(".squid-explorer").first.scroll_into_view_if_needed()
    expect(page.locator(".squid-verdict").first).to_contain_text("Called normal", timeout=30_000)
    yield page
    assert not [line for line in lab.complaints() if "Traceback" in line]
    private.close()


def test_the_explorer_of_the_lesson_follows_keyboard_and_mouse(lesson: Page) -> None:
    was, before = score(lesson), pixels(lesson)
    changes(lesson, lambda: picture(lesson), lambda: move(lesson, "Memory size", "ArrowLeft"))
    assert pixels(lesson) != before
    assert link(lesson) == 'explore("slots=200")'
    press(lesson, "empty")
    changes(lesson, lambda: verdict(lesson), lambda: tile(lesson, 9).click())
    assert "Called abnormal" in verdict(lesson)
    assert score(lesson) > was
    expect(note(lesson)).to_have_text("In truth: abnormal at tile 9.")
    expect_sound(lesson)


def test_a_bad_file_is_refused_in_words_and_the_view_stays(lesson: Page) -> None:
    kept = verdict(lesson)
    upload(lesson, "letter.png", b"Dear reader, this is no image.")
    expect(lesson.locator(".squid-problem")).to_contain_text("letter.png: not an image that can be read")
    assert verdict(lesson) == kept


def test_a_theme_of_the_night_leaves_it_readable(lesson: Page) -> None:
    brightness = """() => getComputedStyle(document.querySelector(".squid-verdict")).color.match(/\\d+/g).slice(0, 3)
      .reduce((sum, part) => sum + Number(part), 0) / 3"""
    assert lesson.evaluate(brightness) < 100
    lesson.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    lesson.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    lesson.wait_for_timeout(500)
    assert lesson.evaluate(brightness) > 155
