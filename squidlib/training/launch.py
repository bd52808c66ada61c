"""Launching: the same training in several processes, started here or joined, stopped together."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from squidlib.data.base import NormalData
from squidlib.training.devices import Layout, make_fabric
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.training.state import DivergenceError
from squidlib.training.trainer import UnfinishedError, train_run
from squidlib.utils.errors import UserError
from squidlib.utils.signals import Interrupted, stop_signals

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class _Ended(NamedTuple):
    """How the first of the started processes ended; empty where it trained to the end."""

    how: str = ""  #: "interrupted", or the name of the UserError
    said: str = ""


_REFUSALS: dict[str, type[UserError]] = {kind.__name__: kind for kind in (UserError, DivergenceError, UnfinishedError)}


def init_process_group(layout: Layout) -> None:
    """Connect processes that torchrun or Slurm started: from here on they know of each other."""
    if layout.joined and layout.processes > 1:
        _connect(make_fabric(layout))


def train_by_many(
    run: Run, settings: RunSettings, make_data: Callable[[], NormalData], layout: Layout, progress: bool = True
) -> None:
    """As ``train_run``, by all processes of a layout.

    Args:
        make_data: called in every process; to be started in another one, it must be picklable.

    Raises:
        Interrupted: after a signal, everything saved; or where a process was killed, and what was saved last is kept.
        UserError: as ``train_run``.
    """
    fabric = make_fabric(layout, settings.training.precision)
    if layout.joined:
        _connect(fabric)
        train_run(run, settings, make_data(), fabric=fabric, progress=progress)
        return
    from torch.multiprocessing import ProcessExitedException

    run.lock.acquire()
    try:
        # In a partial, for Fabric looks into arguments and refuses frozen dataclasses.
        work = partial(_work, folder=run.folder, settings=settings, make_data=make_data, progress=progress)
        logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)  # who is ended, is said below
        with stop_signals(_pass_on) as stop:
            ended = _launched(fabric, work)
    except ProcessExitedException as error:
        number = error.signal_name or f"exit code {error.exit_code}"
        how = "interrupted" if stop.is_set() else f"process {error.error_index} of {layout.processes} ended by {number}"
        raise Interrupted(f"{how}; what was saved last is kept") from error
    finally:
        run.lock.release()
    if ended.how == "interrupted":
        raise Interrupted(ended.said)
    if ended.how:
        raise _REFUSALS.get(ended.how, UserError)(ended.said)


def _launched(fabric: Fabric, work: Callable[..., _Ended]) -> _Ended:
    """Start the processes and wait, in a thread that blocks Ctrl-C: they inherit that, and take it when they can.

    While such a process imports torch, for seconds, Ctrl-C would be a traceback. This one's main thread sees it.
    """

    def launch() -> _Ended:
        resource_tracker.ensure_running()  # of multiprocessing, which would unblock Ctrl-C when it starts that process
        _mask_ctrl_c("SIG_BLOCK")
        ended: _Ended = fabric.launch(work)
        return ended

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(launch).result()


def _mask_ctrl_c(how: str) -> None:
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(getattr(signal, how), {signal.SIGINT})


def _work(
    fabric: Fabric, folder: Path, settings: RunSettings, make_data: Callable[[], NormalData], progress: bool
) -> _Ended:
    """One of the started processes. Whatever the user should read is returned: its parent says it, once."""
    try:
        _mask_ctrl_c("SIG_UNBLOCK")
        train_run(Run(folder), settings, make_data(), fabric=fabric, progress=progress, lock=False)
    except (UserError, OSError) as error:
        return _Ended(type(error).__name__, str(error))
    except (Interrupted, KeyboardInterrupt, SystemExit) as stopped:
        return _Ended("interrupted", str(stopped) or "interrupted; what was saved last is kept")
    except RuntimeError as error:
        if " by peer" not in str(error):  # gloo's word for: the other process is gone; of that one, the parent tells
            raise
        return _Ended("interrupted", "another process is gone; what was saved last is kept")
    return _Ended()


def _connect(fabric: Fabric) -> None:
    """``fabric run`` has connected the processes when Fabric is made, torchrun and Slurm have not."""
    if "LT_CLI_USED" not in os.environ:
        fabric.launch()


def _pass_on() -> None:
    """Ctrl-C reaches a terminal's processes by itself, a signal for the parent does not."""
    for child in multiprocessing.active_children():
        if child.pid is not None:
            os.kill(child.pid, signal.SIGTERM)
