"""The command as it was called, so that a hint can be typed as it stands."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path


def command(*words: object) -> str:
    """``squid`` the way this process was called, and words after it, quoted for a shell."""
    return shlex.join([*_called(), *(str(word) for word in words)])


def _called() -> list[str]:
    path = Path(sys.argv[0])
    if path.name == "__main__.py" and path.parent.name == "squidlib":
        return ["python", "-m", path.parent.name]
    if path.stem != "squid":  # inside of another program, such as a notebook
        return ["squid"]
    found = shutil.which("squid")
    return ["squid"] if found and Path(found).resolve() == path.resolve() else [sys.argv[0]]
