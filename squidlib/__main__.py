"""Start of the command line: ``squid``, and ``python -m squidlib``.

What has to be done before torch is imported is done here, so this module may import nothing that brings torch.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

#: What the system's loader says of a library that does not fit into memory any more.
NO_MEMORY = ("cannot allocate memory", "failed to map segment", "out of memory")


SPINS = 20_000  #: rounds that a thread waits for work before it sleeps, about a millisecond
KERNEL_SPINS = 1000  #: the same for the kernels of ``squid lab``, of which several may train at once


class Interruption(KeyboardInterrupt):
    """Ctrl-C. Python ends a process by the signal, not by its exit code, once a plain KeyboardInterrupt has passed
    through code that was made of a string, as that of dataclasses is, even where it was caught afterwards."""


def main() -> int:
    """Run ``squid`` with the arguments of the process and return the exit code."""
    calm_threads(KERNEL_SPINS if sys.argv[1:2] == ["lab"] else SPINS)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where the process was told to ignore it
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from squidlib.cli.main import main as run

        return run()
    except KeyboardInterrupt:  # between two imports; ``run`` has its own
        print("squid: interrupted", file=sys.stderr)
        return 130
    except (ImportError, OSError, MemoryError) as error:  # of a library; what a command cannot read, ``run`` says
        if not isinstance(error, MemoryError) and not any(words in str(error).lower() for words in NO_MEMORY):
            raise
        print("squid: too little memory to begin: about 1 GiB is needed, and more for the work", file=sys.stderr)
        return 2


def calm_threads(spins: int = SPINS) -> None:
    """Let OpenMP's waiting threads give up their cores soon. It reads this when torch loads; what the user set stays.

    They spin by default, and beside another busy process take the very cores that the work needs: scoring was fifteen
    times slower. Not to spin at all makes every step slower where nothing else runs. GNU's OpenMP, which torch brings
    on Linux, can spin for a short while (figures: docs/experiments.md, "Threads that wait"); others cannot be told.
    """
    if {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
        return
    if sys.platform == "linux":
        os.environ["GOMP_SPINCOUNT"] = str(spins)
    else:
        os.environ["OMP_WAIT_POLICY"] = "passive"


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End the process at once while a module is being imported, for libraries swallow an exception there and go on
    with half of themselves; nothing is being written then. Else raise an ``Interruption``."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os.write(2, b"squid: interrupted\n")
            os._exit(130)
        frame = frame.f_back
    raise Interruption


if __name__ == "__main__":
    raise SystemExit(main())
