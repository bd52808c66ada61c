"""``squid lab``: JupyterLab on working copies, its kernels with the calm threads of every command; a signal ends it."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from squidlib import __main__ as start
from squidlib.cli.lab import Lab
from squidlib.teaching.explorer.server import free_port
from tests.helpers import squid

SPINNING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
ROOT = Path(__file__).resolve().parents[2]


class Served:
    """The command, and how to ask its server."""

    def __init__(self, process: subprocess.Popen[str], port: int, token: str) -> None:
        self.process, self.address = process, f"http://127.0.0.1:{port}/api"
        self.headers = {"Authorization": f"token {token}"}

    def ask(self, what: str, method: str = "GET") -> Any:
        asked = urllib.request.Request(f"{self.address}{what}", method=method, headers=self.headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=10) as answer:
            return json.loads(answer.read())

    @property
    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def lab(folder: Path, **variables: str) -> Iterator[Served]:
    (folder / "config").mkdir()
    token, port = secrets.token_urlsafe(16), free_port("127.0.0.1", 8940)
    without = {name: value for name, value in os.environ.items() if name not in SPINNING}
    own = {name: str(folder / "config") for name in ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR")}
    command = [sys.executable, "-m", "squidlib", "lab", "lessons", "--no-browser", "--port", str(port)]
    environment = without | own | {"JUPYTER_TOKEN": token, "PYTHONPATH": str(ROOT)} | variables
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, text=True)
        served = Served(process, port, token)
        try:
            begun = time.monotonic()
            while True:
                try:
                    served.ask("")
                    break
                except OSError:
                    assert process.poll() is None, (folder / "log.txt").read_text()
                    assert time.monotonic() - begun < 60, (folder / "log.txt").read_text()
                    time.sleep(0.2)
            yield served
        finally:
            for child in served.children if process.poll() is None else []:
                child.kill()
            process.kill()
            process.wait(10)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into the environment of processes")
def test_it_serves_the_copies_and_kernels_wait_as_every_command_does_unless_the_user_says_otherwise(
    tmp_path: Path,
) -> None:
    with lab(tmp_path) as served:
        names = [entry["name"] for entry in served.ask("/contents")["content"]]
        assert sorted(names)[:2] == ["00_start_here.ipynb", "01_digitanatomy.ipynb"]
        assert "docs" in names
        served.ask("/kernels", "POST")
        (kernel,) = [child for child in served.children if "ipykernel" in " ".join(child.cmdline())]
        assert kernel.environ()["GOMP_SPINCOUNT"] == str(start.KERNEL_SPINS)
        assert "OMP_WAIT_POLICY" not in kernel.environ()
        pids = [child.pid for child in served.children]
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0
        assert not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]
    assert (tmp_path / "log.txt").read_text().startswith("lessons: copied 16 lessons")


def test_what_the_user_set_of_threads_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[dict[str, str]] = []

    popen = subprocess.Popen

    def ended(command: list[str]) -> subprocess.Popen[bytes]:
        seen.append({name: os.environ[name] for name in SPINNING if name in os.environ})
        assert command[1:3] == ["-m", "jupyterlab"]
        return popen([sys.executable, "-c", "raise SystemExit(3)"])

    monkeypatch.setattr(subprocess, "Popen", ended)
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    start.calm_threads()
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert Lab().run() == 3
    assert seen == [{"OMP_WAIT_POLICY": "active"}]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_port_that_cannot_be_is_refused_before_anything_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    said = squid(capsys, "lab", "--port", "70000")
    assert said.code == 2
    assert "a port lies in 1..65535, got 70000" in said.errors[0]
    assert list(tmp_path.iterdir()) == []


def test_make_lab_is_this_command() -> None:
    assert re.search(r"^lab: .*\n\t\$\(BIN\)/squid lab$", (ROOT / "Makefile").read_text(), re.MULTILINE)
