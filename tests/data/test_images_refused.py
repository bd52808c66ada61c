"""Image files that cannot be judged: refused in one line that names them; and the listing of files and folders."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from digitanatomy import image_files
from squidlib.data.images import list_images, read_image
from squidlib.utils.errors import UserError

SIZE = 16
Content = Callable[[Path], object]  #: fills the file of that path


def solid(mode: str, colour: float | tuple[int, ...], size: tuple[int, int] = (SIZE, SIZE)) -> Image.Image:
    return Image.new(mode, size, colour)  # type: ignore[arg-type]


def truncated(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def broken_inside(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)).save(path)
    content = bytearray(path.read_bytes())
    content[100:140] = bytes(40)
    path.write_bytes(content)


BAD: dict[str, tuple[str, Content, str]] = {
    "missing": ("a.png", lambda path: None, "no such file"),
    "a folder": ("a.png", Path.mkdir, "this is a folder"),
    "empty": ("a.png", Path.touch, "the file is empty"),
    "text": ("a.png", lambda path: path.write_text("hello"), "not an image that can be read"),
    "a header only": ("a.png", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "not an image that can be read"),
    "truncated PNG": ("a.png", truncated, "the image is damaged"),
    "truncated JPEG": ("a.jpg", truncated, "the image is damaged"),
    "broken inside": ("a.png", broken_inside, "the image is damaged"),
    "one pixel": ("a.png", lambda path: solid("L", 0, (1, 1)).save(path), "at least 8 pixels a side expected, got 1x1"),
    "7 pixels": ("a.png", lambda path: solid("L", 0, (8, 7)).save(path), "at least 8 pixels a side expected, got 8x7"),
    "very wide": ("a.png", lambda path: solid("L", 0, (900, 9)).save(path), "roughly square image expected, got 900x9"),
    "very tall": ("a.png", lambda path: solid("L", 0, (10, 21)).save(path), "roughly square image expected, got 10x21"),
    "NaN": ("a.tif", lambda path: solid("F", float("nan")).save(path), "finite and lie in 0..1"),
    "infinite": ("a.tif", lambda path: solid("F", float("inf")).save(path), "finite and lie in 0..1"),
    "beyond 1": ("a.tif", lambda path: solid("F", 1.5).save(path), "finite and lie in 0..1"),
    "negative": ("a.tif", lambda path: solid("F", -0.5).save(path), "finite and lie in 0..1"),
    "more than 16 bits": ("a.tif", lambda path: solid("I", 70000).save(path), "lie in 0..1"),
    "a name too long": ("a" * 300 + ".png", lambda path: None, "no such file"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_is_no_image_is_refused_in_one_line_that_names_it(case: str, tmp_path: Path) -> None:
    name, make, text = BAD[case]
    make(tmp_path / name)
    with pytest.raises(UserError) as caught:
        read_image(tmp_path / name, SIZE)
    assert text in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "limit", "said"), [("MAX_IMAGE_PIXELS", 200, "far too many"), ("MOST", 400, "at most")]
)
def test_an_image_of_far_too_many_pixels_is_refused(
    name: str, limit: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    solid("L", 0, (25, 25)).save(tmp_path / "huge.png")
    where, what = (Image, name) if name == "MAX_IMAGE_PIXELS" else (image_files, "MOST_PIXELS")
    monkeypatch.setattr(where, what, limit)
    with pytest.raises(UserError, match=rf"huge\.png: {said}"):
        read_image(tmp_path / "huge.png", SIZE)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), ending=st.sampled_from([".png", ".jpg", ".bmp", ".gif"]))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data: st.DataObject, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"damaged{ending}"
    Image.fromarray(np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE)).save(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    refusal, image = f"{path}: ", torch.zeros(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = read_image(path, SIZE)
        except UserError as error:
            refusal = str(error)
    assert refusal.startswith(f"{path}: ")
    assert 0 <= image.min() <= image.max() <= 1


def test_files_are_listed_as_given_and_folders_sorted_with_all_below(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "sub/deep/c.tiff", "notes.txt", "single.dat"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    (tmp_path / "in" / "folder.png").mkdir()
    single = tmp_path / "in" / "single.dat"
    inside = [tmp_path / "in" / name for name in ("a.JPG", "b.png", "sub/deep/c.tiff")]
    assert list_images([tmp_path / "in"]) == inside
    assert list_images([single, tmp_path / "in", single]) == [single, *inside, single]
    assert list_images([]) == []


def test_empty_folders_and_missing_paths_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    for name, text in (("empty", "no image in this folder"), ("nowhere", "no such file"), ("a" * 300, "no such file")):
        with pytest.raises(UserError) as caught:
            list_images([tmp_path / name])
        assert str(caught.value).startswith(f"{tmp_path / name}: {text}")
