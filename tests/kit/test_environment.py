"""One environment: pyproject.toml, constraints.txt and environment.yml agree, and no file knows a machine."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import setuptools
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [
    Requirement(line)
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in lines
]


def pins() -> dict[str, Version]:
    found: dict[str, Version] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        requirement = Requirement(line)
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", f"{line}: pinned with == expected"
        name = canonicalize_name(requirement.name)
        assert name not in found, f"{name} is pinned twice"
        found[name] = Version(specifier.version)
    return found


def test_every_dependency_is_pinned_inside_its_range() -> None:
    pinned = pins()
    for requirement in REQUIREMENTS:
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name} is not in constraints.txt"
        assert requirement.specifier, f"{name} has no range"
        assert requirement.specifier.contains(pinned[name]), f"{name}: {pinned[name]} is not {requirement.specifier}"


def test_every_dependency_is_listed_once_and_in_order() -> None:
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        names = [canonicalize_name(Requirement(line).name) for line in lines]
        assert names == sorted(set(names))


def test_conda_installs_this_very_project_with_these_pins() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, last = environment["dependencies"]
    assert "pip" in conda
    (python,) = [line for line in conda if line.startswith("python")]
    version = Version(python.partition("=")[2])
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    assert last == {"pip": ["--constraint constraints.txt", "--editable .[test]"]}
    assert set(conda) == {"pip", python}, "a package that conda installs is pinned by nobody"


def test_make_installs_this_very_project_with_these_pins() -> None:
    assert "pip install --quiet --editable '.[test]' --constraint constraints.txt" in (ROOT / "Makefile").read_text()


def test_all_files_name_the_same_least_python() -> None:
    from squidlib.cli.doctor import LEAST_PYTHON

    least = ".".join(map(str, LEAST_PYTHON))
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert PROJECT["requires-python"] == f">={least}"
    assert settings["tool"]["mypy"]["python_version"] == least
    assert settings["tool"]["ruff"]["target-version"] == "py" + least.replace(".", "")
    assert f"sys.version_info < ({least.replace('.', ', ')})" in (ROOT / "Makefile").read_text()
    assert sys.version_info >= LEAST_PYTHON


def test_the_package_says_the_version_of_the_project() -> None:
    import squidlib

    assert squidlib.__version__ == PROJECT["version"]


@pytest.mark.parametrize("address", ["", "owner/name"])
def test_a_package_index_shows_the_readmes_pictures_where_the_repository_is_known(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, str] = {}
    monkeypatch.setenv("KIT_REPOSITORY", address)
    monkeypatch.setattr(setuptools, "setup", lambda **parts: told.update(parts))
    runpy.run_path(str(ROOT / "setup.py"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if not address:
        assert told["long_description"] == readme
        return
    targets = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)\)", told["long_description"])
    assert len(targets) == len(re.findall(r"\]\([^)\s]+\)", readme))
    assert [target for _, target in targets if not target.startswith(("https://", "#"))] == []
    assert f"https://raw.githubusercontent.com/{address}/HEAD/docs/training.gif" in told["long_description"]
    assert f"https://github.com/{address}/blob/HEAD/docs/glossary.md" in told["long_description"]


def test_the_citation_and_the_newest_entry_of_the_changelog_say_it_too() -> None:
    assert str(yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]) == PROJECT["version"]
    entries = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert entries[0] == PROJECT["version"]


@pytest.mark.parametrize(
    "halves",  # in two halves, so that this file does not hold what it looks for
    [
        ("pypi", ".org"), ("python", "hosted.org"), ("anaconda", ".org"), ("download.py", "torch.org"),
        ("--index", "-url"), ("--extra-index", "-url"), ("--find", "-links"), ("--trusted", "-host"),
        ("/ho", "me/"), ("/Us", "ers/"), ("/ro", "ot/"), ("/wo", "rk/"), ("/tm", "p/"), ("/mn", "t/"), (":\\", "Users"),
    ],
    ids="".join,
)  # fmt: skip
def test_no_file_names_a_package_index_or_a_path_of_one_machine(halves: tuple[str, str]) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    assert len(paths) > 40
    needle = "".join(halves).encode()
    assert [str(path.relative_to(ROOT)) for path in paths if path.is_file() and needle in path.read_bytes()] == []
