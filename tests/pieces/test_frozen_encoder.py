"""Frozen encoder: ImageNet's features in place of learned ones; they are learned by nothing and stand in no file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from squidlib.backbone import efficientnet_lite0, has_efficientnet_lite0
from squidlib.config import SquidConfig, as_plain
from squidlib.detection.checkpoint import load, save
from squidlib.squid import Squid
from squidlib.training.presets import PRESETS, preset_for
from squidlib.utils.safetensors_io import read_tensors
from tests.helpers import noise, refusal, untrained

needs_wheel = pytest.mark.skipif(not has_efficientnet_lite0(), reason="the extra [backbone] is not installed")
CONFIG = SquidConfig(
    image_size=64, grid=4, width=7, levels=4, residual_convs=1, code_channels=112, slots=8, topk=2, cosine_memory=True,
    skips=0, joined_levels=4, backbone="EfficientNet-Lite0", memory_reach=1,
)  # fmt: skip


@needs_wheel
def test_a_patch_s_code_is_its_place_in_the_network_s_third_map() -> None:
    images = noise(2, 64)
    with torch.no_grad():
        third = efficientnet_lite0(64).features(images)[2]
    queries = Squid(CONFIG).eval().query(images)
    assert queries.shape == (2, 16, 112)
    assert torch.allclose(queries[1, 4 * 2 + 3], third[1, :, 2, 3], atol=1e-5)


@needs_wheel
def test_it_is_neither_learned_nor_put_into_training_mode_nor_stored(tmp_path: Path) -> None:
    detector = untrained(CONFIG, noise(24, 64))
    squid = detector.squid
    squid.train()
    before = squid.query(noise(2, 64, 5))
    assert torch.equal(before, squid.query(noise(2, 64, 5)))  # batch norm stays as ImageNet left it
    assert not list(squid.encoder.parameters())
    save(detector, tmp_path / "model.safetensors")
    assert not [name for name in read_tensors(tmp_path / "model.safetensors")[0] if "encoder" in name]
    images = noise(3, 64, 7)
    assert torch.equal(load(tmp_path / "model.safetensors").score(images), detector.score(images))


def test_a_configuration_that_does_not_fit_the_network_is_refused() -> None:
    plain = as_plain(CONFIG)
    for change, said in (
        ({"grid": 2}, "patches of 16 pixels"),
        ({"code_channels": 64}, "112 channels"),
        ({"backbone": "VGG-16"}, "empty or one of EfficientNet-Lite0, got 'VGG-16'"),
    ):
        assert said in refusal(lambda change=change: SquidConfig(**plain | change))


def test_the_preset_is_for_x_rays_and_photographs() -> None:
    assert PRESETS["backbone"]["zhanglab"].config.backbone
    assert "on digits ImageNet's features say nothing" in refusal(lambda: preset_for("backbone", "digitanatomy"))
