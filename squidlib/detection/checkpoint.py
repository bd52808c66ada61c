"""Detector files: a trained detector as one safetensors file, and where to find the shipped ones.

The teacher is not saved: it is dropped at test.
"""

from __future__ import annotations

import json
import math
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from squidlib.config import SquidConfig, as_plain
from squidlib.detection.calibration import Calibration
from squidlib.detection.calibration_check import check_calibration
from squidlib.detection.detector import Detector
from squidlib.discriminator import Discriminator
from squidlib.squid import Squid
from squidlib.utils.command import command
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import read_tensors, write_tensors

MEMORY = "squid.inpainting.memory.slots"
MODEL_FILE = "model.safetensors"  #: of a finished run


def load(run_or_name: str | Path, device: str | torch.device = "cpu") -> Detector:
    """Load a detector from a run's folder, a .safetensors file, or by the name of a shipped checkpoint.

    Raises:
        UserError: where there is none, or the file is truncated, foreign, changed or does not fit its configuration.
    """
    path = find(run_or_name)
    tensors, metadata = read_tensors(path)
    return assemble(tensors, metadata, path).to(device)


def save(detector: Detector, path: Path, half: bool = False) -> str:
    """Write a detector atomically; returns the file's content hash.

    Args:
        half: store in 16 bits (the detector computes in 32 again when loaded).
    """
    squid = {f"squid.{name}": tensor for name, tensor in detector.squid.state_dict().items()}
    tensors = {name: tensor for name, tensor in squid.items() if not name.startswith("squid.teacher.")}
    tensors |= {f"discriminator.{name}": tensor for name, tensor in detector.discriminator.state_dict().items()}
    if half:
        tensors = {name: _halved(tensor) for name, tensor in tensors.items()}
    tensors |= {f"calibration.{name}": tensor for name, tensor in detector.calibration.as_tensors().items()}
    return write_tensors(path, tensors, {**detector.metadata, "config": as_plain(detector.config)})


def find(run_or_name: str | Path) -> Path:
    """The model file that a run's folder, a file or a shipped checkpoint's name stands for."""
    path, known = Path(run_or_name), shipped()
    if path.is_file():
        return path
    if (path / MODEL_FILE).is_file():
        return path / MODEL_FILE
    if str(run_or_name) in known:  # before the next line: the data set's folder has the checkpoint's name
        return known[str(run_or_name)]
    if path.is_dir():
        trained_on = _data_of_run(path)
        finish = f"; finish it with: {command('train', trained_on, '--out', path, '--resume')}" if trained_on else ""
        raise UserError(f"{path} holds no finished run ({MODEL_FILE} is missing){finish}")
    raise UserError(
        f"{run_or_name} is neither a run's folder, nor a file, nor a shipped checkpoint ({', '.join(known)})"
    )


def _data_of_run(folder: Path) -> str | None:
    """What a run that is not finished is trained on; None where the folder holds none that says so."""
    try:
        return str(json.loads((folder / "run.json").read_text())["facts"]["data"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def shipped() -> dict[str, Path]:
    """The checkpoints in the package, by name."""
    folder = Path(str(files("squidlib"))) / "detection" / "checkpoints"
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def assemble(tensors: dict[str, Tensor], metadata: dict[str, Any], path: Path) -> Detector:
    """Build the networks that ``metadata["config"]`` describes and load the tensors into them.

    What this returns can score: names, shapes and numbers are checked before memory is taken for them, and one image
    is judged.

    Raises:
        UserError: where configuration and tensors do not fit each other, or a number is not finite or out of range.
    """
    try:
        config = SquidConfig.from_plain(metadata["config"])
        _check_tensors(config, tensors)
        calibration = Calibration.from_tensors(_below("calibration.", tensors))
        check_calibration(calibration, config.positions, config.context)
        with torch.random.fork_rng(devices=[]):  # building draws weights, which are replaced
            squid, discriminator = Squid(config), Discriminator(config.image_shape)
        squid.load_state_dict(_below("squid.", tensors) | _below_teacher(squid))
        discriminator.load_state_dict(_below("discriminator.", tensors))
        del squid.teacher
        told = {name: value for name, value in metadata.items() if name != "config"}
        detector = Detector(squid, discriminator, calibration, told)
        detector.predict(torch.linspace(0, 1, math.prod(config.image_shape)).view(1, *config.image_shape))
    except (KeyError, TypeError, RuntimeError, UserError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: configuration and weights do not fit each other ({reason}); train it again"
        ) from error
    return detector


def _check_tensors(config: SquidConfig, tensors: dict[str, Tensor]) -> None:
    """Names and shapes must be those of the configuration's networks, numbers finite, the memory's counts in range."""
    with torch.device("meta"):  # shapes without memory
        parts = {"squid": Squid(config), "discriminator": Discriminator(config.image_shape)}
    expected = {f"{part}.{name}": tensor for part, made in parts.items() for name, tensor in made.state_dict().items()}
    expected = {name: tensor for name, tensor in expected.items() if not name.startswith("squid.teacher.")}
    given = {name: tensor for name, tensor in tensors.items() if not name.startswith("calibration.")}
    memory = given.get(MEMORY)
    if memory is not None and memory.ndim == 3:  # a queue may have been resized: the file says how long it is
        positions, _, length = expected[MEMORY].shape
        expected[MEMORY] = expected[MEMORY].new_empty(positions, memory.shape[1], length)
    for name in [*expected, *given]:
        if name not in given:
            raise UserError(f"{name} is missing")
        if name not in expected:
            raise UserError(f"{name} is no part of a detector")
        shape = expected[name].shape
        if name == MEMORY and given[name].dim() == len(shape):  # its length may have been changed after training began
            shape = torch.Size((shape[0], given[name].shape[1], shape[2]))
        if given[name].shape != shape:
            raise UserError(f"{name} has shape {tuple(given[name].shape)}, not {tuple(expected[name].shape)}")
        if given[name].is_floating_point() != expected[name].is_floating_point() or given[name].is_complex():
            raise UserError(f"{name} holds {given[name].dtype}, not {expected[name].dtype}")
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"{name} holds NaN or infinity")
        if name.endswith(".running_var") and (tensor < 0).any():
            raise UserError(f"{name} holds a negative variance")
    _check_memory(given)


def _check_memory(tensors: dict[str, Tensor]) -> None:
    filled, pointer = (int(tensors[f"squid.inpainting.memory.{name}"]) for name in ("filled", "pointer"))
    slots = tensors[MEMORY].shape[1]
    if not 1 <= filled <= slots:
        raise UserError(f"its memory holds {filled} features a position; 1..{slots} expected")
    if not 0 <= pointer < slots:
        raise UserError(f"its memory's pointer is {pointer}; 0..{slots - 1} expected")


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those whose names begin so, without that beginning, in single precision."""
    return {
        name.removeprefix(prefix): tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _below_teacher(squid: Squid) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in squid.state_dict().items() if name.startswith("teacher.")}


def _halved(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.dtype == torch.float32 else tensor
