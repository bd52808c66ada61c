"""Replace the part of a page between two markers by text that a script computed."""

from __future__ import annotations

import re
from pathlib import Path

from squidlib.utils.safetensors_io import write_atomically

ROOT = Path(__file__).resolve().parent.parent


def pages() -> list[Path]:
    """The README and the pages of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def replace_part(name: str, text: str, path: Path | None = None) -> None:
    """Put ``text`` between ``<!-- NAME: ... -->`` and ``<!-- end of NAME -->`` of a Markdown file.

    Args:
        path: the file; None: whichever of ``pages`` has the markers.
    """
    pattern = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    found = [page for page in ([path] if path else pages()) if pattern.search(page.read_text())]
    if len(found) != 1:
        where = ", ".join(page.name for page in found) or "none"
        raise SystemExit(f"one page must have the markers of {name!r}, found {where}")
    changed, count = pattern.subn(lambda match: f"{match[1]}{text}\n{match[2]}", found[0].read_text())
    if count != 1:
        raise SystemExit(f"{found[0]} must have the markers of {name!r} once, found {count}")
    write_atomically(found[0], changed.encode())
