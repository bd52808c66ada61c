"""Apart: a piece of work in a process of its own, so that its end, whatever it is, is not the end of the rest.

What is measured there (peak memory, above all) is this work's and no other's.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

WorkT = TypeVar("WorkT")

PATIENCE = 10.0  #: seconds that a process has to end when it is told to


def run_apart(work: Callable[[WorkT], None], task: WorkT, log: Path, limit: float | None = None) -> str | None:
    """Call ``work(task)`` in a fresh process and wait. Ctrl-C or a termination signal ends that process, too.

    Args:
        work, task: can be pickled.
        log: where the traceback of an exception is written.
        limit: seconds after which the process is ended; None waits for ever.

    Returns:
        What went wrong, in a line; None where nothing did.

    Raises:
        KeyboardInterrupt: at Ctrl-C or a termination signal, when that process has ended.
    """
    log.unlink(missing_ok=True)
    main = threading.current_thread() is threading.main_thread()
    # In another thread (a cluster's worker) no exception ends it; as a daemon it ends when this process does.
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_guarded, args=(work, task, log), daemon=not main)
    with _handling(signal.SIGINT, signal.SIG_IGN):  # the new process inherits that: Ctrl-C is for the parent to see
        process.start()
    try:
        with _handling(signal.SIGTERM, signal.default_int_handler):
            process.join(limit)
    except BaseException:
        _end(process)
        raise
    if process.is_alive():
        _end(process)
        return f"not done within {limit:g} s, so it was ended"
    code = process.exitcode or 0
    if code == 0:
        return None
    if log.is_file():
        return " ".join(log.read_text(encoding="utf-8").strip().splitlines()[-1].split())
    if code < 0:
        name = signal.Signals(-code).name
        return f"killed by {name}" + (" (out of memory, perhaps)" if name == "SIGKILL" else "")
    return f"its process ended with code {code}"


def _end(process: BaseProcess) -> None:
    process.terminate()
    process.join(PATIENCE)
    process.kill()  # nothing to a process that has ended
    process.join()


def _guarded(work: Callable[[WorkT], None], task: WorkT, log: Path) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work(task)
    except Exception as error:
        summary = f"{type(error).__name__}: {' '.join(str(error).split())}"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"{traceback.format_exc()}\n{summary}\n", encoding="utf-8")
        raise SystemExit(1) from error


def _end_with_parent() -> None:
    """Where the parent was killed, nobody waits for this work any more."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _handling(number: signal.Signals, handler: Any) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, kept)
