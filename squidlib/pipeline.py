"""The main job: train a run to its end, saving on the way, and turn it into a calibrated detector."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch

from squidlib.config import LossWeights, SquidConfig, TrainingConfig
from squidlib.detector import Detector, calibrate
from squidlib.detectorfile import save
from squidlib.digits import NormalData
from squidlib.logbook import Logbook
from squidlib.runs import Run
from squidlib.squid import Squid
from squidlib.tensorfile import remove_partials
from squidlib.training import StepResult, TrainingState, start, train, train_step, unwrapped

SAVE_SECONDS = 20.0  #: at most this much work is lost when a run is killed
LINE_SECONDS = 10.0  #: between progress lines where there is no terminal
PICTURES = 8  #: reconstructions in each picture
PICTURE_EVERY = 200  #: steps between pictures


class Interrupted(Exception):  # noqa: N818 (it is no error)
    """Training was asked to stop (Ctrl-C or a termination signal); the state is saved."""


def train_run(run: Run, data: NormalData, device: str = "auto", progress: bool = True) -> Detector:
    """Train the run that ``run.write_settings`` describes, from where it stands to its end.

    Raises:
        Interrupted: after Ctrl-C, when the step in progress was finished and everything saved.
    """
    config, training, weights, facts = run.read_settings()
    remove_partials(run.folder)
    state = start(config, training, device)
    run.load_state(state)
    logbook = Logbook(run.log_path, state.step, run.folder / "tensorboard")
    with _stop_signals() as stop, _progress_bar(training.steps, state.step, progress) as bar:
        last_saved = time.monotonic()

        def after_step(result: StepResult) -> None:
            nonlocal last_saved
            logbook.note(result)
            bar.update()
            if result.generator is not None and result.step % 10 == 0:
                bar.set_postfix(mse=f"{float(result.generator.reconstruction):.4f}", refresh=False)
            if state.step % PICTURE_EVERY == 0:
                _draw(state, data, logbook, run)
            if stop.is_set() or time.monotonic() - last_saved > SAVE_SECONDS:
                logbook.write()  # first: rows beyond the saved state are dropped on resuming, missing ones never return
                run.save_state(state)
                last_saved = time.monotonic()
            if stop.is_set():
                raise Interrupted(f"stopped after step {state.step} of {training.steps}; everything is saved")

        train(state, data, training, weights, after_step)
    logbook.write()
    detector = finish(state, data, facts)
    save(detector, run.model_path)
    run.state_path.unlink(missing_ok=True)
    return detector


def finish(state: TrainingState, data: NormalData, facts: dict[str, Any]) -> Detector:
    """Calibrate what was trained on held-out normal images."""
    squid, discriminator = unwrapped(state.squid), unwrapped(state.discriminator)
    return Detector(squid, discriminator, calibrate(squid, discriminator, data.calibration()), facts)


def steps_in(
    minutes: float, config: SquidConfig, training: TrainingConfig, weights: LossWeights, data: NormalData, device: str
) -> int:
    """How many steps fit into ``minutes`` on this machine, from a few trial steps on throw-away networks."""
    state = start(config, training, device)
    train(state, data, replace(training, steps=2, refill_memory=False), weights)
    trial = deepcopy(training)
    rounds, begun = 0, time.perf_counter()
    while rounds < 8 or (time.perf_counter() - begun < 3 and rounds < 200):
        images = data.batch(rounds, training.batch_size).to(state.fabric.device)
        train_step(state, images, rounds, trial, weights)
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


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or termination signal into an event; a second Ctrl-C interrupts at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: Any) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    for number in kept:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def _progress_bar(total: int, initial: int, shown: bool) -> Iterator[Any]:
    from tqdm.auto import tqdm

    if shown and not sys.stderr.isatty() and not _in_notebook():
        yield _Lines(total, initial)
        return
    with tqdm(total=total, initial=initial, desc="training", unit="step", disable=not shown) as bar:
        yield bar


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules


class _Lines:
    """A progress bar's stand-in where the output is a file or a pipe: now and then a line on stdout."""

    def __init__(self, total: int, initial: int) -> None:
        self.total, self.initial, self.done = total, initial, initial
        self.begun = self.last = time.monotonic()

    def update(self) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.last >= LINE_SECONDS:
            self.last, each = now, (now - self.begun) / (self.done - self.initial)
            left = each * (self.total - self.done) / 60
            sys.stdout.write(f"step {self.done} of {self.total}, {each:.2f} s a step, about {left:.0f} min left\n")
            sys.stdout.flush()

    def set_postfix(self, **values: object) -> None:
        """Lines show no losses; log.csv does."""
