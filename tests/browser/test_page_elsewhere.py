"""The page in Firefox, and of a detector that learned images by one hand; what other browsers are strict about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from torch import Tensor

from digitanatomy import DigitAnatomy
from squidlib.data.digits import Digits
from squidlib.detection.checkpoint import load, save
from squidlib.detection.detector import Detector
from squidlib.teaching.explorer import effect
from squidlib.teaching.page.firefox import firefox, firefox_page
from squidlib.teaching.page.timing import change_milliseconds, largest_difference, open_page
from squidlib.training.presets import PRESETS
from tests.browser.page_actions import built_page, follow, picture, press, score, settled, stroke
from tests.file_server import file_server
from tests.helpers import untrained

FEW = {"normal": 6, "novel": 3, "disorder": 3, "missing": 3, "flipped": 3}
# Remembers what is copied, and during which event.
WATCH_COPYING = """window.copied = [];
navigator.clipboard.writeText = async text => { copied.push([event?.type, text]) };
navigator.clipboard.write = async ([item]) => {
  const during = window.event?.type;
  copied.push([during, await (await item.getType("text/plain")).text()]);
};"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small detector of images by one hand, which knows what belongs together; its weights are random."""
    config = replace(PRESETS["laptop"]["digitanatomy"].config, context=True, slots=3, topk=2, width=8)
    detector = untrained(config, Digits(hand=1.0).calibration())
    detector.metadata |= {"hand": 1.0, "score": "either"}
    path = tmp_path_factory.mktemp("run") / "model.safetensors"
    save(detector, path)
    return path


@pytest.fixture(scope="module")
def address(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effect, "COUNTS", FEW)
        site = built_page(tmp_path_factory.mktemp("page"), run)
    with file_server(site.parents[1]) as server:
        yield f"{server.address}/below/here/index.html"


@pytest.fixture
def detector(run: Path) -> Detector:
    return load(run)


@pytest.fixture
def images() -> Tensor:
    digits = Digits(hand=1.0)
    return DigitAnatomy(digits.glyphs.test, {"normal": 5, "novel": 5, "stranger": 5}, seed=5, hand=1.0).images()


@pytest.fixture
def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    open_page(page, address)
    return page


def test_what_belongs_together_is_judged_as_in_python(opened: Page, detector: Detector, images: Tensor) -> None:
    difference, verdicts = largest_difference(opened, detector, images)
    assert difference < 1e-3
    assert verdicts == 0
    sentence = opened.locator(".verdict .sentence")
    expect(sentence).to_contain_text(f"threshold {detector.threshold():.2f}")
    opened.evaluate("location.hash = 't=b.b.b.b.b.b.b.b.b'")  # far from normal by every score
    settled(opened)
    assert score(opened) > detector.threshold()
    found = opened.locator(".tile.found")
    assert found.count() > 0
    assert score(opened) == pytest.approx(
        max(float(str(tile.get_attribute("data-score"))) for tile in found.all()), abs=0.5
    )


def test_it_begins_with_an_image_by_one_hand_and_a_link_keeps_it(
    opened: Page, context: BrowserContext, address: str
) -> None:
    assert opened.locator("#hand").get_attribute("aria-valuetext") == "100% one hand"
    expect(opened.locator(".truth")).to_contain_text("In truth: wrong at tile")
    opened.locator(".hand summary").click()
    opened.locator("#hand").focus()
    for spoken in ("75% one hand", "50% one hand"):
        before = picture(opened, ".board canvas")
        opened.keyboard.press("ArrowLeft")
        settled(opened)
        assert opened.locator("#hand").get_attribute("aria-valuetext") == spoken
        assert picture(opened, ".board canvas") != before
    other = context.new_page()
    open_page(other, f"{address}#{opened.url.partition('#')[2]}")
    assert (score(other), picture(other)) == (score(opened), picture(opened))
    other.locator(".hand summary").click()
    for page in (opened, other):  # the same image by the next hand
        page.locator("#hand").focus()
        page.keyboard.press("ArrowLeft")
        settled(page)
    assert picture(other, ".board canvas") == picture(opened, ".board canvas")


@pytest.mark.parametrize("image", [0, 9, 10, 15])
def test_a_new_image_is_of_the_kind_that_was_asked_for(opened: Page, image: int) -> None:
    follow(opened, "h=4&t=" + ".".join(f"w-4-{image}-{tile}" for tile in range(9)))
    for kind, said in (("stranger", "wrong at tile"), ("stranger", "wrong at tile"), ("Normal", "a normal image")):
        press(opened, kind)
        expect(opened.locator(".truth")).to_contain_text(f"In truth: {said}")


def test_no_label_is_wider_than_its_place(opened: Page) -> None:
    opened.locator(".hand summary").click()
    for name in ("slots", "k", "hand"):
        label = opened.locator(f"output[for={name}]")
        assert label.evaluate("label => label.scrollWidth - label.clientWidth") == 0, name


def test_a_drawing_is_copied_within_the_click(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.add_init_script(WATCH_COPYING)
    open_page(page, address)
    stroke(page, [(40, 10), (56, 22)])
    press(page, "Copy link")
    expect(page.locator(".note")).to_have_text("Link copied: it opens this very image.")
    (during, text), *more = page.evaluate("copied")
    assert (during, text, more) == ("click", page.url, [])
    assert "&i=" in text


@pytest.mark.skipif(firefox() is None, reason="no Firefox: where one is installed, the page is tried in it, too")
def test_firefox_says_what_python_says_draws_and_follows_a_link(
    address: str, detector: Detector, images: Tensor
) -> None:
    with firefox_page() as page:
        open_page(page, address)
        difference, verdicts = largest_difference(page, detector, images)
        assert (difference < 1e-3, verdicts) == (True, 0)
        before = page.evaluate("document.querySelector('.results canvas').toDataURL()")
        left, top, side = page.evaluate(
            "(box => [box.left, box.top, box.width])(document.querySelector('.board').getBoundingClientRect())"
        )
        page.drag([(left + x * side, top + y * side) for x, y in ((0.4, 0.4), (0.5, 0.5), (0.6, 0.6))])
        page.wait_for_selector("html[data-squid=rest]")
        drawn = page.evaluate("document.querySelector('.results canvas').toDataURL()")
        assert drawn != before
        link = page.evaluate("location.href")
        assert len(change_milliseconds(page, 2)) == 2
        page.goto("about:blank")
        open_page(page, link)
        assert page.evaluate("document.querySelector('.results canvas').toDataURL()") == drawn
        assert page.said == []
