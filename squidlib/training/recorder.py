"""Recorder: what happens around the steps of a run: going on from what is saved, logging, drawing, saving, the end.

Of several processes all hold a recorder, and the first one's alone touches the run's folder, prints and draws.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from squidlib.data.base import NormalData
from squidlib.detection.checkpoint import save
from squidlib.detection.detector import Detector
from squidlib.training.early_stopping import is_over
from squidlib.training.logger import Logbook
from squidlib.training.loop import StepResult, TrainingState, unwrapped
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.training.state import check_finite
from squidlib.utils.distributed import rank
from squidlib.utils.errors import UserError
from squidlib.utils.modes import evaluating
from squidlib.utils.safetensors_io import remove_partials

SAVE_SECONDS = 20.0  #: at most this much work is lost when a run is killed
PICTURES = 8  #: reconstructions in each picture


class RunRecorder:
    """Keeps a run's folder where its training is.

    Args:
        picture_every: steps between two pictures.

    Attributes:
        saved_step: the step of the state in the folder; None where there is none.
        failure: why ``note`` could not log, draw or save.
    """

    def __init__(
        self, run: Run, settings: RunSettings, data: NormalData, state: TrainingState, picture_every: int
    ) -> None:
        self.run, self.settings, self.data, self.state = run, settings, data, state
        self.picture_every = picture_every
        self.saved_step: int | None = None
        self.failure: UserError | OSError | None = None
        self._last_saved, self._shown = time.monotonic(), dict[str, str]()

    def resume(self) -> None:
        """Set the fresh state to the saved one, and open the log where that ends.

        Raises:
            UserError: where the folder's files are not this run's, or damaged.
        """
        remove_partials(self.run.folder)
        self.run.check_present(self.settings.run_id)
        self.run.load_state(self.state, self.settings.run_id)
        self.saved_step = self.state.step or None
        self.logbook = Logbook(self.run.log_path, self.state.step, self.run.folder / "tensorboard")
        if self.logbook.missing:
            print(
                f"note: {self.run.log_path} lacks {self.logbook.missing} of the {self.state.step} steps so far; "
                "their losses are lost, the training is not",
                file=sys.stderr,
            )

    def note(self, result: StepResult, bar: Any) -> None:
        """Log, draw and save after a step; ``failure`` is what of it failed, so that all processes stop together."""
        if rank():
            return
        try:
            self.logbook.note(result)
            bar.update()
            if result.validation is not None:
                self._shown["validation"] = f"{result.validation:.4f}"
            if result.generator is not None and result.step % 10 == 0:
                self._shown["mse"] = f"{float(result.generator.reconstruction):.4f}"
            bar.set_postfix(self._shown, refresh=False)
            if self.state.step % self.picture_every == 0:
                self._draw()
            over = is_over(self.state, self.settings.training)
            if over or time.monotonic() - self._last_saved > SAVE_SECONDS:
                self.save()
        except (UserError, OSError) as error:
            self.failure = error

    def stop(self) -> None:
        """Save, where nothing has failed; else raise it."""
        if self.failure is not None:
            raise self.failure
        self.save()

    def save(self) -> None:
        """Write log and state.

        Raises:
            DivergenceError: where something in it is not finite; what was saved before stays.
            UserError: where the folder is no longer this run's, or cannot be written.
        """
        self.run.check_present(self.settings.run_id)
        self.logbook.write()  # first: rows beyond the saved state are dropped on resuming, missing ones never return
        self.run.save_state(self.state, self.settings.run_id)
        self.saved_step, self._last_saved = self.state.step, time.monotonic()

    def finalize(self, detector: Detector) -> None:
        """Write the finished detector, and remove what was needed to go on."""
        parts = {**detector.squid.state_dict(), **detector.calibration.as_tensors()}
        check_finite(parts, self.state.step)
        self.run.check_present(self.settings.run_id)
        self.logbook.write()
        if self.settings.training.patience:
            self.run.note_outcome(self._outcome())
        save(detector, self.run.model_path)
        self.run.state_path.unlink(missing_ok=True)

    def _outcome(self) -> dict[str, Any]:
        """For run.json, and said in a line."""
        state, steps = self.state, self.settings.training.steps
        why = "stopped early" if state.step < steps else "trained to the end"
        print(
            f"{why} after step {state.step} of {steps}; kept: step {state.best.step}, with the lowest loss of held-out "
            f"normal images ({state.best.loss:.5f})",
            flush=True,
        )
        return {"stopped_after": state.step, "best_step": state.best.step, "validation_loss": state.best.loss}

    def _draw(self) -> None:
        self.run.check_present(self.settings.run_id)
        squid = unwrapped(self.state.squid)
        images = self.data.batch(0, PICTURES).to(self.state.fabric.device)
        with evaluating(squid):
            reconstructions = squid(images).reconstruction
        path = self.run.folder / "pictures" / f"step_{self.state.step:06d}.png"
        self.logbook.picture(images, reconstructions, path, self.state.step)
