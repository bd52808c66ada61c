"""Packing: a package with all that it needs, as wheels for this system and Python, and scripts to install them offline.

pip resolves, checks hashes and builds; here it is only asked.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlparse

from squidlib.utils.downloading import size_of
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import write_atomically

HEAVY = ("torch", "nvidia-", "cuda-", "triton")  #: how names begin of what is torch or comes with it
BASH = """#!/usr/bin/env bash
# bash install.sh [FOLDER]    installs the kit into FOLDER (squid, if none is named), without a network
set -euo pipefail
unset PYTHONPATH  # what lies there is not this kit
here="$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)"
target="${{1:-squid}}"
"${{PYTHON:-python3}}" -c 'import sys; sys.exit(sys.version_info[:2] != ({version}) and "Python {dotted} is needed, as it was packed for; name it: PYTHON=python{dotted} bash install.sh")'
"${{PYTHON:-python3}}" -m venv {options}"$target"
"$target/bin/python" -m pip install --no-index -f "$here/wheels" --constraint "$here/constraints.txt" squidlib
"$target/bin/squid" doctor
echo "Now: $target/bin/squid lab"
"""  # noqa: E501 (a line of the script)
POWERSHELL = """# .\\install.ps1 [FOLDER]    installs the kit into FOLDER (squid, if none is named), without a network
param([string]$target = "squid")
$ErrorActionPreference = "Stop"
$here = Split-Path -Parent $MyInvocation.MyCommand.Path
py -{dotted} -m venv {options}$target
if ($LASTEXITCODE) {{ exit $LASTEXITCODE }}
& "$target\\Scripts\\python.exe" -m pip install --no-index -f "$here\\wheels" -c "$here\\constraints.txt" squidlib
if ($LASTEXITCODE) {{ exit $LASTEXITCODE }}
& "$target\\Scripts\\squid.exe" doctor
Write-Output "Now: $target\\Scripts\\squid.exe lab"
"""
README = """# The kit for a room without a network

For {system} with Python {dotted}; {torch}.

    bash install.sh        # Windows: .\\install.ps1
    squid/bin/squid lab    # Windows: squid\\Scripts\\squid.exe lab

`install.sh FOLDER` installs into another folder. Nothing is downloaded. `wheels/` holds the packages, `constraints.txt`
their tested versions{pages}.
"""


def check_empty(folder: Path) -> None:
    """Raise a UserError where ``folder`` holds something already, or is none."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not an empty folder; name a new one, or empty it")


def kit_wheel(given: Path | None, root: Path, wheels: Path) -> Path:
    """The kit's own wheel: the given one, or one that is built of the repository at ``root`` into ``wheels``.

    Raises:
        UserError: where there is neither, or it cannot be built.
    """
    if given is not None:
        if not given.is_file() or given.suffix != ".whl":
            raise UserError(f"{given} is no wheel; a file squidlib-….whl was expected")
        return given.resolve()
    if not (root / "pyproject.toml").is_file():
        raise UserError("this is not the repository, so that no wheel can be built; name the kit's own with --wheel")
    _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(root))
    return next(wheels.glob("squidlib-*.whl"))


def downloads(wheel: Path, constraints: Path, torch: str, torch_index: str) -> list[tuple[str, int | None]]:
    """The address and the bytes of all that ``wheel`` needs here; None where a server does not tell.

    Args:
        torch: "none" leaves torch out, and what comes with it alone.
        torch_index: address of a package index that is asked for torch, too; empty: none.

    Raises:
        UserError: where pip cannot resolve them, or a server cannot be reached.
    """
    more = ["--extra-index" + "-url", torch_index] if torch_index else []
    asked = ["install", "--dry-run", "--ignore-installed", "--report", "-", "--constraint", str(constraints), *more]
    report = json.loads(_pip(*asked, str(wheel)))
    addresses = []
    for found in report["install"]:
        name, told = found["metadata"]["name"].lower().replace("_", "-"), found["download_info"]
        if name == "squidlib" or (torch == "none" and name.startswith(HEAVY)):
            continue
        digest = told.get("archive_info", {}).get("hashes", {}).get("sha256", "")
        addresses.append(told["url"] + (f"#sha256={digest}" if digest else ""))
    with ThreadPoolExecutor(8) as pool:
        return list(zip(addresses, pool.map(_size, addresses), strict=True))


def fetch(addresses: list[str], wheels: Path) -> None:
    """Put a wheel of each into the folder ``wheels``; what has none on the index is built here."""
    if addresses:
        _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), *addresses)


def write_scripts(folder: Path, root: Path, torch: str) -> None:
    """Write install scripts, pins and README; add slides and handouts where the repository has them."""
    pages = [name for name in ("slides", "handouts") if (root / "notebooks" / name).is_dir()]
    for name in pages:
        shutil.copytree(root / "notebooks" / name, folder / name)
    pins = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if torch != "default":  # its builds have other version names, or the room's machines have their own
        pins = [line for line in pins if not line.startswith(HEAVY)]
    major, minor = sys.version_info[:2]
    words = {
        "version": f"{major}, {minor}",
        "dotted": f"{major}.{minor}",
        "options": "--system-site-packages " if torch == "none" else "",
        "system": f"{platform.system()} {platform.machine()}",
        "torch": {"none": "torch has to be installed already"}.get(torch, f"torch is the {torch} build"),
        "pages": "".join(f", `{name}/` the lessons' {name}" for name in pages),
    }
    texts = {"install.sh": BASH, "install.ps1": POWERSHELL, "README.md": README}
    for name, text in texts.items():
        write_atomically(folder / name, text.format(**words).encode())
    write_atomically(folder / "constraints.txt", ("\n".join(pins) + "\n").encode())


def _size(address: str) -> int | None:
    where = urlparse(address)
    if where.scheme == "file":
        return Path(unquote(where.path)).stat().st_size
    return size_of(address.partition("#")[0])


def _pip(*arguments: str) -> str:
    """What pip prints; its last line of complaint becomes a UserError."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no reason given"]
        raise UserError(f"pip {arguments[0]} failed: {errors[0].removeprefix('ERROR: ')}; is there a network?")
    return done.stdout
