"""voilà with the explorer's page: ``server`` starts this file as a process of its own.

Each tab has a kernel of its own: their number is bounded, and one that nobody uses is freed. The process ends with the
one that started it. SECURITY.md says what is promised.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Int

LEFT = timedelta(seconds=60)  #: a page that takes longer to connect to its kernel will not come
LAST_SECONDS = 10.0  #: for an orderly end, before the process is ended without one


class TabKernelManager(AsyncMappingKernelManager):
    """A kernel for each tab, up to ``tabs``; the kernel of a page that was closed makes room for a new one."""

    tabs = Int(6, config=True, help="how many kernels may run at once")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._starting = 0
        self._opened: set[str] = set()  #: kernels that a page was connected to at some time

    def notify_connect(self, kernel_id: str) -> None:
        """Called when a page's channel opens."""
        self._opened.add(kernel_id)
        super().notify_connect(kernel_id)

    async def start_kernel(self, **kwargs: Any) -> str:  # type: ignore[override]  # jupyter_server's own is async, too
        """Start the kernel of a new tab.

        Raises:
            HTTPError: 503 where there are as many as there may be.
        """
        for kernel_id in self.list_kernel_ids():
            if self._is_full() and kernel_id in self and self._is_left(kernel_id):
                await self.shutdown_kernel(kernel_id)
        if self._is_full():
            raise HTTPError(503, reason=f"{self.tabs} tabs of the explorer are open; close one, then reload this page")
        self._starting += 1
        try:
            return await super().start_kernel(**kwargs)
        finally:
            self._starting -= 1

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """Asked every now and then: free a kernel whose page is gone, any other one after ``cull_idle_timeout``.

        jupyter_server asks for one kernel after the other of a list made before: some may have ended meanwhile.
        """
        if kernel_id not in self:
            return
        if self._is_left(kernel_id) and self._silence(kernel_id) > LEFT:
            await self.shutdown_kernel(kernel_id)
        else:
            await super().cull_kernel_if_idle(kernel_id)

    def _is_full(self) -> bool:
        return len(self) + self._starting >= self.tabs

    def _is_left(self, kernel_id: str) -> bool:
        """Whether a kernel's page was closed, or never came; a page that is loaded again starts another kernel."""
        if self._kernel_connections.get(kernel_id, 0):
            return False
        return kernel_id in self._opened or self._silence(kernel_id) > LEFT

    def _silence(self, kernel_id: str) -> timedelta:
        """Since the last message from or to a kernel."""
        last: datetime = self._kernels[kernel_id].last_activity
        return datetime.now(UTC) - last


def end_with_parent() -> None:
    """End this process when standard input ends: the process that started it holds the other end and writes nothing.

    So the server lives no longer than ``squid explore``, however that one ends: its end of the pipe is closed by the
    method even where it was killed. A pipe does the same on Linux, macOS and Windows.
    """

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):  # not sys.stdin.read: it holds a lock that Python waits for at its end
            pass
        os.kill(os.getpid(), signal.SIGTERM)  # voilà then ends its kernels first
        time.sleep(LAST_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end with parent").start()


def main() -> None:
    """Serve the page; the arguments are the page and the configuration as JSON, see ``server.configuration``."""
    from traitlets.config import Config
    from voila.app import Voila

    page, settings = sys.argv[1:]
    config = Config(json.loads(settings))
    config.VoilaConfiguration.multi_kernel_manager_class = TabKernelManager
    end_with_parent()
    Voila.launch_instance(argv=[page], config=config)


if __name__ == "__main__":
    main()
