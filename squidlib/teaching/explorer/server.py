"""Server: voilà with the explorer's page as a process, on this machine only, behind a token."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Literal

from squidlib.teaching.explorer import voila_app
from squidlib.teaching.explorer.begin import RUN
from squidlib.utils.errors import UserError

PORTS = 20  #: tried one after the other
_START_SECONDS = 60.0


@contextmanager
def serving(
    run: str = "digitanatomy",
    port: int = 8866,
    host: str = "127.0.0.1",
    theme: Literal["light", "dark"] = "light",
    log: int | None = None,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run voilà while the block runs; gives the page's address, token included, and the process.

    Args:
        port: the first one that is tried.
        log: where voilà's messages go; a file descriptor, or stderr.

    Raises:
        UserError: where no port is free or voilà does not start.
    """
    found, token = free_port(host, port), secrets.token_urlsafe(16)
    page = Path(str(files("squidlib"))) / "teaching" / "explorer" / "page"
    settings = json.dumps(voila_app.configuration(host, found, theme))
    # as a file and not as a module: the server then needs no torch, only the pages' kernels do
    command = [sys.executable, "-P", voila_app.__file__, str(page / "page.ipynb"), settings]
    # by environment and not as arguments, which every user of a machine can read
    environment = os.environ | {"JUPYTER_TOKEN": token, RUN: run, "PYTHONWARNINGS": "ignore"}
    environment["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(page), os.environ.get("JUPYTER_PATH")]))
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(process, f"http://{host}:{found}/static/favicon.ico")
        yield f"http://{host}:{found}/?token={token}", process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port(host: str, first: int) -> int:
    """The first port from ``first`` on that nobody listens at.

    Raises:
        UserError: where there is none among the next few, or the address is not this machine's.
    """
    for port in range(first, min(first + PORTS, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except PermissionError:
                continue
            except OSError as error:
                if isinstance(error, socket.gaierror) or error.errno == 99:
                    raise UserError(f"{host} is no address of this machine ({error}); use 127.0.0.1") from error
                continue
            return port
    raise UserError(f"ports {first} to {first + PORTS - 1} are taken; choose another with --port")


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < _START_SECONDS:
        if process.poll() is not None:
            raise UserError(f"voilà stopped with code {process.returncode}; try: squid doctor")
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except urllib.error.HTTPError:
            return  # it answers, whatever it says
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise UserError(f"voilà did not answer within {_START_SECONDS:.0f} seconds at {address}")
