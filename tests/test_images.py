"""Image files: every kind is read with the right values, everything else is refused in one line that names it."""

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

from squidlib.errors import UserError
from squidlib.images import list_images, read_image

SIZE = 16
Content = Callable[[Path], object]


def solid(mode: str, colour: float | tuple[int, ...], size: tuple[int, int] = (SIZE, SIZE)) -> Image.Image:
    return Image.new(mode, size, colour)  # type: ignore[arg-type]


def ramp() -> np.ndarray:
    """256 different grey levels."""
    return np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE)


def palette() -> Image.Image:
    """All pixels show entry 3, which is pure blue; its number says nothing of its brightness."""
    image = solid("P", 3)
    image.putpalette([0, 0, 0, 255, 255, 255, 9, 9, 9, 0, 0, 255])
    return image


def half_transparent_palette(path: Path) -> None:
    image = palette()
    image.putpalette([255, 255, 255] * 4)
    image.save(path, transparency=3)


def test_grey_values_come_back_exactly(tmp_path: Path) -> None:
    Image.fromarray(ramp()).save(tmp_path / "ramp.png")
    image = read_image(tmp_path / "ramp.png", SIZE)
    assert image.dtype == torch.float32
    np.testing.assert_allclose(image[0].numpy(), ramp() / 255, atol=1e-7)


@pytest.mark.parametrize(
    ("image", "ending", "expected"),
    [
        (solid("L", 51), ".png", 0.2),
        (solid("RGB", (255, 0, 0)), ".png", 0.299),
        (solid("RGB", (0, 255, 0)), ".bmp", 0.587),
        (solid("RGB", (0, 0, 255)), ".webp", 0.114),
        (solid("RGB", (128, 128, 128)), ".jpg", 0.502),
        (solid("RGBA", (255, 255, 255, 51)), ".png", 0.2),
        (solid("RGBA", (255, 255, 255, 0)), ".png", 0.0),
        (solid("LA", (255, 102)), ".png", 0.4),
        (solid("1", 1), ".png", 1.0),
        (palette(), ".png", 0.114),
        (palette(), ".gif", 0.114),
        (solid("CMYK", (0, 0, 0, 0)), ".jpeg", 1.0),
        (solid("F", 0.25), ".tiff", 0.25),
        (solid("I", 13107), ".tif", 0.2),
        (Image.fromarray(np.full((SIZE, SIZE), 32768, np.uint16)), ".png", 32768 / 65535),
        (Image.fromarray(np.full((SIZE, SIZE), 65535, np.uint16)), ".tif", 1.0),
    ],
)
def test_every_mode_becomes_luminance_in_0_to_1(
    image: Image.Image, ending: str, expected: float, tmp_path: Path
) -> None:
    path = tmp_path / f"image{ending}"
    image.save(path)
    grey = read_image(path, SIZE)
    assert grey.shape == (1, SIZE, SIZE)
    assert torch.allclose(grey, torch.full_like(grey, expected), atol=0.006)


def test_a_transparent_palette_colour_is_laid_on_black(tmp_path: Path) -> None:
    half_transparent_palette(tmp_path / "clear.png")
    assert read_image(tmp_path / "clear.png", SIZE).max() == 0


def test_big_endian_16_bits_are_read(tmp_path: Path) -> None:
    header = f"P5 {SIZE} {SIZE} 65535\n".encode()
    (tmp_path / "grey.pgm").write_bytes(header + np.full((SIZE, SIZE), 13107, dtype=">u2").tobytes())
    assert torch.allclose(read_image(tmp_path / "grey.pgm", SIZE), torch.tensor(0.2), atol=1e-4)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(width=st.integers(8, 60), height=st.integers(8, 60), size=st.integers(8, 50))
def test_any_size_is_scaled_to_the_square_or_refused_as_too_wide(
    width: int, height: int, size: int, tmp_path: Path
) -> None:
    path = tmp_path / "odd.png"
    solid("L", 102, (width, height)).save(path)
    if max(width, height) <= 2 * min(width, height):
        assert torch.allclose(read_image(path, size), torch.full((1, size, size), 0.4), atol=1e-6)
    else:
        with pytest.raises(UserError, match=f"roughly square image expected, got {width}x{height}"):
            read_image(path, size)


def test_scaling_keeps_left_and_right(tmp_path: Path) -> None:
    grey = np.zeros((30, 50), dtype=np.uint8)
    grey[:, 25:] = 255
    Image.fromarray(grey).save(tmp_path / "half.png")
    image = read_image(tmp_path / "half.png", 20)
    assert image[0, :, :9].max() == 0
    assert image[0, :, 11:].min() == 1


@pytest.mark.parametrize(
    ("orientation", "turns", "mirrored"), [(1, 0, False), (3, 2, False), (6, 3, False), (8, 1, False), (2, 0, True)]
)
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_the_orientation_of_the_camera_is_applied(
    orientation: int, turns: int, mirrored: bool, ending: str, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(ramp()).save(tmp_path / f"turned{ending}", exif=exif)
    expected = np.rot90(ramp()[:, ::-1] if mirrored else ramp(), turns) / 255
    np.testing.assert_allclose(read_image(tmp_path / f"turned{ending}", SIZE)[0].numpy(), expected, atol=1e-7)


@pytest.mark.parametrize("name", ["zwölf ñ 数字.png", "with space.PNG", "no_ending", "wrong.jpg"])
def test_the_name_of_a_file_does_not_matter(name: str, tmp_path: Path) -> None:
    Image.fromarray(ramp()).save(tmp_path / name, format="PNG")
    np.testing.assert_allclose(read_image(tmp_path / name, SIZE)[0].numpy(), ramp() / 255, atol=1e-7)


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


@pytest.mark.parametrize("limit", [200, 400])  # Pillow's error from twice the limit on, its warning below
def test_an_image_of_far_too_many_pixels_is_refused(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    solid("L", 0, (25, 25)).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(UserError, match=r"huge\.png: far too many pixels"):
        read_image(tmp_path / "huge.png", SIZE)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), ending=st.sampled_from([".png", ".jpg", ".bmp", ".gif"]))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data: st.DataObject, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"damaged{ending}"
    Image.fromarray(ramp()).save(path)
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
