"""How strong the tests are: mutants of the core pieces that they kill, and the share of the code that they run.

python tools/strength.py mutants            # change the code of the five files bit by bit (pyproject.toml, tool.mutmut)
python tools/strength.py coverage [TESTS]   # the whole suite, or the named folders and files of tests
python tools/strength.py read               # write the tables of the last runs again

Both write tables into docs/tests.md. A mutant that no test kills is explained in equivalent_mutants.toml or shown.

The tests run without the shape checks of jaxtyping first, so that a mutant dies by what a test states or by an error of
the code itself; those that survive are tried once more with them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
from readme_part import ROOT, replace_part

from squidlib.benchmark.tables import Cells, markdown
from tests.run_all import ENVIRONMENT, STEPS

BUILD = ROOT / "build" / "strength"
#: While coverage traces it, a thread that loops for ever cannot be stopped (seen with CPython 3.11).
UNSTOPPABLE = "tests/teaching/test_checks_guard.py::test_it_is_stopped_in_another_thread_too"
ALIVE, COVERED = BUILD / "alive.json", BUILD / "coverage.json"
REASONS = Path(__file__).parent / "equivalent_mutants.toml"
PACKAGES = ("squidlib", "digitanatomy")
WORDS = "words of an error's message"


class Mutant(NamedTuple):
    """One change of one file: the lines that it takes and those that it puts there, and what became of it."""

    file: str
    was: str
    now: str
    end: str  #: "killed", "shape" or "alive"


def run(*command: str, **environment: str) -> int:
    """A command in the environment of the tests; its exit code."""
    print("$", *command, flush=True)
    return subprocess.run(command, cwd=ROOT, env=os.environ | ENVIRONMENT | environment).returncode


def mutated_files() -> list[str]:
    """The files whose mutants are tried."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"]


def exit_codes(file: str) -> dict[str, int | None]:
    """What pytest returned for every mutant of a file, by the mutant's name; 0: all tests passed."""
    return json.loads((ROOT / "mutants" / f"{file}.meta").read_text())["exit_code_by_key"]


def alive() -> list[str]:
    """The names of the mutants for which no test failed; a time that ran out is no failed test."""
    codes = {name: code for file in mutated_files() for name, code in exit_codes(file).items()}
    return sorted(name for name, code in codes.items() if code not in (1, 3))


def try_mutants(children: int) -> None:
    """All mutants without shape checks, the survivors with them."""
    tool = str(Path(sys.executable).with_name("mutmut"))
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    command = (tool, "run", "--max-children", str(children))
    if run(*command, JAXTYPING_DISABLE="1"):
        raise SystemExit("mutmut stopped; what it printed says why")
    BUILD.mkdir(parents=True, exist_ok=True)
    ALIVE.write_text(json.dumps(alive(), indent=0))
    if alive():
        run(*command, *alive())


