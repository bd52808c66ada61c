"""Image files: every kind is read with the right values, everything else is refused in one line that names it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from squidlib.data.images import read_image
from squidlib.utils.errors import UserError

SIZE = 16


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
