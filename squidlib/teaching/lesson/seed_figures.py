"""Seed figures: what ``make figures`` measured for each of three trained SQUIDs, as docs/figures.json keeps it.

The file belongs to the repository and not to the package. It is looked for beside the installed package (the usual,
editable installation) and in the working folder and every folder above it (a notebook's, a solution's).
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from squidlib.utils.errors import UserError

PLACE = Path("docs") / "figures.json"


def seed_figures() -> dict[int, dict[str, Any]]:
    """Seed -> what ``Evaluation.as_json`` says of the SQUID that was trained with it, on the fixed test set.

    Raises:
        UserError: where the file is nowhere to be found or damaged.
    """
    here = Path.cwd()
    folders = [Path(str(files("squidlib"))).parent, here, *here.parents]
    for path in (folder / PLACE for folder in folders):
        if path.is_file():
            try:
                return {int(seed): run for seed, run in json.loads(path.read_text())["runs"].items()}
            except (ValueError, KeyError, AttributeError) as error:
                raise UserError(f"{path} is damaged ({error}); run: make figures") from error
    raise UserError(f"no {PLACE} beside the package nor above {here}; run: make figures")
