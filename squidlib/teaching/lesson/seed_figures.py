"""Seed figures: what ``make figures`` measured for each of three trained SQUIDs, as docs/figures.json keeps it.

The file lies where the lessons lie: in the repository, and in the package that was built of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from squidlib.teaching.course.folder import course_folder
from squidlib.utils.errors import UserError

PLACE = Path("docs") / "figures.json"


def seed_figures() -> dict[int, dict[str, Any]]:
    """Seed -> what ``Evaluation.as_json`` says of the SQUID that was trained with it, on the fixed test set.

    Raises:
        UserError: where the file is missing or damaged.
    """
    path = course_folder() / PLACE
    try:
        return {int(seed): run for seed, run in json.loads(path.read_text(encoding="utf-8"))["runs"].items()}
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); run: make figures") from error
    except (ValueError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}); run: make figures") from error