def mutants() -> list[Mutant]:
    """All of the last run."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    os.chdir(ROOT)
    survived, still = set(json.loads(ALIVE.read_text())), set(alive())
    found = []
    for file in mutated_files():
        for name in exit_codes(file):
            end = "alive" if name in still else "shape" if name in survived else "killed"
            lines = get_diff_for_mutant(name, path=file).splitlines()[2:] if name in survived else []
            was, now = (" ".join(line[1:].strip() for line in lines if line[:1] == sign) for sign in "-+")
            found.append(Mutant(file, was, now, end))
    return found


def reason(mutant: Mutant) -> str | None:
    """Why a surviving mutant changes nothing that a test could see; None: nobody has said so."""
    if mutant.was.startswith("raise "):
        return WORDS
    for found in tomllib.loads(REASONS.read_text())["reason"]:
        if mutant.now in found["lines"].get(Path(mutant.file).stem, []):
            return found["why"]
    return None


def share(part: int, whole: int) -> str:
    """In per cent, rounded down: what is not whole is not called so."""
    return f"{100 * part // whole} %" if whole else ""


def mutant_tables(found: list[Mutant]) -> str:
    """What became of the mutants of each file, and why the survivors did."""
    cells: Cells = [["file", "mutants", "killed", "by shape checks alone", "equivalent", "open", "share killed"]]
    for file in mutated_files():
        own = [mutant for mutant in found if mutant.file == file]
        ends = Counter(mutant.end for mutant in own)
        equal = sum(mutant.end == "alive" and reason(mutant) is not None for mutant in own)
        numbers = (len(own), ends["killed"], ends["shape"], equal, ends["alive"] - equal)
        cells.append([f"`{file}`", *map(str, numbers), share(ends["killed"], len(own) - equal)])
    reasons = Counter(reason(mutant) or "open" for mutant in found if mutant.end == "alive")
    why: Cells = [["why it survives", "mutants"], *([text, str(count)] for text, count in reasons.most_common())]
    return f"{markdown(cells)}\n\n{markdown(why)}"


def cover(tests: list[str]) -> int:
    """Run tests and count the lines and branches that they take; the tests' exit code."""
    shutil.rmtree(BUILD / "data", ignore_errors=True)
    (BUILD / "data").mkdir(parents=True)
    pytest = [part for part in STEPS[-1] if part not in ("tests", "notebooks", "--nbval")] if tests else STEPS[-1]
    code = run(sys.executable, "-m", "coverage", "run", "-m", *pytest, *tests, "--deselect", UNSTOPPABLE)
    for command in (("combine", "--quiet"), ("json", "--quiet", "--ignore-errors", "-o", str(COVERED))):
        run(sys.executable, "-m", "coverage", *command)
    counted = json.loads(COVERED.read_text())
    COVERED.write_text(json.dumps(counted | {"tests": tests, "passed": code == 0}))
    return code


def packages(files: Iterable[str]) -> list[str]:
    """The folders that the table names: the two packages and what is directly below them."""
    return sorted({"/".join(file.split("/")[:2]) if file.count("/") > 1 else file.split("/")[0] for file in files})


def coverage_table(counted: dict) -> str:
    """Lines and branches of each package that the tests took."""
    names = ("num_statements", "covered_lines", "num_branches", "covered_branches")
    cells: Cells = [["package", "lines", "taken", "branches", "taken"]]
    files = {name: found["summary"] for name, found in counted["files"].items() if name.startswith(PACKAGES)}
    groups = {package: [name for name in files if packages([name]) == [package]] for package in packages(files)}
    for package, own in [*groups.items(), ("all", list(files))]:
        lines, taken, branches, both = (sum(files[name][key] for name in own) for key in names)
        title = package if package == "all" else f"`{package}/`"
        cells.append([title, str(lines), share(taken, lines), str(branches), share(both, branches)])
    tests = ", ".join(f"`{name}`" for name in counted["tests"]) or "the whole suite, notebooks included"
    note = " Of other packages the table shows only what these tests use of them." if counted["tests"] else ""
    return f"Counted: {tests}.{note}\n\n{markdown(cells)}"


def main() -> int:
    """Run what is asked for, write and print the tables; 1 where a survivor is unexplained or a test failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("mutants", "coverage", "read"))
    parser.add_argument("tests", nargs="*", help="of coverage: folders and files of tests; none: all of them")
    parser.add_argument("--children", type=int, default=2, help="mutants that are tried at once")
    asked = parser.parse_args()
    code = 0
    if asked.what == "mutants":
        try_mutants(asked.children)
    elif asked.what == "coverage":
        code = cover(asked.tests)
    if asked.what != "coverage" and ALIVE.is_file():
        found = mutants()
        replace_part("mutants", mutant_tables(found))
        print(mutant_tables(found))
        for mutant in found:
            if mutant.end == "alive" and reason(mutant) is None:
                code = 1
                print(f"open: {mutant.file}\n  - {mutant.was}\n  + {mutant.now}")
    if asked.what != "mutants" and COVERED.is_file():
        table = coverage_table(json.loads(COVERED.read_text()))
        replace_part("coverage", table)
        print(table)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
