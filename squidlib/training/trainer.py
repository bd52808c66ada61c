"""The main job: train a run to its end, saving on the way, and turn it into a calibrated detector."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from squidlib.data.base import NormalData, Varies
from squidlib.data.digits import EPOCH_IMAGES
from squidlib.detection.calibration import calibrate
from squidlib.detection.detector import Detector
from squidlib.detection.score_selection import choose_score
from squidlib.detection.scores import BOTH, DEFAULT_SCORE, score_batches
from squidlib.training.config import TrainingConfig
from squidlib.training.context import learn_context
from squidlib.training.loop import TrainingState, start, train, train_step, unwrapped
from squidlib.training.presets import Preset
from squidlib.training.recorder import RunRecorder
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.training.state import DivergenceError, share_state
from squidlib.utils.distributed import any_process, on_rank_zero, rank
from squidlib.utils.errors import UserError
from squidlib.utils.progress import progress_bar
from squidlib.utils.signals import Interrupted, stop_signals

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PICTURE_LEAST = 50  #: steps between pictures, where an epoch has fewer


class UnfinishedError(UserError):
    """All steps are done and saved, but no detector could be made of them; nothing is lost."""


def train_run(
    run: Run,
    settings: RunSettings,
    data: NormalData,
    device: str = "auto",
    progress: bool = True,
    fabric: Fabric | None = None,
    lock: bool = True,
) -> Detector:
    """Train a run from where its folder stands to its end; ``run.begin(settings)`` has made the folder.

    Args:
        fabric: of ``make_fabric``, for several processes, all of which call this; None: this one alone, on ``device``.
        lock: be the folder's only writer meanwhile; False where a parent process already is.

    Raises:
        Interrupted: in every process, after Ctrl-C or a termination signal in any of them, when the step in progress
            was finished and everything saved.
        DivergenceError: where a loss, a weight or a slot is no longer finite; the last good state stays in the folder.
        UnfinishedError: where everything was trained and saved, but cannot be made a detector.
        UserError: where the folder is another run's, is trained in by another process, or cannot be written.
    """
    if lock:
        on_rank_zero(run.lock.acquire)
    try:
        state = start(settings.config, settings.training, device, fabric=fabric)
        recorder = RunRecorder(run, settings, data, state, picture_steps(data, settings.training))
        on_rank_zero(recorder.resume)
        share_state(state)
        _train(recorder, progress)
        return _finish(recorder)
    except DivergenceError as error:
        kept = "nothing was saved yet" if recorder.saved_step is None else f"step {recorder.saved_step} is kept"
        raise DivergenceError(f"{error}; {kept}. Train again with another seed or precision (--overwrite)") from error
    finally:
        if lock and rank() == 0:
            run.lock.release()


def _train(recorder: RunRecorder, progress: bool) -> None:
    """All steps that are left, in all processes."""
    state, settings = recorder.state, recorder.settings
    steps, shown = settings.training.steps, progress and rank() == 0
    with stop_signals() as stop, progress_bar(steps, state.step, shown) as bar:
        for result in train(state, recorder.data, settings.training, settings.weights):
            recorder.note(result, bar)
            if any_process(recorder.failure is not None or stop.is_set(), state.fabric.device):
                on_rank_zero(recorder.stop)
                raise Interrupted(f"stopped after step {state.step} of {steps}; everything is saved")


def _finish(recorder: RunRecorder) -> Detector:
    """Calibrate and write; whatever cannot be done then, the trained state is in the folder."""
    settings = recorder.settings
    metadata = settings.metadata | {"run": settings.run_id}
    try:
        detector = finish(recorder.state, recorder.data, metadata, settings.training.choose_score)
        on_rank_zero(lambda: recorder.finalize(detector))
        if rank() == 0:
            for line in detector.limitations():
                print(f"note: {line}", file=sys.stderr)
    except DivergenceError:
        raise
    except (ValueError, OSError) as error:  # a UserError is a ValueError
        raise UnfinishedError(f"all steps are done and saved, but no detector could be written: {error}") from error
    return detector


def picture_steps(data: NormalData, training: TrainingConfig) -> int:
    """Steps between two pictures: an epoch's, but no fewer than ``PICTURE_LEAST``."""
    images = getattr(data, "epoch_images", EPOCH_IMAGES)
    return max(PICTURE_LEAST, round(images / training.batch_size))


def finish(state: TrainingState, data: NormalData, metadata: dict[str, Any], choose: bool = False) -> Detector:
    """Calibrate what was trained on held-out normal images.

    Args:
        choose: let those images also say which score is reported by default, see
            ``squidlib.detection.score_selection``; where they are too few, it stays the default, and a line says so.
            The default is ``combined``, or ``either`` where it was learned what belongs together.
    """
    squid, discriminator = unwrapped(state.squid), unwrapped(state.discriminator)
    for network in (squid, discriminator):  # as a file gives them back, so that both give the same scores to the bit
        network.to(memory_format=torch.contiguous_format)
    unchosen = BOTH if squid.config.context else DEFAULT_SCORE
    if squid.config.context:
        learn_context(squid, data, int(metadata.get("seed", 0)))
        metadata = {"score": unchosen, **metadata}
    normals = data.calibration()
    shifted = data.shifted_calibration() if isinstance(data, Varies) else []
    scored = [score_batches(squid, discriminator, images) for images in (normals, *shifted)]
    if choose:
        try:
            choice = choose_score(squid, discriminator, normals, shifted=shifted, scored=scored)
            metadata = metadata | {"score": choice.best, "pretended": choice.aucs}
        except UserError as error:
            if rank() == 0:
                print(f"note: {error}; the default score is {unchosen}", file=sys.stderr)
    return Detector(squid, discriminator, calibrate(squid, discriminator, normals, shifted, scored), metadata)


def steps_in(minutes: float, preset: Preset, data: NormalData, device: str) -> int:
    """How many steps fit into ``minutes`` on this machine, from a few trial steps on throw-away networks."""
    training = preset.training
    state = start(preset.config, training, device)
    trial = replace(training, steps=2, refill_memory=False, validate_every=0, patience=0)
    for _ in train(state, data, trial, preset.weights):
        pass
    rounds, begun = 0, time.perf_counter()
    while rounds < 8 or (time.perf_counter() - begun < 3 and rounds < 200):
        images = data.batch(rounds, training.batch_size).to(state.fabric.device)
        train_step(state, images, rounds, training, preset.weights)
        rounds += 1
    if state.fabric.device.type == "cuda":
        torch.cuda.synchronize()
    return max(1, int(minutes * 60 * rounds / (time.perf_counter() - begun)))
