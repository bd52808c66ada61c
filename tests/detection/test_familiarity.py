"""Familiarity: what is unlike the training data gets that verdict, and normal images and anomalies do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor

import squidlib
from digitanatomy import KINDS, DigitAnatomy, GlyphSplit, sklearn_digits
from squidlib.data.chest.phantom import draw_chests
from squidlib.detection.detector import Detector
from squidlib.detection.familiarity import LEAST_IMAGES, familiarity_of, unlike
from squidlib.detection.prediction import UNLIKE
from tests.chest_folders import real_zhanglab


@pytest.fixture(scope="module")
def detector() -> Detector:
    return squidlib.load("digitanatomy")


@pytest.fixture(scope="module")
def normals(split: GlyphSplit) -> Tensor:
    return DigitAnatomy(split.test, {"normal": 100}, seed=3).images()


def photograph(size: int) -> Tensor:
    from sklearn.datasets import load_sample_images

    pictures = [torch.tensor(image.mean(2) / 255, dtype=torch.float32) for image in load_sample_images().images]
    squares = torch.stack([picture[:420, :420] for picture in pictures])[:, None]
    return F.interpolate(squares, size=size, mode="area")


FOREIGN: dict[str, Callable[[Tensor], Tensor]] = {
    "inverted": lambda images: 1 - images,
    "divided by 255 twice": lambda images: images / 255,
    "a quarter of the contrast": lambda images: images / 4,
    "a quarter of the contrast, around grey": lambda images: 0.5 + (images - 0.5) / 4,
    "noise": lambda images: torch.rand(images.shape, generator=Generator().manual_seed(0)),
    "black": torch.zeros_like,
    "white": torch.ones_like,
    "grey": lambda images: torch.full_like(images, 0.5),
    "strongly blurred": lambda images: F.avg_pool2d(images, 9, 1, 4, count_include_pad=False),
    "blurred": lambda images: F.avg_pool2d(images, 5, 1, 2, count_include_pad=False),
    "pixels in another order": lambda images: images.flatten(2)[..., ::37].repeat(1, 1, 38)[..., :9216].view_as(images),
    "half as large": lambda images: F.pad(F.avg_pool2d(images, 2), [24] * 4),
    "photograph": lambda images: photograph(96),
    "chest": lambda images: draw_chests(range(20), range(20), abnormal=False, size=96),
    "digits of another hand and size": lambda images: other_digits(),
}


def other_digits() -> Tensor:
    return DigitAnatomy(sklearn_digits().split().test, {"normal": 50}, seed=0).images()


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_image_is_neither_normal_nor_abnormal(detector: Detector, normals: Tensor, name: str) -> None:
    verdicts = detector.predict(FOREIGN[name](normals)).verdicts
    assert set(verdicts) == {UNLIKE}


@pytest.mark.parametrize("seed", [101, 102, 103])
def test_of_normal_images_at_most_one_in_a_hundred_gets_it(detector: Detector, split: GlyphSplit, seed: int) -> None:
    images = DigitAnatomy(split.test, {"normal": 500}, seed=seed).images()
    assert float(detector.predict(images).unlike.float().mean()) <= 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_an_anomaly_is_a_change_in_an_image_of_the_right_kind(detector: Detector, split: GlyphSplit, kind: str) -> None:
    images = DigitAnatomy(split.test, {kind: 200}, seed=7).images()
    assert float(detector.predict(images).unlike.float().mean()) <= 0.01


def test_another_exposure_is_not_foreign(detector: Detector, normals: Tensor) -> None:
    for gamma in (0.8, 1.25):
        assert not detector.predict(normals**gamma).unlike.any()


def test_radiographs_like_phantoms_know_their_kind() -> None:
    normals = draw_chests(range(60), range(60), abnormal=False, size=96)
    known = familiarity_of(normals)
    assert known is not None
    others, hazy = (draw_chests(range(100, 160), range(60), abnormal=flag, size=96) for flag in (False, True))
    assert float(unlike(others, known).float().mean()) <= 0.02
    assert float(unlike(hazy, known).float().mean()) <= 0.05
    assert unlike(1 - others, known).all()
    assert unlike(others / 255, known).all()
    assert unlike(other_digits(), known).all()


def radiographs(folder: Path, count: int) -> Tensor:
    """The first images of a folder, at 128 px."""
    pictures = [Image.open(path).convert("L").resize((128, 128)) for path in sorted(folder.iterdir())[:count]]
    return torch.stack([torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255) for picture in pictures])[:, None]


def test_real_radiographs_know_their_kind_and_pneumonia_is_one_of_it() -> None:
    root = real_zhanglab()
    known = familiarity_of(radiographs(root / "train" / "NORMAL", 200))
    assert known is not None
    normal, abnormal = (radiographs(root / "test" / name, 100) for name in ("NORMAL", "PNEUMONIA"))
    assert float(unlike(normal, known).float().mean()) <= 0.01
    assert float(unlike(abnormal, known).float().mean()) <= 0.01
    foreign = {name: change(normal) for name, change in FOREIGN.items() if name in ("inverted", "noise", "black")}
    foreign |= {"divided by 255 twice": normal / 255, "a quarter of the contrast": normal / 4}
    foreign["strongly blurred"] = F.avg_pool2d(normal, 17, 1, 8, count_include_pad=False)
    foreign["digits"] = F.interpolate(other_digits(), size=128, mode="bilinear")
    foreign["photograph"] = photograph(128)
    assert {name: float(unlike(images, known).float().mean()) for name, images in foreign.items()} == dict.fromkeys(
        foreign, 1.0
    )


def test_few_normal_images_leave_wide_margins() -> None:
    """Of chests in many an exposure, the range of 20 is far narrower than that of all."""
    exposures = torch.exp(0.5 * torch.randn(400, 1, 1, 1, generator=Generator().manual_seed(9)))
    images = draw_chests(range(400), range(400), abnormal=False, size=96) ** exposures
    shares = []
    for seed in range(5):
        order = torch.randperm(400, generator=Generator().manual_seed(seed))
        known = familiarity_of(images[order[:LEAST_IMAGES]])
        assert known is not None
        assert unlike(1 - images[:20], known).all()
        shares.append(float(unlike(images[order[LEAST_IMAGES:]], known).float().mean()))
    assert sum(shares) / len(shares) <= 0.01


def test_colour_is_foreign_to_grey() -> None:
    grey = draw_chests(range(40), range(40), abnormal=False, size=96).repeat(1, 3, 1, 1)
    known = familiarity_of(grey)
    assert known is not None
    tinted = grey * torch.tensor([1.0, 0.8, 0.6])[:, None, None]
    assert unlike(tinted, known).all()
    assert not unlike(grey, known).any()


def test_too_few_normal_images_tell_nothing(detector: Detector, normals: Tensor) -> None:
    assert familiarity_of(normals[: LEAST_IMAGES - 1]) is None
    old = Detector(
        detector.squid, detector.discriminator, detector.calibration._replace(familiarity=None), detector.metadata
    )
    assert not old.knows_unlike
    assert not old.predict(1 - normals).unlike.any()
