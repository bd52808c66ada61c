"""``squid lab``: working copies of the lessons, opened in JupyterLab."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from types import FrameType

from tyro.conf import Positional

from squidlib.cli.choices import FolderOrDefault
from squidlib.cli.lessons import FOLDER, told


@dataclass(frozen=True)
class Lab:
    """Make working copies of the lessons (see squid lessons) and open them in JupyterLab; Ctrl-C twice stops it."""

    folder: Positional[FolderOrDefault] = FOLDER
    """The folder of the copies."""
    port: int = 8888
    """Where to serve; where it is taken, the next free one."""
    no_browser: bool = False
    """Do not open a browser; the address is printed."""

    def run(self) -> int:
        """Copy what is missing, then serve until JupyterLab ends, whose kernels inherit this process's calm threads."""
        from squidlib.teaching.course.copies import make_copies
        from squidlib.utils.errors import UserError

        if not 1 <= self.port <= 65535:
            raise UserError(f"a port lies in 1..65535, got {self.port}")
        print("\n".join(told(make_copies(self.folder), self.folder)), flush=True)
        command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={self.folder.resolve()}",
                   f"--ServerApp.port={self.port}", *(["--no-browser"] if self.no_browser else [])]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # who is root in a container has nobody else to be
            command.append("--allow-root")
        return _serve(command)


def _serve(command: list[str]) -> int:
    """The server's exit code. Ctrl-C is the server's, which asks whether it is meant; a request to end is passed on."""
    servers: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        for server in servers if number == signal.SIGTERM else []:
            server.terminate()

    kept = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        servers.append(subprocess.Popen(command))
        return servers[0].wait()
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
