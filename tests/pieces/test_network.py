"""The network: published sizes, what may flow where, and what evaluation closes."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest
import torch

from squidlib.config import SquidConfig, as_plain
from squidlib.discriminator import Discriminator
from squidlib.skip_memory import SkipMemory
from squidlib.squid import Squid, count_parameters, fill_memory
from squidlib.training.presets import PRESETS
from squidlib.utils.errors import UserError
from tests.conftest import filled, tiny_config


@pytest.mark.parametrize(
    ("config", "millions", "features"),
    [(PRESETS["paper"]["digitanatomy"].config, 52.9, 1024), (PRESETS["paper"]["zhanglab"].config, 44.5, 2048)],
)
def test_the_published_settings_have_the_published_size(config: SquidConfig, millions: float, features: int) -> None:
    with torch.device("meta"):
        assert round(count_parameters(Squid(config)) / 1e6, 1) == millions
    assert config.features == features
    assert PRESETS["paper"]["chexpert"].config == PRESETS["paper"]["zhanglab"].config


@pytest.mark.parametrize(
    "config",
    [
        tiny_config(),
        tiny_config(skips=0, joined_levels=0),
        tiny_config(grid=2, image_size=32, levels=3, skip_windows=2, joined_levels=2),
        tiny_config(fold=2, levels=1, joined_levels=0, cosine_memory=True),
        tiny_config(grid=1, image_size=16, residual_convs=0),
    ],
)
def test_every_kind_of_configuration_runs_forward_and_backward(config: SquidConfig) -> None:
    squid, images = filled(config)
    output = squid(images)
    assert output.teacher is not None
    assert output.reconstruction.shape == output.teacher.shape == images.shape
    assert 0 <= output.reconstruction.detach().min().item() <= output.reconstruction.detach().max().item() <= 1
    assert output.queries.shape == output.recalled.shape == (4, config.positions, config.features)
    assert len(output.student_features) == len(output.teacher_features) == config.levels
    (output.reconstruction.mean() + output.teacher.mean()).backward()
    missing = [name for name, parameter in squid.named_parameters() if parameter.grad is None]
    assert missing == []


def test_the_teacher_does_not_shape_the_encoder() -> None:
    squid, images = filled(tiny_config())
    output = squid(images)
    assert output.teacher is not None
    output.teacher.sum().backward()
    assert all(parameter.grad is None for parameter in squid.encoder.parameters())
    assert any(parameter.grad is not None for parameter in squid.teacher.parameters())


def test_evaluation_drops_the_teacher_and_repeats_itself() -> None:
    squid, images = filled(tiny_config())
    squid.eval()
    first, second = squid(images), squid(images)
    assert first.teacher is None
    assert first.teacher_features == []
    assert torch.equal(first.reconstruction, second.reconstruction)


def test_in_evaluation_only_memory_reaches_the_decoder() -> None:
    """With no skips and the shortcut closed, the code is built of slots: other slots, another reconstruction."""
    squid, images = filled(tiny_config(skips=0, joined_levels=0))
    squid.eval()
    before = squid(images).reconstruction
    squid.push(torch.rand(squid.config.slots, squid.config.positions, squid.config.features))
    assert not torch.allclose(before, squid(images).reconstruction)


def test_the_masks_follow_the_generator() -> None:
    squid, images = filled(tiny_config(mask_probability=0.5))
    squid.eval()  # batch statistics would differ from call to call
    for module in (squid.inpainting, *squid.student.skip_memories):
        module.training = True
    results = [squid(images, torch.Generator().manual_seed(seed)).reconstruction for seed in (1, 1, 2)]
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_the_forward_pass_does_not_push() -> None:
    squid, images = filled(tiny_config())
    before = squid.inpainting.memory.contents().clone()
    squid(images)
    assert torch.equal(before, squid.inpainting.memory.contents())


def test_filling_the_memory_stores_the_features_as_evaluation_sees_them() -> None:
    squid, images = filled(tiny_config(slots=4))
    assert squid.training
    squid.eval()
    assert torch.allclose(squid.inpainting.memory.contents().transpose(0, 1), squid.query(images), atol=1e-6)


@pytest.mark.parametrize("windows", [1, 2])
def test_a_skip_memory_in_evaluation_returns_only_what_it_learned(windows: int) -> None:
    """Whatever comes in, each window of the result lies in the span of its position's slots."""
    config = tiny_config(skip_windows=windows, skip_slots=1, topk=1)
    memory = SkipMemory(config, level=1).eval()
    one, other = memory(torch.rand(9, 8, 4, 4)), memory(torch.rand(9, 8, 4, 4))
    assert torch.allclose(one, other, atol=1e-6)
    assert len(memory.matrix.slots) == (config.positions if windows == 1 else 4)


