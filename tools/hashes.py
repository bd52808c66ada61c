"""Pins with hashes: what the package index offers today for ``constraints.txt``, so that others install no other files.

Run once, on a machine like those of the room; hand the file out with the kit, and install from it:

    python tools/hashes.py                                  # writes constraints.hashes.txt; downloads metadata only
    python -m pip install --require-hashes -r constraints.hashes.txt
    python -m pip install --no-deps --editable .

The hashes are those of this platform's and this Python's files (wheels differ), so the file does not come with the kit.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "constraints.hashes.txt"


def hashed_lines(report: Mapping[str, Any]) -> list[str]:
    """A line ``name==version --hash=sha256:...`` for everything that pip would install.

    Args:
        report: of ``pip install --dry-run --report``.

    Raises:
        ValueError: where the index names no SHA-256 of a file.
    """
    lines = []
    for item in report["install"]:
        name, version = item["metadata"]["name"], item["metadata"]["version"]
        digest = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
        if not digest:
            raise ValueError(f"the package index names no SHA-256 of {name} {version}; nothing can be pinned by it")
        lines.append(f"{name}=={version} --hash=sha256:{digest}")
    return sorted(lines, key=str.lower)


def requirements() -> list[str]:
    """What ``make setup`` installs: the kit's dependencies and its tests', not what only graders need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["test"]]


def main() -> int:
    """Ask pip, write the file; the exit code is pip's."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    pinned = ["--constraint", str(ROOT / "constraints.txt"), *requirements()]
    found = subprocess.run([*command, *pinned], check=False, capture_output=True)
    if found.returncode:
        sys.stderr.write(found.stderr.decode(errors="replace"))
        return found.returncode
    lines = hashed_lines(json.loads(found.stdout))
    OUTPUT.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} packages with their hashes: {OUTPUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
