"""DigitAnatomy as the trainer and the evaluation want it: training batches, calibration normals, the test set.

The evaluation set is fixed here (400 normals, 200 images of each kind, test glyphs), so that every figure in
the docs, the notebooks and the tests is about the same images. Where the digits of an image are written by one hand
(``hand``, see ``digitanatomy.hand``), it also holds the three anomalies that are no anomaly of a tile by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import torch
from torch import Tensor

from digitanatomy import (
    ANOMALIES,
    SUBTLE_ANOMALIES,
    DigitAnatomy,
    FreshNormals,
    Glyphs,
    Jitter,
    join_tiles,
    mnist5000,
    seeded_generator,
    sklearn_digits,
    styles,
    write,
)
from digitanatomy.hand import NUMBERS
from digitanatomy.other_pens import WAYS, rewritten
from squidlib.data.base import TestSet
from squidlib.data.content import Part
from squidlib.data.glyphs import DOWNLOADED, OFFLINE, load_glyphs
from squidlib.data.options import OFFLINE_GLYPHS, DataOptions, Entry
from squidlib.utils.errors import UserError

EPOCH_IMAGES = 1600  #: fresh normals an epoch, as in the authors' configuration
CALIBRATION_IMAGES = 256
TEST_COUNTS = {"normal": 400, **dict.fromkeys(ANOMALIES, 200)}
SUBTLE_COUNTS = dict.fromkeys(SUBTLE_ANOMALIES, 200)  #: more of them, where the digits are written by one hand
VALIDATION_IMAGES = 128
_CALIBRATION_SEED, _TEST_SEED, _VALIDATION_SEED, _REFERENCE_SEED = 11, 12, 13, 14


class Digits:
    """DigitAnatomy as a ``Dataset``.

    Args:
        glyphs: cut by ``Glyphs.split`` into train, calibration and test; None is the offline MNIST.
        seed: of the training images.
        jitter: how training tiles are varied.
        held_back: share of the training glyphs that are not trained on, but composed into ``validation``; the
            calibration and the test glyphs stay what they are.
        settings: that it was made of, where it was made by name.
        hand: how far the digits of an image are written by one hand, 0 to 1.
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
        hand: float = 0.0,
    ) -> None:
        self.settings, self.hand = {} if settings is None else settings, hand
        self.glyphs = (mnist5000() if glyphs is None else glyphs).split()
        self._held: Glyphs | None = None
        if held_back:
            train, self._held = _without(self.glyphs.train, held_back)
            self.glyphs = self.glyphs._replace(train=train)
        self.fresh = FreshNormals(self.glyphs.train, seed, jitter, hand)

    def batch(self, step: int, size: int) -> Tensor:
        return self.fresh.batch(step * size, size)

    def unvaried(self) -> Digits:
        """The same digits; its training images are as glyphs and hand give them."""
        plain = copy(self)
        plain.fresh = FreshNormals(self.glyphs.train, self.fresh.seed, None, self.hand)
        return plain

    def reference(self) -> Tensor:
        """Image i shows the i-th training sample of every digit; with a hand, written by one of its own."""
        train = self.glyphs.train
        own = [train.indices(digit) for digit in range(1, 10)]
        shortest = min(len(indices) for indices in own)
        samples = torch.stack([indices[:shortest] for indices in own], dim=1)
        if not self.hand:
            return join_tiles(train.tiles[samples])
        numbers = torch.rand(shortest, NUMBERS, generator=seeded_generator(_REFERENCE_SEED, 0))
        return join_tiles(write(train.outlines.at(samples), styles(numbers, self.hand), self.hand))

    def calibration(self) -> Tensor:
        counts = {"normal": CALIBRATION_IMAGES}
        return DigitAnatomy(self.glyphs.calibration, counts, _CALIBRATION_SEED, hand=self.hand).images()

    def validation(self) -> Tensor:
        """Normal images of the glyphs that were held back.

        Raises:
            ValueError: where none were.
        """
        if self._held is None:
            raise ValueError("no glyph is held back to validate on; make the data with held_back=0.1")
        return DigitAnatomy(self._held, {"normal": VALIDATION_IMAGES}, _VALIDATION_SEED, hand=self.hand).images()

    def contents(self) -> dict[str, Part]:
        """The glyphs of a folder, as ``squidlib.data.content`` wants them; those of a known source never change."""
        if self.settings.get("glyphs", OFFLINE_GLYPHS) in (*OFFLINE, *DOWNLOADED):
            return {}
        parts = {"training": self.glyphs.train, "calibration": self.glyphs.calibration, "test": self.glyphs.test}
        return {name: Part(part.tiles.numpy(), list(map(str, part.labels.tolist()))) for name, part in parts.items()}

    def test_digits(self) -> DigitAnatomy:
        """The test images one by one, with what is known of each."""
        return DigitAnatomy(self.glyphs.test, self._test_counts(), _TEST_SEED, hand=self.hand)

    def _test_counts(self) -> dict[str, int]:
        return TEST_COUNTS | (SUBTLE_COUNTS if self.hand else {})

    def test(self) -> TestSet:
        return digit_tests(self.test_digits())

    def other_tests(self) -> Iterator[tuple[str, TestSet]]:
        """Test images of other pens and scanners, and of scikit-learn's digits, one set after the other, by name."""
        others = {way: rewritten(self.glyphs.test, way) for way in WAYS} | {"scikit-learn's digits": sklearn_digits()}
        for name, glyphs in others.items():
            yield name, digit_tests(DigitAnatomy(glyphs, self._test_counts(), _TEST_SEED, hand=self.hand))


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
        raise UserError("--contamination is for chest X-rays; of digits, lesson 11 and its study tell")
    for name, value in (("--size", options.image_size), ("--channels", options.channels)):
        if value is not None:
            raise UserError(f"{name} is for a folder of images; digits are grey, 96 x 96 pixels")
    options.refuse_series()
    if options.test_each is not None:
        raise UserError("--test-each is for chexpert; the test images of digits are fixed")
    for name, wanted in (("--cache", options.cache is not None), ("--skip-bad", options.skip_bad)):
        if wanted:
            raise UserError(f"{name} is for image files; digits are composed in memory")
    if not 0 <= options.hand <= 1:
        raise UserError(f"--hand says how far the digits of an image are one writer's, 0 to 1; got {options.hand:g}")
    hand = {"hand": options.hand} if options.hand else {}
    held_back = {"held_back": options.held_back} if options.held_back else {}
    jitter = {} if options.jitter is None else {"jitter": options.jitter}
    return {"glyphs": options.glyphs, **jitter, **held_back, **hand}


def _open(settings: dict[str, Any], seed: int, download: bool) -> Digits:
    jitter = Jitter(**settings["jitter"]) if "jitter" in settings else None
    glyphs = load_glyphs(str(settings.get("glyphs", "mnist5000")), download=download)
    names = ("data", "glyphs", "jitter", "held_back", "hand")
    known = {str(name): settings[name] for name in names if name in settings}
    return Digits(glyphs, seed, jitter, float(settings.get("held_back", 0)), known, float(settings.get("hand", 0)))


ENTRY = Entry(_settings_of, _open)
