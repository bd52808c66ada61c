"""Dry run for instructors: run every lesson in smoke mode as a student would, and say what would fail in the room.

    make rehearse          # some minutes; the report is printed and kept in runs/rehearsal.txt

Checks the machine first (``squid doctor``), then executes every notebook, student's and solved, each in a fresh kernel
with the network cut (a proxy at which nothing listens). Exit code 0: nothing would fail; 1: something would.
"""

from __future__ import annotations

import io
import os
import platform
import sys
import time
from contextlib import redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import nbformat
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "notebooks"))
from execute import execute
from run_all import ENVIRONMENT

REPORT = Path("runs/rehearsal.txt")


class Outcome(NamedTuple):
    """One notebook: what would fail (empty: nothing), and how long it took."""

    notebook: str
    problem: str
    seconds: float


def main(folder: Path = ROOT / "notebooks") -> int:
    """Rehearse, report, and say by the exit code whether the room is ready."""
    lines = [f"rehearsal of {datetime.now():%Y-%m-%d %H:%M} on {platform.node()}, Python {platform.python_version()}"]
    problems = machine(lines)
    notebooks = sorted([*folder.glob("*.ipynb"), *folder.glob("solutions/*.ipynb")], key=lambda path: path.name)
    print(lines[0], f"{len(notebooks)} notebooks", sep="\n", flush=True)
    for path in notebooks:
        outcome = rehearse(path)
        line = f"[{'bad' if outcome.problem else ' ok'}] {outcome.seconds:5.0f} s  {outcome.notebook}"
        lines.append(line + (f"\n      {outcome.problem}" if outcome.problem else ""))
        problems += bool(outcome.problem)
        print(lines[-1], flush=True)
    if not notebooks:
        lines.append(f"no notebook in {folder}; run: make notebooks")
        problems += 1
    lines.append("the room is ready" if not problems else f"{problems} thing(s) would fail in the room")
    print(lines[-1])
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n")
    print(f"kept in {REPORT}")
    return 1 if problems else 0


def machine(lines: list[str]) -> int:
    """Doctor's findings and the kernel that the notebooks ask for; returns how many of them are bad."""
    from squidlib.cli.main import main as squid

    said = io.StringIO()
    with redirect_stdout(said):
        bad = squid(["doctor"])
    lines += said.getvalue().splitlines()
    print(said.getvalue(), end="")
    try:
        KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        bad += 1
        lines.append("[bad] no Jupyter kernel 'python3'\n      mend: python -m ipykernel install --sys-prefix")
        print(lines[-1])
    return bad


def rehearse(path: Path) -> Outcome:
    """Run one notebook; the stored file is not changed."""
    begun, problem = time.monotonic(), ""
    kept = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    try:
        execute(nbformat.read(path, as_version=4), path.parent, "smoke")
    except CellExecutionError as error:
        problem = f"{error.ename}: {' '.join(str(error.evalue).split())[:200]}"
    except (CellTimeoutError, DeadKernelError) as error:
        problem = " ".join(str(error).split())[:200]
    except nbformat.reader.NotJSONError:
        problem = "the file is no notebook; build it again with: make notebooks"
    finally:
        os.environ.clear()
        os.environ.update(kept)
    return Outcome(str(path.relative_to(path.parents[2])), problem, time.monotonic() - begun)


if __name__ == "__main__":
    sys.exit(main())
