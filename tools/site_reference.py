"""Pages of the site that are made of the code: library from docstrings, commands from their parser, a paper map."""

from __future__ import annotations

import os
import pkgutil
import re
import subprocess
import sys
from importlib import import_module

from readme_part import ROOT

#: What a reader imports; the teaching package and the command line explain themselves elsewhere.
PACKAGES = ("digitanatomy", "squidlib")
HIDDEN = ("squidlib.teaching", "squidlib.cli", "squidlib.__main__", "digitanatomy.__main__")
_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def reference_pages() -> dict[str, str]:
    """File name without ending -> MyST Markdown."""
    return {"api": api(), "commands": commands(), "paper_map": paper_map()}


def modules() -> list[str]:
    """All modules of the library, packages first."""
    found = []
    for package in PACKAGES:
        found.append(package)
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.startswith(HIDDEN):
                found.append(module.name)
    return found


def api() -> str:
    """Each module with its docstring and its public functions and classes."""
    parts = ["# Library", "Every module, as its docstrings describe it; shapes, ranges and errors stand there."]
    for name in modules():
        parts.append(f"## `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :no-index:\n```")
    return "\n\n".join(parts) + "\n"


def commands() -> str:
    """The help text of ``squid`` and of each of its commands."""
    width = os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}

    def told(*arguments: str) -> str:
        call = [sys.executable, "-m", "squidlib", *arguments, "--help"]
        return subprocess.run(call, env=width, cwd=ROOT, capture_output=True, text=True, check=True).stdout.rstrip()

    top = told()
    names = re.findall(r"• ([a-z]+)\s", top)
    parts = ["# Commands", "What `squid COMMAND --help` says.", f"```text\n{top}\n```"]
    return "\n\n".join([*parts, *(f"## squid {name}\n\n```text\n{told(name)}\n```" for name in names)]) + "\n"


def paper_map() -> str:
    """From the paper's section or equation to lesson, function and test: the tables at the lessons' ends in one."""
    rows = ["| what | paper | lesson | function | test |", "| --- | --- | --- | --- | --- |"]
    for path in sorted((ROOT / "notebooks" / "src").glob("*.py")):
        prose = "\n".join(line.removeprefix("# ") for line in path.read_text(encoding="utf-8").splitlines())
        table = prose.partition("| seen here | paper | function | test |")[2]
        for what, paper, function, test in _ROW.findall(table):
            if set(what) != {"-"}:
                rows.append(
                    f"| {what} | {paper} | [{path.stem[:2]}](../notebooks/{path.stem}.ipynb) | {function} | {test} |"
                )
    return "# Paper map\n\nWhere each part of the paper is shown, coded and tested.\n\n" + "\n".join(rows) + "\n"
