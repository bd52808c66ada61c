"""ChestData: batches are functions of seed and step, epochs show every image once, contamination is as told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from squidlib.data.base import Dataset, require_test_set
from squidlib.data.chest import Augmentation, ChestArrays, ChestData, augment, open_images, zhanglab
from squidlib.data.chest.data import as_tensor
from tests.chest_folders import zhanglab_folder
from tests.helpers import noise, refusal

SIZE = 16
STILL = Augmentation(shift=0.0, scale=0.0)


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> ChestArrays:
    folder = tmp_path_factory.mktemp("chest")
    return open_images(zhanglab(zhanglab_folder(folder / "data")), SIZE, folder / "cache")


def rows_of(images: Tensor, among: Tensor) -> list[int]:
    """Which of ``among`` each image is; fails where it is none."""
    distance = torch.cdist(images.flatten(1), among.flatten(1))
    assert distance.min(dim=1).values.max() < 1e-2
    return distance.argmin(dim=1).tolist()


def test_it_is_normal_data(arrays: ChestArrays) -> None:
    data = ChestData(arrays)
    assert isinstance(data, Dataset)
    for images, count in ((data.batch(0, 5), 5), (data.reference(), len(data)), (require_test_set(data).images, 14)):
        assert images.shape == (count, 1, SIZE, SIZE)
        assert images.dtype == torch.float32
        assert 0 <= images.min() <= images.max() <= 1
    assert require_test_set(data).labels.tolist() == [0] * 6 + [1] * 8
    assert len(data) + len(data.calibration()) == 16


def test_a_batch_is_a_function_of_seed_and_step(arrays: ChestArrays) -> None:
    data, same, other = ChestData(arrays, 3), ChestData(arrays, 3), ChestData(arrays, 4)
    expected = [data.batch(step, 6) for step in range(4)]
    for step in (2, 0, 3, 1):  # in another order, others in between
        torch.rand(1)
        assert torch.equal(same.batch(step, 6), expected[step])
        assert not torch.equal(other.batch(step, 6), expected[step])


def test_the_stream_of_images_does_not_depend_on_the_batch_size(arrays: ChestArrays) -> None:
    data = ChestData(arrays)
    torch.testing.assert_close(data.batch(0, 40), torch.cat([data.batch(step, 8) for step in range(5)]))


def test_every_epoch_shows_each_image_once_in_an_order_of_its_own(arrays: ChestArrays) -> None:
    data = ChestData(arrays, augmentation=STILL)
    epochs = [rows_of(data.batch(epoch, len(data)), data.reference()) for epoch in range(3)]
    for rows in epochs:
        assert sorted(rows) == list(range(len(data)))
    assert epochs[0] != epochs[1] != epochs[2]


def test_no_two_images_of_the_stream_are_moved_alike(arrays: ChestArrays) -> None:
    alike = replace(arrays, train=arrays.train[[3] * 4])  # one image four times
    shown = ChestData(alike).batch(0, 12).flatten(1)  # three epochs
    assert (torch.cdist(shown, shown) + torch.eye(12)).min() > 0.01


def test_every_image_is_augmented(arrays: ChestArrays) -> None:
    data, still = ChestData(arrays), ChestData(arrays, augmentation=STILL)
    moved = (data.batch(0, len(data)) - still.batch(0, len(data))).abs().amax(dim=(1, 2, 3))
    assert (moved > 0.01).all()


def test_calibration_and_test_are_never_trained_on(arrays: ChestArrays) -> None:
    data = ChestData(arrays)
    held_out = torch.cat([data.calibration(), require_test_set(data).images])
    assert torch.cdist(data.reference().flatten(1), held_out.flatten(1)).min() > 0.1


@pytest.mark.parametrize(("step", "size"), [(-1, 4), (0, 0)])
def test_no_batch_before_the_first_or_without_images(arrays: ChestArrays, step: int, size: int) -> None:
    with pytest.raises(ValueError, match="steps count from 0"):
        ChestData(arrays).batch(step, size)


def test_augmentation_at_a_half_changes_nothing() -> None:
    images = noise(3, SIZE)
    torch.testing.assert_close(augment(images, torch.full((3, 3), 0.5), Augmentation()), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("numbers", "right", "down"), [([0.5, 1.0, 0.5], 1, 0), ([0.5, 0.5, 0.0], 0, -1)])
def test_augmentation_shifts_right_and_down_by_its_share(numbers: list[float], right: int, down: int) -> None:
    image = torch.zeros(1, 1, 20, 20)
    image[..., 10, 10] = 1
    moved = augment(image, torch.tensor([numbers]), Augmentation(shift=0.05))  # of 20 pixels: one
    assert moved[0, 0, 10 + down, 10 + right] == pytest.approx(1, abs=1e-4)
    assert moved.sum() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("number", "side"), [(0.0, 0.95), (1.0, 1.05)])
def test_augmentation_scales_about_the_centre(number: float, side: float) -> None:
    image = torch.zeros(1, 1, 200, 200)
    image[..., 50:150, 50:150] = 1
    scaled = augment(image, torch.tensor([[number, 0.5, 0.5]]), Augmentation())
    assert scaled.sum().sqrt() == pytest.approx(100 * side, abs=0.5)
    torch.testing.assert_close(scaled, scaled.flip(-1).flip(-2), atol=1e-4, rtol=0)


def test_augmentation_stays_in_its_bounds() -> None:
    with pytest.raises(ValueError, match=r"shift and scale lie in 0\.\.1"):
        Augmentation(shift=1.5)


@pytest.mark.parametrize("share", [100, 75, 50])
def test_contamination_is_as_told(arrays: ChestArrays, share: int) -> None:
    clean = ChestData(arrays)
    dirty = clean.contaminated(share, seed=1, images=8)
    assert len(dirty) == 8
    assert dirty.contaminated_rows.sum() == 8 * (100 - share) // 100
    known = torch.cat([clean.reference(), clean.calibration(), as_tensor(arrays.abnormals().images)])
    rows = rows_of(dirty.reference(), known)
    assert len(set(rows)) == 8
    assert [row >= 16 for row in rows] == dirty.contaminated_rows.tolist()
    held = rows_of(dirty.calibration(), known)
    assert sum(row >= 16 for row in held) == round(len(held) * (100 - share) / 100)
    assert not set(rows) & set(held)
    assert torch.equal(require_test_set(dirty).images, require_test_set(clean).images)


def test_contamination_shares_no_abnormal_patient_with_calibration(arrays: ChestArrays) -> None:
    dirty = ChestData(arrays).contaminated(50, images=8)
    abnormals = arrays.abnormals()
    known = as_tensor(abnormals.images)
    trained = rows_of(dirty.reference()[torch.from_numpy(dirty.contaminated_rows)], known)
    distance = torch.cdist(dirty.calibration().flatten(1), known.flatten(1))
    held = distance.argmin(1)[distance.min(1).values < 1e-2].tolist()
    assert held
    assert not {abnormals.patients[row] for row in trained} & {abnormals.patients[row] for row in held}


def test_contamination_depends_on_the_seed_alone(arrays: ChestArrays) -> None:
    drawn = [ChestData(arrays).contaminated(60, seed).reference() for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_nobody_decodes_abnormals_who_does_not_ask(tmp_path: Path) -> None:
    root = zhanglab_folder(tmp_path / "data")
    data = ChestData(open_images(zhanglab(root), SIZE, tmp_path / "cache"))
    data.contaminated(100)
    assert not list((tmp_path / "cache").glob("*abnormal*"))
    data.contaminated(50)
    assert list((tmp_path / "cache").glob("*abnormal*"))


def test_too_few_abnormals(arrays: ChestArrays) -> None:
    few = arrays.abnormals()._replace(images=arrays.abnormals().images[:2], patients=["a", "b"])
    scarce = ChestArrays(arrays.name, arrays.train, arrays.calibration, arrays.test, arrays.labels, lambda: few)
    assert "abnormal images of different patients expected" in refusal(lambda: ChestData(scarce).contaminated(50))


@pytest.mark.parametrize(("share", "images"), [(0, None), (101, None), (50, 0), (50, 1000)])
def test_no_share_and_no_size_that_cannot_be(arrays: ChestArrays, share: int, images: int | None) -> None:
    with pytest.raises(ValueError, match=r"1\.\."):
        ChestData(arrays).contaminated(share, images=images)


def test_the_arrays_are_not_changed_by_looking(arrays: ChestArrays) -> None:
    before = np.array(arrays.train)
    ChestData(arrays).reference().zero_()
    np.testing.assert_array_equal(arrays.train, before)
