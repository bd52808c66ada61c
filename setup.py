"""The build step that pyproject.toml cannot say: the course goes into the wheel, in the repository's own layout.

In ``squidlib/teaching/course`` of an installed wheel lie the built lessons and what they show, the seeds' figures and
the tested pins. An editable installation finds them in the repository (squidlib/teaching/course/folder.py).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
COURSE = (
    "notebooks/[0-9][0-9]_*.ipynb",
    "notebooks/schematics/*.svg",
    "docs/glossary.md",
    "docs/training.gif",
    "docs/figures.json",
    "constraints.txt",
)


class BuildWithCourse(build_py):
    """Copies the course beside the modules; what an earlier build left there goes first."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "squidlib" / "teaching" / "course"
        for name in ("notebooks", "docs"):
            shutil.rmtree(target / name, ignore_errors=True)
        for pattern in COURSE:
            found = sorted(ROOT.glob(pattern))
            if not found:
                raise FileNotFoundError(f"{ROOT / pattern}: nothing to put into the wheel; run: make notebooks")
            for path in found:
                place = target / path.relative_to(ROOT)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)


setup(cmdclass={"build_py": BuildWithCourse})
