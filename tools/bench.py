"""Run ``squid bench`` and write what it prints into docs/speed.md.

.venv/bin/python tools/bench.py     # some minutes; leave the machine alone meanwhile
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from readme_part import replace_part


def cpu_name() -> str:
    """The processor as Linux names it, or what the platform says."""
    import platform

    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


if __name__ == "__main__":
    command = [sys.executable, "-m", "squidlib", "bench", *sys.argv[1:]]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(printed)
    replace_part("bench", f"`squid bench` on {cpu_name()}:\n\n```text\n{printed.rstrip()}\n```")
