"""Methods picture: a row or column for any method; wrong tiles are outlined; the first images are taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from digitanatomy import KINDS, DigitAnatomy, GlyphSplit, Sample
from squidlib.benchmark.pictures import first_of_each_type, methods_picture


class Negative:
    def reconstruct(self, images: Tensor) -> Tensor:
        return 1 - images


class Same:
    def reconstruct(self, images: Tensor) -> Tensor:
        return images


@pytest.fixture(scope="module")
def samples(split: GlyphSplit) -> list[Sample]:
    return first_of_each_type(DigitAnatomy(split.test, dict.fromkeys(KINDS, 2), seed=3))


def test_the_first_image_of_each_kind_is_chosen(split: GlyphSplit, samples: list[Sample]) -> None:
    assert [sample.kind for sample in samples] == list(KINDS)
    test = DigitAnatomy(split.test, dict.fromkeys(KINDS, 2), seed=3)
    assert all(torch.equal(sample.image, test[2 * index].image) for index, sample in enumerate(samples))


def test_kinds_that_a_set_lacks_are_left_out(split: GlyphSplit) -> None:
    some = DigitAnatomy(split.test, {"flipped": 1, "normal": 1})
    assert [sample.kind for sample in first_of_each_type(some)] == ["normal", "flipped"]


@pytest.mark.parametrize("across", [False, True])
def test_every_method_is_shown_for_every_sample(samples: list[Sample], across: bool) -> None:
    figure = methods_picture(samples, {"same": Same(), "negative": Negative()}, "A title", methods_across=across)
    shown = [np.asarray(axis.images[0].get_array()) for axis in figure.axes]
    table = np.array(shown).reshape(5, 3, 96, 96) if across else np.array(shown).reshape(3, 5, 96, 96).swapaxes(0, 1)
    for row, sample in zip(table, samples, strict=True):
        image = sample.image[0].numpy()
        assert np.allclose(row[0], image)
        assert np.allclose(row[1], image)
        assert np.allclose(row[2], 1 - image)
    assert figure.get_suptitle() == "A title"


@pytest.mark.parametrize("across", [False, True])
def test_colour_and_wide_images_are_shown_as_they_are(across: bool) -> None:
    image = torch.rand(3, 8, 16, generator=torch.Generator().manual_seed(0))
    none = torch.zeros(1, dtype=torch.bool)
    figure = methods_picture([Sample(image, 1, "hole", none, none)], {"negative": Negative()}, methods_across=across)
    first, second = (np.asarray(axis.images[0].get_array()) for axis in figure.axes)
    assert np.allclose(first, image.permute(1, 2, 0))
    assert np.allclose(second, 1 - image.permute(1, 2, 0))


def test_one_more_method_is_one_more_row(samples: list[Sample]) -> None:
    methods = {"same": Same()}
    before = len(methods_picture(samples, methods).axes)
    assert len(methods_picture(samples, methods | {"negative": Negative()}).axes) == before + len(samples)


@pytest.mark.parametrize("across", [False, True])
def test_the_wrong_tiles_of_inputs_are_outlined_and_nothing_else(samples: list[Sample], across: bool) -> None:
    figure = methods_picture(samples, {"same": Same()}, methods_across=across)
    step = 2 if across else 1
    inputs = [figure.axes[index * step] for index in range(5)]
    assert [len(axis.patches) for axis in inputs] == [int(sample.wrong.sum()) for sample in samples]
    assert sum(len(axis.patches) for axis in figure.axes) == sum(len(axis.patches) for axis in inputs)
    for axis, sample in zip(inputs, samples, strict=True):
        corners = {(round(patch.get_x() + 0.5), round(patch.get_y() + 0.5)) for patch in axis.patches}
        tiles = torch.nonzero(sample.wrong).flatten().tolist()
        assert corners == {(tile % 3 * 32, tile // 3 * 32) for tile in tiles}


def test_rows_and_columns_have_names(samples: list[Sample]) -> None:
    figure = methods_picture(samples, {"same": Same()})
    assert [axis.get_title() for axis in figure.axes[:5]] == [kind.capitalize() for kind in KINDS]
    assert [figure.axes[index].get_ylabel() for index in (0, 5)] == ["input", "same"]


def test_no_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        methods_picture([], {"same": Same()})
