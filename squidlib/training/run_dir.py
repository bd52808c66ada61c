"""Runs: a folder that holds one training, from its settings to the finished detector.

    run.json               what is trained on what: written first
    log.csv                losses
    pictures/              reconstructions while training
    training.safetensors   everything needed to go on; removed when the run is finished
    model.safetensors      the finished detector

A run that is killed at any moment goes on from its last ``training.safetensors`` and ends bit-identical.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from squidlib.config import LossWeights, SquidConfig, as_plain
from squidlib.detection.checkpoint import MODEL_FILE
from squidlib.training.config import TrainingConfig
from squidlib.training.state import TrainingState, restore, snapshot
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import check_writable, read_tensors, remove_partials, write_atomically, write_tensors

SETTINGS_FILE, STATE_FILE, LOG_FILE = "run.json", "training.safetensors", "log.csv"


class Run:
    """The files of one run below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings_path = folder / SETTINGS_FILE
        self.state_path = folder / STATE_FILE
        self.log_path = folder / LOG_FILE
        self.model_path = folder / MODEL_FILE

    @property
    def finished(self) -> bool:
        return self.model_path.is_file()

    def claim(self, overwrite: bool = False) -> None:
        """Make the folder ready for a new run.

        Raises:
            UserError: where it already holds something and ``overwrite`` is off, or cannot be written.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(f"{self.folder} is a file; --out expects a folder")
        check_writable(self.folder)
        remove_partials(self.folder)
        if self.folder.is_dir() and any(self.folder.iterdir()):
            if not self.settings_path.is_file():
                raise UserError(f"{self.folder} holds files that are no run; choose an empty or a new folder")
            if not overwrite:
                raise UserError(
                    f"{self.folder} already holds a run; go on with it (--resume), "
                    "choose another folder, or replace it (--overwrite)"
                )
            for path in (self.model_path, self.state_path, self.log_path):  # run.json is replaced, never absent
                path.unlink(missing_ok=True)
            for picture in self.folder.glob("pictures/*.png"):
                picture.unlink()

    def write_settings(
        self, config: SquidConfig, training: TrainingConfig, weights: LossWeights, metadata: dict[str, Any]
    ) -> None:
        """Write run.json: from here on the run can be resumed."""
        settings = {
            "config": as_plain(config),
            "training": as_plain(training),
            "weights": as_plain(weights),
            "facts": metadata,
        }
        write_atomically(self.settings_path, (json.dumps(settings, indent=2) + "\n").encode())

    def read_settings(self) -> tuple[SquidConfig, TrainingConfig, LossWeights, dict[str, Any]]:
        """What ``write_settings`` wrote.

        Raises:
            UserError: where the folder holds no run or run.json was damaged.
        """
        if not self.settings_path.is_file():
            raise UserError(f"{self.folder} holds no run to go on with ({SETTINGS_FILE} is missing)")
        try:
            settings = json.loads(self.settings_path.read_text())
            return (
                SquidConfig.from_plain(settings["config"]),
                TrainingConfig(**settings["training"]),
                LossWeights(**settings["weights"]),
                settings["facts"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.settings_path} is damaged ({error}); start again with --overwrite") from error

    def note_outcome(self, outcome: dict[str, Any]) -> None:
        """Add to run.json how the training ended; settings stay what they were."""
        settings = json.loads(self.settings_path.read_text()) | {"outcome": outcome}
        write_atomically(self.settings_path, (json.dumps(settings, indent=2) + "\n").encode())

    def save_state(self, state: TrainingState) -> None:
        """Write everything that ``load_state`` needs to go on bit-identically."""
        write_tensors(self.state_path, *snapshot(state))

    def load_state(self, state: TrainingState) -> None:
        """Set a freshly started state to the saved one; a run that saved nothing yet starts at step 0."""
        if not self.state_path.is_file():
            return
        tensors, metadata = read_tensors(self.state_path)
        if "step" not in metadata:
            raise UserError(
                f"{self.state_path} is no saved training and does not fit {SETTINGS_FILE}; start again (--overwrite)"
            )
        try:
            restore(state, tensors, metadata)
        except RuntimeError as error:
            raise UserError(f"{self.state_path} does not fit {SETTINGS_FILE}; start again (--overwrite)") from error
