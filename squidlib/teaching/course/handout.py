"""Handout: a lesson as a student gets it, and what has to lie beside it.

A copy has no outputs, so that nobody sees an answer before they predict it. A link to the repository's docs/ leads to
the copy's own docs/, since JupyterLab shows nothing above the folder that it opens.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import nbformat
from nbformat import NotebookNode

from squidlib.teaching.course.folder import course_folder, lesson_files

DOCS, OWN_DOCS = "../docs/", "docs/"
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def handout(path: Path) -> NotebookNode:
    """The lesson at ``path`` without outputs, its links leading to what lies beside a copy."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(f"]({DOCS}", f"]({OWN_DOCS}")
        elif cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def links(text: str) -> list[str]:
    """The files that a text of Markdown links or shows, as it names them; addresses on the web are none."""
    named = [target.partition("#")[0] for _, _, target in _LINK.findall(text)]
    return list(dict.fromkeys(target for target in named if target and "://" not in target))


def beside() -> dict[str, bytes]:
    """Every file that lessons show or link: its path beside a copy -> its content."""
    found: dict[str, bytes] = {}
    for path in lesson_files():
        for cell in handout(path).cells:
            for target in links(cell.source) if cell.cell_type == "markdown" else []:
                if target not in found:
                    found[target] = _content(target)
    return found


def _content(target: str) -> bytes:
    folder = course_folder() if target.startswith(OWN_DOCS) else course_folder() / "notebooks"
    content = (folder / target).read_bytes()
    if PurePosixPath(target).suffix == ".md":
        return _LINK.sub(_without_files, content.decode("utf-8")).encode("utf-8")
    return content


def _without_files(match: re.Match[str]) -> str:
    """A page that is copied by itself: what it links stays behind, and only the words are left."""
    return match[0] if "://" in match[3] or match[3].startswith("#") else match[2]
