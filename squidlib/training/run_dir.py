"""Runs: a folder that holds one training, from its settings to the finished detector.

    run.json               what is trained on what, and the run's id: written first
    log.csv                losses
    pictures/              reconstructions while training
    training.safetensors   everything needed to go on; removed when the run is finished
    model.safetensors      the finished detector

A run that is killed at any moment goes on from its last ``training.safetensors`` and ends bit-identical. Every file
says which run it belongs to, and the folder has one writer at a time (``run_lock``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from squidlib.detection.checkpoint import MODEL_FILE
from squidlib.training.run_lock import LOCK_FILE, WRITER_FILE, RunLock
from squidlib.training.settings import RunSettings, id_of
from squidlib.training.state import TrainingState, check_finite, restore, snapshot
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import check_writable, read_tensors, remove_partials, write_atomically, write_tensors

SETTINGS_FILE, STATE_FILE, LOG_FILE = "run.json", "training.safetensors", "log.csv"
#: What squid leaves in a run's folder, which a new run in its place must not find; run.json is replaced, never absent.
OWN_FILES = (
    MODEL_FILE, STATE_FILE, LOG_FILE, "evaluation.json", "explorer.safetensors", "detections.png",
    "pictures/step_*.png", "tensorboard/events.out.tfevents.*",
)  # fmt: skip


class Run:
    """The files of one run below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings_path = folder / SETTINGS_FILE
        self.state_path = folder / STATE_FILE
        self.log_path = folder / LOG_FILE
        self.model_path = folder / MODEL_FILE
        self.lock = RunLock(folder)

    @property
    def finished(self) -> bool:
        return self.model_path.is_file()

    def check_free(self, overwrite: bool = False) -> None:
        """Find out, without touching it, whether the folder can take a new run.

        Raises:
            UserError: where it already holds something and ``overwrite`` is off, or cannot be written.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(f"{self.folder} is a file; --out expects a folder")
        check_writable(self.folder)
        there = {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()
        if not there - {LOCK_FILE, WRITER_FILE}:
            return
        if SETTINGS_FILE not in there:
            raise UserError(f"{self.folder} holds files that are no run; choose an empty or a new folder")
        if not overwrite:
            raise UserError(
                f"{self.folder} already holds a run; go on with it (--resume), "
                "choose another folder, or replace it (--overwrite)"
            )

    def begin(self, settings: RunSettings, overwrite: bool = False) -> None:
        """Make the folder a new run's: from here on it can be resumed. Nothing is left of a run that was there.

        Raises:
            UserError: as ``check_free``; or where another process trains there.
        """
        self.check_free(overwrite)
        self.lock.acquire()
        try:
            self.check_free(overwrite)  # the folder may have become a run since
            remove_partials(self.folder)
            for pattern in OWN_FILES:
                for path in self.folder.glob(pattern):
                    path.unlink(missing_ok=True)
            self._write_settings({"id": settings.run_id, **settings.as_plain()})
        finally:
            self.lock.release()

    def read_settings(self) -> RunSettings:
        """The settings in run.json, also of a run that an older squid has written.

        Raises:
            UserError: where the folder holds no run or run.json was damaged.
        """
        plain = self._read()
        try:
            return RunSettings.from_plain(plain)
        except UserError as error:
            raise UserError(f"{self.settings_path} is damaged ({error}); start again with --overwrite") from error

    def check_whole(self) -> RunSettings:
        """The settings of a run that is to be gone on with, when its files belong together.

        Raises:
            UserError: where run.json was changed after it was written, or the detector is another run's.
        """
        settings, plain = self.read_settings(), self._read()
        written = plain.get("id")
        if written is not None and written != id_of(plain):
            raise UserError(f"{self.settings_path} was changed after its run began; start again (--overwrite)")
        if not self.finished and written != settings.run_id:
            raise UserError(
                f"{self.folder} was written by an older squid, which alone can go on with it; start again (--overwrite)"
            )
        if written is not None and self.finished and read_tensors(self.model_path)[1].get("run") != written:
            raise UserError(f"{self.model_path} is not of the run in {SETTINGS_FILE}; start again (--overwrite)")
        return settings

    def check_present(self, run_id: str) -> None:
        """Find out whether the folder is still this run's.

        Raises:
            UserError: where it was removed, or another run was put in its place.
        """
        try:
            present = json.loads(self.settings_path.read_text()).get("id")
        except (OSError, ValueError, AttributeError):
            present = None
        if present != run_id:
            raise UserError(f"{self.folder} was removed or replaced while the run was being trained in it")

    def note_outcome(self, outcome: dict[str, Any]) -> None:
        """Add to run.json how the training ended; settings stay what they were."""
        self._write_settings(self._read() | {"outcome": outcome})

    def save_state(self, state: TrainingState, run_id: str) -> None:
        """Write everything that ``load_state`` needs to go on bit-identically.

        Raises:
            DivergenceError: where something in it is not finite; what was saved before stays.
        """
        tensors, metadata = snapshot(state)
        check_finite(tensors, state.step)
        write_tensors(self.state_path, tensors, {**metadata, "run": run_id})

    def load_state(self, state: TrainingState, run_id: str) -> None:
        """Set a freshly started state to the saved one; a run that saved nothing yet starts at step 0.

        Raises:
            UserError: where the saved state is damaged, or of another run.
        """
        if not self.state_path.is_file():
            return
        tensors, metadata = read_tensors(self.state_path)
        if "step" not in metadata or metadata.get("run") != run_id:
            raise UserError(
                f"{self.state_path} is no saved training of the run in {SETTINGS_FILE}; start again (--overwrite)"
            )
        try:
            restore(state, tensors, metadata)
        except (RuntimeError, ValueError, KeyError, IndexError) as error:
            raise UserError(f"{self.state_path} does not fit {SETTINGS_FILE}; start again (--overwrite)") from error

    def _read(self) -> dict[str, Any]:
        if not self.settings_path.is_file():
            raise UserError(f"{self.folder} holds no run to go on with ({SETTINGS_FILE} is missing)")
        try:
            plain = json.loads(self.settings_path.read_text())
        except (ValueError, RecursionError) as error:
            raise UserError(f"{self.settings_path} is damaged ({error}); start again with --overwrite") from error
        if not isinstance(plain, dict):
            raise UserError(f"{self.settings_path} is damaged (no JSON object); start again with --overwrite")
        return plain

    def _write_settings(self, plain: dict[str, Any]) -> None:
        write_atomically(self.settings_path, (json.dumps(plain, indent=2) + "\n").encode())
