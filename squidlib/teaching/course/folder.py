"""Folder: where the lessons and what they show lie. ``setup.py`` puts them into the wheel in the repository's layout.

notebooks/NN_name.ipynb, notebooks/schematics/, docs/glossary.md and what else a lesson links; docs/figures.json.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from squidlib.utils.errors import UserError

LESSONS = "[0-9][0-9]_*.ipynb"


def course_folder() -> Path:
    """The folder that holds ``notebooks`` and ``docs``: inside the installed package, or the repository.

    Raises:
        UserError: where there is neither.
    """
    package = Path(str(files("squidlib")))
    for folder in (package / "teaching" / "course", package.parent):
        if any((folder / "notebooks").glob(LESSONS)):
            return folder
    raise UserError(f"no lessons in {package} nor beside it: this installation is incomplete; install squidlib again")


def lesson_files() -> list[Path]:
    """Every built lesson, in order."""
    return sorted((course_folder() / "notebooks").glob(LESSONS))
