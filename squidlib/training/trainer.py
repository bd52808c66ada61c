"""The main job: train a run to its end, saving on the way, and turn it into a calibrated detector.

Of several processes all compute, and the first one alone touches the run's folder, prints and draws.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from squidlib.config import LossWeights, SquidConfig
from squidlib.data.base import NormalData
from squidlib.data.digits import EPOCH_IMAGES
from squidlib.detection.calibration import calibrate
from squidlib.detection.checkpoint import save
from squidlib.detection.detector import Detector
from squidlib.detection.score_selection import choose_score
from squidlib.squid import Squid
from squidlib.training.config import TrainingConfig
from squidlib.training.logger import Logbook
from squidlib.training.loop import StepResult, TrainingState, start, train, train_step, unwrapped
from squidlib.training.run_dir import Run
from squidlib.training.state import share_state
from squidlib.utils.distributed import all_reduce_max, on_rank_zero, rank
from squidlib.utils.errors import UserError
from squidlib.utils.progress import progress_bar
from squidlib.utils.safetensors_io import remove_partials
from squidlib.utils.signals import Interrupted, stop_signals

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SAVE_SECONDS = 20.0  #: at most this much work is lost when a run is killed
PICTURES = 8  #: reconstructions in each picture
PICTURE_LEAST = 50  #: steps between pictures, where an epoch has fewer
_GO_ON, _STOP, _FAILED = 0, 1, 2  #: what processes say to each other after a step


def train_run(
    run: Run, data: NormalData, device: str = "auto", progress: bool = True, fabric: Fabric | None = None
) -> Detector:
    """Train the run that ``run.write_settings`` describes, from where it stands to its end.

    Args:
        fabric: of ``make_fabric``, for several processes, all of which call this; None: this one alone, on ``device``.

    Raises:
        Interrupted: in every process, after Ctrl-C or a termination signal in any of them, when the step in progress
            was finished and everything saved.
    """
    config, training, weights, metadata = on_rank_zero(run.read_settings)
    state = start(config, training, device, fabric=fabric)
    first, books = rank() == 0, list[Logbook]()

    def take_up() -> None:
        remove_partials(run.folder)
        run.load_state(state)
        books.append(Logbook(run.log_path, state.step, run.folder / "tensorboard"))

    on_rank_zero(take_up)
    share_state(state)
    with stop_signals() as stop, progress_bar(training.steps, state.step, progress and first) as bar:
        keeper = _Keeper(run, data, state, books[0], bar, picture_steps(data, training)) if first else None
        for result in train(state, data, training, weights):
            failure = keeper.note(result) if keeper else None
            verdict = all_reduce_max(_FAILED if failure else _STOP if stop.is_set() else _GO_ON, state.fabric.device)
            if verdict == _FAILED:
                raise failure or Interrupted("the first process could not go on")
            if verdict == _STOP:
                if keeper:
                    keeper.save()
                raise Interrupted(f"stopped after step {state.step} of {training.steps}; everything is saved")
    detector = finish(state, data, metadata, training.choose_score)

    def put_away() -> None:
        books[0].write()
        if training.patience:
            run.note_outcome(_outcome(state, training))
        save(detector, run.model_path)
        run.state_path.unlink(missing_ok=True)

    on_rank_zero(put_away)
    return detector


class _Keeper:
    """What the first process does after a step: log, draw, save."""

    def __init__(
        self, run: Run, data: NormalData, state: TrainingState, logbook: Logbook, bar: Any, picture_every: int
    ) -> None:
        self.run, self.data, self.state, self.logbook, self.bar = run, data, state, logbook, bar
        self.picture_every, self.last_saved, self.shown = picture_every, time.monotonic(), dict[str, str]()

    def note(self, result: StepResult) -> Exception | None:
        """Returns what failed, so that all processes can stop together."""
        try:
            self.logbook.note(result)
            self.bar.update()
            if result.validation is not None:
                self.shown["validation"] = f"{result.validation:.4f}"
            if result.generator is not None and result.step % 10 == 0:
                self.shown["mse"] = f"{float(result.generator.reconstruction):.4f}"
            self.bar.set_postfix(self.shown, refresh=False)
            if self.state.step % self.picture_every == 0:
                _draw(self.state, self.data, self.logbook, self.run)
            if time.monotonic() - self.last_saved > SAVE_SECONDS:
                self.save()
        except (UserError, OSError) as error:
            return error
        return None

    def save(self) -> None:
        self.logbook.write()  # first: rows beyond the saved state are dropped on resuming, missing ones never return
        self.run.save_state(self.state)
        self.last_saved = time.monotonic()


def picture_steps(data: NormalData, training: TrainingConfig) -> int:
    """Steps between two pictures: an epoch's, but no fewer than ``PICTURE_LEAST``."""
    images = getattr(data, "epoch_images", EPOCH_IMAGES)
    return max(PICTURE_LEAST, round(images / training.batch_size))


def _outcome(state: TrainingState, training: TrainingConfig) -> dict[str, Any]:
    """For run.json, and said in a line."""
    best = state.best
    outcome = {"stopped_after": state.step, "best_step": best.step, "validation_loss": best.loss}
    why = "stopped early" if state.step < training.steps else "trained to the end"
    print(
        f"{why} after step {state.step} of {training.steps}; kept: step {best.step}, with the lowest loss of held-out "
        f"normal images ({best.loss:.5f})",
        flush=True,
    )
    return outcome


def finish(state: TrainingState, data: NormalData, metadata: dict[str, Any], choose: bool = False) -> Detector:
    """Calibrate what was trained on held-out normal images.

    Args:
        choose: let those images also say which score is reported by default; see
        ``squidlib.detection.score_selection``.
    """
    squid, discriminator = unwrapped(state.squid), unwrapped(state.discriminator)
    normals = data.calibration()
    if choose:
        choice = choose_score(squid, discriminator, normals)
        metadata = metadata | {"score": choice.best, "pretended": choice.aucs}
    return Detector(squid, discriminator, calibrate(squid, discriminator, normals), metadata)


def steps_in(
    minutes: float, config: SquidConfig, training: TrainingConfig, weights: LossWeights, data: NormalData, device: str
) -> int:
    """How many steps fit into ``minutes`` on this machine, from a few trial steps on throw-away networks."""
    state = start(config, training, device)
    for _ in train(state, data, replace(training, steps=2, refill_memory=False, validate_every=0, patience=0), weights):
        pass
    rounds, begun = 0, time.perf_counter()
    while rounds < 8 or (time.perf_counter() - begun < 3 and rounds < 200):
        images = data.batch(rounds, training.batch_size).to(state.fabric.device)
        train_step(state, images, rounds, training, weights)
        rounds += 1
    if state.fabric.device.type == "cuda":
        torch.cuda.synchronize()
    return max(1, int(minutes * 60 * rounds / (time.perf_counter() - begun)))


def _draw(state: TrainingState, data: NormalData, logbook: Logbook, run: Run) -> None:
    squid: Squid = unwrapped(state.squid)
    images = data.batch(0, PICTURES).to(state.fabric.device)
    squid.eval()
    with torch.no_grad():
        reconstructions = squid(images).reconstruction
    squid.train()
    logbook.picture(images, reconstructions, run.folder / "pictures" / f"step_{state.step:06d}.png", state.step)
