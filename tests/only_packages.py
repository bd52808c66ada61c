"""A Python that has the base packages, and those of some extras, and no others: as if nothing else were installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: Runs commands of ``squid`` one after the other. Modules of packages that are left out are not found, whoever asks.
HIDING = """
import importlib.machinery as machinery, json, re, sys
hidden, gone, commands = (json.loads(text) for text in sys.argv[1:])
hidden, gone = set(hidden), set(gone)

class WithoutThem:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else machinery.PathFinder.find_spec(name, path, target)

    @staticmethod
    def find_distributions(context):
        found = machinery.PathFinder.find_distributions(context)
        return (one for one in found if re.sub("[-_.]+", "-", one.metadata["Name"] or "").lower() not in gone)

assert not hidden & set(sys.modules)
sys.meta_path[:] = [WithoutThem if finder is machinery.PathFinder else finder for finder in sys.meta_path
                    if "editable" not in finder.__module__]
from squidlib.cli.main import main
for command in commands:
    if command[0] == "python":
        exec(command[1], {})
        code = 0
    else:
        code = main(command)
    print(json.dumps({"code": code}), flush=True)
"""


class Ran(NamedTuple):
    """Exit codes of the commands, everything that they printed, and the lines of stderr."""

    codes: list[int]
    out: str
    errors: list[str]


@cache
def allowed(extras: tuple[str, ...]) -> frozenset[str]:
    """The distributions that an installation with these extras brings, by what the installed ones require."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"][extra])]
    todo = [(canonicalize_name(found.name), "") for found in map(Requirement, lines)]
    todo += [(canonicalize_name(found.name), extra) for found in map(Requirement, lines) for extra in found.extras]
    done: set[tuple[str, str]] = set()
    while todo:
        name, extra = todo.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        try:
            needed = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:  # another platform's
            continue
        for found in needed:
            if found.marker is None or found.marker.evaluate({"extra": extra}):
                todo += [(canonicalize_name(found.name), further) for further in ("", *found.extras)]
    return frozenset(name for name, _ in done)


@cache
def owners_of_modules() -> dict[str, set[str]]:
    """Which distributions each installed module belongs to, without the kit's own."""
    found = packages_distributions().items()
    own = ("squidlib", "digitanatomy")
    return {module: {canonicalize_name(owner) for owner in owners} for module, owners in found if module not in own}


def hidden(extras: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The modules that belong to no distribution of ``allowed``, and the distributions that are not in it."""
    kept, owned = allowed(extras), owners_of_modules()
    gone = {owner for owners in owned.values() for owner in owners} - kept
    return sorted(module for module, owners in owned.items() if not owners & kept), sorted(gone)


def run(folder: Path, commands: list[list[str]], extras: tuple[str, ...] = ()) -> Ran:
    """Run commands of ``squid`` (or ``["python", code]``) in ``folder``, where the base and ``extras`` are there."""
    arguments = [*map(json.dumps, hidden(extras)), json.dumps(commands)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", HIDING, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    codes = [json.loads(line)["code"] for line in done.stdout.splitlines() if line.startswith('{"code": ')]
    assert done.returncode == 0, done.stderr
    return Ran(codes, done.stdout, done.stderr.splitlines())
