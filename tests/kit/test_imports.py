"""Importing does nothing, brings nothing heavy, and goes down only: lower floors know nothing of higher ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"matplotlib", "sklearn", "lightning_fabric", "tyro", "rich", "scipy", "pandas", "torchvision", "mlxtend"}
HEAVY |= {"dask", "distributed"}

PROBE = """
import json, sys
written = []

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if flags & 0o3 or (isinstance(mode, str) and set(mode) & set("wax+")):
            written.append(str(path))
    elif event in ("os.mkdir", "os.remove", "os.rename", "socket.connect", "subprocess.Popen", "urllib.Request"):
        written.append(f"{event} {arguments}")

import torch  # what it does is not ours
sys.addaudithook(watch)
before = set(sys.modules)
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
json.dump({"written": written, "modules": sorted({name.split(".")[0] for name in sys.modules})}, sys.stderr)
"""


@pytest.mark.parametrize("names", [["squidlib", "digitanatomy"], ["squidlib.cli.main"]], ids=" and ".join)
def test_importing_writes_nothing_prints_nothing_and_brings_nothing_heavy(names: list[str], tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *names], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    told = json.loads(done.stderr)  # fails where anything else was printed
    assert told["written"] == []
    brought = HEAVY - ({"tyro"} if "squidlib.cli.main" in names else set())  # the options' types are tyro's
    assert set(told["modules"]) & brought == set()
    assert list(tmp_path.iterdir()) == []


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter with the floors of pyproject.toml, on the packages below ``folder``."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    config = ["--config", str(ROOT / "pyproject.toml")]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run([*command, *config], cwd=folder, env=environment, capture_output=True, text=True)


def test_lower_floors_know_nothing_of_higher_ones() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("squidlib/memory.py", "import squidlib.data.digits"),
        ("squidlib/data/images.py", "import squidlib.detection.scores"),
        ("squidlib/training/loop.py", "import squidlib.baselines.memae"),
        ("squidlib/benchmark/job.py", "import squidlib.teaching.lesson.speech"),
        ("squidlib/teaching/studies/results.py", "import squidlib.cli.device"),
        ("digitanatomy/glyphs.py", "import squidlib.patches"),
    ],
)
def test_an_import_that_goes_up_is_found(path: str, line: str, tmp_path: Path) -> None:
    for package in ("squidlib", "digitanatomy"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.safetensors", "*.png"))
    changed = tmp_path / path
    changed.write_text(changed.read_text() + f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout
    assert path.removesuffix(".py").replace("/", ".") in done.stdout
