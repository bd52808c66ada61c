"""Guard: a student's code may run for ever, end Python or change how torch computes; the notebook goes on as it was.

What cannot be stopped: a single call into compiled code that never returns, and, outside the main thread or on Windows,
one that waits (``time.sleep``) without an end. Then the kernel has to be interrupted by hand.
"""

from __future__ import annotations

import ctypes
import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch

SECONDS = 60.0  #: that a check may take; the slowest solution takes 5 on one slow core
AGAIN = 5  #: seconds until the exception is raised once more: a bare ``except`` may have caught the first one


class TooLong(BaseException):
    """A check took longer than it may."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise ``TooLong`` in the block where it takes longer."""
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with _by_alarm(seconds):
            yield
    else:
        with _by_thread(seconds):
            yield


@contextmanager
def _by_alarm(seconds: float) -> Iterator[None]:
    """By the system's clock; it also interrupts a call that waits."""
    inside = True

    def ring(number: int, frame: Any) -> None:
        if inside:
            raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    others = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        inside = False
        signal.setitimer(signal.ITIMER_REAL, *others)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    """By a second thread, which asks the interpreter to raise the exception here at the next line of Python.

    It may be raised once more while the block is being left, on a slow machine: leaving begins again then, until the
    second thread knows of it.
    """
    here, lock, running, over = threading.get_ident(), threading.Lock(), threading.Lock(), list[bool]()

    def watch() -> None:
        wait = seconds
        while not running.acquire(timeout=wait):
            with lock:
                if not over:
                    _raise_in(here, TooLong)
            wait = AGAIN

    running.acquire()
    threading.Thread(target=watch, daemon=True, name="time limit of a check").start()
    try:
        yield
    finally:
        while not over:
            with suppress(TooLong), lock:
                over.append(True)
        with suppress(TooLong):
            _raise_in(here, None)  # one that was asked for and has not been raised yet is taken back
        running.release()


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    asked = None if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), asked)


@contextmanager
def same_settings() -> Iterator[None]:
    """Whatever the block sets for all of torch is set back: type, device, gradients, threads, determinism."""
    kind, gradients, threads = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()
    device, determinism = torch.get_default_device(), torch.get_deterministic_debug_mode()
    try:
        yield
    finally:
        torch.set_default_dtype(kind)
        torch.set_grad_enabled(gradients)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)
        if torch.get_deterministic_debug_mode() != determinism:
            torch.set_deterministic_debug_mode(determinism)


@contextmanager
def same_randomness() -> Iterator[None]:
    """The global generators of torch, numpy and Python go on after the block as if it had not been."""
    numpy, python = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            np.random.set_state(numpy)
            random.setstate(python)


@contextmanager
def no_exit() -> Iterator[None]:
    """``os._exit`` in the block raises ``SystemExit``, as ``sys.exit`` does, so that it can be caught."""
    really, own = os._exit, os.getpid()

    def leave(status: int) -> None:
        if os.getpid() != own:  # a process that was forked inside ends as it should
            really(status)
        raise SystemExit(status)

    os._exit = leave  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = really
