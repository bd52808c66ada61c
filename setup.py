"""The build step that pyproject.toml cannot say: the course goes into the wheel, in the repository's own layout.

In ``squidlib/teaching/course`` of an installed wheel lie the built lessons and what they show, the seeds' figures and
the tested pins. An editable installation finds them in the repository (squidlib/teaching/course/folder.py).
"""

from __future__ import annotations

import json
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
                if path.suffix == ".ipynb":
                    place.write_text(without_outputs(path.read_text(encoding="utf-8")), encoding="utf-8")
                else:
                    shutil.copyfile(path, place)


def without_outputs(notebook: str) -> str:
    """As working copies are: a lesson without outputs has a twentieth of the bytes."""
    content = json.loads(notebook)
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(content, ensure_ascii=False, indent=1)


setup(cmdclass={"build_py": BuildWithCourse})
