"""The report of squid score in a browser: it fits every width, follows the theme and asks nothing of anybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from digitanatomy import DigitAnatomy, GlyphSplit
from tests.helpers import squid

#: Pictures that are shown: all of them, decoded, wider than nothing.
SHOWN = (
    "[...document.images].filter(image => image.complete && image.naturalWidth > 0 && image.clientWidth > 60).length"
)


def luminance(colour: str) -> float:
    red, green, blue = (int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(", "))
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, split: GlyphSplit) -> Path:
    folder = tmp_path_factory.mktemp("report")
    for index, image in enumerate(DigitAnatomy(split.test, {"normal": 2, "missing": 2}, seed=2).images()):
        Image.fromarray((image[0] * 255).byte().numpy()).save(folder / f"{index} {'long name ' * 8}.png")
    return folder


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_follows_the_theme_and_asks_nobody(
    chromium: Browser, report: Path, theme: str, width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    page_file = report / "r.html"
    if not page_file.exists():
        assert (
            squid(capsys, "score", "digitanatomy", report, "--csv", report / "s.csv", "--report", page_file).code == 0
        )
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(page_file.as_uri())
    page.locator("article").first.wait_for()
    page.wait_for_function(f"{SHOWN} === 8")
    assert [url for url in asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    text = page.evaluate("getComputedStyle(document.body).color")
    assert (luminance(back) > luminance(text)) == (theme == "light")
    assert abs(luminance(back) - luminance(text)) > 0.7
    page.evaluate("window.scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
    assert page.locator(".warning").bounding_box()["y"] == 0  # type: ignore[index]  # it stays in sight
    context.close()
