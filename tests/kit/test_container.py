"""The container: .devcontainer says what the project says, and nothing that is not named enters an image."""

from __future__ import annotations

import fnmatch
import io
import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

from dockerfile_parse import DockerfileParser
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".devcontainer"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DOCKERFILE = DockerfileParser(fileobj=io.BytesIO((FOLDER / "Dockerfile").read_bytes()))
STEPS = [(step["instruction"], step["value"]) for step in DOCKERFILE.structure if step["instruction"] != "COMMENT"]
DEVCONTAINER = json.loads((FOLDER / "devcontainer.json").read_text())
IGNORE = [line for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line and line[0] != "#"]


def values(instruction: str) -> list[str]:
    return [value for name, value in STEPS if name == instruction]


def commands() -> list[str]:
    """The shell commands of all RUN steps, in order."""
    return [command.strip() for value in values("RUN") for command in value.split("&&")]


def arguments() -> dict[str, str]:
    """The build arguments with their defaults."""
    return dict(re.fullmatch(r"(\w+)=(\S+)", value).groups() for value in values("ARG"))  # type: ignore[union-attr,misc]


def in_image(path: str) -> bool:
    """Whether a path of the repository enters the image: the last pattern that fits it decides."""
    found = True
    for pattern in IGNORE:
        name = pattern.removeprefix("!")
        parts = path.split("/")
        heads = ["/".join(parts[: length + 1]) for length in range(len(parts))]
        tails = parts if name.startswith("**/") else heads
        if any(fnmatch.fnmatchcase(part, name.removeprefix("**/")) for part in tails):
            found = pattern.startswith("!")
    return found


def test_the_image_has_the_python_that_the_pins_were_tested_on() -> None:
    assert DOCKERFILE.structure[-1]["instruction"] == "CMD"
    version = arguments()["PYTHON"]
    assert values("FROM") == ["python:${PYTHON}-slim-bookworm"]
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    assert f"python={version}\n" in (ROOT / "environment.yml").read_text()
    assert f"Tested together on CPython {version}" in (ROOT / "constraints.txt").read_text()


def test_every_package_is_pinned_and_every_extra_exists() -> None:
    installing = [command for command in commands() if "pip install" in command]
    assert len(installing) == 3
    for command in installing:
        assert "--constraint constraints.txt" in " ".join(command.split()) or "--no-deps" in command
    extras = re.findall(r"--extra (\w+)", " ".join(installing))
    assert extras == ["backbone", "dicom", "onnx"]
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    assert re.search(r"^uv==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


def test_torch_is_the_small_build_unless_another_is_asked_for() -> None:
    assert arguments()["TORCH"] == DEVCONTAINER["build"]["args"]["TORCH"] == "cpu"
    assert "--torch-backend=${TORCH}" in " ".join(commands())
    names = [name for name, _ in STEPS]
    assert STEPS.index(("ARG", "TORCH=cpu")) > names.index("FROM"), "an argument before FROM is unknown after it"


def test_nobody_is_root_where_something_of_the_kit_runs() -> None:
    (user,) = values("USER")
    assert user == DEVCONTAINER["remoteUser"] == "student"
    before = STEPS[: STEPS.index(("USER", user))]
    assert [value for name, value in before if name == "RUN" and ("pip" in value or "squid" in value)] == []
    assert f"useradd --create-home --uid 1000 --shell /bin/bash {user}" in commands()
    for name, value in STEPS[STEPS.index(("USER", user)) :]:
        assert name != "COPY" or value.startswith(f"--chown={user}:{user} ")


def test_the_doctor_has_the_last_word_of_the_build_and_jupyterlab_is_started_on_the_lessons() -> None:
    assert commands()[-1] == "squid doctor"
    assert DEVCONTAINER["postCreateCommand"].endswith("&& squid doctor")
    (command,) = map(json.loads, values("CMD"))
    assert command[:2] == ["jupyter", "lab"]
    assert (ROOT / command[-1] / "00_start_here.ipynb").is_file()
    (port,) = values("EXPOSE")
    assert f"--port={port}" in command
    assert [int(port)] == DEVCONTAINER["forwardPorts"]
    assert list(DEVCONTAINER["portsAttributes"]) == [port]
    assert not [word for word in command if "token" in word or "password" in word], "the token is JupyterLab's own"


def test_what_is_copied_exists_and_all_of_the_kit_enters() -> None:
    for value in values("COPY"):
        *sources, target = shlex.split(value)[1:]
        assert target in (".", "./")
        assert [name for name in sources if not (ROOT / name).exists() or (name != "." and not in_image(name))] == []
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    left_out = {name for name in listed.split("\0") if name and not in_image(name)}
    assert {name.split("/")[0] for name in left_out if "/" in name} <= {".ci", ".devcontainer", ".github", "web"}
    assert in_image("squidlib/detection/checkpoints/digitanatomy.safetensors")
    assert [name[1:] for name in IGNORE if name[0] == "!" and not (ROOT / name[1:]).exists()] == []


def test_no_x_ray_no_run_and_no_environment_enters_an_image() -> None:
    beside = ["chest_xray/train/NORMAL/1.jpeg", "runs/mine/model.safetensors", ".venv/bin/python", "patient.dcm"]
    beside += [".git/config", "nbgrader_course/gradebook.db", "squidlib/__pycache__/squid.pyc", "scores.csv"]
    assert [path for path in beside if in_image(path)] == []


def test_the_settings_of_the_devcontainer_lead_to_this_dockerfile() -> None:
    build = DEVCONTAINER["build"]
    assert (FOLDER / build["dockerfile"]).is_file()
    assert (FOLDER / build["context"]).resolve() == ROOT
    assert set(build["args"]) <= set(arguments())
    known = {"name", "build", "hostRequirements", "remoteUser", "postCreateCommand", "forwardPorts",
             "portsAttributes", "customizations"}  # fmt: skip
    assert set(DEVCONTAINER) <= known, "a name that dev containers do not know is passed over in silence"


def test_no_dockerfile_lies_where_binder_would_take_it_in_place_of_the_environment() -> None:
    for folder in (ROOT, ROOT / "binder", ROOT / ".binder"):
        assert not (folder / "Dockerfile").exists()
