"""The page that runs a detector in the browser: it says what Python says, and everybody can use all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page, expect

import squidlib
from digitanatomy import DIGIT_FLIPS, DigitAnatomy
from squidlib.data.digits import Digits
from squidlib.detection.calibration import image_scores
from squidlib.detection.memory_readout import encode, newest, read_scores
from squidlib.teaching.explorer.begin import load_state
from squidlib.teaching.explorer.setting import Setting
from squidlib.teaching.page.timing import largest_difference, open_page
from tests.browser.page_actions import (
    built_page,
    follow,
    picture,
    press,
    reached_by_tab,
    score,
    settled,
    stroke,
    to_be_reached,
    violations,
    word,
)
from tests.file_server import file_server

KINDS = {"normal": 10, "novel": 8, "disorder": 8, "missing": 8, "flipped": 8, "lesion": 8}
PHONE = {"width": 390, "height": 844}
PLAIN = ".".join(f"{digit}-7" for digit in range(1, 10))  #: the tiles of a normal image in a link
DAMAGED = ("t=1-1", f"t=1-999{PLAIN[3:]}", "t=i.i.i.i.i.i.i.i.i&i=AAAA", "%")


@pytest.fixture(scope="module")
def address(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    site = built_page(tmp_path_factory.mktemp("page"))
    with file_server(site.parents[1]) as server:
        yield f"{server.address}/below/here/index.html"


@pytest.fixture
def opened(context: BrowserContext, address: str) -> Page:
    """The page in a private window, which at its end asked no other host and met no error."""
    page = context.new_page()
    open_page(page, address)
    return page


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return DigitAnatomy(Digits().glyphs.test, KINDS, seed=5).images()


def test_it_says_what_python_says_of_fifty_images(opened: Page, images: torch.Tensor) -> None:
    difference, verdicts = largest_difference(opened, squidlib.load("digitanatomy"), images)
    assert len(images) == 50
    assert difference < 1e-3
    assert verdicts == 0


def test_with_fewer_slots_it_says_what_the_explorer_says(opened: Page, images: torch.Tensor) -> None:
    state, few = load_state("digitanatomy"), images[::7]
    for setting in (Setting(slots=10, k=3), Setting(slots=50, shrinkage="hard", threshold=0.02)):
        link = f"t={PLAIN}&m={setting.slots}&r={setting.shrinkage}&k={setting.k}&l={setting.threshold}"
        follow(opened, link)
        settled(opened)
        slots = newest(state.slots, setting.slots)
        raw = read_scores(state.detector, encode(state.detector, few), slots, setting.shrink())
        expected = image_scores(raw, state.calibration(setting))["combined"]
        found = [opened.evaluate("async p => (await squid.judge(p)).score", image.flatten().tolist()) for image in few]
        assert torch.allclose(torch.tensor(found), expected, atol=1e-3)
        threshold = state.calibration(setting).threshold("combined", 0.05)
        expect(opened.locator(".verdict .sentence")).to_contain_text(f"threshold {threshold:.2f}")


def test_it_begins_with_one_wrong_tile_that_is_found(opened: Page) -> None:
    assert word(opened) == "Abnormal"
    found = opened.locator(".tile.found")
    expect(found).to_have_count(1)
    expect(opened.locator(".truth")).to_have_text(f"In truth: wrong at tile {found.get_attribute('data-tile')}.")
    assert "mirrored; found abnormal" in str(found.get_attribute("aria-label"))


def test_drawing_with_the_mouse_changes_the_verdict_and_undo_takes_it_back(opened: Page) -> None:
    press(opened, "Mirror ↔")
    assert word(opened) == "Normal"
    before, was = picture(opened), score(opened)
    stroke(opened, [(36, 36), (60, 60)])
    assert (word(opened), score(opened) > was) == ("Abnormal", True)
    assert picture(opened) != before
    expect(opened.locator(".tile.found")).to_have_attribute("data-tile", "5")
    press(opened, "Undo")
    assert (word(opened), picture(opened)) == ("Normal", before)


def test_a_link_brings_back_image_drawing_and_memory(opened: Page, context: BrowserContext, address: str) -> None:
    stroke(opened, [(40, 10), (56, 22)])
    opened.locator(".tile").nth(8).click()
    press(opened, "Empty")
    opened.locator("#slots").focus()
    opened.keyboard.press("ArrowLeft")
    settled(opened)
    other = context.new_page()
    open_page(other, f"{address}#{opened.url.partition('#')[2]}")
    assert score(other) == score(opened)
    for selector in (".board canvas", ".results canvas >> nth=0", ".results canvas >> nth=1"):
        assert picture(other, selector) == picture(opened, selector)
    assert other.locator("#slots").get_attribute("aria-valuetext") == "200"
    expect(other.locator(".tile[aria-pressed=true]")).to_have_attribute("data-tile", "9")


@pytest.mark.parametrize("link", DAMAGED)
def test_a_damaged_link_is_said_and_the_page_begins_as_usual(context: BrowserContext, address: str, link: str) -> None:
    page = context.new_page()
    open_page(page, f"{address}#{link}")
    expect(page.locator(".note")).to_contain_text("The link was cut or is of another page")
    expect(page.locator(".tile.found")).to_have_count(1)


def test_what_is_wrong_is_said_as_the_data_set_has_it(opened: Page) -> None:
    for letter, axis in (("h", "horizontal"), ("v", "vertical")):
        tiles = ".".join(f"{digit}-3{letter}" for digit in range(1, 10))
        follow(opened, f"t={tiles}")
        wrong = [str(digit) for digit in range(1, 10) if axis in DIGIT_FLIPS.get(digit, ())]
        expect(opened.locator(".truth")).to_have_text(f"In truth: wrong at tiles {', '.join(wrong)}.")


def test_three_moves_are_counted_and_the_fourth_is_too_many(opened: Page) -> None:
    press(opened, "Start with a normal image")
    opened.locator(".tile").nth(4).click()
    press(opened, "Empty")
    expect(opened.locator(".game")).to_have_attribute("data-outcome", "caught")
    for name in ("Put a digit 3", "Turn upside down", "Mirror ↔"):
        press(opened, name)
    expect(opened.locator(".dots")).to_contain_text("4 moves of 3")
    expect(opened.locator(".game")).to_have_attribute("data-outcome", "over")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(chromium: Browser, address: str, scheme: str) -> None:
    for size in (PHONE, {"width": 1280, "height": 900}):
        window = chromium.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page = window.new_page()
        open_page(page, address)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        found = violations(page)
        for step in page.locator(".step").all()[2::2]:
            step.click()
        for summary in page.locator("summary").all():
            summary.click()
        press(page, "Take the tour")
        assert found + violations(page) == []
        window.close()


def test_everything_is_reached_and_done_by_keyboard(opened: Page) -> None:
    press(opened, "Next →")
    wanted = to_be_reached(opened)
    assert len(wanted) > 40
    assert set(wanted) - set(reached_by_tab(opened)) == set()
    opened.locator(".tile").nth(0).focus()
    opened.keyboard.press("ArrowDown")
    opened.keyboard.press("Enter")
    expect(opened.locator("#inside-title")).to_have_text("Look inside tile 4")
    before, seen = opened.locator(".tile").nth(3).get_attribute("aria-label"), [picture(opened, ".board canvas")]
    for keys in (["d", " "], ["ArrowDown"] * 8, [" ", "Escape"]):  # a dot, a line, and the pen is put away
        for key in keys:
            opened.keyboard.press(key)
        settled(opened)
        seen.append(picture(opened, ".board canvas"))
    assert len(set(seen)) == 3
    assert opened.locator(".tile").nth(3).get_attribute("aria-label") != before
    expect(opened.locator(".truth")).to_contain_text("Tile 4")


@pytest.mark.parametrize("size", [PHONE, {"width": 1280, "height": 900}], ids=["phone", "desktop"])
def test_the_tour_has_ten_steps_and_is_offered_once(chromium: Browser, address: str, size: dict[str, int]) -> None:
    window = chromium.new_context(viewport=size, reduced_motion="reduce")  # type: ignore[arg-type]
    page = window.new_page()
    open_page(page, address)
    page.get_by_role("button", name="Start the tour").click()
    seen = []
    for number in range(1, 11):
        expect(page.locator(".tour")).to_contain_text(f"Step {number} of 10")
        expect(page.locator(".toured")).to_be_in_viewport()
        seen.append(page.locator("#tour-title").inner_text())
        page.keyboard.press("Enter")  # the focus is on Next
    assert len(set(seen)) == 10
    expect(page.locator(".tour")).to_be_hidden()
    open_page(page, re.sub("#.*", "", page.url) + "?again")
    expect(page.locator(".offer")).to_be_hidden()
    page.get_by_role("button", name="Take the tour").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Take the tour")).to_be_focused()
    window.close()


def test_a_page_without_its_data_says_so(chromium: Browser, address: str, tmp_path: Path) -> None:
    page = chromium.new_page()
    page.route("**/data/page.json", lambda route: route.fulfill(status=404))
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text("page.json is missing on the server (404)")
    page.close()


def test_the_page_may_ask_no_other_host(chromium: Browser, address: str) -> None:
    page = chromium.new_page()
    open_page(page, address)
    told = "new Promise(told => { addEventListener('securitypolicyviolation', event => told(event.effectiveDirective));"
    ask = "fetch('http://127.0.0.1:9/elsewhere').catch(() => setTimeout(() => told('it was asked'), 500)) })"
    assert page.evaluate(told + ask) == "connect-src"
    page.close()
