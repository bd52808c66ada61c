"""Build the kit's website from what is in the repository: lessons, docs, instructors' pages, reference.

python tools/site.py [FOLDER]        # by default build/site; warnings are errors, nothing is executed or fetched

Sources are laid out as in the repository, so that the links between them hold. A link to a file that is no page of the
site becomes its name. Where the repository's address is known (``make badges``, or the environment variable
KIT_REPOSITORY=owner/name), each lesson can be opened on Colab and Binder.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import nbformat

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "notebooks")]
from readme_part import ROOT
from setup_cell import REPOSITORY
from site_reference import reference_pages

from squidlib.teaching.page import BUILT, write_page

HOW_TO = ("install", "command_line", "browser_page", "chest_xrays", "own_images", "gpus", "python")
RESULTS = ("results", "benchmark", "speed", "experiments")
OWN = ("SECURITY", "CHANGELOG")  #: pages of the repository's own folder
DOCS = (*HOW_TO, *RESULTS, "glossary", "contributing", "tests")
PICTURES = ("*.png", "*.gif")
LIVE = "page"  #: the folder of the site with the page in which the shipped detector runs
_TRY = f'<p><a href="{LIVE}/index.html"><strong>Try it now</strong>: draw a digit, let SQUID judge it.</a></p>'
TRIED_IN = ("00_start_here", "05_gumbel_shrinkage", "12_explorer")  #: lessons that show that page
_LIVE = f"""**On this page, without an installation:** draw on a tile, click one to look inside, change the memory.

