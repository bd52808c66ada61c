"""Presets: `gpu` is the laptop's training in large batches; its options change speed and not what is learned."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from squidlib.config import LossWeights, as_plain
from squidlib.training import compile as compiling
from squidlib.training.config import TrainingConfig
from squidlib.training.loop import start, train, unwrapped
from squidlib.training.presets import PRESETS
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.training.state import networks_of, restore, snapshot
from tests.conftest import tiny_config
from tests.helpers import squid
from tests.two_processes import StreamOfNoise

PLAIN = TrainingConfig(steps=4, schedule_steps=4, batch_size=4)
DATA = StreamOfNoise(24)


def test_the_gpu_presets_see_as_many_images_as_the_laptops() -> None:
    seen = {
        preset.training.steps * preset.training.batch_size
        for preset in (PRESETS["laptop"]["digitanatomy"], PRESETS["gpu"]["digitanatomy"], PRESETS["gpu"]["zhanglab"])
    }
    assert len(seen) == 1
    assert PRESETS["gpu"]["zhanglab"].config.image_size == 128


def test_channels_last_trains_to_the_same_and_is_resumed_bit_identically() -> None:
    training = replace(PLAIN, channels_last=True)
    plain, last = start(tiny_config(), PLAIN, "cpu"), start(tiny_config(), training, "cpu")
    weight = unwrapped(last.squid).encoder.downs[0].first[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    losses: list[list[float]] = [[], []]
    for state, kept, config in ((plain, losses[0], PLAIN), (last, losses[1], training)):
        for result in train(state, DATA, config, LossWeights()):
            assert result.generator is not None
            kept.append(float(result.generator.total))
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    half, rest = start(tiny_config(), training, "cpu"), start(tiny_config(), training, "cpu")
    list(train(half, DATA, replace(training, steps=2), LossWeights()))
    restore(rest, *snapshot(half))
    list(train(rest, DATA, training, LossWeights()))
    assert all(torch.equal(tensor, networks_of(rest)[name]) for name, tensor in networks_of(last).items())


def test_where_nothing_can_be_compiled_a_line_says_so_and_training_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("\nno compiler is here\nand much more")

    monkeypatch.setattr(torch, "compile", broken)
    training = replace(PLAIN, compile=True)
    state = start(tiny_config(), training, "cpu")
    list(train(state, DATA, training, LossWeights()))
    assert capsys.readouterr().err == "note: without torch.compile, which fails here: no compiler is here\n"
    assert state.step == PLAIN.steps


def test_what_is_compiled_is_most_of_the_work_and_names_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    monkeypatch.setattr(compiling, "obstacle_to_compiling", lambda device: "")
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: compiled.append(type(module).__name__))
    state = start(tiny_config(), replace(PLAIN, compile=True), "cpu")
    assert sorted(compiled) == ["DecoderLevel"] * 4 + ["Discriminator", "Encoder"]
    assert networks_of(state).keys() == networks_of(start(tiny_config(), PLAIN, "cpu")).keys()


def test_settings_written_before_these_options_can_be_read(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.begin(RunSettings(tiny_config(), PLAIN, LossWeights()))
    settings = json.loads(run.settings_path.read_text())
    for name in ("channels_last", "compile", "validate_every", "patience"):
        del settings["training"][name]
    run.settings_path.write_text(json.dumps(settings))
    assert as_plain(run.read_settings().training) == as_plain(PLAIN)


def test_the_command_trains_the_gpu_preset_on_a_cpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "obstacle_to_compiling", lambda device: "in a test")
    out = tmp_path / "run"
    arguments = ("--preset", "gpu", "--device", "cpu", "--epochs", 0.08, "--glyphs", "sklearn_digits")
    said = squid(capsys, "train", "digitanatomy", "--out", out, *arguments)
    assert (said.code, said.errors[0]) == (0, "note: without torch.compile, in a test")
    training = Run(out).read_settings().training
    assert (training.steps, training.batch_size, training.precision) == (2, 64, "32-true")
    assert training.channels_last
