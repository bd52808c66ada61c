"""Begin: load a detector with its effect table, and show the explorer in a notebook or on voilà's page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from squidlib.data.digits import Digits
from squidlib.data.glyphs import load_glyphs
from squidlib.detection.checkpoint import find, load
from squidlib.detection.detector import Detector
from squidlib.teaching.explorer.effect import Effect, belongs, compute_effect, effect_path, load_effect, save_effect
from squidlib.teaching.explorer.setting import Setting
from squidlib.teaching.explorer.state import ExplorerState, check_explorable
from squidlib.utils.safetensors_io import content_hash

if TYPE_CHECKING:
    from squidlib.teaching.explorer.panel import Explorer

RUN = "SQUID_EXPLORE_RUN"  #: environment variable that names the detector to a page's kernel


def load_state(run: str | Path = "digitanatomy") -> ExplorerState:
    """A detector, its digits and its effect table, which is computed first where it is missing or of another detector.

    To compute it takes minutes; a progress bar is shown.

    Raises:
        UserError: where there is no such detector, or it is not one of DigitAnatomy.
    """
    return _load(str(run), content_hash(find(run)))


@lru_cache(2)
def _load(run: str, digest: str) -> ExplorerState:
    """Kept by the content of the detector's file: a run that was trained again is another one."""
    detector = load(run)
    effect = prepared(run, detector)
    return ExplorerState(detector, _digits(detector), effect)


def prepared(run: str | Path, detector: Detector | None = None) -> Effect:
    """The effect table of a detector, computed first where there is none, or one of another detector.

    Args:
        detector: of this run, where it is loaded already.

    Raises:
        UserError: where the explorer cannot show the detector.
    """
    detector = load(run) if detector is None else detector
    check_explorable(detector)
    model, path = find(run), effect_path(run)
    if path.is_file():
        known = load_effect(path)
        if belongs(known, model):
            return known
        print(f"note: {path} is not of the detector in {model}; it is computed again", flush=True)
    save_effect(compute_effect(detector, _digits(detector), counted=_counted), path, model)
    return load_effect(path)


def _digits(detector: Detector) -> Digits:
    glyphs = load_glyphs(detector.metadata.get("glyphs", "mnist5000"))
    return Digits(glyphs, hand=float(detector.metadata.get("hand", 0)))


def _counted(settings: list[Setting]) -> Iterable[Setting]:
    from tqdm.auto import tqdm

    return tqdm(settings, desc="once for this detector: memory sizes and shrinkages", unit="reading")


def explore(link: str = "", run: str | Path = "digitanatomy", address: str = "") -> Explorer:
    """The explorer as a widget; the last line of a cell shows it.

    Args:
        link: a view that was copied, as ``"slots=50&k=3"``.
        run: a shipped detector's name, a run's folder or a detector's file.
        address: what links begin with, where the explorer has a page of its own.

    Raises:
        UserError: where the detector cannot be used.
    """
    from squidlib.teaching.explorer.panel import Explorer

    return Explorer(load_state(run), link, address)


def explore_page(environment: Callable[[str, str], str] = os.environ.get) -> Explorer:
    """The explorer of voilà's page: the view comes from the page's address, which voilà hands to the kernel."""
    link = environment("QUERY_STRING", "")
    host, port = environment("SERVER_NAME", "localhost"), environment("SERVER_PORT", "")
    address = f"http://{host}{':' if port else ''}{port}{environment('SCRIPT_NAME', '/')}"
    return explore(link, environment(RUN, "digitanatomy"), address)
