"""Install the kit beside what Colab ships: what is missing at the pinned versions, what is there stays.

A hosted kernel runs on packages of its own (torch, numpy, ipykernel); replacing them under a running kernel breaks it.
So the pins of constraints.txt hold for the packages that are missing, and the ranges of pyproject.toml for the others.

    python tools/colab.py
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def canonical(name: str) -> str:
    """A package's name as every index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins_of_missing(constraints: str, installed: set[str]) -> str:
    """The lines of a constraints file whose packages are not installed yet."""
    lines = [line for line in constraints.splitlines() if line and not line.startswith("#")]
    return "\n".join(line for line in lines if canonical(line.partition("==")[0]) not in installed) + "\n"


def main() -> int:
    """Install; the exit code is pip's."""
    installed = {canonical(str(found.metadata["Name"])) for found in distributions()}
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text(pins_of_missing((ROOT / "constraints.txt").read_text(), installed))
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--editable",
            str(ROOT),
            "--constraint",
            str(pins),
        ]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
