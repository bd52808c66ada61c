"""One picture in two files: found by its decoded pixels, whatever the format, the compression and the metadata."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import squidlib.data.chest.cache as cache
from squidlib.data.chest import ChestArrays, open_images, zhanglab
from squidlib.data.folder import FolderData
from tests.chest_folders import write_image, zhanglab_folder
from tests.helpers import refusal


def as_png_with_metadata(image: Image.Image, path: Path) -> None:
    told = PngInfo()
    told.add_text("Comment", "exported anew")
    image.save(path, "PNG", pnginfo=told, compress_level=0)


def as_rgb_tiff(image: Image.Image, path: Path) -> None:
    image.convert("RGB").save(path, "TIFF", compression="tiff_lzw")


def as_lossless_webp(image: Image.Image, path: Path) -> None:
    image.save(path, "WEBP", lossless=True)


def with_opaque_alpha(image: Image.Image, path: Path) -> None:
    image.convert("RGBA").save(path, "PNG")


COPIES: list[Callable[[Image.Image, Path], None]] = [
    as_png_with_metadata, as_rgb_tiff, as_lossless_webp, with_opaque_alpha,
]  # fmt: skip


def copied(source: Path, target: Path, copy: Callable[[Image.Image, Path], None]) -> None:
    """``target`` has the ending of any image: what a file is, its content says."""
    with Image.open(source) as image:
        image.load()
        copy(image, target)
    assert source.read_bytes() != target.read_bytes()


def first(root: Path, folder: str) -> Path:
    return sorted((root / folder).iterdir())[0]


def opened(root: Path, skip_bad: bool = False) -> ChestArrays:
    return open_images(zhanglab(root, skip_bad=skip_bad), 16, root.parent / "cache", skip_bad)


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("test/NORMAL", "train/NORMAL/IM-0901-0001.png"),
        ("test/PNEUMONIA", "train/NORMAL/IM-0901-0001.png"),
        ("test/NORMAL", "test/PNEUMONIA/person900_virus_1.png"),
    ],
    ids=["train and test", "train normal and test abnormal", "two classes"],
)
def test_of_x_rays_both_names_are_told(
    tmp_path: Path, source: str, target: str, copy: Callable[[Image.Image, Path], None]
) -> None:
    root = zhanglab_folder(tmp_path / "data").resolve()
    count = len(opened(root).test)
    copied(first(root, source), root / target, copy)
    text = refusal(lambda: opened(root))
    assert f"{root / target}: the same pixels as {first(root, source)}" in text
    assert "(or go on without it: --skip-bad)" in text
    rest = opened(root, skip_bad=True)
    assert len(rest.skipped) == 1
    assert len(rest.test) == count


def test_a_training_and_a_calibration_image_of_equal_pixels_are_found(tmp_path: Path) -> None:
    root = zhanglab_folder(tmp_path / "data").resolve()
    images = zhanglab(root)
    target, source = images.calibration[0].path, images.train[0].path
    target.unlink()
    copied(source, target, as_png_with_metadata)
    text = refusal(lambda: opened(root))
    assert source.name in text
    assert target.name in text
    assert "train normal" in text
    assert "calibration normal" in text


def test_a_picture_that_differs_in_one_grey_level_is_another_one(tmp_path: Path) -> None:
    root = zhanglab_folder(tmp_path / "data")
    source = first(root, "test/NORMAL")
    with Image.open(source) as image:
        grey = np.asarray(image).copy()
    grey[3, 5] ^= 1
    Image.fromarray(grey).save(root / "train/NORMAL/IM-0901-0001.png")
    assert len(opened(root).skipped) == 0


def test_no_file_is_decoded_twice_to_find_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, read = zhanglab_folder(tmp_path / "data"), cache.read_image_data
    names: list[object] = []

    def counted(stream, name, *rest):  # type: ignore[no-untyped-def]
        names.append(name)
        return read(stream, name, *rest)

    monkeypatch.setattr(cache, "read_image_data", counted)
    for _ in ("decoded", "found in the cache"):
        opened(root)
        assert len(names) == len(set(names)) == 30  # 16 normals of train, 6 + 8 of test


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of images of one's own: 12 normal, 2 + 2 + 2 to test."""
    for number in range(12):
        write_image(tmp_path / f"train/{number:02}.png", 32)
    for name in ("normal", "crack", "dent"):
        for number in range(2):
            write_image(tmp_path / f"test/{name}/{number}.png", 32)
    return tmp_path


def data_of(root: Path, skip_bad: bool = False) -> FolderData:
    return FolderData(root, image_size=32, channels=1, skip_bad=skip_bad)


@pytest.mark.parametrize("copy", COPIES)
def test_of_a_folder_a_test_image_that_is_normal_and_abnormal_is_a_flaw(
    mine: Path, copy: Callable[[Image.Image, Path], None]
) -> None:
    copied(mine / "test/normal/1.png", mine / "test/dent/again.png", copy)
    text = refusal(lambda: data_of(mine))
    assert "test/dent/again.png: the same pixels as test/normal/1.png" in text
    assert "here dent, there normal: remove one of the two (or go on without it: --skip-bad)" in text
    data = data_of(mine, skip_bad=True)
    assert any("test/dent/again.png: the same pixels as test/normal/1.png" in note for note in data.notes)
    test = data.test()
    assert test is not None
    assert "test/normal/1.png" in test.ids
    assert "test/dent/again.png" not in test.ids
    assert len(test.ids) == len(test.images) == 6


@pytest.mark.parametrize("target", ["test/crack/again.png", "test/dent/again.png"])
def test_of_a_folder_an_abnormal_image_twice_is_kept_and_said(mine: Path, target: str) -> None:
    copied(mine / "test/crack/0.png", mine / target, as_rgb_tiff)
    data = data_of(mine)
    assert any(
        f"{target}: the same pixels as test/crack/0.png; both kept" in note
        or f"test/crack/0.png: the same pixels as {target}; both kept" in note
        for note in data.notes
    )
    assert len(data.test().images) == 7  # type: ignore[union-attr]


@pytest.mark.parametrize("source", ["test/normal/0.png", "test/dent/0.png"])
def test_of_a_folder_a_test_image_is_never_learned(mine: Path, source: str) -> None:
    copied(mine / source, mine / "train/zz.png", as_png_with_metadata)
    data = data_of(mine)
    said = f"1 normal images left out, because they show the same as a test image: train/zz.png ({source})"
    assert said in data.notes
    assert len(data.reference()) + len(data.calibration()) == 12
