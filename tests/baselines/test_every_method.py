"""Every method of the table, in a small version: what holds for all of them alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from squidlib import baselines
from squidlib.backbone import resnet18
from squidlib.benchmark.registry import METHODS
from squidlib.benchmark.squid_method import SquidMethod, SquidOnFeatures
from squidlib.config import SquidConfig
from squidlib.training.presets import PRESETS
from squidlib.utils.errors import UserError
from tests.helpers import noise

Made = Callable[[tuple[int, int, int]], Any]
GREY, COLOUR, WIDE = (1, 32, 32), (3, 32, 32), (1, 32, 48)
MOST = 1e6  #: a score beyond it is a division by nothing


def config(shape: tuple[int, int, int]) -> SquidConfig:
    return SquidConfig(
        image_size=shape[1:], grid=2, in_channels=shape[0], width=4, levels=2, code_channels=4, slots=8, topk=2,
        heads=2, skips=0, joined_levels=0,
    )  # fmt: skip


def squid(shape: tuple[int, int, int]) -> SquidMethod:
    preset = PRESETS["laptop"]["digitanatomy"]
    training = replace(preset.training, batch_size=4, warmup_steps=0)
    return SquidMethod(preset._replace(config=config(shape), training=training), steps=2)


def squid_on_features(shape: tuple[int, int, int]) -> SquidOnFeatures:
    preset = PRESETS["backbone"]["folder"]
    small = replace(preset.config, image_size=64, grid=4, slots=8)
    training = replace(preset.training, batch_size=4, warmup_steps=0)
    grey_or_colour = PRESETS["laptop"]["folder"]._replace(config=config(shape))
    return SquidOnFeatures(grey_or_colour, 2, preset._replace(config=small, training=training))


EVERY: dict[str, Made] = {
    "sharpness": lambda _: baselines.Sharpness(),
    "mean-image": lambda _: baselines.MeanImage(),
    "pixel-kNN": lambda _: baselines.PatchNeighbours(2),
    "HOG-kNN": lambda _: baselines.GradientNeighbours(2),
    "SQUID": squid,
    "SQUID-backbone": squid_on_features,
    "auto-encoder": lambda _: baselines.AutoEncoder(code=4, width=4, steps=3, batch_size=8),
    "VAE": lambda _: baselines.VAE(code=4, width=4, steps=3, batch_size=8),
    "Ganomaly": lambda _: baselines.Ganomaly(code=4, width=4, steps=3, batch_size=8),
    "f-AnoGAN": lambda _: baselines.FAnoGAN(code=4, width=4, steps=8, batch_size=8),
    "MemAE": lambda shape: baselines.MemAE(config(shape), slots=20, steps=3, batch_size=8),
    "MNAD": lambda _: baselines.MNAD(items=4, features=6, width=4, steps=3, batch_size=8),
    "SALAD-style": lambda _: baselines.SALAD(code=4, width=4, steps=3, batch_size=8),
    "CutPaste": lambda _: baselines.CutPaste(width=4, steps=3, batch_size=8),
    "PANDA": lambda _: baselines.Panda(resnet18(32, pretrained=False), steps=3, batch_size=8),
    "M-KD": lambda _: baselines.MultiresolutionDistillation(resnet18(32, False), width=4, steps=3, batch_size=8),
    "IF-2D": lambda _: baselines.ImplicitField(code=8, width=32, layers=2, pixels=64, steps=3, fitting_steps=3),
    "PaDiM": lambda _: baselines.PaDiM(resnet18(32, pretrained=False), dims=12),
    "IGD": lambda _: baselines.IGD(code=4, width=4, steps=3, batch_size=8),
    "feature-kNN": lambda _: baselines.FeatureNeighbours(resnet18(32, pretrained=False)),
}
QUESTIONS = ("score", "reconstruct", "anomaly_map")
each_method = pytest.mark.parametrize("name", EVERY)


def images_of(shape: tuple[int, int, int], count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed))


def fitted(name: str, normals: Tensor, held_out: Tensor) -> Any:
    method = EVERY[name]((normals.shape[1], normals.shape[2], normals.shape[3])).fit(normals, seed=0)
    if isinstance(method, baselines.Calibrates):
        method.calibrate(held_out)
    return method


def asked(method: Any, images: Tensor) -> dict[str, Tensor]:
    return {name: getattr(method, name)(images) for name in QUESTIONS if hasattr(method, name)}


def networks_of(method: Any) -> list[nn.Module]:
    detector = getattr(method, "detector", None)
    parts = [*vars(method).values(), *(vars(detector).values() if detector is not None else [])]
    return [part for part in parts if isinstance(part, nn.Module)]


def state_of(method: Any) -> list[Any]:
    """All that a method keeps; but not what 2-NN remembers of images, on which no answer depends."""
    found: list[Any] = []
    for network in networks_of(method):
        found += [value.clone() for value in network.state_dict().values()]
        found += [module.training for module in network.modules()]
        found += [weights.requires_grad for weights in network.parameters()]
        found += [weights.grad is None for weights in network.parameters()]
    for name, value in sorted(vars(method).items()):
        if isinstance(value, Tensor):
            found.append(value.clone())
        elif not isinstance(value, nn.Module) and name != "_known":
            found.append(repr(value))
    return found


def equal(one: Any, other: Any) -> bool:
    return torch.equal(one, other) if isinstance(one, Tensor) else bool(one == other)


def test_there_is_a_small_version_of_every_method() -> None:
    assert list(EVERY) == list(METHODS)


@each_method
def test_asking_changes_nothing_whatever_mode_the_networks_are_in(name: str) -> None:
    method, images = fitted(name, noise(12, 32), noise(8, 32, seed=1)), noise(5, 32, seed=2)
    calm = asked(method, images)
    for network in networks_of(method):
        network.train()
    before, kept, drawn = state_of(method), images.clone(), torch.random.get_rng_state()
    again = asked(method, images)
    after = state_of(method)
    assert len(after) == len(before)
    assert all(equal(one, other) for one, other in zip(before, after, strict=True)), "the method was changed"
    assert torch.equal(images, kept), "the images were changed"
    assert torch.equal(torch.random.get_rng_state(), drawn), "the global generator was used"
    for question, answer in calm.items():
        assert torch.equal(answer, again[question]), f"{question} depends on the networks' mode"


def with_border(images: Tensor) -> Tensor:
    """A black border, as of an X-ray that was masked or turned."""
    framed = images.clone()
    framed[..., :8, :] = framed[..., -8:, :] = framed[..., :, :8] = framed[..., :, -8:] = 0
    return framed


def speck(images: Tensor) -> Tensor:
    """One dark grey spot in the corner of each."""
    marked = images.clone()
    marked[..., 3:5, 3:5] = 4 / 255
    return marked


@each_method
def test_a_constant_border_gives_no_score_without_bounds(name: str) -> None:
    normals, held_out = with_border(noise(24, 32)), with_border(noise(24, 32, seed=1))
    scores = fitted(name, normals, held_out).score(torch.cat([speck(held_out), noise(4, 32, seed=3)]))
    assert torch.isfinite(scores).all()
    assert float(scores.abs().max()) < MOST


@each_method
@pytest.mark.parametrize("image", [torch.zeros(1, 32, 32), torch.full((1, 32, 32), 0.5), noise(1, 32, seed=9)[0]])
def test_identical_images_give_no_score_without_bounds(name: str, image: Tensor) -> None:
    same = image.expand(24, -1, -1, -1).contiguous()
    asked_for = torch.cat([same[:2], speck(same[:2]), noise(4, 32, seed=3), torch.ones(1, 1, 32, 32)])
    scores = fitted(name, same, same).score(asked_for)
    assert torch.isfinite(scores).all()
    assert float(scores.abs().max()) < MOST


def test_cutpaste_tells_a_stranger_where_all_normal_images_are_one() -> None:
    """A covariance of nothing has the pseudo-inverse nothing: every distance would be 0."""
    same = noise(1, 32, seed=9).expand(24, -1, -1, -1).contiguous()
    method = fitted("CutPaste", same, same)
    assert float(method.score(noise(4, 32)).min()) > 10 * float(method.score(same).max()) + 1


REFUSALS = {
    ("SALAD-style", WIDE): "square ones expected, got 32 × 48",
    ("IF-2D", COLOUR): "grey images, got 3 channels",
}


@each_method
@pytest.mark.parametrize("shape", [COLOUR, WIDE], ids=["colour", "wide"])
def test_images_may_be_in_colour_and_wide_or_are_refused_in_a_line(name: str, shape: tuple[int, int, int]) -> None:
    normals, images = images_of(shape, 12), images_of(shape, 5, seed=2)
    if (name, shape) in REFUSALS:
        with pytest.raises(UserError, match=REFUSALS[name, shape]):
            fitted(name, normals, normals)
        return
    answers = asked(fitted(name, normals, normals), images)
    assert answers["score"].shape == (5,)
    assert torch.isfinite(answers["score"]).all()
    if "reconstruct" in answers:
        assert answers["reconstruct"].shape == images.shape
    if "anomaly_map" in answers:
        assert answers["anomaly_map"].shape == (5, 1, *shape[1:])
