"""A real browser, voilà and JupyterLab. Where no Chromium is installed, these tests are skipped and say so."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from squidlib.teaching.explorer import timing
from squidlib.teaching.explorer.server import free_port, serving

ROOT = Path(__file__).resolve().parents[2]
LESSON = "12_explorer.ipynb"
STOPPED = "KeyboardInterrupt caught in kernel"  # how a kernel says that its server was stopped
# How tornado says that a page was closed while something was being sent to it.
CLOSED = re.compile(
    r"Task exception was never retrieved\nfuture: [^\n]*WebSocketClosedError\(\)>\n"
    r".*?^tornado\.websocket\.WebSocketClosedError",
    re.DOTALL | re.MULTILINE,
)
# How a kernel says that it was stopped before it had begun, and jupyter_server that a page was closed while its channel
# was being opened: the whole traceback, its last line last.
STOPPED_EARLY = re.compile(
    r"^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*"
    r"(?:KeyboardInterrupt.*|AttributeError: 'NoneType' object has no attribute 'kernel_ws_protocol')$",
    re.MULTILINE,
)
OWN_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")  #: nobody else's settings
EXPECTED_NOISE = ("favicon", "ResizeObserver loop")  # what browsers say of pages that nobody wrote badly


class Served(NamedTuple):
    """A page's address with its token, and the file that its server writes its messages to."""

    address: str
    log: Path

    def complaints(self) -> list[str]:
        """Lines of the log that tell of an error."""
        words = ("Traceback", "Error", "ERROR", "failed")
        text = STOPPED_EARLY.sub("", CLOSED.sub("", self.log.read_text(errors="replace")))
        lines = [line for line in text.splitlines() if STOPPED not in line]
        return [line for line in lines if any(word in line for word in words)]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests; each test has a context, as a private window, of its own."""
    if timing.chromium() is None:
        pytest.skip("no Chromium: install one, or name it in the environment variable CHROMIUM")
    with timing.browser() as launched:
        yield launched


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A private window; at its end nothing was asked of other machines and nothing went wrong."""
    made = chromium.new_context(viewport={"width": 1280, "height": 1500}, accept_downloads=True)
    outside, errors = [], []
    made.on("request", lambda asked: None if _is_local(asked.url) else outside.append(asked.url))
    made.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    made.on("weberror", lambda error: errors.append(str(error.error)))
    yield made
    made.close()
    assert outside == []
    assert [text for text in errors if not any(noise in text for noise in EXPECTED_NOISE)] == []


def _is_local(address: str) -> bool:
    return address.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:"))


@pytest.fixture(scope="session")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``squid explore``'s server; at the end its log tells of no error."""
    log = tmp_path_factory.mktemp("voila") / "log.txt"
    with log.open("wb") as file, serving(log=file.fileno()) as (address, _):
        yield Served(address, log)
    assert Served(address, log).complaints() == []


@pytest.fixture(scope="session")
def dark_voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same with the dark theme, which only the server can choose."""
    log = tmp_path_factory.mktemp("voila") / "log.txt"
    with log.open("wb") as file, serving(log=file.fileno(), theme="dark") as (address, _):
        yield Served(address, log)
    assert Served(address, log).complaints() == []


@pytest.fixture
def page(context: BrowserContext, voila: Served) -> Page:
    """The explorer on voilà's page, ready."""
    opened = context.new_page()
    timing.open_explorer(opened, voila.address)
    return opened


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """JupyterLab with a copy of the lesson."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / LESSON).write_bytes((ROOT / "notebooks" / LESSON).read_bytes())
    token, port = secrets.token_urlsafe(16), free_port("127.0.0.1", 8980)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={folder}", "--ServerApp.allow_root=True", "--LabApp.news_url=None",
        "--LabApp.expose_app_in_browser=True", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    own = {name: str(folder / "own") for name in OWN_FOLDERS} | {"JUPYTER_TOKEN": token, "KIT_MODE": "smoke"}
    log = folder / "log.txt"
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=os.environ | own, stdout=file, stderr=file)
        try:
            _wait(f"http://127.0.0.1:{port}/api?token={token}")
            yield Served(f"http://127.0.0.1:{port}/lab/tree/{LESSON}?token={token}", log)
        finally:
            process.terminate()
            process.wait(20)


def _wait(address: str) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < 60:
        try:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"{address} did not answer")
