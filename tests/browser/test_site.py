"""The site: built from stored outputs without a warning; every link leads somewhere; no page asks another host."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import BrowserContext

from squidlib.cli.train import Train
from squidlib.teaching.page import BUILT
from tests.file_server import file_server

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "notebooks")]
from site_reference import PACKAGES, modules, modules_of, page_of, paper_map  # noqa: E402

#: Pages that are the widest of their sort.
NARROW = (
    "index.html", "notebooks/03_memory_matrix.html", "notebooks/07_neighbours.html", "notebooks/08_squid.html",
    "notebooks/13_chest_xrays.html", "docs/experiments.html", "SECURITY.html", "reference/paper_map.html",
    "reference/api_squidlib_baselines.html",
)  # fmt: skip
#: What somebody looks for -> a page that has to be found.
SEARCHED = {"shrinkage": "Gumbel shrinkage", "gumbel": "Glossary", "memory": "squidlib.memory", "threshold": "Glossary"}
LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "video": "src", "source": "src"}


class Page(HTMLParser):
    """What a page links to, what it loads, and the places that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.without_alt = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.ids |= {value for name, value in found.items() if name in ("id", "name") and value}
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        if found.get(LOADED.get(tag, "")):
            self.loads.append(str(found[LOADED[tag]]))
        self.without_alt += tag == "img" and not found.get("alt")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, "tools/site.py", str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}


def test_every_lesson_and_every_part_of_the_docs_is_a_page(site: Path) -> None:
    lessons = {path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    assert {path.stem for path in (site / "notebooks").glob("[0-9]*.html")} == lessons
    docs = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert {path.stem for path in (site / "docs").glob("*.html")} == docs
    assert {path.stem for path in (site / "notebooks/instructor").glob("*.html")} >= lessons


def test_every_link_and_anchor_leads_somewhere(pages: dict[Path, Page], site: Path) -> None:
    lost = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages.get(target)
            missing = not target.exists() or (parts.fragment and known and unquote(parts.fragment) not in known.ids)
            lost += [f"{path.relative_to(site)}: {link}"] * bool(missing)
    assert lost == []


def test_nothing_is_loaded_from_another_host(pages: dict[Path, Page], site: Path) -> None:
    loads = [load for page in pages.values() for load in page.loads]
    assert [load for load in loads if "//" in load.partition("data:")[0]] == []
    styles = {path.name: path.read_text(errors="ignore") for path in site.rglob("*.css")}
    assert [name for name, text in styles.items() if re.search(r"@import[^;]*//", text)] == []


def test_pictures_of_lessons_have_alternative_texts(pages: dict[Path, Page]) -> None:
    assert {path.name: page.without_alt for path, page in pages.items() if page.without_alt} == {}


def test_formulas_are_mathml_and_answers_open(site: Path) -> None:
    text = (site / "notebooks/08_squid.html").read_text(encoding="utf-8")
    assert "<math" in text
    assert "$$" not in text
    assert text.count("<details") > 5


def test_the_reference_has_every_module_every_command_and_the_paper(site: Path) -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (site / "reference").glob("*.html")}
    told = {name: package for package in PACKAGES for name in modules_of(package)}
    assert sorted(told) == sorted(modules())
    assert [name for name in told if f"#module-{name}" not in texts["api"]] == []
    assert [name for name, package in told.items() if f'id="module-{name}"' not in texts[page_of(package)]] == []
    plain = re.sub("<[^>]+>", "", "".join(texts.values()))
    assert "Alias for field number" not in plain
    assert re.findall(r"~\w+\.\w+", plain) == [], "a signature that Sphinx could not read"


def test_the_commands_have_every_option_with_what_it_means(site: Path) -> None:
    text = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    options = [field.name.replace("_", "-") for field in fields(Train) if field.name != "dataset"]
    assert [name for name in options if f"--{name}" not in text] == []
    assert f"<td><p>{Train.__doc__}</p></td>" in text
    assert "in this text" not in text


def test_the_paper_map_goes_from_section_to_section_and_leads_into_the_library(site: Path) -> None:
    told = paper_map()
    assert told.count("](../notebooks/") > 60
    sections = [float(found) for found in re.findall(r"^\| (\d(?:\.\d)?)", told, re.MULTILINE)]
    assert sections == sorted(sections)
    text = (site / "reference" / "paper_map.html").read_text(encoding="utf-8")
    for name in ("squidlib.memory.read_memory", "squidlib.shrinkage.topk_shrink", "squidlib.training.loop.train_step"):
        assert re.search(rf'href="api_[a-z_]+\.html#{re.escape(name)}"', text), name
    linked = re.findall(r"py:obj\}`~([\w.]+)`", told)
    assert [name for name in linked if f'#{name}"' not in text and f'#module-{name}"' not in text] == []


def test_pages_work_in_a_browser_without_another_host(site: Path, context: BrowserContext) -> None:
    with file_server(site) as server:
        page = context.new_page()
        page.set_viewport_size({"width": 390, "height": 800})
        for name in NARROW:
            page.goto(f"{server.address}/{name}", wait_until="networkidle")
            assert page.locator("article h1").first.is_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, "a phone need not scroll sideways"
        for word, title in SEARCHED.items():
            page.goto(f"{server.address}/search.html?q={word}", wait_until="networkidle")
            page.wait_for_selector("#search-results li")
            assert title in page.locator("#search-results").inner_text(), word


def test_small_pictures_open_in_full_size_and_checks_are_read_to_their_end(site: Path, context: BrowserContext) -> None:
    with file_server(site) as server:
        page = context.new_page()
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(f"{server.address}/notebooks/09_evaluate_honestly.html", wait_until="networkidle")
        small = page.locator(".bd-article a[title*='full size'] img")
        assert small.count() >= 1
        assert small.evaluate_all("all => all.every(one => one.naturalWidth > one.clientWidth)")
        assert page.locator(".bd-article a img").first.evaluate("one => one.parentElement.href === one.src")
        said = page.locator(".tag_check .cell_output pre").first
        assert said.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_a_lesson_says_how_to_run_it_and_what_a_page_cannot_show(site: Path) -> None:
    for path in (site / "notebooks").glob("[0-9]*.html"):
        text = path.read_text(encoding="utf-8")
        assert "Here a lesson is shown with its results." in text
        opened = path.stem in ("00_start_here", "05_gumbel_shrinkage", "12_explorer")
        assert ("opens here." in text) == opened, path.stem


def test_what_a_cell_printed_is_in_one_piece(site: Path) -> None:
    for path in (site / "notebooks").glob("[0-9]*.html"):
        assert re.findall(r'</pre></div>\s*</div>\s*<div class="output stream', path.read_text()) == [], path.stem


def test_lessons_show_the_page_in_the_browser_where_it_was_built(site: Path) -> None:
    lessons = (site / "notebooks").glob("[0-9]*.html")
    shown = {path.stem for path in lessons if '<iframe src="../page/' in path.read_text()}
    assert shown == ({"00_start_here", "05_gumbel_shrinkage", "12_explorer"} if BUILT.is_dir() else set())
    assert (site / "page" / "index.html").is_file() == BUILT.is_dir()


def test_tables_that_a_lesson_prints_are_tables(site: Path) -> None:
    for name in ("02_autoencoder", "08_squid", "14_all_methods"):
        text = (site / "notebooks" / f"{name}.html").read_text()
        assert "<p>| " not in text, name
        assert "<table" in text
