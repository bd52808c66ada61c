"""Baselines against a loop, numpy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Generator, Tensor

from digitanatomy import FreshNormals, sklearn_digits
from squidlib.baselines import MeanImage, Method, PatchNeighbours, Sharpness
from squidlib.detection.scores import blur
from squidlib.patches import cut

METHODS = [Sharpness(), MeanImage(), PatchNeighbours(3)]


def some_images(count: int, seed: int, size: int = 12) -> Tensor:
    return torch.rand(count, 1, size, size, generator=Generator().manual_seed(seed))


def test_sharpness_is_minus_the_mean_step_to_the_right_neighbour() -> None:
    images = some_images(3, 0)
    for image, score in zip(images, Sharpness().fit(images).score(images), strict=True):
        steps = [abs(float(image[0, i, j + 1] - image[0, i, j])) for i in range(12) for j in range(11)]
        assert score.item() == pytest.approx(-sum(steps) / len(steps), rel=1e-5)


def test_sharpness_sees_horizontal_steps_only_and_blur_as_abnormal() -> None:
    columns = (torch.arange(12) % 2).float().expand(1, 1, 12, 12)
    blank = torch.full((1, 1, 12, 12), 0.3)
    scores = Sharpness().score(torch.cat([columns, columns.transpose(2, 3), columns * 0.5, blank]))
    assert scores.tolist() == [-1, 0, -0.5, 0]


def test_mean_image_is_the_root_mean_squared_difference_to_the_average() -> None:
    normals, images = some_images(7, 0), some_images(3, 1)
    expected = np.sqrt(((images.numpy() - normals.numpy().mean(0)) ** 2).mean((1, 2, 3)))
    np.testing.assert_allclose(MeanImage().fit(normals).score(images).numpy(), expected, rtol=1e-5)


def test_the_mean_image_scores_zero_and_its_opposite_most() -> None:
    method = MeanImage().fit(torch.zeros(2, 1, 12, 12))
    blank, half, white = torch.zeros(1, 1, 12, 12), torch.full((1, 1, 12, 12), 0.5), torch.ones(1, 1, 12, 12)
    assert method.score(torch.cat([blank, half, white])).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("neighbours", [1, 5])
def test_patch_neighbours_are_those_of_scikit_learn(neighbours: int) -> None:
    normals, images = some_images(40, 0), some_images(6, 1)
    patches, queries = (cut(part, 3).flatten(2).numpy() for part in (normals, images))
    each = []
    for position in range(9):
        found = NearestNeighbors(n_neighbors=neighbours).fit(patches[:, position])
        each.append(found.kneighbors(queries[:, position])[0].mean(1))
    scores = PatchNeighbours(3, neighbours).fit(normals).score(images)
    np.testing.assert_allclose(scores.numpy(), np.max(each, axis=0), rtol=1e-4)


def test_a_copied_image_scores_zero_and_a_patch_in_a_strange_place_does_not() -> None:
    normals = some_images(10, 0)
    moved = normals[:1].clone()
    moved[..., :4, :4], moved[..., 8:, 8:] = normals[:1, :, 8:, 8:], normals[:1, :, :4, :4]
    scores = PatchNeighbours(3, neighbours=1).fit(normals).score(torch.cat([normals[:1], moved]))
    assert scores[0].item() == pytest.approx(0, abs=2e-3)
    assert scores[1] > 0.5


def test_only_the_worst_patch_counts() -> None:
    method = PatchNeighbours(3).fit(torch.zeros(5, 1, 12, 12))
    images = torch.zeros(3, 1, 12, 12)
    images[1, 0, 5, 5] = 1  # one patch, distance 1
    images[2, 0, ::4, ::4] = 1  # every patch, distance 1
    assert method.score(images).tolist() == pytest.approx([0, 1, 1], abs=1e-5)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_gives_one_finite_score_an_image_whatever_else_is_scored(method: Method) -> None:
    fitted = method.fit(some_images(30, 0))
    images = torch.cat([some_images(5, 1), torch.zeros(1, 1, 12, 12), torch.ones(1, 1, 12, 12)])
    scores = fitted.score(images)
    assert scores.shape == (7,)
    assert torch.isfinite(scores).all()
    alone = torch.cat([fitted.score(image[None]) for image in images])
    assert torch.allclose(scores, alone, atol=1e-5)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_scores_in_its_range_and_leaves_its_input_alone(method: Method) -> None:
    normals, images = some_images(30, 0), some_images(5, 1)
    copies = normals.clone(), images.clone()
    scores = method.fit(normals).score(images)
    low, high = {"sharpness": (-1, 0), "mean image": (0, 1), "pixel kNN": (0, 4)}[method.name]
    assert (scores >= low).all()
    assert (scores <= high).all()
    assert torch.equal(normals, copies[0])
    assert torch.equal(images, copies[1])


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_what_each_method_is_for_is_more_abnormal_than_every_normal_image(method: Method) -> None:
    stream = FreshNormals(sklearn_digits())
    normals = stream.batch(60, 20)
    strange = {"sharpness": blur(blur(normals)), "mean image": 1 - normals, "pixel kNN": 1 - normals}[method.name]
    fitted = method.fit(stream.batch(0, 60))
    assert (fitted.score(strange) > fitted.score(normals).max()).all()


def test_too_few_images_are_refused_with_their_number() -> None:
    with pytest.raises(ValueError, match="at least 5 normal images expected, got 4"):
        PatchNeighbours(3).fit(some_images(4, 0))
    with pytest.raises(ValueError, match="at least 1 normal image expected, got 0"):
        MeanImage().fit(some_images(0, 0))


def test_as_many_images_as_neighbours_are_enough() -> None:
    assert PatchNeighbours(3).fit(some_images(5, 0)).score(some_images(2, 1)).shape == (2,)
    assert MeanImage().fit(some_images(1, 0)).score(some_images(1, 0)).item() == 0


def test_a_grid_that_does_not_divide_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="5x5 grid must divide the image; got 12x12"):
        PatchNeighbours(5).fit(some_images(5, 0))
