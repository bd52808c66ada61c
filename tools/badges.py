"""Badges: write the address of the repository where Colab and Binder need it.

    make badges REPOSITORY=owner/name

Writes the badges into notebooks/README.md and the address into every notebook's set-up cell.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(ROOT / "notebooks"))
from masters import masters
from readme_part import replace_part

from squidlib.utils.safetensors_io import write_atomically

SETUP = ROOT / "notebooks" / "setup_cell.py"
NONE = "The address of this repository is not set: `make badges REPOSITORY=owner/name` writes badges here."


def badges(repository: str) -> str:
    """A line of Markdown for Binder, and one for each lesson on Colab."""
    binder = f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/notebooks"
    lines = [f"[![Binder](https://mybinder.org/badge_logo.svg)]({binder}) all lessons in JupyterLab", ""]
    for master in masters():
        colab = f"https://colab.research.google.com/github/{repository}/blob/HEAD/notebooks/{master.stem}.ipynb"
        lines.append(f"- [![Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}) {master.stem}")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Write the address; none or "" takes it away again."""
    repository = arguments[0] if arguments else ""
    if repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise SystemExit(f"owner/name of a GitHub repository expected, got {repository!r}")
    text = re.sub(r'^REPOSITORY = "[^"]*"', f'REPOSITORY = "{repository}"', SETUP.read_text(), flags=re.MULTILINE)
    write_atomically(SETUP, text.encode())
    replace_part("badges", badges(repository) if repository else NONE, ROOT / "notebooks" / "README.md")
    print("written; now run: make notebooks")


if __name__ == "__main__":
    main(sys.argv[1:])
