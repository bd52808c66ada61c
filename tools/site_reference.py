"""Pages of the site that are made of the code: library from docstrings, commands from their help, a paper map."""

from __future__ import annotations

import inspect
import os
import pkgutil
import re
import subprocess
import sys
from importlib import import_module

from readme_part import ROOT
from setup_cell import REPOSITORY

#: What a reader imports, a page each; the teaching package and the command line explain themselves elsewhere.
PACKAGES = (
    "digitanatomy",
    "squidlib",
    *(f"squidlib.{name}" for name in ("data", "detection", "training", "baselines", "benchmark", "utils")),
)
HIDDEN = ("squidlib.teaching", "squidlib.cli", "squidlib.__main__", "digitanatomy.__main__")
GROUPS = ("The paper", "Other papers", "Ours")  #: of the paper map
_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_SECTIONS = {"eq. 6": "3.6, eq. 6"}  #: where an equation is that a lesson names without its section
_LAST = (9, 9)  #: behind all sections: tables, figures, the slides


def reference_pages() -> dict[str, str]:
    """File name without ending -> MyST Markdown."""
    pages = {page_of(package): _package(package) for package in PACKAGES}
    return {"api": api(), "commands": commands(), "paper_map": paper_map()} | pages


def page_of(package: str) -> str:
    """The name of the page of a package."""
    return f"api_{package.replace('.', '_')}"


def modules() -> list[str]:
    """All modules of the library, packages first."""
    found = []
    for package in ("digitanatomy", "squidlib"):
        found.append(package)
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.startswith(HIDDEN):
                found.append(module.name)
    return found


def modules_of(package: str) -> list[str]:
    """Those on the page of a package: of ``squidlib``, the ones that are in none of its packages."""
    inner = tuple(f"{other}." for other in PACKAGES if other.startswith(f"{package}."))
    return [name for name in modules() if f"{name}.".startswith(f"{package}.") and not f"{name}.".startswith(inner)]


def api() -> str:
    """All modules, each with the first sentence of its docstring and a link to the page that has the rest."""
    parts = ["# Library", "Every module and what it is for. The pages are made of docstrings: shapes, ranges, errors."]
    for package in PACKAGES:
        rows = [f"| {{py:mod}}`{name}` | {_text(_first_sentence(name))} |" for name in modules_of(package)]
        parts += [
            f"## [{package}]({page_of(package)}.md)",
            _table("module | what it is", rows),
        ]
    pages = "\n".join(page_of(package) for package in PACKAGES)
    return "\n\n".join([*parts, f"```{{toctree}}\n:hidden:\n\n{pages}\n```"]) + "\n"


def _package(package: str) -> str:
    """Each module with its docstring and what it defines; what a package takes from its modules is described there."""
    parts = [f"# {package}"]
    for name in modules_of(package):
        members = "" if hasattr(import_module(name), "__path__") else "\n   :members:\n   :ignore-module-all:"
        parts.append(f"## `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}{members}\n```")
    return "\n\n".join(parts) + "\n"


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([f"| {head} |", f"|{' --- |' * (head.count('|') + 1)}", *rows])


def _first_sentence(name: str) -> str:
    text = " ".join((import_module(name).__doc__ or "").partition("\n\n")[0].split())
    return (re.split(r"(?<=[.;])\s", text)[0] if len(text) > 110 else text).rstrip(".:;")


def _text(plain: str) -> str:
    """Plain text for a cell of a Markdown table; ``code`` becomes code."""
    parts = re.split(r"``?([^`]+)``?", plain)
    escaped = [re.sub(r"([\\*_{}\[\]<>|$#])", r"\\\1", part) for part in parts[::2]]
    codes = [f"`{part}`" for part in parts[1::2]]
    return "".join(text + code for text, code in zip(escaped, [*codes, ""], strict=True))


def commands() -> str:
    """``squid`` and each of its commands, as ``--help`` explains them."""
    top = _items(_help())
    names = [name.removeprefix("• ") for name in top if name.startswith("• ")]
    rows = [f"| [`squid {name}`](#squid-{name}) | {_text(top[f'• {name}'])} |" for name in names]
    parts = [
        "# Commands",
        "What `squid COMMAND --help` says.",
        _table("command | what it does", rows),
    ]
    for name in names:
        told = _help(name)
        about = _text(" ".join(told.partition("╭")[0].partition("\n\n")[2].split()))
        items = _items(told)
        items.pop("-h, --help")
        rows = [f"| `{_cell(option)}` | {_text(text)} |" for option, text in items.items()]
        parts.append(f"## squid {name}\n\n{about}\n\n{_table('argument | what it means', rows) if rows else ''}")
    return "\n\n".join(parts) + "\n"


