"""squid doctor: every check gives its state, what is broken is named with how to mend it, nothing stops the rest."""

from __future__ import annotations

import os
import re
import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

import squidlib
from squidlib.cli import doctor
from tests.helpers import Said, squid

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


class Knowing:
    """In place of the shipped detector: the doctor shows 24 normal images, then 24 flipped ones."""

    def score(self, images: Tensor) -> Tensor:
        return (torch.arange(len(images)) >= 24).float()


@pytest.fixture(autouse=True)
def sound_machine(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(squidlib, "load", lambda name: Knowing())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=50e9))
    monkeypatch.setattr(os, "sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else 2**21)  # 8.6 GB
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda name: None)


def findings(said: Said) -> list[tuple[str, str, str]]:
    """(state, what, mend) of every check; fails where a line is anything else."""
    *lines, last = said.out.splitlines()
    found: list[tuple[str, str, str]] = []
    for line in lines:
        if mend := re.fullmatch(r" {7}mend: (.+)", line):
            found[-1] = (*found[-1][:2], mend[1])
        else:
            state = re.fullmatch(r"\[ *(ok|note|bad)\] (.+)", line)
            assert state, line
            found.append((state[1], state[2], ""))
    bad = [finding for finding in found if finding[0] == "bad"]
    assert said.errors == []
    assert said.code == (1 if bad else 0)
    assert last == (f"{len(bad)} thing(s) to mend" if bad else "everything is ready")
    assert all(mend for _, _, mend in bad)
    assert "Traceback" not in said.out
    return found


def the_bad_one(said: Said) -> str:
    bad = [f"{what}: {mend}" for state, what, mend in findings(said) if state == "bad"]
    assert len(bad) == 1
    return bad[0]


def test_a_sound_machine_is_ready_and_nothing_is_left_behind(tmp_path: Path, capsys: Capture) -> None:
    found = findings(squid(capsys, "doctor"))
    assert {state for state, _, _ in found} == {"ok"}
    told = "\n".join(what for _, what, _ in found)
    for subject in ("Python 3.", *doctor.PACKAGES, "GB memory", "GB free", "no GPU", "5000 handwritten", "AUC 1.00"):
        assert subject in told
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named_with_how_to_install_it(capsys: Capture, monkeypatch: Patch) -> None:
    def version(name: str) -> str:
        if name == "mlxtend":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(doctor, "version", version)
    bad = the_bad_one(squid(capsys, "doctor"))
    assert "mlxtend is missing" in bad
    assert "pip install -e . -c constraints.txt" in bad  # this is the repository


def test_without_the_repository_the_pins_are_those_beside_the_package(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(doctor, "files", lambda name: tmp_path / name)
    assert doctor.installing() == "pip install squidlib"
    pins = tmp_path / "squidlib" / "teaching" / "course" / "constraints.txt"
    pins.parent.mkdir(parents=True)
    pins.touch()
    assert doctor.installing("mlxtend") == f"pip install mlxtend -c {pins}"


def test_a_check_that_breaks_is_a_finding_of_one_line_and_the_others_still_run(
    capsys: Capture, monkeypatch: Patch
) -> None:
    def broken() -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr("digitanatomy.mnist5000", broken)
    said = squid(capsys, "doctor")
    assert the_bad_one(said).startswith("digits: RuntimeError: first line second line: ")
    assert findings(said)[-1][1].startswith("the shipped detector works")


def test_a_missing_and_a_useless_detector_are_found(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Knowing, "score", lambda self, images: torch.zeros(len(images)))
    assert "AUC 0.50" in the_bad_one(squid(capsys, "doctor"))

    def missing(name: str) -> None:
        raise squidlib.UserError(f"{name} is not there")

    monkeypatch.setattr(squidlib, "load", missing)
    assert "digitanatomy is not there" in the_bad_one(squid(capsys, "doctor"))


def test_too_little_memory_and_disk_and_an_old_python_are_found(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1e8))
    monkeypatch.setattr(os, "sysconf", lambda name: 1000 if name == "SC_PAGE_SIZE" else 10**6)
    monkeypatch.setattr(doctor, "LEAST_PYTHON", (9, 9))
    bad = [f"{what}: {mend}" for state, what, mend in findings(squid(capsys, "doctor")) if state == "bad"]
    assert [
        fragment for fragment in ("install Python 9.9", "1.0 GB memory", "0.1 GB free") if fragment in str(bad)
    ] == [
        "install Python 9.9",
        "1.0 GB memory",
        "0.1 GB free",
    ]
    assert len(bad) == 3


def test_a_folder_that_cannot_be_written_is_found(capsys: Capture, monkeypatch: Patch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert "cannot be written (Permission denied): change to a folder" in the_bad_one(squid(capsys, "doctor"))


def test_a_gpu_that_torch_does_not_see_is_noted_and_is_no_fault(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/" + name)
    notes = [(what, mend) for state, what, mend in findings(squid(capsys, "doctor")) if state == "note"]
    assert len(notes) == 1
    assert "does not see a GPU" in notes[0][0]
    assert "CUDA" in notes[0][1]
