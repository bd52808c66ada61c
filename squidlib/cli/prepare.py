"""What ``squid train`` does before it trains: options become a run's settings, and all that can be wrong is found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from squidlib.utils.command import command
from squidlib.utils.errors import UserError
from squidlib.utils.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from squidlib.cli.train import Train
    from squidlib.data.base import Dataset
    from squidlib.training.devices import Layout
    from squidlib.training.presets import Preset
    from squidlib.training.run_dir import Run
    from squidlib.training.settings import RunSettings

HELD_BACK = 0.1  #: share of the training normals that --patience looks at


def begin(options: Train, run: Run, layout: Layout) -> tuple[RunSettings, Dataset]:
    """A new run's settings and data; everything that can be wrong is found before the folder is touched."""
    from squidlib.data.content import content_of
    from squidlib.data.registry import open_dataset
    from squidlib.training.devices import check_batch
    from squidlib.training.presets import fit_to
    from squidlib.training.settings import RunSettings

    if options.epochs is not None and options.minutes is not None:
        raise UserError("--epochs and --minutes both say how long to train; give one of them")
    for name, value in (("--epochs", options.epochs), ("--minutes", options.minutes)):
        if value is not None and not 0 < value < 1e6:
            raise UserError(f"{name} must be more than 0 and less than a million, got {value}")
    if options.patience < 0:
        raise UserError(f"--patience is a number of epochs, or 0 to train to the end; got {options.patience}")
    asked = preset_of(options)
    check_batch(asked.training.batch_size, layout)
    metadata = metadata_of(options, asked)
    run.check_free(options.overwrite)
    data = open_dataset(metadata, options.seed, options.download)
    for line in data.notes:
        print(f"note: {printable(line)}")
    check_calibration(data)
    preset = fit_to(asked, data.image_shape, options.grid)
    config = preset.config
    print(f"note: cut into {_by(config.grid_shape)} tiles of {_by(config.patch_shape)} pixels")
    preset = with_steps(preset, options, data)
    content = content_of(data)
    metadata |= {"content": content} if content else {}  # in the run's id, too
    settings = RunSettings(preset.config, preset.training, preset.weights, metadata)
    run.begin(settings, options.overwrite)
    return settings, data


def check_calibration(data: Dataset) -> None:
    """Whether what will be trained can be calibrated.

    Raises:
        UserError: where too few normal images are held out for that.
    """
    from squidlib.detection.score_selection import LEAST_NORMALS

    count = len(data.calibration())
    if count < LEAST_NORMALS:
        raise UserError(
            f"at least {LEAST_NORMALS} held-out normal images are needed to calibrate with after training, "
            f"got {count}; add normal images"
        )


def _by(sides: tuple[int, int]) -> str:
    """Rows and columns, or height and width: "3 x 4"."""
    return f"{sides[0]} x {sides[1]}"


def resume(options: Train, run: Run, layout: Layout) -> tuple[RunSettings, Dataset] | None:
    """Settings and data of the run in ``--out``; None where it is finished.

    Raises:
        UserError: where the run is of another data set, or its data are no longer what they were when it began.
    """
    from squidlib.data.registry import reopen
    from squidlib.training.devices import check_batch

    settings = run.check_whole()
    trained_on = settings.metadata.get("data")
    if trained_on != options.dataset:
        hint = command("train", trained_on, "--out", options.out, "--resume")
        raise UserError(f"{options.out} is trained on {trained_on}, not on {options.dataset}; go on with: {hint}")
    if run.finished:
        run.state_path.unlink(missing_ok=True)  # left where the run was killed at its very end
        return None
    check_batch(settings.training.batch_size, layout)
    data = reopen(settings.metadata, settings.training.seed, options.data, options.download)
    check_unchanged(settings, data, options.out)
    return settings, data


def check_unchanged(settings: RunSettings, data: Dataset, out: Path) -> None:
    """Whether the data are what they were when the run in ``out`` began; of an older run, a line says it is not known.

    Raises:
        UserError: where they are not.
    """
    from squidlib.data.content import changes, content_of

    now, then = content_of(data), settings.metadata.get("content")
    if now and then is None:
        print(f"note: {out} was begun by an older squid: whether its data changed since is not known")
    elif then is not None and (changed := changes(then, now)):
        raise UserError(
            f"{out}: the data changed since the run began ({changed}); bring back the files as they were, or start "
            "again with what is there now (--overwrite)"
        )


def preset_of(options: Train) -> Preset:
    """The named preset with what the options change of it."""
    from squidlib.training.presets import preset_for

    preset = preset_for(options.preset, options.dataset)
    changes = {name: value for name in ("slots", "topk") if (value := getattr(options, name)) is not None}
    if options.context or options.hand:
        changes["context"] = True
    config = replace(preset.config, **changes)
    training = replace(preset.training, seed=options.seed, refill_slots=options.slots or 0)
    return preset._replace(config=config, training=training)


def with_steps(preset: Preset, options: Train, data: Dataset) -> Preset:
    """The preset with the number format and as many steps as the options ask for, or as fit; with validations where
    they ask for patience."""
    from squidlib.training.precision import fitting_precision
    from squidlib.training.trainer import steps_in

    epoch = data.epoch_images
    steps = preset.planned_steps(options.epochs, epoch)
    precision = options.precision or fitting_precision(preset, options.device, steps)
    training = replace(preset.training, precision=precision)
    preset = preset._replace(training=training)
    if options.minutes is not None:
        steps = steps_in(options.minutes, preset, data, options.device)
        print(f"{options.minutes:g} minutes are about {steps} steps on this machine")
    horizon = max(1, round(training.schedule_steps * steps / training.steps))
    training = replace(training, steps=steps, schedule_steps=horizon)
    if options.patience:
        training = replace(training, validate_every=preset.steps_of(1.0, epoch), patience=options.patience)
    return preset._replace(training=training)


def metadata_of(options: Train, preset: Preset) -> dict[str, object]:
    """How the run came to be, for run.json: enough to find its data again."""
    import torch

    import squidlib
    from squidlib.config import as_plain
    from squidlib.data.options import DataOptions
    from squidlib.data.registry import settings_of

    asked = DataOptions(
        folder=options.data,
        image_size=options.size,
        preset_size=preset.config.image_size,
        jitter=as_plain(preset.jitter),
        glyphs=options.glyphs,
        hand=options.hand,
        channels=options.channels,
        test_each=options.test_each,
        contamination=options.contamination,
        held_back=HELD_BACK if options.patience else 0.0,
        cache=options.cache,
        skip_bad=options.skip_bad,
        series=options.series,
        acquisition=preset.acquisition if options.acquisition == "preset" else options.acquisition == "varied",
    )
    settings = settings_of(options.dataset, asked)
    if options.acquisition == "varied" and "acquisition" not in settings:
        raise UserError(f"--acquisition varied varies X-rays as other machines would; {options.dataset} has none")
    return {
        **settings,
        "preset": options.preset,
        "seed": options.seed,
        "squidlib": squidlib.__version__,
        "torch": torch.__version__,
    }