def _cell(code: str) -> str:
    return code.replace("|", "\\|")


def _help(*arguments: str) -> str:
    wide = os.environ | {"COLUMNS": "1000", "NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "utf-8"}
    call = [sys.executable, "-m", "squidlib", *arguments, "--help"]
    return subprocess.run(call, env=wide, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout


def _items(told: str) -> dict[str, str]:
    """What stands in the boxes of a help text: argument -> what is said of it."""
    found: dict[str, str] = {}
    name = ""
    for row in told.splitlines():
        inside = row.strip("│").rstrip()
        indent = len(inside) - len(inside.lstrip())
        if not row.startswith("│") or inside.strip() == "(required)":
            continue
        if not inside:
            name = ""  # what follows is told on the command's own page
        elif indent <= 3:
            name, _, text = (part.strip() for part in re.split(r"(\s{2,}|$)", inside.strip(), maxsplit=1))
            found[name] = text
        elif name:
            found[name] += f" {inside.strip()}"
    return {name: re.sub(r"\s*\(default: (none|False|'')?\s*\)", "", text).strip() for name, text in found.items()}


def paper_map() -> str:
    """From the paper's section or equation to lesson, function and test: the tables at the lessons' ends in one."""
    merged: dict[tuple[str, str], tuple[str, list[str], str]] = {}
    for path in sorted((ROOT / "notebooks" / "src").glob("*.py")):
        prose = "\n".join(line.removeprefix("# ") for line in path.read_text(encoding="utf-8").splitlines())
        table = prose.partition("| seen here | paper | function | test |")[2]
        for what, paper, function, test in _ROW.findall(table):
            if set(what) != {"-"}:
                lessons = merged.setdefault((_SECTIONS.get(paper, paper), function), (what, [], test))[1]
                lessons.append(f"[{path.stem[:2]}](../notebooks/{path.stem}.ipynb)")
    groups: dict[str, list[tuple[str, str]]] = {name: [] for name in GROUPS}
    for key in sorted(merged, key=lambda key: _section(key[0])):
        groups[_group(key[0])].append(key)
    parts = ["# Paper map", "Where each part of the paper is shown, coded and tested, in the paper's order."]
    for name, keys in groups.items():
        rows = []
        for paper, function in keys:
            what, lessons, test = merged[paper, function]
            rows.append(f"| {paper} | {what} | {', '.join(lessons)} | {_function(function)} | {_test(test)} |")
        parts += [f"## {name}", _table("paper | what | lessons | function | test", rows)]
    return "\n\n".join(parts) + "\n"


def _section(paper: str) -> tuple[int, ...]:
    number = re.match(r"(\d)(?:\.(\d))?", paper)
    return tuple(int(part or 0) for part in number.groups()) if number else _LAST


def _group(paper: str) -> str:
    if re.match(r"\d|tables?\b|figures?\b|ablation|slides|authors", paper):
        return GROUPS[0]
    return GROUPS[1] if re.match(r"[A-Z]\w+[ ,]", paper) else GROUPS[2]


def _function(names: str) -> str:
    """Links to the library's pages, where the object has a place there; else its name."""
    found = []
    for name in re.findall(r"`([^`]+)`", names):
        if name.startswith(HIDDEN):
            module, _, short = name.rpartition(".")
            found.append(f"`{short}`, " + _text(f"in {module.replace('.', '/')}"))
        else:
            found.append(f"{{py:obj}}`~{_defined(name)}`")
    return ", ".join(found)


def _defined(name: str) -> str:
    """The full name of an object in the module that defines it."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        if inspect.isclass(found) or inspect.isfunction(found):
            return f"{found.__module__}.{found.__qualname__}"
        return name
    raise ModuleNotFoundError(name)


def _test(path: str) -> str:
    """The file's name, with a link where the repository's address is known."""
    plain = path.strip("`")
    shown = f"`{plain.removeprefix('tests/')}`"
    repository = os.environ.get("KIT_REPOSITORY", REPOSITORY)
    return f"[{shown}](https://github.com/{repository}/blob/HEAD/{plain})" if repository else shown
