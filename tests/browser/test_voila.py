"""``squid explore`` in a real browser: what is moved by keyboard and mouse changes numbers and pixels."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from squidlib.teaching.explorer.timing import move, open_explorer, upload
from tests.browser.actions import (
    changes,
    choose,
    expect_sound,
    link,
    note,
    picture,
    pixels,
    press,
    score,
    tile,
    verdict,
)
from tests.browser.conftest import Served


def png(colour: int = 90, side: int = 96) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (side, side), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_slider_moved_by_keyboard_changes_pixels_weights_and_link(page: Page) -> None:
    before, chart = pixels(page), page.locator(".squid-card svg[aria-label*='of 350 slots']")
    expect(chart).to_have_count(1)
    changes(page, lambda: picture(page), lambda: move(page, "Memory size", "ArrowLeft"))
    assert pixels(page) != before
    expect(page.locator(".squid-card svg[aria-label*='of 200 slots']")).to_have_count(1)
    assert "slots=200" in link(page)
    expect_sound(page)


def test_an_emptied_tile_is_seen_and_called_abnormal_and_undo_takes_it_back(page: Page) -> None:
    was, before = score(page), pixels(page, 1)
    press(page, "empty")
    changes(page, lambda: verdict(page), lambda: tile(page, 3).click())
    assert "Called abnormal" in verdict(page)
    assert score(page) > was
    expect(note(page)).to_have_text("In truth: abnormal at tile 3.")
    assert pixels(page, 1) != before
    changes(page, lambda: verdict(page), lambda: press(page, "Undo"))
    assert score(page) == was


def test_two_tiles_are_exchanged_by_keyboard_alone(page: Page) -> None:
    page.get_by_role("button", name="exchange").focus()
    page.keyboard.press("Enter")
    tile(page, 1).focus()
    page.keyboard.press("Enter")
    expect(note(page)).to_contain_text("to exchange tile")
    tile(page, 5).focus()
    changes(page, lambda: verdict(page), lambda: page.keyboard.press("Space"))
    expect(note(page)).to_have_text("In truth: abnormal at tiles 1, 5.")
    assert "edits=s15" in link(page)


def test_pointing_at_a_tile_shows_its_memories(page: Page) -> None:
    memories = page.locator(".squid-memories img").first
    changes(page, lambda: memories.get_attribute("src"), lambda: tile(page, 7).click())
    expect(page.locator(".squid-explorer")).to_contain_text("tile 7 (row 3, column 1)")


def test_a_good_file_is_judged_and_a_bad_one_refused_in_words(page: Page) -> None:
    changes(page, lambda: verdict(page), lambda: upload(page, "grey.png", png()))
    expect(note(page)).to_contain_text("An uploaded image")
    kept = verdict(page)
    upload(page, "letter.png", b"Dear reader, this is no image.")
    expect(page.locator(".squid-problem")).to_contain_text("letter.png: not an image that can be read")
    assert verdict(page) == kept
    upload(page, "large.png", bytes(5 * 2**20))
    expect(page.locator(".squid-problem")).to_contain_text("large.png: at most 4 MiB expected, got 5.0 MiB")
    changes(page, lambda: verdict(page), lambda: choose(page, "Kind", "Missing"))
    expect_sound(page)


def test_hard_shrinkage_above_every_weight_recalls_nothing_and_says_so(page: Page) -> None:
    press(page, "hard λ")
    expect(page.locator(".squid-heat")).to_contain_text("λ 0.01")
    for _ in range(5):
        changes(page, lambda: link(page), lambda: move(page, "Threshold λ", "ArrowRight"))
    expect(page.locator(".squid-explorer")).to_contain_text("No slot speaks")


def test_the_present_setting_is_marked_in_the_table_and_has_its_auc(page: Page) -> None:
    here = page.locator(".squid-heat .squid-here")
    expect(here).to_have_count(1)
    first = float(here.inner_text())
    assert 0.9 < first <= 1
    press(page, "hard λ")
    for _ in range(5):
        changes(page, lambda: link(page), lambda: move(page, "Threshold λ", "ArrowRight"))
    assert float(here.inner_text()) < first


def test_a_link_opens_the_same_view_again(page: Page, context: BrowserContext, voila: Served) -> None:
    press(page, "mirror ↔")
    changes(page, lambda: verdict(page), lambda: tile(page, 2).click())
    changes(page, lambda: picture(page), lambda: move(page, "Memory size", "ArrowLeft"))
    other = context.new_page()
    open_explorer(other, link(page))
    assert (verdict(other), picture(other), link(other)) == (verdict(page), picture(page), link(page))
    field = other.get_by_label("Link", exact=True)
    field.fill("slots=0&k=3")
    press(other, "Open")
    expect(other.locator(".squid-problem")).to_contain_text("slots must be at least 1")


def test_the_picture_can_be_saved(page: Page) -> None:
    press(page, "Save picture")
    saved = page.get_by_role("link", name="Download squid_normal-0.png")
    with page.expect_download() as waiting:
        saved.click()
    with Image.open(str(waiting.value.path())) as image:
        assert image.format == "PNG"
        assert min(image.size) >= 400


def test_two_browsers_do_not_see_each_others_state(page: Page, chromium: Browser, voila: Served) -> None:
    private = chromium.new_context()
    other = private.new_page()
    open_explorer(other, voila.address)
    theirs = (verdict(other), link(other))
    press(page, "empty")
    changes(page, lambda: verdict(page), lambda: tile(page, 5).click())
    changes(page, lambda: link(page), lambda: move(page, "Memory size", "ArrowLeft"))
    upload(page, "grey.png", png())
    expect(note(page)).to_contain_text("An uploaded image")
    other.wait_for_timeout(500)
    assert (verdict(other), link(other)) == theirs
    assert "slots" not in theirs[1]
    changes(other, lambda: link(other), lambda: move(other, "Memory size", "ArrowLeft"))
    assert "slots=200" in link(other)
    assert "edits" not in link(other)
    private.close()


def test_every_control_has_a_name_and_is_reached_by_tab(page: Page) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll(".squid-explorer :is(button, select, input, .noUi-handle)")]
          .filter(control => !(control.innerText || control.title || control.labels?.length ||
             control.closest(".widget-inline-hbox, .widget-upload")?.innerText.trim())).length"""
    )
    assert nameless == 0
    page.locator(".squid-explorer select").first.focus()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.className + '|' + document.activeElement.innerText"))
    text = "\n".join(reached)
    for wanted in ("noUi-handle", "empty", "Undo", "Upload", "soft", "Save picture", "Open", "squid-scroll"):
        assert wanted in text, f"{wanted} is not reached by Tab"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_screen_and_can_be_read(
    chromium: Browser, theme: str, width: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    served: Served = request.getfixturevalue("voila" if theme == "light" else "dark_voila")
    private = chromium.new_context(viewport={"width": width, "height": 900})
    page = private.new_page()
    open_explorer(page, served.address)
    wide = page.evaluate(
        """() => [...document.querySelectorAll(".squid-explorer .squid-card *")]
          .filter(part => !part.closest(".squid-scroll, svg, .noUi-base, .noUi-target") && part.offsetWidth > 0)
          .filter(part => part.getBoundingClientRect().right > innerWidth + 1).map(part => part.className)"""
    )
    assert wide == []
    light, dark = page.evaluate(
        """() => {
          const bright = colour => colour.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3;
          const text = document.querySelector(".squid-verdict"), body = document.body;
          return [bright(getComputedStyle(text).color), bright(getComputedStyle(body).backgroundColor)];
        }"""
    )
    assert abs(light - dark) > 120
    assert (dark > 120) == (theme == "light")
    page.set_viewport_size({"width": width, "height": 1500 if width > 1000 else 3600})
    page.wait_for_timeout(500)
    folder = Path(os.environ.get("KIT_SCREENSHOTS", tmp_path))  # named: the pictures of the README
    shot = folder / f"explorer_{theme}_{width}.png"
    page.screenshot(path=shot)
    assert shot.stat().st_size > 20_000
    private.close()
