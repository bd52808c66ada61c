"""The build steps that pyproject.toml cannot say: the course goes into the wheel, in the repository's own layout, and
the README's pictures and links get absolute addresses, for a package index shows it without the files beside it.

In ``squidlib/teaching/course`` of an installed wheel lie the built lessons and what they show, the seeds' figures and
the tested pins. An editable installation finds them in the repository (squidlib/teaching/course/folder.py).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
COURSE = (
    "notebooks/[0-9][0-9]_*.ipynb",
    "notebooks/schematics/*.svg",
    "docs/glossary.md",
    "docs/experiments.md",
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


def repository() -> str:
    """owner/name on GitHub, as ``make badges`` wrote it or KIT_REPOSITORY says; "" where it is not known."""
    cell = ROOT / "notebooks" / "setup_cell.py"
    written = (
        re.search(r'^REPOSITORY = "([^"]*)"', cell.read_text(encoding="utf-8"), re.MULTILINE)
        if cell.is_file()
        else None
    )
    return os.environ.get("KIT_REPOSITORY") or (written[1] if written else "")


def description(address: str) -> str:
    """The README; where the repository's address is known, with absolute ones in it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    if not address:
        return text
    text = re.sub(r"(!\[[^\]]*\]\()(?!https?:)", rf"\1https://raw.githubusercontent.com/{address}/HEAD/", text)
    return re.sub(r"(?<!!)(\[[^\]]*\]\()(?!https?:|#)", rf"\1https://github.com/{address}/blob/HEAD/", text)


setup(
    cmdclass={"build_py": BuildWithCourse},
    long_description=description(repository()),
    long_description_content_type="text/markdown",
)
