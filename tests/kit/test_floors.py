"""The lowest versions that pyproject.toml allows have the fixes of the advisories that were known as it was written."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import colab  # noqa: E402
import hashes  # noqa: E402

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
FIXED = {  # advisory -> (package, the first release without it)
    "CVE-2024-5206": ("scikit-learn", "1.5.0"),
    "CVE-2024-30265": ("voila", "0.5.6"),
    "CVE-2024-34062": ("tqdm", "4.66.3"),
    "CVE-2024-35178": ("jupyter-server", "2.14.1"),
    "CVE-2024-47081": ("requests", "2.32.4"),
    "CVE-2025-27516": ("jinja2", "3.1.6"),
    "CVE-2025-30167": ("jupyter-core", "5.8.1"),
    "CVE-2025-32434": ("torch", "2.6.0"),
    "CVE-2025-43859": ("h11", "0.16.0"),
    "CVE-2025-47273": ("setuptools", "78.1.1"),
    "CVE-2025-47287": ("tornado", "6.5.0"),
    "CVE-2025-48379": ("pillow", "11.3.0"),
    "CVE-2025-53000": ("nbconvert", "7.17.0"),
    "CVE-2025-59842": ("jupyterlab", "4.4.8"),
    "CVE-2025-66034": ("fonttools", "4.60.2"),
    "CVE-2025-67724": ("tornado", "6.5.3"),
    "CVE-2025-69223": ("aiohttp", "3.13.3"),
    "CVE-2026-21441": ("urllib3", "2.6.3"),
    "CVE-2026-22701": ("filelock", "3.20.3"),
    "CVE-2026-24747": ("torch", "2.10.0"),
    "CVE-2026-25990": ("pillow", "12.1.1"),
}


def floors() -> dict[str, Version]:
    lines = SETTINGS["project"]["dependencies"] + SETTINGS["build-system"]["requires"]
    found = {}
    for requirement in map(Requirement, lines):
        (specifier,) = requirement.specifier
        assert specifier.operator == ">="
        found[canonicalize_name(requirement.name)] = Version(specifier.version)
    return found


@pytest.mark.parametrize("advisory", FIXED)
def test_the_lowest_version_that_is_allowed_has_the_fix(advisory: str) -> None:
    name, fixed = FIXED[advisory]
    assert floors()[name] >= Version(fixed)


def test_what_the_explorer_imports_is_named_with_a_floor() -> None:
    text = "".join(path.read_text() for path in (ROOT / "squidlib" / "teaching" / "explorer").glob("*.py"))
    for module in ("jupyter_core", "jupyter_server", "tornado", "traitlets", "voila"):
        assert f"from {module}" in text
        assert canonicalize_name(module) in floors()


def test_a_hash_is_written_beside_every_pin() -> None:
    report = {
        "install": [
            {
                "metadata": {"name": "tqdm", "version": "4.70.1"},
                "download_info": {"archive_info": {"hashes": {"sha256": "ab" * 32}}},
            },
            {
                "metadata": {"name": "einops", "version": "0.8.2"},
                "download_info": {"archive_info": {"hashes": {"sha256": "cd" * 32}}},
            },
        ]
    }
    assert hashes.hashed_lines(report) == [
        f"einops==0.8.2 --hash=sha256:{'cd' * 32}",
        f"tqdm==4.70.1 --hash=sha256:{'ab' * 32}",
    ]
    report["install"][0]["download_info"] = {"url": "a folder"}
    with pytest.raises(ValueError, match=r"no SHA-256 of tqdm 4\.70\.1"):
        hashes.hashed_lines(report)


def test_hashes_are_asked_for_what_make_setup_installs_and_not_for_what_graders_need() -> None:
    asked = {canonicalize_name(Requirement(line).name) for line in hashes.requirements()}
    assert asked >= {"torch", "jupyterlab", "pytest"}
    assert "nbgrader" not in asked


def test_colab_says_which_of_its_packages_were_replaced() -> None:
    before = {"pillow": "11.3.0", "numpy": "2.0.2"}
    after = {"pillow": "13.0.0", "numpy": "2.0.2", "einops": "0.8.2"}
    said = colab.replaced(before, after)
    assert "pillow 11.3.0 -> 13.0.0" in said
    assert "Restart the session" in said
    assert "numpy" not in said
    assert "einops" not in said
    assert colab.replaced(before, before) == ""
