"""``squid pack``: a folder that installs without a network, made of an index of tiny wheels; the size is said first."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.helpers import squid

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch
SQUID = "def main():\n    import small\n    print('doctor' if small else '')\n"


def tiny(folder: Path, name: str, version: str, *needs: str, code: str = "") -> Path:
    """A wheel of one module."""
    info = f"{name}-{version}.dist-info"
    needed = "".join(f"Requires-Dist: {other}\n" for other in needs)
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if name == "squidlib":
        files[f"{info}/entry_points.txt"] = "[console_scripts]\nsquid = squidlib:main\n"
    rows = []
    path = folder / f"{name}-{version}-py3-none-any.whl"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for member, text in files.items():
            file.writestr(member, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{member},sha256={digest},{len(text.encode())}")
        file.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]) + "\n")
    return path


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: Patch) -> Path:
    """The kit's made-up wheel; what it needs lies in an index that is a folder."""
    index = tmp_path / "index"
    tiny(index, "small", "1.0", code="ready = True\n")
    tiny(index, "torch", "2.14.1", "triton")
    tiny(index, "triton", "3.0")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.chdir(tmp_path)
    return tiny(tmp_path / "kit", "squidlib", "1.0.0", "small", "torch", code=SQUID)


def names(folder: str) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in Path(folder).glob("*.whl"))


@pytest.mark.skipif(os.name == "nt", reason="runs the script for bash")
def test_what_was_packed_installs_where_nothing_can_be_reached(
    kit: Path, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    said = squid(capsys, "pack", "stick", "--wheel", kit, "--yes")
    assert (said.code, said.errors) == (0, [])
    assert said.out.startswith("3 packages, 0.00 GB\n")
    assert names("stick/wheels") == ["small", "squidlib", "torch", "triton"]
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PYTHON", sys.executable)
    done = subprocess.run(["bash", "stick/install.sh", "in room"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("doctor\nNow: in room/bin/squid lab\n")


def test_torch_and_what_comes_with_it_can_be_left_out(kit: Path, capsys: Capture) -> None:
    assert squid(capsys, "pack", "stick", "--wheel", kit, "--torch", "none", "--yes").code == 0
    assert names("stick/wheels") == ["small", "squidlib"]
    assert "--system-site-packages" in Path("stick/install.sh").read_text()
    assert "\ntorch==" not in Path("stick/constraints.txt").read_text()
    assert "torch has to be installed already" in Path("stick/README.md").read_text()


def test_the_size_is_said_and_a_no_downloads_nothing(kit: Path, monkeypatch: Patch, capsys: Capture) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    said = squid(capsys, "pack", "stick", "--wheel", kit)
    assert said.code == 0
    assert said.out.splitlines()[0] == "3 packages, 0.00 GB"
    assert said.out.splitlines()[-1] == "nothing was downloaded"
    assert not Path("stick").exists()


def test_what_cannot_be_packed_is_said_in_a_line(kit: Path, capsys: Capture) -> None:
    Path("full").mkdir()
    Path("full/file").write_text("")
    Path("index/small-1.0-py3-none-any.whl").unlink()
    for arguments, wanted in (
        (("full", "--yes"), "full is not an empty folder"),
        (("stick",), "give --yes to allow it"),
        (("stick", "--torch", "cpu", "--yes"), "--torch cpu and --torch-index ADDRESS belong together"),
        (("stick", "--wheel", "full/file", "--yes"), "full/file is no wheel"),
        (("stick", "--wheel", kit, "--yes"), "pip install failed: "),
    ):
        said = squid(capsys, "pack", *arguments)
        assert said.code == 2
        assert len(said.errors) == 1
        assert wanted in said.errors[0]
        assert not Path("stick").exists()
