"""DigitAnatomy as the trainer and the evaluation want it: training batches, calibration normals, the test set.

The evaluation set is fixed here (400 normals, 200 images of each kind, test glyphs), so that every figure in the
README, the notebooks and the tests is about the same images.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from digitanatomy import ANOMALIES, DigitAnatomy, FreshNormals, Glyphs, Jitter, join_tiles, mnist5000
from squidlib.data.base import TestSet
from squidlib.data.content import Part
from squidlib.data.glyphs import DOWNLOADED, OFFLINE, load_glyphs
from squidlib.data.options import OFFLINE_GLYPHS, DataOptions, Entry
from squidlib.utils.errors import UserError

EPOCH_IMAGES = 1600  #: fresh normals an epoch, as in the authors' configuration
CALIBRATION_IMAGES = 256
TEST_COUNTS = {"normal": 400, **dict.fromkeys(ANOMALIES, 200)}
VALIDATION_IMAGES = 128
_CALIBRATION_SEED, _TEST_SEED, _VALIDATION_SEED = 11, 12, 13


class Digits:
    """DigitAnatomy as a ``Dataset``.

    Args:
        glyphs: cut by ``Glyphs.split`` into train, calibration and test; None is the offline MNIST.
        seed: of the training images.
        jitter: how training tiles are varied.
        held_back: share of the training glyphs that are not trained on, but composed into ``validation``; the
            calibration and the test glyphs stay what they are.
        settings: that it was made of, where it was made by name.
    """

    notes: tuple[str, ...] = ()
    photographic = False
    epoch_images = EPOCH_IMAGES
    image_shape = (1, 96, 96)

    def __init__(
        self,
        glyphs: Glyphs | None = None,
        seed: int = 0,
        jitter: Jitter | None = None,
        held_back: float = 0.0,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.settings = {} if settings is None else settings
        self.glyphs = (mnist5000() if glyphs is None else glyphs).split()
        self._held: Glyphs | None = None
        if held_back:
            train, self._held = _without(self.glyphs.train, held_back)
            self.glyphs = self.glyphs._replace(train=train)
        self.fresh = FreshNormals(self.glyphs.train, seed, jitter)

    def batch(self, step: int, size: int) -> Tensor:
        return self.fresh.batch(step * size, size)

    def reference(self) -> Tensor:
        """Image i shows the i-th training sample of every digit."""
        train = self.glyphs.train
        own = [train.indices(digit) for digit in range(1, 10)]
        shortest = min(len(indices) for indices in own)
        return join_tiles(torch.stack([train.tiles[indices[:shortest]] for indices in own], dim=1))

    def calibration(self) -> Tensor:
        return DigitAnatomy(self.glyphs.calibration, {"normal": CALIBRATION_IMAGES}, _CALIBRATION_SEED).images()

    def validation(self) -> Tensor:
        """Normal images of the glyphs that were held back.

        Raises:
            ValueError: where none were.
        """
        if self._held is None:
            raise ValueError("no glyph is held back to validate on; make the data with held_back=0.1")
        return DigitAnatomy(self._held, {"normal": VALIDATION_IMAGES}, _VALIDATION_SEED).images()

    def contents(self) -> dict[str, Part]:
        """The glyphs of a folder, as ``squidlib.data.content`` wants them; those of a known source never change."""
        if self.settings.get("glyphs", OFFLINE_GLYPHS) in (*OFFLINE, *DOWNLOADED):
            return {}
        parts = {"training": self.glyphs.train, "calibration": self.glyphs.calibration, "test": self.glyphs.test}
        return {name: Part(part.tiles.numpy(), list(map(str, part.labels.tolist()))) for name, part in parts.items()}

    def test_digits(self) -> DigitAnatomy:
        """The test images one by one, with what is known of each."""
        return DigitAnatomy(self.glyphs.test, TEST_COUNTS, _TEST_SEED)

    def test(self) -> TestSet:
        return digit_tests(self.test_digits())


def digit_tests(digits: DigitAnatomy) -> TestSet:
    """Composed digits as a test set; the first image of each anomaly type is pictured."""
    samples = list(digits)
    types = [sample.kind for sample in samples]
    images, masks, wrong = (torch.stack([getattr(s, part) for s in samples]) for part in ("image", "mask", "wrong"))
    pictured = [types.index(name) for name in dict.fromkeys(types)]
    ids = [f"{name} {types[: number + 1].count(name)}" for number, name in enumerate(types)]
    return TestSet(images, types, masks, wrong, pictured, ids)


def _without(glyphs: Glyphs, share: float) -> tuple[Glyphs, Glyphs]:
    """The glyphs less the last share of every digit's, and those; the order is that of the files, not of a run."""
    if not 0 < share < 1:
        raise ValueError(f"the share of glyphs to hold back lies between 0 and 1, got {share}")
    own = [glyphs.indices(digit) for digit in range(10)]
    held = torch.cat([indices[len(indices) - max(1, round(share * len(indices))) :] for indices in own]).sort().values
    stay = torch.ones(len(glyphs), dtype=torch.bool)
    stay[held] = False
    return glyphs.subset(torch.nonzero(stay).flatten()), glyphs.subset(held)


def _settings_of(options: DataOptions) -> dict[str, Any]:
    if options.folder is not None:
        raise UserError("--data is the folder of a data set's images; for digits of your own give --glyphs")
    if options.contamination:
        raise UserError("--contamination is for chest X-rays; of digits, lesson 09 and its study tell")
    for name, value in (("--size", options.image_size), ("--channels", options.channels)):
        if value is not None:
            raise UserError(f"{name} is for a folder of images; digits are grey, 96 x 96 pixels")
    options.refuse_series()
    if options.test_each is not None:
        raise UserError("--test-each is for chexpert; the test images of digits are fixed")
    for name, wanted in (("--cache", options.cache is not None), ("--skip-bad", options.skip_bad)):
        if wanted:
            raise UserError(f"{name} is for image files; digits are composed in memory")
    held_back = {"held_back": options.held_back} if options.held_back else {}
    jitter = {} if options.jitter is None else {"jitter": options.jitter}
    return {"glyphs": options.glyphs, **jitter, **held_back}


def _open(settings: dict[str, Any], seed: int, download: bool) -> Digits:
    jitter = Jitter(**settings["jitter"]) if "jitter" in settings else None
    glyphs = load_glyphs(str(settings.get("glyphs", "mnist5000")), download=download)
    names = ("data", "glyphs", "jitter", "held_back")
    known = {str(name): settings[name] for name in names if name in settings}
    return Digits(glyphs, seed, jitter, float(settings.get("held_back", 0)), known)


ENTRY = Entry(_settings_of, _open)
