"""Replace the part of a README between two markers by text that a script computed."""

from __future__ import annotations

import re
from pathlib import Path

from squidlib.utils.safetensors_io import write_atomically

ROOT = Path(__file__).resolve().parent.parent


def replace_part(name: str, text: str, path: Path = ROOT / "README.md") -> None:
    """Put ``text`` between ``<!-- NAME: ... -->`` and ``<!-- end of NAME -->`` of a Markdown file."""
    pattern = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    changed, count = pattern.subn(lambda match: f"{match[1]}{text}\n{match[2]}", path.read_text())
    if count != 1:
        raise SystemExit(f"{path} must have the markers of {name!r} once, found {count}")
    write_atomically(path, changed.encode())
