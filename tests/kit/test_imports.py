"""Importing does nothing, brings nothing heavy, and goes down only: lower floors know nothing of higher ones."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"matplotlib", "sklearn", "lightning_fabric", "tyro", "rich", "scipy", "pandas", "torchvision", "mlxtend"}

#: From the ground up. A module may import from lower floors only, not from its own.
FLOORS = [
    {"errors", "patches", "shrinkage", "memory", "shortcut", "metrics", "discriminator", "distillation", "digits"},
    {
        "baselines.fitting",
        "baselines.by_reconstruction",
        "baselines.field",
        "baselines.pasting",
        "baselines.prototypes",
        "pretended",
        "twosample",
        "ssim",
    },
    {"parallel.global_norm", "parallel.replicas", "parallel.processes", "parallel", "interruption", "progress_bar"},
    {"parallel.layout"},
    {"backbone"},
    {"baselines.mean_image", "baselines.patch_neighbours", "baselines.sharpness", "baselines.system"},
    {"config", "tensorfile", "images", "glyph_choice", "baselines.auto_encoder"},
    {"baselines.vae", "baselines.f_anogan", "baselines.mnad", "baselines.salad"},
    {"baselines.cutpaste", "baselines.igd", "baselines.implicit_field", "baselines.m_kd"},
    {"chest.info", "chest.patients", "chest.problems", "chest.augment", "chest.soften"},
    {"chest.files", "chest.cache", "chest.matching", "chest.drawn"},
    {"chest.folders", "chest.chexpert_labels", "chest.arrays", "chest.drawn_folder"},
    {"chest.authors", "chest.contaminate", "chest.hold_back", "chest.pneumoniamnist"},
    {"chest.zhanglab", "chest.chexpert", "chest.data"},
    {"chest.rates"},
    {"chest"},
    {"autoencoder", "inpainting", "skip_memory", "presets", "studies.results", "data_choice"},
    {"compiling"},
    {
        "squid",
        "baselines.memae",
        "baselines.feature_neighbours",
        "baselines.padim",
        "baselines.panda",
        "studies.variants",
    },
    {"losses", "scoring", "explorer.edits"},
    {"training_state"},
    {"validation"},
    {"training", "detector", "baselines.ganomaly", "explorer.setting"},
    {"baselines", "cleaning", "explorer.reading", "explorer.subjects"},
    {"detectorfile", "logbook", "evaluation", "plots", "bench"},
    {"score_choice"},
    {"runs", "tables", "explorer.effect", "explorer.drawing"},
    {"pipeline", "explorer.state"},
    {"parallel.launching"},
    {"studies.ablation", "studies.contamination", "studies.chest_contamination"},
    {"studies.cleaning", "studies.memory_size", "studies.shortcuts"},
    {"studies.sharpness", "studies"},
    {""},  # squidlib itself: __init__.py
    {"lesson.mode", "lesson.progress", "lesson.speech", "lesson.live", "lesson.place", "lesson.possible"},
    {"lesson.figures", "lesson.seed_figures", "lesson.chest_place", "lesson.chest_training"},
    {"lesson.named_points", "lesson.systems_picture", "lesson.training_picture", "explorer.pictures"},
    {"lesson", "explorer.controls"},
    {
        "benchmark.apart",
        "benchmark.budget",
        "benchmark.costs",
        "benchmark.delong",
        "benchmark.holm",
        "benchmark.order",
        "benchmark.paper_table",
        "benchmark.source",
        "benchmark.squid_system",
        "benchmark.store",
    },
    {"benchmark.judging", "benchmark.systems"},
    {"benchmark.job", "benchmark.summary"},
    {"benchmark.harness", "benchmark.report", "benchmark.pictures", "benchmark.stored", "benchmark.findings"},
    {"benchmark"},
    {"lesson.live_benchmark", "lesson.stored_picture", "lesson.tile_neighbours"},
    {"lesson.board"},
    {"checks.report", "explorer.sections"},
    {"checks.altering", "checks.interface", "checks.stepping", "explorer.panel"},
    {"explorer.begin", "explorer.voila_app"},
    {"explorer", "explorer.server"},
    {"explorer.timing"},
    {
        "checks.assembling",
        "checks.autoencoding",
        "checks.chest_xrays",
        "checks.comparing",
        "checks.composing",
        "checks.contamination",
        "checks.exploring",
        "checks.first_look",
        "checks.inpainting",
        "checks.judging",
        "checks.matrix",
        "checks.queue",
        "checks.shrinkage",
    },
    {"checks"},
    {"cli"},
    {"cli.device", "cli.train_options"},
    {"cli.evaluate", "cli.score", "cli.digits", "cli.bench", "cli.benchmark", "cli.doctor", "cli.explore"},
    {"cli.contamination"},
    {"cli.prepare"},
    {"cli.train"},
    {"cli.demo"},
    {"cli.main"},
    {"__main__"},
]
FLOOR = {name: height for height, floor in enumerate(FLOORS) for name in floor}

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


def module_name(path: Path, package: str) -> str:
    parts = path.relative_to(ROOT / package).with_suffix("").parts
    return ".".join(parts).removesuffix("__init__").rstrip(".")


def imports(path: Path, package: str) -> set[str]:
    """Modules of ``package`` that a file imports anywhere in it, without the package's name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it goes"
            base = str(node.module)
            submodules = {f"{base}.{alias.name}" for alias in node.names}
            inside = {name for name in submodules if (ROOT / Path(*name.split("."))).with_suffix(".py").is_file()}
            found |= inside or {base}
    return {name.removeprefix(package).lstrip(".") for name in found if name.split(".")[0] == package}


def sources(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


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


def test_digitanatomy_knows_nothing_of_squidlib() -> None:
    for path in sources("digitanatomy"):
        assert imports(path, "squidlib") == set(), path


def test_lower_floors_do_not_import_higher_ones() -> None:
    for path in sources("squidlib"):
        name = module_name(path, "squidlib")
        assert name in FLOOR, f"{name} has no floor yet: give it one in {Path(__file__).name}"
        for other in imports(path, "squidlib"):
            assert FLOOR[other] < FLOOR[name], f"{name} must not import {other or 'squidlib'}"


def test_the_floors_hold_only_modules_that_exist_once_each() -> None:
    existing = {module_name(path, "squidlib") for path in sources("squidlib")}
    assert sorted(name for floor in FLOORS for name in floor) == sorted(existing)


def test_only_the_command_line_imports_the_command_line() -> None:
    for path in sources("squidlib"):
        name = module_name(path, "squidlib")
        if not name.startswith(("cli", "__main__")):
            assert not {other for other in imports(path, "squidlib") if other.startswith("cli")}, name
