"""The set-up cell that every notebook begins with: it installs the kit on Colab and does nothing elsewhere.

``REPOSITORY`` is written by ``make badges REPOSITORY=owner/name``, since a notebook opened on Colab knows no folder.
"""

from __future__ import annotations

REPOSITORY = ""  #: owner/name on GitHub; empty: the notebook asks for it where it is needed

SOURCE = f'''# On Colab this cell installs the kit; where the kit is installed it does nothing.
import importlib.util, os, subprocess, sys

if importlib.util.find_spec("squidlib") is None:
    repository = os.environ.get("KIT_REPOSITORY", "{REPOSITORY}")
    if not repository:
        sys.exit("no squidlib here: start with `make lab` (README.md), or %env KIT_REPOSITORY=owner/name and run again")
    if not os.path.isdir("kit"):
        subprocess.run(["git", "clone", "--depth", "1", f"https://github.com/{{repository}}", "kit"], check=True)
    subprocess.run([sys.executable, "kit/tools/colab.py"], check=True)
    sys.path.insert(0, "kit")'''
