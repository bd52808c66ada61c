"""Lock: a run's folder has one writer; a second start is refused in a line that names the first.

The operating system holds the lock and drops it when the process ends, however it ends. Beside the lock file stands
who holds it, for that line alone.
"""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import write_atomically

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_FILE, WRITER_FILE = ".lock", ".writer.json"


class RunLock:
    """The lock of one folder; may be acquired more often than once, and is free when it was released as often."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._times = 0
        self._lock: BaseFileLock | None = None

    def acquire(self) -> None:
        """Become the folder's writer; the folder is made.

        Raises:
            UserError: where another process trains in it, or the folder cannot be written.
        """
        self._times += 1
        if self._times > 1:
            return
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / LOCK_FILE)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout as error:
            self._times = 0
            raise UserError(
                f"{self.folder} is being trained in by {self._writer()}; wait for its end or choose another folder"
            ) from error
        except OSError as error:
            self._times = 0
            raise UserError(f"cannot write to the folder {self.folder} ({error.strerror}); choose another") from error
        self._lock = lock
        writer = {"process": os.getpid(), "machine": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        write_atomically(self.folder / WRITER_FILE, json.dumps(writer).encode())

    def release(self) -> None:
        """Let go of the folder, and leave nothing there; nothing happens where it is not held."""
        self._times = max(0, self._times - 1)
        if self._times or self._lock is None:
            return
        (self.folder / WRITER_FILE).unlink(missing_ok=True)
        (self.folder / LOCK_FILE).unlink(missing_ok=True)  # held still: who opens it now finds out that it is gone
        self._lock.release()
        self._lock = None

    def _writer(self) -> str:
        """Who holds the lock, as far as it has said so yet."""
        try:
            known = json.loads((self.folder / WRITER_FILE).read_text())
            return f"process {known['process']} of {known['machine']} since {known['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"
