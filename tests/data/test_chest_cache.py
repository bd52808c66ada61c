"""The cache: what it gives is what the files hold, it is used while they stay the same."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from squidlib.data.chest import loading_rates, open_images, zhanglab
from squidlib.data.images import read_image
from tests.chest_folders import zhanglab_folder
from tests.data.cached import SIZE, decoded
from tests.helpers import contents, refusal


def spoil(path: Path) -> None:
    """Other contents, same size and time: only one who opens the file could tell."""
    status = path.stat()
    path.write_bytes(b"x" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_what_comes_back_is_what_the_files_hold(paths: list[Path]) -> None:
    for _ in ("made", "found"):
        images = decoded(paths).images
        assert isinstance(images, np.memmap)
        assert not images.flags.writeable
        for path, image in zip(paths, images, strict=True):
            assert (torch.from_numpy(image / 255.0) - read_image(path, SIZE)[0]).abs().max() <= 0.5001 / 255


def test_eight_bits_of_the_same_size_come_back_exactly(paths: list[Path]) -> None:
    images = decoded(paths, 16).images
    np.testing.assert_array_equal(images[2], (read_image(paths[2], 16)[0] * 255).round().numpy())


def test_a_hit_opens_no_image(paths: list[Path]) -> None:
    first = decoded(paths).images.copy()
    for path in paths:
        spoil(path)
    np.testing.assert_array_equal(decoded(paths).images, first)


def test_a_changed_source_makes_a_new_one(paths: list[Path]) -> None:
    before = decoded(paths).images.copy()
    paths[1].write_bytes(paths[3].read_bytes())
    after = decoded(paths)
    assert after.note == ""
    np.testing.assert_array_equal(after.images[1], before[3])


def test_a_touched_source_makes_a_new_one(paths: list[Path]) -> None:
    decoded(paths)
    spoil(paths[0])
    os.utime(paths[0], ns=(0, 0))
    assert "not an image that can be read" in refusal(lambda: decoded(paths))


def test_an_added_and_a_removed_source_make_a_new_one(paths: list[Path]) -> None:
    before = decoded(paths[:4]).images.copy()
    np.testing.assert_array_equal(decoded(paths).images[:4], before)
    np.testing.assert_array_equal(decoded(paths[1:4]).images, before[1:])


def test_another_size_makes_another_one(paths: list[Path]) -> None:
    decoded(paths)
    assert decoded(paths, 12).images.shape == (5, 12, 12)
    for path in paths:
        spoil(path)
    assert decoded(paths).images.shape == (5, SIZE, SIZE)  # the first is still there


def test_a_cache_that_was_renamed_to_another_size_is_not_taken(paths: list[Path]) -> None:
    decoded(paths)
    for path in list((paths[0].parent.parent / "cache").iterdir()):
        path.rename(path.with_name(path.name.replace(f"-{SIZE}.", "-12.")))
    assert decoded(paths, 12).images.shape == (5, 12, 12)


def test_bad_files_are_remembered_too(paths: list[Path]) -> None:
    paths[2].write_bytes(b"no image")
    assert f"{paths[2]}: not an image" in refusal(lambda: decoded(paths))
    for _ in ("made", "found"):
        found = decoded(paths, skip_bad=True)
        assert found.rows == [0, 1, 3, 4]
        assert found.images.shape == (4, SIZE, SIZE)
        assert len(found.refused) == 1
    assert f"{paths[2]}: not an image" in refusal(lambda: decoded(paths))


def test_no_file_at_all_can_be_read(paths: list[Path]) -> None:
    for path in paths:
        path.write_bytes(b"no image")
    for _ in ("made", "found"):
        assert decoded(paths, skip_bad=True).images.shape == (0, SIZE, SIZE)


def test_read_only_data_asks_for_a_cache_folder(tmp_path: Path) -> None:
    images = zhanglab(zhanglab_folder(tmp_path / "data"))
    (tmp_path / "data").chmod(0o555)
    before = contents(tmp_path / "data")
    try:
        text = refusal(lambda: open_images(images, SIZE))
        assert contents(tmp_path / "data") == before
    finally:
        (tmp_path / "data").chmod(0o755)
    assert "may not be written; give another folder with --cache" in text
    assert len(open_images(images, SIZE).test) == 14
    assert (tmp_path / "data/.squid-cache").is_dir()


def test_a_cache_folder_that_is_a_file(paths: list[Path]) -> None:
    (paths[0].parent.parent / "cache").write_text("")
    assert "cannot be written; give another one with --cache" in refusal(lambda: decoded(paths))


def test_decoded_x_rays_can_be_read_by_their_user_alone(tmp_path: Path) -> None:
    images = zhanglab(zhanglab_folder(tmp_path / "data"))
    before = os.umask(0)  # the most permissive there is
    try:
        open_images(images, SIZE)
        (tmp_path / "shared").mkdir()
        open_images(images, SIZE, tmp_path / "shared")
    finally:
        os.umask(before)
    own = tmp_path / "data/.squid-cache"
    assert own.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o777  # the user's own folder stays as it is
    modes = [path.stat().st_mode & 0o777 for folder in (own, tmp_path / "shared") for path in folder.iterdir()]
    assert modes == [0o600] * 8


def test_two_data_sets_of_one_name_share_a_folder(tmp_path: Path) -> None:
    one, two = (zhanglab(zhanglab_folder(tmp_path / name)) for name in ("one", "two"))
    for images in (one, two):
        open_images(images, SIZE, tmp_path / "cache")
    for file in (*one.train, *one.test):
        spoil(file.path)
    assert len(open_images(one, SIZE, tmp_path / "cache").test) == 14


def test_another_seed_finds_everything_in_the_cache(tmp_path: Path) -> None:
    zhanglab_folder(tmp_path / "data")
    open_images(zhanglab(tmp_path / "data", 0), SIZE, tmp_path / "cache")
    before = contents(tmp_path / "cache")
    open_images(zhanglab(tmp_path / "data", 1), SIZE, tmp_path / "cache")
    assert contents(tmp_path / "cache") == before


def test_rates_are_measured_and_leave_nothing(paths: list[Path]) -> None:
    rates = loading_rates(paths[0].parent, SIZE, seconds=0.01)
    assert rates.images == 5
    assert min(rates) > 0
    assert sorted(paths[0].parent.iterdir()) == paths
