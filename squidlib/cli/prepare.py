"""What ``squid train`` does before it trains: options become a run's settings, and all that can be wrong is found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from squidlib.cli.device import fitting_precision
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from squidlib.cli.train_options import TrainOptions
    from squidlib.data.chest import ChestData
    from squidlib.data.digits import Digits
    from squidlib.training.devices import Layout
    from squidlib.training.presets import Preset
    from squidlib.training.run_dir import Run

HELD_BACK = 0.1  #: share of the training normals that --patience looks at


def prepare(options: TrainOptions, run: Run, layout: Layout) -> Digits | ChestData:
    """Everything that can be wrong is found before the folder is touched."""
    from squidlib.data.digits import EPOCH_IMAGES, Digits
    from squidlib.data.registry import data_of
    from squidlib.training.devices import check_batch
    from squidlib.training.trainer import steps_in

    if options.epochs is not None and options.minutes is not None:
        raise UserError("--epochs and --minutes both say how long to train; give one of them")
    for name, value in (("--epochs", options.epochs), ("--minutes", options.minutes)):
        if value is not None and not 0 < value < 1e6:
            raise UserError(f"{name} must be more than 0, got {value}")
    if options.patience < 0:
        raise UserError(f"--patience is a number of epochs, or 0 to train to the end; got {options.patience}")
    preset = preset_of(options)
    check_batch(preset.training.batch_size, layout)
    metadata = facts_of(options, preset)
    data = data_of(metadata, options.seed, options.download)
    for line in () if isinstance(data, Digits) else (*data.arrays.skipped, *data.arrays.notes):
        print(f"note: {line}")
    run.claim(options.overwrite)
    training = preset.training
    steps = training.steps
    epoch = EPOCH_IMAGES if isinstance(data, Digits) else len(data)
    epochs = preset.epochs if options.epochs is None else options.epochs
    if epochs is not None:
        steps = preset.steps_of(epochs, epoch)
    if options.minutes is not None:
        steps = steps_in(options.minutes, preset.config, training, preset.weights, data, options.device)
        print(f"{options.minutes:g} minutes are about {steps} steps on this machine")
    horizon = max(1, round(training.schedule_steps * steps / training.steps))
    training = replace(training, steps=steps, schedule_steps=horizon)
    if options.patience:
        training = replace(training, validate_every=preset.steps_of(1.0, epoch), patience=options.patience)
    run.write_settings(preset.config, training, preset.weights, metadata)
    return data


def preset_of(options: TrainOptions) -> Preset:
    """The named preset with what the options change of it."""
    from squidlib.training.presets import PRESETS

    preset = PRESETS[options.preset][options.dataset]
    changes = {name: value for name in ("slots", "topk") if (value := getattr(options, name)) is not None}
    precision = options.precision or fitting_precision(preset.training.precision, options.device)
    training = replace(preset.training, seed=options.seed, precision=precision)
    return preset._replace(config=replace(preset.config, **changes), training=training)


def facts_of(options: TrainOptions, preset: Preset) -> dict[str, object]:
    """How the run came to be, for run.json: enough to find its data again."""
    import torch

    import squidlib
    from squidlib.config import as_plain
    from squidlib.data.registry import where_to_get

    made: dict[str, object] = {
        "preset": options.preset,
        "seed": options.seed,
        "squidlib": squidlib.__version__,
        "torch": torch.__version__,
    }
    if options.patience:
        made["held_back"] = HELD_BACK
    if options.dataset == "digitanatomy":
        if options.data is not None:
            raise UserError("--data is the folder of chest X-rays; for digits of your own give --glyphs")
        if options.contamination:
            raise UserError("--contamination is for chest X-rays; of digits, lesson 09 and its study tell")
        return {"data": options.dataset, "glyphs": options.glyphs, "jitter": as_plain(preset.jitter), **made}
    if options.data is None:
        raise UserError(
            f"--data: the folder of {options.dataset} is needed; to get it: {where_to_get(options.dataset)}"
        )
    if not 0 <= options.contamination <= 0.5:
        raise UserError(f"--contamination lies in 0..0.5, got {options.contamination}")
    if options.contamination and options.patience:
        raise UserError("--patience looks at normal images, and with --contamination nobody knows which are; give one")
    return {
        "data": options.dataset,
        "contamination": options.contamination,
        "folder": str(options.data.resolve()),
        "image_size": preset.config.image_size,
        "cache": None if options.cache is None else str(options.cache.resolve()),
        "skip_bad": options.skip_bad,
        **made,
    }
