"""What a student does on the explorer's page, and what they see there."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect


def verdict(page: Page) -> str:
    """The finding."""
    return page.locator(".squid-verdict").first.text_content() or ""


def score(page: Page) -> float:
    """The number in the finding."""
    found = re.search(r"score (-?[\d.]+)", verdict(page))
    assert found is not None
    return float(found[1])


def note(page: Page) -> Locator:
    """The line below the image: the truth, or what went wrong."""
    return page.locator(".squid-note, .squid-problem").first


def picture(page: Page, place: int = 0) -> str:
    """The reconstruction (0) or the anomaly map (1), as the address that holds its pixels."""
    return page.locator(".squid-pair img").nth(place).get_attribute("src") or ""


def pixels(page: Page, place: int = 0) -> list[int]:
    """The same as the browser drew it: red of every pixel of a 24 x 24 reduction."""
    return (
        page.locator(".squid-pair img")
        .nth(place)
        .evaluate(  # type: ignore[no-any-return]
            """image => {
          const canvas = Object.assign(document.createElement("canvas"), {width: 24, height: 24});
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0, 24, 24);
          return Array.from(context.getImageData(0, 0, 24, 24).data).filter((_, index) => index % 4 === 0);
        }"""
        )
    )


def tile(page: Page, number: int) -> Locator:
    """The button of a tile, 1 to 9."""
    return page.locator(".squid-tiles button").nth(number - 1)


def press(page: Page, name: str) -> None:
    """A button by its text."""
    page.locator(".squid-explorer").get_by_role("button", name=name).first.click()


def choose(page: Page, label: str, option: str) -> None:
    """An entry of a list."""
    page.locator(".squid-explorer").get_by_label(label, exact=True).select_option(option)


def link(page: Page) -> str:
    """What the field of the link holds."""
    return page.locator(".squid-explorer").get_by_label("Link", exact=True).input_value()


def changes(page: Page, seen: Callable[[], object], act: Callable[[], None]) -> None:
    """Do something and wait until what is seen is another; fails after some seconds."""
    before = seen()
    act()
    for _ in range(200):
        if seen() != before:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"nothing changed: still {str(before)[:80]}")


def expect_sound(page: Page) -> None:
    """No message of a failure is shown."""
    expect(page.locator(".squid-problem")).to_have_count(0)
