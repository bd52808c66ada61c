"""``squid explore``: refuses in a line what cannot be served, finds a free port, and leaves nothing running."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from squidlib.teaching.explorer import server
from squidlib.teaching.explorer.voila_app import configuration
from tests.helpers import refusal, squid


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


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped_and_leaves_nothing_running(stop: signal.Signals, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("squid")), "explore", "--no-browser", "--port", "8930"]
    command += ["--link", "slots=5"]
    with (tmp_path / "errors.txt").open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=tmp_path)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("The explorer, for this machine only: http://127.0.0.1:89")
        address = line.split()[-1]
        assert address.endswith("&slots=5")
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert plain.open(address.split("/?")[0] + "/login", timeout=30).status == 200
        process.send_signal(stop)
        assert process.wait(30) == 0
    assert "stopped" in process.stdout.read()
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert "Traceback" not in (tmp_path / "errors.txt").read_text()
