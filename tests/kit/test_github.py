"""GitHub's files: forms and workflows that GitHub can read, and that run what the kit runs everywhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from squidlib.cli.doctor import LEAST_PYTHON

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
CONFIG = GITHUB / "ISSUE_TEMPLATE" / "config.yml"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path != CONFIG)
SCHEMAS = {  # of check-jsonschema, which brings them along
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "vendor.github-issue-forms": FORMS,
    "vendor.github-issue-config": [CONFIG],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}


def check(schema: str, paths: list[Path]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def jobs() -> list[dict[str, Any]]:
    return [job for path in WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"].values()]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_keep_to_the_published_schema(schema: str) -> None:
    done = check(schema, SCHEMAS[schema])
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("schema", ["vendor.github-workflows", "vendor.github-issue-forms"])
def test_a_file_that_breaks_the_schema_is_found(schema: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(SCHEMAS[schema][0].read_text().replace("runs-on", "runs_on").replace("type: input", "type: line"))
    done = check(schema, [broken])
    assert done.returncode == 1
    assert "broken.yml" in done.stdout


def test_there_is_a_form_for_what_fails_what_is_unclear_and_for_ideas() -> None:
    assert [path.stem for path in FORMS] == ["bug", "idea", "lesson_unclear"]
    for path in FORMS:
        fields = [field for field in yaml.safe_load(path.read_text())["body"] if field["type"] != "markdown"]
        assert any(field.get("validations", {}).get("required") for field in fields)
    assert "squid doctor" in FORMS[0].read_text()


def test_the_fast_tests_run_on_every_python_from_the_least_on() -> None:
    (matrix,) = [job["strategy"]["matrix"]["python"] for job in jobs() if "strategy" in job]
    assert matrix[0] == ".".join(map(str, LEAST_PYTHON))
    minors = [int(version.removeprefix("3.")) for version in matrix]
    assert minors == list(range(minors[0], minors[0] + len(minors)))
    required = SpecifierSet(f">={matrix[0]}")
    assert all(isinstance(version, str) and version in required for version in matrix), "3.10 must not become 3.1"


def test_a_workflow_runs_what_exists_with_least_rights_and_actions_of_one_version() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pinned: dict[str, str] = {}
    for step in (step for job in jobs() for step in job["steps"]):
        if "uses" in step:
            action, _, version = step["uses"].partition("@")
            assert re.fullmatch(r"v\d+|[0-9a-f]{40}", version)
            assert pinned.setdefault(action, version) == version, f"{action} has two versions"
        elif step["run"].startswith("make "):
            assert step["run"].split()[1] in targets
        else:
            assert step["run"] == "bash .ci/run"
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"]["contents"] == "read"


def test_everything_is_tested_before_a_change_lands() -> None:
    settings = yaml.safe_load((GITHUB / "workflows" / "tests.yml").read_text())
    assert {"push", "pull_request"} <= set(settings[True]), "YAML reads the key on as true"
    steps = [step.get("run") for job in settings["jobs"].values() for step in job["steps"]]
    assert {"make test FAST=1", "bash .ci/run"} <= set(steps)
