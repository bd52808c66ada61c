"""The page built and filled for the tests, and what somebody does on it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
from playwright.sync_api import Page

from squidlib.teaching.page import folder

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"


def built_page(target: Path, run: str | Path = "digitanatomy") -> Path:
    """The page of a detector, by default the shipped one, built now; skips with the reason where it cannot be built."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm: the page in the browser is built with Node.js 20")
    if not AXE.is_file():
        done = subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=WEB, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"npm could not install what web/ needs; run make web with a network ({done.stderr[-200:]})")
    built = target / "built"
    command = [npm, "run", "build", "--", "--outDir", str(built), "--emptyOutDir"]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    site = target / "site" / "below" / "here"  # under a sub-path, as on most web sites
    jaxtyping.config.update("jaxtyping_disable", True)  # the exporter traces with things that are no tensors
    before, folder.BUILT = folder.BUILT, built
    try:
        folder.write_page(run, site)
    finally:
        folder.BUILT = before
        jaxtyping.config.update("jaxtyping_disable", False)
    return site


def word(page: Page) -> str:
    """The verdict."""
    return page.locator(".verdict .word").inner_text()


def score(page: Page) -> float:
    """The number beside the image."""
    return float(page.locator(".badge").inner_text().split()[-1])


def picture(page: Page, selector: str = ".results canvas >> nth=0") -> str:
    """The pixels of a picture, as an address that holds them; by default the reconstruction's."""
    return str(page.locator(selector).evaluate("canvas => canvas.toDataURL()"))


def settled(page: Page) -> None:
    """Wait until the newest state is judged, all of it is drawn, and the address holds it."""
    page.wait_for_selector("html[data-squid=rest]")
    page.wait_for_timeout(60)


def follow(page: Page, link: str) -> None:
    """Change what is behind the # of the address, as a link on the page would."""
    change = (
        "if (location.hash !== `#${link}`) { document.documentElement.dataset.squid = 'busy'; location.hash = link }"
    )
    page.evaluate(f"link => {{ {change} }}", link)
    settled(page)


def press(page: Page, name: str) -> None:
    """A button by its whole text."""
    page.get_by_role("button", name=name, exact=True).click()
    settled(page)


def stroke(page: Page, points: Iterable[tuple[float, float]]) -> None:
    """Drag over the image along points in pixels of the image, 0..96."""
    box = page.locator(".board").bounding_box()
    assert box is not None
    for number, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"] / 96, box["y"] + y * box["height"] / 96, steps=4)
        if not number:
            page.mouse.down()
    page.mouse.up()
    settled(page)


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands, and where."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(found => found.violations)")
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def reached_by_tab(page: Page, most: int = 150) -> list[str]:
    """What Tab comes to, from the start of the page until it leaves it: texts or labels."""
    names = []
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
    for _ in range(most):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(e => e === document.body ? '' : e.id || e.getAttribute('aria-label') || e.textContent)"
            "(document.activeElement)"
        )
        if not name or (names and name == names[0]):
            break
        names.append(name)
    return names


def to_be_reached(page: Page) -> list[str]:
    """What can be operated and is seen: each of it must be reached. One tile and one choice stand for their groups."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("button, input, summary, [tabindex='0']")]
          .filter(e => e.checkVisibility() && !e.disabled && e.tabIndex >= 0 && (e.type !== "radio" || e.checked))
          .map(e => e.id || e.getAttribute("aria-label") || e.textContent)"""
    )
    return found
