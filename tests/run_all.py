"""``make test``: lint, format, types, then every test and every notebook. Stops at the first that fails.

python tests/run_all.py
python tests/run_all.py --fast      # for every commit: no training, no notebook, no browser, no command of the docs
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: On two cores: a part of the tests waits for a browser. A test that hangs ends its process, see pyproject.toml.
SIDE_BY_SIDE = ("--numprocesses", "3", "--dist", "loadfile", "--max-worker-restart", "2")
LINT = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))
FAST = (
    *LINT,
    ("pytest", *(f"tests/{folder}" for folder in ("pieces", "digitanatomy", "utils", "kit")), *SIDE_BY_SIDE[:2],
     "--quiet", "-k", "not commands_of_a_page and not rehears"),
)  # fmt: skip
STEPS = (
    *LINT,
    # nbval runs every notebook as it stands and compares the outputs of all cells but those that are tagged as varying;
    # a file's tests stay together, for they share what was trained for them
    ("pytest", "tests", "notebooks", "--nbval", "--nbval-cell-timeout", "120", *SIDE_BY_SIDE, "--durations", "25"),
)
NOWHERE = "http://127.0.0.1:9"  # where nothing listens: a test or notebook that downloads something fails
ENVIRONMENT = {
    "PYTHONWARNINGS": "ignore::SyntaxWarning",
    "OMP_NUM_THREADS": "1",  # processes side by side
    "OMP_WAIT_POLICY": "passive",
    "KIT_MODE": "smoke",
    "KIT_CHEST_DATA": "",  # lesson 13 on drawn chests: its stored outputs are compared
    "KIT_CHECK_FIGURES": "1",  # a figure whose texts lie over each other fails
    "http_proxy": NOWHERE,
    "https_proxy": NOWHERE,
    "no_proxy": "localhost,127.0.0.1",
}


def main() -> int:
    """Run the steps; the exit code of the first that fails, else 0."""
    begun = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", dest="steps", action="store_const", const=FAST, default=STEPS)
    for step in parser.parse_args().steps:
        print("$", *step, flush=True)
        code = subprocess.run([sys.executable, "-m", *step], cwd=ROOT, env=os.environ | ENVIRONMENT).returncode
        if code:
            print(f"failed: {' '.join(step)}", file=sys.stderr)
            return code
    print(f"all steps passed in {(time.monotonic() - begun) / 60:.1f} minutes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
