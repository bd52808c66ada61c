"""SQUID among the benchmark's methods: trained as they are, remembering and learning what its preset asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from squidlib.benchmark.squid_method import SquidMethod
from squidlib.config import LossWeights
from squidlib.context import ContextPrediction
from squidlib.data.base import NormalData
from squidlib.squid import Squid
from squidlib.training.config import TrainingConfig
from squidlib.training.context import train_context
from squidlib.training.presets import PRESETS, Preset
from tests.conftest import tiny_config
from tests.helpers import noise


def test_squid_is_a_method_like_others() -> None:
    training = TrainingConfig(steps=5, schedule_steps=5, batch_size=2, refill_memory=True)
    preset = Preset(tiny_config(), training, LossWeights(), PRESETS["laptop"]["digitanatomy"].jitter)
    normals, augmented = noise(9, 24, seed=1), noise(12, 24, seed=2)
    seen: list[int] = []

    def progress(steps: int) -> range:
        seen.append(steps)
        return range(steps)

    one, same, other = (SquidMethod(preset, steps=3) for _ in range(3))
    state = torch.random.get_rng_state()
    one.fit(normals, 0, progress, augmented).calibrate(noise(8, 24, seed=4))
    assert torch.equal(torch.random.get_rng_state(), state)
    same.fit(normals, 0, range, augmented).calibrate(noise(8, 24, seed=4))
    other.fit(normals, 1, range, augmented).calibrate(noise(8, 24, seed=4))
    images = noise(4, 24, seed=5)
    assert seen == [3]
    assert torch.equal(one.score(images), same.score(images))
    assert not torch.equal(one.score(images), other.score(images))
    assert len(one.squid.inpainting.memory.contents()[0]) == len(normals)  # filled with plain training images
    assert one.reconstruct(images).shape == one.anomaly_map(images).shape == images.shape
    stopped = SquidMethod(preset, steps=3).fit(normals, 0, lambda steps: range(1), augmented)
    assert torch.isfinite(stopped.calibrate(normals).score(images)).all()


def test_where_the_preset_asks_squid_learns_what_belongs_together_from_every_image_it_was_trained_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[Tensor] = []

    def spy(squid: Squid, data: NormalData, seed: int) -> ContextPrediction:
        shown.extend(data.batch(step, 5) for step in range(3))
        return train_context(squid, data, seed, steps=2, images=12)

    monkeypatch.setattr("squidlib.benchmark.squid_method.train_context", spy)
    training = TrainingConfig(steps=2, schedule_steps=2, batch_size=2)
    preset = Preset(tiny_config(context=True), training, LossWeights(), PRESETS["laptop"]["digitanatomy"].jitter)
    normals, augmented = noise(9, 24, seed=1), noise(12, 24, seed=2)
    method = SquidMethod(preset, steps=2).fit(normals, 0, range, augmented).calibrate(noise(8, 24, seed=4))
    assert torch.equal(torch.cat(shown), torch.cat([augmented, augmented[:3]]))
    found = method.detector.predict(noise(4, 24, seed=5), 0.05)
    assert found.score_name == "either"
    assert torch.equal(found.score, found.scores["either"])
    assert not torch.equal(found.score, found.scores["combined"])


def test_of_xrays_squid_remembers_half_of_the_images_as_other_machines_would_have_given_them() -> None:
    preset = PRESETS["laptop"]["zhanglab"]._replace(config=tiny_config(), acquisition=True)
    preset = preset._replace(training=replace(preset.training, batch_size=4, warmup_steps=0, choose_score=False))
    normals, augmented = noise(8, 24), noise(8, 24, seed=2)
    slots = []
    for acquisition in (True, False):
        method = SquidMethod(preset._replace(acquisition=acquisition), steps=2).fit(normals, 0, range, augmented)
        slots.append(method.squid.inpainting.memory.contents().transpose(0, 1))  # an image after the other
    apart = (slots[0] - slots[1]).abs().flatten(1).amax(1)
    assert apart[::2].max() < 1e-6 < apart[1::2].max()  # so few pixels are neither softened nor sharpened