def test_the_discriminator_judges_images_one_by_one_in_evaluation() -> None:
    discriminator, images = Discriminator((1, 96, 96)).eval(), torch.rand(3, 1, 96, 96)
    assert torch.allclose(discriminator(images)[1], discriminator(images[1:2])[0], atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"slots": 0}, "slots must be at least 1, got 0"),
        ({"topk": 7}, r"at most the number of slots \(6\), got 7"),
        ({"image_size": 25}, "multiple of grid"),
        ({"grid": 5}, "multiple of grid"),
        ({"heads": 3}, "heads must divide"),
        ({"skips": 2}, "at most levels"),
        ({"mask_probability": 1.5}, "mask_probability must be at most 1, got 1.5"),
        ({"mask_probability": math.nan}, "mask_probability is a finite number, got nan"),
        ({"levels": 10**9}, "levels must be at most 10, got 1000000000"),
        ({"slots": 10**9}, "slots must be at most 100,000, got 1000000000"),
        ({"slots": 90_000, "code_channels": 50_000}, "take fewer slots"),
        ({"slots": 2.5}, "slots is a whole number, got 2.5"),
        ({"width": True}, "width is a whole number, got True"),
        ({"cosine_memory": 1}, "cosine_memory is true or false, got 1"),
        ({"image_size": (24, 25)}, "in width, got 25"),
        ({"image_size": (24, 24, 3)}, "one number or two"),
        ({"grid": (3, 0)}, "grid must be at least 1"),
        ({"in_channels": 0}, "in_channels must be at least 1"),
    ],
)
def test_an_impossible_configuration_is_named(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        SquidConfig.from_plain(as_plain(tiny_config()) | changes)


def test_an_image_may_be_wide_and_in_colour() -> None:
    config = tiny_config(image_size=(16, 24), grid=(2, 3), in_channels=3)
    assert (config.image_shape, config.grid_shape, config.patch_shape) == ((3, 16, 24), (2, 3), (8, 8))
    assert (config.positions, config.code_shape, config.features) == (6, (2, 2), 8)
    squid, images = Squid(config), torch.rand(5, 3, 16, 24)
    fill_memory(squid, images)
    output = squid.train()(images)
    assert output.reconstruction.shape == output.teacher.shape == images.shape
    assert output.weights.shape == (5, 6, 5)
    assert Discriminator(config.image_shape)(images).shape == (5,)
    output.reconstruction.sum().backward()  # the whole way back, too


def test_a_tall_patch_of_two_windows_keeps_its_shape() -> None:
    config = tiny_config(image_size=(48, 16), grid=(3, 2), skip_windows=2)
    squid, images = Squid(config), torch.rand(2, 1, 48, 16)
    fill_memory(squid, images)
    assert config.patch_shape == (16, 8)
    assert squid(images).reconstruction.shape == images.shape


def test_json_gives_the_same_configuration_back() -> None:
    config = tiny_config(image_size=(16, 24), grid=(2, 3))
    assert SquidConfig.from_plain(json.loads(json.dumps(as_plain(config)))) == config
    assert SquidConfig.from_plain({"image_size": [96, 96], "grid": [3, 3]}) == SquidConfig()
    with pytest.raises(UserError, match="no number of a SQUID: speed"):
        SquidConfig.from_plain({"speed": 3})


def test_images_of_another_size_are_named() -> None:
    squid, _ = filled(tiny_config())
    with pytest.raises(ValueError, match=r"\(B, 1, 24, 24\) expected, got \(2, 1, 96, 96\)"):
        squid(torch.rand(2, 1, 96, 96))


def test_configurations_are_frozen_numbers() -> None:
    for field in fields(SquidConfig):
        assert isinstance(getattr(SquidConfig(), field.name), (int, float, str))
    assert replace(SquidConfig(), slots=7).slots == 7