<iframe src="../{LIVE}/index.html" title="SQUID in the browser" loading="lazy" width="100%" height="760"></iframe>"""
_READ = """*Here a lesson is shown with its results. To run it and write into it, [install the kit](../index.md), then
type `make lab`.*"""
_NOTES = "\n## Notes for each lesson\n\n```{toctree}\n:maxdepth: 1\n:glob:\n\n[0-9]*\n```\n"
_OPENS = {"slider": "a slider", "explore": "the explorer"}  #: what a page without a kernel cannot show
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_BASH = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^((?:.*\\\n)*.*?\S) {2,}(# .*)$", re.MULTILINE)  #: with its continued lines and its comment
_WIDE = 80  #: characters of a line that a page shows without scrolling
_ANCHOR = re.compile(r'<a id="([\w-]+)"></a>')


def lay_out(source: Path) -> None:
    """Copy and write all sources into an empty folder."""
    for name in DOCS:
        _page(ROOT / "docs" / f"{name}.md", source / "docs" / f"{name}.md")
    for path in [found for pattern in PICTURES for found in (ROOT / "docs").glob(pattern)]:
        shutil.copy(path, source / "docs")
    shutil.copytree(ROOT / "notebooks" / "schematics", source / "notebooks" / "schematics")
    for path in sorted((ROOT / "squidlib" / "benchmark" / "results").rglob("*.png")):
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for path in [*(ROOT / f"{name}.md" for name in OWN), *_teaching()]:
        _page(path, source / path.relative_to(ROOT))
    with (source / "notebooks" / "instructor" / "README.md").open("a", encoding="utf-8") as notes:
        notes.write(_NOTES)
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        nbformat.write(_lesson(path), source / "notebooks" / path.name)
    for name, text in reference_pages().items():
        (source / "reference").mkdir(exist_ok=True)
        (source / "reference" / f"{name}.md").write_text(text, encoding="utf-8")
    for path in (ROOT / "docs" / "site").glob("*.*"):
        shutil.copy(path, source)
    (source / "index.md").write_text(index(), encoding="utf-8")


def _lesson(path: Path) -> nbformat.NotebookNode:
    """A lesson as a page: how to work in it, links of the site, and a word where a notebook has something to move."""
    notebook = nbformat.read(path, as_version=4)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            cell.source = _markdown(cell.source, path)
            continue
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
        cell.outputs = _joined(cell.outputs)
        if cell.source.startswith("check."):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "check"]  # for site.css
        opens = re.search(r"(?m)^(slider|explore)\(", cell.source)
        if opens:
            cells.append(nbformat.v4.new_markdown_cell(f"*In a notebook {_OPENS[opens[1]]} opens here.*"))
    cells[0].source += f"\n\n{_READ}"
    if path.stem in TRIED_IN and _is_built():
        cells.insert(1, nbformat.v4.new_markdown_cell(_LIVE))
    notebook.cells = cells
    return notebook


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """What a cell printed, in one piece: a kernel sends it in as many as it likes."""
    kept: list[nbformat.NotebookNode] = []
    for output in outputs:
        if kept and output.output_type == kept[-1].output_type == "stream" and output.name == kept[-1].name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def index() -> str:
    """The first page: the README, and what stands where."""
    lessons = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
    parts = {
        "Learn": ["notebooks/README", *(f"notebooks/{name}" for name in lessons)],
        "Explain": ["docs/glossary", "reference/paper_map"],
        "Teach": ["notebooks/instructor/README", "notebooks/instructor/schedules"],
        "How to": [f"docs/{name}" for name in HOW_TO],
        "Results": [f"docs/{name}" for name in RESULTS],
        "Reference": ["reference/api", "reference/commands", "docs/contributing", "docs/tests", *OWN],
    }
    tree = "```{{toctree}}\n:caption: {}\n:hidden:\n:maxdepth: 1\n\n{}\n```"
    trees = [tree.format(name, "\n".join(pages)) for name, pages in parts.items()]
    text = _markdown((ROOT / "README.md").read_text(encoding="utf-8"), ROOT / "README.md")
    if _is_built():
        text = text.replace("\n\n", f"\n\n{_TRY}\n\n", 1)
    return "\n\n".join([text, *trees]) + "\n"


def _is_built() -> bool:
    return (BUILT / "index.html").is_file()


def _teaching() -> list[Path]:
    return [ROOT / "notebooks" / "README.md", *sorted((ROOT / "notebooks" / "instructor").glob("*.md"))]


def _page(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_markdown(path.read_text(encoding="utf-8"), path), encoding="utf-8")


def _markdown(text: str, path: Path) -> str:
    """The text with anchors as MyST writes them, and links that lead to no page of the site as plain words."""

    def link(match: re.Match[str]) -> str:
        image, words, target = match.groups()
        file, _, fragment = target.partition("#")
        if "://" in target or not file or (image and (path.parent / file).is_file()):
            return match[0]
        found = (path.parent / file).resolve()
        if found == ROOT / "README.md":
            return f"[{words}](/index.md{'#' + fragment if fragment else ''})"
        return match[0] if _on_site(found) else words

    return _ANCHOR.sub(r"[]{#\1}", _LINK.sub(link, _BASH.sub(_comments_above, text)))


def _comments_above(block: re.Match[str]) -> str:
    """The commands with what is said of each above it, where a line would be wider than the page."""
    return _COMMAND.sub(r"\2\n\1", block[0]) if max(map(len, block[1].splitlines())) > _WIDE else block[0]


def _on_site(path: Path) -> bool:
    place = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    if place.parts[:1] == ("docs",):
        return (place.stem in DOCS and place.suffix == ".md") or place.suffix in (".png", ".gif")
    if place.parent == Path("."):
        return place.stem in OWN
    return path in _teaching() or (place.parent == Path("notebooks") and place.suffix == ".ipynb")


def main() -> int:
    """Lay out, build; Sphinx's exit code."""
    from sphinx.cmd.build import main as sphinx

    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "site"
    source, page = folder / "source", folder / "html"
    for old in (source, page):
        shutil.rmtree(old, ignore_errors=True)
    (source / "docs").mkdir(parents=True)
    lay_out(source)
    os.environ.setdefault("KIT_REPOSITORY", REPOSITORY)  # for docs/site/conf.py
    code = sphinx(["-b", "html", "-W", "--keep-going", "-q", "-j", "2", str(source), str(page)])
    if _is_built():
        write_page("digitanatomy", page / LIVE)
    else:
        print(f"without {LIVE}/, the page in which a detector runs: it was not built (make web)")
    return code


if __name__ == "__main__":
    sys.exit(main())
