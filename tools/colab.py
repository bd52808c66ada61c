"""Install the kit beside what Colab ships: what is missing at the pinned versions, what is there stays.

A hosted kernel runs on packages of its own (torch, numpy, ipykernel); replacing them under a running kernel breaks it.
So the pins of constraints.txt hold for the packages that are missing, and the ranges of pyproject.toml for the others:
what is older than its floor is replaced, and that is said.

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


def versions() -> dict[str, str]:
    """Every installed package's version."""
    return {canonical(str(found.metadata["Name"])): found.version for found in distributions()}


def replaced(before: dict[str, str], after: dict[str, str]) -> str:
    """What to say where packages that were there have another version now: a running kernel holds the old ones."""
    changed = [f"{name} {old} -> {after[name]}" for name, old in before.items() if after.get(name, old) != old]
    if not changed:
        return ""
    return f"Replaced: {', '.join(sorted(changed))}. Restart the session (menu Runtime), then run this cell again."


def main() -> int:
    """Install; the exit code is pip's."""
    before = versions()
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text(pins_of_missing((ROOT / "constraints.txt").read_text(), set(before)))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--editable", str(ROOT)]
        code = subprocess.run([*command, "--constraint", str(pins)], check=False).returncode
    said = replaced(before, versions())
    if said:
        print(said)
    return code


if __name__ == "__main__":
    sys.exit(main())
