"""Folder: the built page with one detector and all that it shows, to be served as plain files."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitanatomy import NORMAL, join_tiles
from squidlib.detection.onnx_page import INPUTS, Page, page_model
from squidlib.teaching.explorer.begin import load_state
from squidlib.teaching.explorer.setting import HANDS
from squidlib.teaching.explorer.state import ExplorerState, check_explorable
from squidlib.teaching.page.digits import WRITTEN, as_bytes, beginning, composed, cropped, samples_of, written
from squidlib.teaching.page.readings import readings_of, steps
from squidlib.teaching.page.words import colours, facts, truth, words
from squidlib.teaching.schematics.inference_flow import inference_flow, inline
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import check_writable, write_atomically

BUILT = Path(__file__).parent / "built"  #: what ``make web`` writes
DATA = "data"  #: the folder beside index.html that holds what belongs to the detector
FACTS = "page.json"
FORMAT = 2  #: of the data; the built page reads no other
ARRAYS = ("slots", "readings", "samples", "written", "memories")  #: by the names of their files


def check_target(folder: Path, overwrite: bool) -> None:
    """Refuse before long work what cannot be written.

    Raises:
        UserError: where the page was not built, or the folder holds something that may not be replaced.
    """
    if not (BUILT / "index.html").is_file():
        raise UserError("the page was not built here; build it with: make web (it needs Node.js 20 and npm)")
    if folder.is_file():
        raise UserError(f"--page {folder} is a file; the name of a folder expected")
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise UserError(f"{folder} exists and is not empty; choose another folder or allow --overwrite")
        if not (folder / DATA / FACTS).is_file():
            raise UserError(f"{folder} holds something else than a page; choose another folder")
    check_writable(folder)


def write_page(run: str | Path, folder: Path, overwrite: bool = False) -> tuple[float, dict[str, int]]:
    """Write the page of a detector.

    Args:
        run: a run's folder, a detector's file or a shipped checkpoint's name.

    Returns:
        The largest difference between onnxruntime's numbers and torch's; name of each data file -> its bytes.

    Raises:
        UserError: where the page cannot show the detector, was not built, or the folder cannot be written.
    """
    from squidlib.detection.checkpoint import load

    check_target(folder, overwrite)
    detector = load(run)
    check_explorable(detector, "the page")
    model, difference = page_model(detector)  # refuses what has no graph, before minutes are spent on its readings
    told, arrays = page_data(load_state(run))
    files = {"model": model.SerializeToString()} | {name: array.tobytes() for name, array in arrays.items()}
    packed = {f"{name}.bin": gzip.compress(content, 9, mtime=0) for name, content in files.items()}
    packed[FACTS] = json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    for name in ("assets", DATA):  # of an earlier page
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in sorted(BUILT.rglob("*"), reverse=True):  # index.html after what it needs
        if path.is_file() and path.name != "index.html":
            write_atomically(folder / path.relative_to(BUILT), path.read_bytes())
    for name, content in packed.items():
        write_atomically(folder / DATA / name, content)
    write_atomically(folder / "index.html", (BUILT / "index.html").read_bytes())
    return difference, {name: len(content) for name, content in packed.items()}


def page_data(state: ExplorerState) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What the page knows of a detector: plain values, and the arrays of ``ARRAYS``."""
    detector, glyphs = state.detector, state.data.glyphs.test
    slots, halved = state.slots.cpu().numpy(), state.slots.cpu().numpy().astype(np.float16)
    readings, samples, (by_hand, wrong) = readings_of(state), samples_of(glyphs), written(glyphs)
    arrays = {
        "slots": halved if np.array_equal(halved.astype(np.float32), slots) else slots,
        "readings": readings.numbers,
        "samples": samples,
        "written": by_hand,
        "memories": as_bytes(cropped(state.remembered())),
    }
    first = beginning(detector, samples, by_hand, wrong)
    image = join_tiles(composed(samples, first.samples))
    told = {
        "format": FORMAT,
        **facts(detector),
        **steps(state),
        "inputs": list(INPUTS),
        "outputs": list(Page._fields),
        "arrays": {name: {"shape": list(array.shape), "type": array.dtype.name} for name, array in arrays.items()},
        "readings": readings.told,
        "hands": list(HANDS),
        "written": {"kinds": [kind for kind, count in WRITTEN.items() for _ in range(count)], "wrong": wrong},
        "test": state.effect.metadata["images"],
        "beginning": first._asdict(),
        "words": words(),
        "colours": colours(),
        "truth": truth(),
        "schematic": inline(inference_flow((image, detector.reconstruct(image[None])[0]))),
        "normal": NORMAL,
    }
    return told, arrays
