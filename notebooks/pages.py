"""Pages: slides and a printed handout of every lesson, made of the executed student notebook.

    python notebooks/pages.py            # notebooks/slides/NN_name.html and notebooks/handouts/NN_name.html

Each page is one file that needs no network: pictures are inside, formulas are MathML. Slides show prose and figures,
a slide a section; the handout shows prose and blank exercises, with lines to write on, and the figures at its end.
"""

from __future__ import annotations

import base64
import html
import re
import sys
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbformat import NotebookNode

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from masters import SCHEMATICS, masters, student_path

PRINT_LINES = 14  #: a printed output that is longer is left out of the slides
_FORMULA = re.compile(r"\$\$(?P<display>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)
_DRAWING = re.compile(rf'src="((?:{SCHEMATICS}|\.\./docs)/[\w.]+\.(svg|gif))"')
_KIND = {"svg": "svg+xml", "gif": "gif"}
_RULED = '<div class="ruled" aria-hidden="true"></div>'


def slides(notebook: NotebookNode) -> str:
    """The lesson as slides: a section of the page for the title and for each ``##``."""
    found: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for part in filter(None, re.split(r"(?m)^(?=##? )", cell.source)):
                if re.match(r"##? ", part) or not found:
                    found.append("")
                found[-1] += _prose(part)
        else:
            found[-1] += _code(cell) + "".join(_shown(output) for output in cell.outputs)
    return _page(_title(notebook), "slides", "".join(f"<section>{slide}</section>" for slide in found))


def handout(notebook: NotebookNode) -> str:
    """The lesson on paper; what came out stands at the end, so that nobody reads it before predicting."""
    parts, results = [], []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(_prose(cell.source) + (_RULED if "**Predict" in cell.source else ""))
        else:
            parts.append(_code(cell) and _code(cell) + _RULED)
            results += [_shown(output) for output in cell.outputs if _is_figure_or_prose(output)]
    return _page(_title(notebook), "handout", "".join([*parts, '<h2 class="results">What came out</h2>', *results]))


def write(master: Path) -> None:
    """Write both pages of one lesson."""
    path = student_path(master)
    notebook = nbformat.read(path, as_version=4)
    for folder, page in (("slides", slides(notebook)), ("handouts", handout(notebook))):
        (HERE / folder).mkdir(exist_ok=True)
        (HERE / folder / f"{path.stem}.html").write_text(page, encoding="utf-8")


def remove_stale() -> None:
    """Remove pages of lessons that have another name by now, or are gone."""
    known = {f"{master.stem}.html" for master in masters()}
    for path in [*HERE.glob("slides/*.html"), *HERE.glob("handouts/*.html")]:
        if path.name not in known:
            path.unlink()


def _title(notebook: NotebookNode) -> str:
    return str(notebook.cells[0].source.splitlines()[0].lstrip("# "))


def _prose(source: str) -> str:
    return _FORMULA.sub(_mathml, _DRAWING.sub(_inside, markdown2html_mistune(source)))


def _inside(match: re.Match[str]) -> str:
    """A schematic or film as part of the page."""
    drawing = base64.b64encode((HERE / match[1]).read_bytes()).decode()
    return f'src="data:image/{_KIND[match[2]]};base64,{drawing}"'


def _mathml(match: re.Match[str]) -> str:
    kind = "block" if match["display"] else "inline"
    return str(convert(html.unescape(match["display"] or match["inline"]), display=kind))


def _code(cell: NotebookNode) -> str:
    """Only exercises show their code: the rest is in the notebook."""
    if "exercise" not in cell.metadata.get("tags", []):
        return ""
    return f"<pre><code>{html.escape(cell.source)}</code></pre>"


def _is_figure_or_prose(output: NotebookNode) -> bool:
    return bool({"image/png", "text/markdown"} & set(output.get("data", {})))


def _shown(output: NotebookNode) -> str:
    data = output.get("data", {})
    if "image/png" in data:
        alt = output.metadata.get("image/png", {}).get("alt", "")
        return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data["image/png"].strip()}">'
    if "text/markdown" in data:
        return _prose(data["text/markdown"])
    text = str(output.get("text", "")).rstrip()  # reports on blank exercises are results, not prints: they are left out
    if output.output_type != "stream" or not text or text.count("\n") >= PRINT_LINES:
        return ""
    return f"<pre>{html.escape(text)}</pre>"


def _page(title: str, kind: str, body: str) -> str:
    style = (HERE / "pages.css").read_text(encoding="utf-8")
    script = _KEYS if kind == "slides" else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{style}</style></head>\n<body class="{kind}"><main>{body}</main>{script}</body></html>\n'
    )


_KEYS = """<script>
addEventListener("keydown", event => {
  const step = {ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1}[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const all = [...document.querySelectorAll("section")], here = scrollY + 8;
  const now = all.reduce((best, slide, index) => slide.offsetTop <= here ? index : best, 0);
  const next = all[Math.max(0, Math.min(all.length - 1, now + step))];
  scrollTo({top: next.offsetTop});
});
</script>"""


if __name__ == "__main__":
    for lesson in masters(sys.argv[1:]):
        write(lesson)
        print(f"{lesson.stem}: slides and handout")
