"""Measure the page in the browser and write the figures into docs/browser_page.md.

.venv/bin/python tools/page_bench.py     # after make web; a minute; leave the machine alone meanwhile
.venv/bin/python tools/page_bench.py --browser firefox     # its own table; of an installed Firefox
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
from bench import cpu_name
from readme_part import ROOT, replace_part

import squidlib
from digitanatomy import DigitAnatomy
from squidlib.data.digits import Digits
from squidlib.teaching.explorer.timing import browser
from squidlib.teaching.page import timing, write_page
from squidlib.teaching.page.firefox import firefox_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COUNTS = {"normal": 10, "novel": 8, "disorder": 8, "missing": 8, "flipped": 8, "lesion": 8}  #: images that are compared
STARTS, CHANGES = 5, 60
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
ROW = "| {} | {} | {} |"


def violations(launched: Browser, address: str) -> int:
    """What axe-core finds wrong on a phone and on a desktop, in light and in dark."""
    count = 0
    for width in (390, 1280):
        for scheme in ("light", "dark"):
            window = launched.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            page = window.new_page()
            timing.open_page(page, address)
            page.evaluate(AXE.read_text(encoding="utf-8"))
            count += page.evaluate("axe.run().then(found => found.violations.length)")
            window.close()
    return count


def shoot(launched: Browser, address: str) -> None:
    """The pictures of docs/browser_page.md."""
    for width, height, scheme in ((1280, 1150, "light"), (1280, 1150, "dark"), (390, 844, "light")):
        window = launched.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        page = window.new_page()
        timing.open_page(page, address)
        page.get_by_role("button", name="No, thank you").click()
        page.screenshot(path=ROOT / "docs" / f"page_{scheme}_{width}.png")
        window.close()


def in_firefox(folder: Path) -> tuple[str, list[str]]:
    """Its version, and the rows of its table."""
    starts = []
    with timing.plain_server(folder) as address:
        for number in range(STARTS):  # a new profile each
            with firefox_page() as page:
                starts.append(timing.open_page(page, f"{address}/index.html"))
                if number == STARTS - 1:
                    changes = sorted(timing.change_milliseconds(page, CHANGES))
                    images = DigitAnatomy(Digits().glyphs.test, COUNTS, seed=5).images()
                    difference, verdicts = timing.largest_difference(page, squidlib.load("digitanatomy"), images)
    return page.version, [*speed(starts, changes), *agreement(len(images), difference, verdicts)]


def speed(starts: list[float], changes: list[float]) -> list[str]:
    """Rows on how soon something is seen, from milliseconds; changes are sorted."""
    middle, high = statistics.median(changes), changes[int(0.95 * len(changes))]
    return [
        ROW.format("from opening to the first verdict, at worst of five", f"{max(starts) / 1000:.1f} s", "at most 3 s"),
        ROW.format(f"from a change to the new picture, median of {CHANGES}", f"{middle:.0f} ms", ""),
        ROW.format("the same, 95th percentile", f"{high:.0f} ms", "at most 100 ms"),
    ]


def agreement(count: int, difference: float, verdicts: int) -> list[str]:
    """Rows on the page against Python."""
    return [
        ROW.format(f"largest difference from Python, {count} images", f"{difference:.0e}", "at most 1e-3"),
        ROW.format("verdicts that differ from Python's", str(verdicts), "0"),
    ]


def measured(folder: Path) -> list[str]:
    """The rows of the table."""
    images = DigitAnatomy(Digits().glyphs.test, COUNTS, seed=5).images()
    with timing.plain_server(folder) as address, browser() as launched:
        starts = []
        for _ in range(STARTS):  # a private window each: nothing is kept from the one before
            window = launched.new_context(viewport={"width": 1280, "height": 900})
            page = window.new_page()
            starts.append(timing.open_page(page, f"{address}/index.html"))
            if len(starts) < STARTS:
                window.close()
        changes = sorted(timing.change_milliseconds(page, CHANGES))
        difference, verdicts = timing.largest_difference(page, squidlib.load("digitanatomy"), images)
        wrong = violations(launched, f"{address}/index.html")
        shoot(launched, f"{address}/index.html")
    runtime, rest = timing.compressed_bytes(folder)
    return [
        *speed(starts, changes),
        ROW.format("page, model and data, compressed", f"{rest / 1e6:.1f} MB", "at most 8 MB"),
        ROW.format("onnxruntime's WebAssembly, compressed", f"{runtime / 1e6:.1f} MB", ""),
        *agreement(len(images), difference, verdicts),
        ROW.format("violations that axe-core finds (phone, desktop, light, dark)", str(wrong), "0"),
    ]


def main() -> None:
    """Export, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", choices=("chromium", "firefox"), default="chromium")
    other = parser.parse_args().browser == "firefox"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "page"
        write_page("digitanatomy", folder)
        name, rows = in_firefox(folder) if other else ("", measured(folder))
    head = [ROW.format("what", "measured", "aim"), "| --- | --: | --: |"]
    text = "\n".join([*head, *rows])
    print(text)
    what = f"Firefox {name}" if other else "Chromium"
    where = f"{what} without a window on {cpu_name()}, served from the same machine."
    replace_part("page_firefox" if other else "page", f"{where}\n\n{text}")


if __name__ == "__main__":
    main()
