"""Server: voilà with the explorer's page as a process, on this machine only, behind a token.

voilà offers neither files nor a shell, and its kernels take no code from the browser; the page shows no source and
nothing of its own address. SECURITY.md says what is promised, and which test holds it.
"""

from __future__ import annotations

import html
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
from typing import Any, Literal

# here and not where it is used: Ctrl-C within an import ends a command at once, and then the server may be running
from jupyter_core.paths import jupyter_runtime_dir, secure_write

from squidlib.teaching.explorer.begin import RUN
from squidlib.utils.command import command
from squidlib.utils.errors import UserError

PORTS = 20  #: tried one after the other
TABS = 4  #: of the page at once; each has a kernel, which takes about 500 MB
IDLE_SECONDS = 1800  #: until the kernel of a page that nobody moves is shut down, whether the page is open or not
LONGEST_MESSAGE = 64 * 2**20  #: bytes a browser may send at once; the explorer itself takes uploads of 4 MiB
_START_SECONDS = 60.0


@contextmanager
def serving(
    run: str = "digitanatomy",
    port: int = 8866,
    host: str = "127.0.0.1",
    theme: Literal["light", "dark"] = "light",
    log: int | None = None,
    tabs: int = TABS,
    idle: int = IDLE_SECONDS,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run voilà while the block runs; gives the page's address, token included, and the process.

    Args:
        port: the first one that is tried.
        theme: of the page; the page's address cannot change it.
        log: where voilà's messages go; a file descriptor, or stderr.
        tabs: how many may be open at once.
        idle: seconds without a message after which a tab's kernel is shut down.

    Raises:
        UserError: where no port is free or voilà does not start.
    """
    found, token = free_port(host, port), secrets.token_urlsafe(16)
    here = Path(str(files("squidlib"))) / "teaching" / "explorer"
    page = here / "page"
    settings = json.dumps(configuration(host, found, theme, tabs, idle))
    # as a file and not as a module: the server then needs no torch, only the pages' kernels do
    command = [sys.executable, "-P", str(here / "voila_app.py"), str(page / "page.ipynb"), settings]
    # by environment and not as arguments, which every user of a machine can read
    environment = os.environ | {"JUPYTER_TOKEN": token, RUN: run, "PYTHONWARNINGS": "ignore"}
    environment.setdefault("OMP_NUM_THREADS", "1")  # one image at a time: more threads only wait for each other
    environment["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(page), os.environ.get("JUPYTER_PATH")]))
    process = subprocess.Popen(  # the pipe is never written to; the server ends when this process closes it or ends
        command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
    )
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
        if process.stdin is not None:
            process.stdin.close()


def configuration(
    host: str, port: int, theme: str, tabs: int = TABS, idle: int = IDLE_SECONDS
) -> dict[str, dict[str, Any]]:
    """Every setting of voilà that is not its default, as JSON values."""
    return {
        "Voila": {
            "ip": host,
            "port": port,
            "port_retries": 0,
            "auto_token": True,  # the token itself comes by environment: everybody can read a process's arguments
            "open_browser": False,
            "log_level": "ERROR",
            "tornado_settings": {
                "websocket_max_message_size": LONGEST_MESSAGE,
                "xsrf_cookie_kwargs": {"samesite": "Strict"},
            },
        },
        "VoilaConfiguration": {
            "theme": theme,
            "template": "squid",
            # what stands in the page's address is not written into the page: it could be a script
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "strip_sources": True,
            "show_tracebacks": False,
            "file_allowlist": ["$."],  # matches no name
            "extension_denylist": ["jupyterlab-jupytext"],  # needs JupyterLab around it
        },
        "IdentityProvider": {"cookie_options": {"samesite": "Strict"}},  # browsers send it from no other site's page
        "PasswordIdentityProvider": {"allow_password_change": False},  # a page for an hour needs no password
        # sockets in a file of one's own: other users of the machine cannot listen to what a kernel says
        "KernelManager": {"transport": "ipc" if os.name == "posix" else "tcp"},
        "MappingKernelManager": {
            "cull_interval": max(1, min(60, idle // 2)),
            "cull_idle_timeout": idle,
            "cull_connected": True,  # a page that was forgotten must not keep its memory
        },
        "TabKernelManager": {"tabs": tabs},
    }


@contextmanager
def redirect_file(address: str) -> Iterator[Path]:
    """A page that only this user can read and that leads to ``address``; it is removed when the block ends.

    A browser is started with the page as its argument: every user of a machine can read the arguments of all processes,
    and the address holds the token. Jupyter does the same.
    """
    folder = Path(jupyter_runtime_dir())  # browsers that are kept in a sandbox can read it, but not /tmp
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path, quoted = folder / f"squid-explore-{os.getpid()}-open.html", html.escape(address)
    with secure_write(str(path)) as file:  # mode 0600
        file.write(
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>The explorer opens</title>'
            f'<meta http-equiv="refresh" content="0;url={quoted}"></head>'
            f'<body><p><a href="{quoted}">To the explorer</a></p></body></html>'
        )
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


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
            raise UserError(f"voilà stopped with code {process.returncode}; try: {command('doctor')}")
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except urllib.error.HTTPError:
            return  # it answers, whatever it says
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise UserError(f"voilà did not answer within {_START_SECONDS:.0f} seconds at {address}")
