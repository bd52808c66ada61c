"""``squid explore``: refuses in a line what cannot be served, finds a free port, and leaves nothing running."""

from __future__ import annotations

import html
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from squidlib.detection.checkpoint import save
from squidlib.teaching.explorer import server
from squidlib.teaching.explorer.server import configuration
from tests.conftest import tiny_config
from tests.helpers import noise, refusal, squid, untrained


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--port", "0"), "a port lies in 1..65535, got 0"),
        (("--link", "slots=none"), "slots in the link must be a number, got 'none'"),
        (("no_such_detector",), "no_such_detector is neither a run's folder"),
        (("--host", "192.0.2.7", "--no-browser"), "192.0.2.7 is no address of this machine"),
    ],
)
def test_what_cannot_be_served_is_refused_in_a_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], wanted: str
) -> None:
    said = squid(capsys, "explore", *arguments)
    assert said.code == 2
    assert len(said.errors) == 1
    assert wanted in said.errors[0]


@pytest.mark.parametrize(
    ("data", "size", "grid", "wanted"),
    [
        ("digitanatomy", 128, 4, "is of digitanatomy, 4x4 tiles in 128x128 grey pixels"),
        ("zhanglab", 128, 4, "is of zhanglab, 4x4 tiles in 128x128 grey pixels"),
        ("folder", 96, 3, "is of folder, 3x3 tiles in 96x96 grey pixels"),
    ],
)
def test_a_detector_of_other_images_is_refused_in_a_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, data: str, size: int, grid: int, wanted: str
) -> None:
    detector = untrained(tiny_config(image_size=size, grid=grid), noise(4, size))
    detector.metadata["data"] = data
    save(detector, tmp_path / "model.safetensors")
    said = squid(capsys, "explore", tmp_path, "--no-browser")
    assert said.code == 2
    assert len(said.errors) == 1
    assert "the explorer edits DigitAnatomy's digits: 3x3 tiles in 96x96" in said.errors[0]
    assert wanted in said.errors[0]
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_port_that_is_taken_is_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        assert server.free_port("127.0.0.1", number) > number


def test_where_no_port_is_free_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PORTS", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        assert "are taken; choose another with --port" in refusal(lambda: server.free_port("127.0.0.1", number))


def test_the_server_is_for_this_machine_and_keeps_its_token_out_of_the_arguments() -> None:
    settings = configuration("127.0.0.1", 1, "light")
    assert settings["Voila"]["ip"] == "127.0.0.1"
    assert settings["Voila"]["auto_token"] is True
    assert "token" not in settings["Voila"]
    assert settings["VoilaConfiguration"]["strip_sources"] is True
    assert settings["Voila"]["tornado_settings"]["websocket_max_message_size"] <= 64 * 2**20


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a browser's stand-in writes its arguments, and the access rights and content of the file that they name."""
    said, browser = tmp_path / "opened.json", tmp_path / "browser.py"
    browser.write_text(
        f"#!{sys.executable}\nimport json, os, pathlib, sys, urllib.parse, urllib.request\n"
        "path = urllib.request.url2pathname(urllib.parse.urlparse(sys.argv[-1]).path)\n"
        "found = [sys.argv[1:], os.stat(path).st_mode & 0o777, pathlib.Path(path).read_text(), path]\n"
        f"pathlib.Path({str(said)!r} + '.new').write_text(json.dumps(found))\n"
        f"os.rename({str(said)!r} + '.new', {str(said)!r})\n"
    )
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    return said


@pytest.mark.skipif(os.name != "posix", reason="access rights, and a browser that is a script, are POSIX's")
def test_the_browser_is_given_a_file_that_others_cannot_read_and_no_token(opened: Path, tmp_path: Path) -> None:
    with started(tmp_path) as (process, address):
        wait_until(opened.is_file)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    arguments, mode, text, path = json.loads(opened.read_text())
    token = address.partition("token=")[2]
    assert len(token) > 16
    assert token not in " ".join(arguments)
    assert mode == 0o600
    assert html.unescape(text).count(address) == 2
    assert not Path(path).exists()  # nothing is left of it


@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_it_serves_until_it_is_stopped_and_leaves_nothing_running(stop: str, tmp_path: Path) -> None:
    with started(tmp_path, "--no-browser", "--link", "slots=5") as (process, address):
        assert address.endswith("&slots=5")
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert plain.open(address.split("/?")[0] + "/login", timeout=30).status == 200
        process.send_signal(getattr(signal, stop))
        assert process.wait(30) == 0
        assert process.stdout is not None
        said = process.stdout.read()
    assert "At most 4 tabs at once" in said
    assert "stopped" in said
    assert not [child for child in children if is_alive(child)]
    complaints = (tmp_path / "errors.txt").read_text()
    assert "Traceback" not in complaints
    assert "error" not in complaints.lower(), complaints  # Python itself names a fatal one without a traceback


def test_the_server_and_its_kernels_end_where_the_command_was_killed(tmp_path: Path) -> None:
    with started(tmp_path, "--no-browser") as (process, address):
        plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with plain.open(address, timeout=120) as page:  # starts a kernel
            assert page.status == 200
            children = psutil.Process(process.pid).children(recursive=True)
            assert len(children) >= 2
            process.kill()
            process.wait(10)
            wait_until(lambda: not [child for child in children if is_alive(child)])


PORT = 20_000 + os.getpid() % 20_000  #: tests of another checkout may run on this machine


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``squid explore`` as a process of its own, and the address that it prints."""
    command = [str(Path(sys.executable).with_name("squid")), "explore", "--port", str(PORT), *arguments]
    with (folder / "errors.txt").open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("The explorer, for this machine only: http://127.0.0.1:")
        try:
            yield process, line.split()[-1]
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something is so; fails after a minute."""
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within a minute")
