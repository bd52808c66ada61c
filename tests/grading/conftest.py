"""nbgrader is found where ``make test`` has put it: beside the environment, whose JupyterLab students use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

GRADER = Path(sys.prefix) / "grading"
if GRADER.is_dir():
    sys.path.append(str(GRADER))


@pytest.fixture(scope="session", autouse=True)
def programs() -> Iterator[None]:
    """nbgrader calls the program alembic."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(GRADER / "bin"), prepend=os.pathsep)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(GRADER)])))
        yield
