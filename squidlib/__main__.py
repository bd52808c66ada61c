"""Start of the command line: ``squid``, and ``python -m squidlib``.

What has to be done before torch is imported is done here, so this module may import nothing that brings torch.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run ``squid`` with the arguments of the process and return the exit code."""
    # Threads of OpenMP that wait for work spin by default, and read this when torch loads them. Beside another busy
    # process spinning takes the very cores that the work needs: scoring was fifteen times slower, training likewise.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        from squidlib.cli.main import main as run

        return run()
    except KeyboardInterrupt:  # while importing; ``run`` has its own
        print("squid: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
