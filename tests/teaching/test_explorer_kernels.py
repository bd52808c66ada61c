"""The explorer's kernels: what the server does with those that ended while it was going through its list."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tornado.web import HTTPError

from squidlib.teaching.explorer.voila_app import TabKernelManager


def apart(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it in a thread of its own: in this one a browser's loop may be running."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, coroutine).result()


def test_a_kernel_that_ended_meanwhile_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    manager = TabKernelManager()
    apart(manager.cull_kernel_if_idle("ended"))
    assert caplog.records == []


def test_a_tab_too_many_is_refused_although_a_kernel_ended_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = TabKernelManager(tabs=0)
    monkeypatch.setattr(manager, "list_kernel_ids", lambda: ["ended"])
    with pytest.raises(HTTPError, match="close one"):
        apart(manager.start_kernel())
