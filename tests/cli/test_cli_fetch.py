"""``squid fetch``: tells what would come, asks, and keeps only the published file. The server is a local one."""

from __future__ import annotations

import importlib
import io
from pathlib import Path

import numpy as np
import pytest

from squidlib.cli.main import main
from tests.chest_folders import pneumoniamnist_file
from tests.file_server import FileServer, file_server

module = importlib.import_module("squidlib.data.chest.pneumoniamnist")
info = importlib.import_module("squidlib.data.chest.info")


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A server with a generated file of 64 px, whose checksum counts as the published one."""
    _, md5 = pneumoniamnist_file(tmp_path / "there", 64)
    for place in (module, info):
        monkeypatch.setattr(place, "PNEUMONIAMNIST_MD5", {28: "", 64: md5, 128: "", 224: ""})
    monkeypatch.chdir(tmp_path)
    with file_server(tmp_path / "there") as found:
        monkeypatch.setattr(module, "PNEUMONIAMNIST_ADDRESS", found.address + "/{name}?download=1")
        yield found


FETCH = ["fetch", "pneumoniamnist", "--size", "64"]


def test_it_tells_size_licence_and_checksum_before_it_asks(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert main(FETCH) == 0
    told, _, answer = capsys.readouterr().out.partition("Download it? [y/N]")
    bytes_there = Path("there/pneumoniamnist_64.npz").stat().st_size
    for part in (f"{bytes_there / 1e6:.1f} MB", "CC BY 4.0", module.PNEUMONIAMNIST_MD5[64], server.address, "clinical"):
        assert part in told
    assert "nothing was downloaded" in answer
    assert server.asked == ["HEAD /pneumoniamnist_64.npz"]
    assert not Path("data").exists()


def test_after_a_yes_the_published_file_is_there(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert main(FETCH) == 0
    assert "squid train pneumoniamnist --data data --size 64" in capsys.readouterr().out
    assert [path.name for path in Path("data").iterdir()] == ["pneumoniamnist_64.npz"]
    with np.load("data/pneumoniamnist_64.npz") as file:
        assert len(file["test_images"]) == 10
    before = list(server.asked)
    assert main([*FETCH, "--yes"]) == 0
    assert "there already" in capsys.readouterr().out
    assert server.asked == before


def test_where_nobody_can_answer_yes_has_to_be_given(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main(FETCH) == 2
    assert "give --yes" in capsys.readouterr().err
    assert server.asked == []
    assert main([*FETCH, "--yes"]) == 0
    assert Path("data/pneumoniamnist_64.npz").is_file()


def test_another_file_than_the_published_one_is_not_kept(
    server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("there/pneumoniamnist_64.npz").open("ab") as file:
        file.write(b"x")
    assert main([*FETCH, "--yes"]) == 2
    assert "is not the published file" in capsys.readouterr().err
    assert list(Path("data").iterdir()) == []


def test_a_download_that_is_cut_short_leaves_nothing(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with file_server(Path("there"), cut=True) as broken:
        monkeypatch.setattr(module, "PNEUMONIAMNIST_ADDRESS", broken.address + "/{name}")
        assert main([*FETCH, "--yes"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()[-1]) < 400
    assert list(Path("data").iterdir()) == []


def test_ctrl_c_leaves_nothing(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(url: str, root: str, filename: str) -> None:
        (Path(root) / filename).write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr("torchvision.datasets.utils.download_url", interrupted)
    assert main([*FETCH, "--yes"]) == 130
    assert list(Path("data").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "64"], "is there a network?"),
        (["--size", "100"], "squares of 28, 64, 128, 224 pixels, got 100"),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "PNEUMONIAMNIST_ADDRESS", "http://127.0.0.1:9/{name}")
    assert main(["fetch", "pneumoniamnist", *arguments, "--yes"]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert len(error.splitlines()) == 1
    assert not Path("data").exists() or list(Path("data").iterdir()) == []


def test_a_file_that_is_there_and_another_is_not_replaced(
    server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("data").mkdir()
    Path("data/pneumoniamnist_64.npz").write_bytes(b"mine")
    assert main([*FETCH, "--yes"]) == 2
    assert "remove it" in capsys.readouterr().err
    assert Path("data/pneumoniamnist_64.npz").read_bytes() == b"mine"
