"""What a reader should know of an image file: notes on frames, unused bits and broken EXIF; bounds on size."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from squidlib.data.images import open_image
from squidlib.utils.errors import UserError

SIZE = 16


def sixteen(levels: int) -> Image.Image:
    """A ramp over that many of the 65,536 levels."""
    return Image.fromarray(np.linspace(0, levels - 1, SIZE * SIZE).reshape(SIZE, SIZE).astype(np.uint16))


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize(
    ("levels", "used"), [(1024, "1.6"), (4096, "6.2"), (8192, "12.5"), (8300, None), (65536, None)]
)
def test_sixteen_bits_that_are_hardly_used_are_noted(
    tmp_path: Path, levels: int, used: str | None, ending: str
) -> None:
    sixteen(levels).save(tmp_path / f"a{ending}")
    image, notes = open_image(tmp_path / f"a{ending}", SIZE)
    expected = [f"uses {used} % of the 16-bit range; rescale it if it was made with fewer bits"] if used else []
    assert list(notes) == expected
    assert image.max() == pytest.approx((levels - 1) / 65535, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "options"), [("a.tif", {}), ("a.gif", {"duration": 100}), ("a.webp", {}), ("a.png", {})]
)
def test_of_several_pictures_the_first_is_read_and_that_is_said(
    tmp_path: Path, name: str, options: dict[str, int]
) -> None:
    frames = [Image.new("RGB", (SIZE, SIZE), (level,) * 3) for level in (0, 255, 128)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
    image, notes = open_image(tmp_path / name, SIZE)
    assert notes == ("only the first of 3 pictures in the file is read",)
    assert image.max() < 0.01


def test_an_ordinary_image_has_no_notes(tmp_path: Path) -> None:
    Image.new("L", (SIZE, SIZE), 51).save(tmp_path / "a.png")
    assert open_image(tmp_path / "a.png", SIZE).notes == ()


def test_a_broken_exif_block_costs_the_orientation_and_not_the_image(tmp_path: Path) -> None:
    Image.new("L", (SIZE, SIZE), 51).save(tmp_path / "a.jpg", exif=b"Exif\x00\x00no such thing at all")
    image, notes = open_image(tmp_path / "a.jpg", SIZE)
    assert torch.allclose(image, torch.tensor(0.2), atol=0.01)
    assert notes == ()


def test_a_large_photograph_is_decoded_smaller_with_the_same_pixels(tmp_path: Path) -> None:
    ramp = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (256, 1)))
    ramp.resize((6000, 4000)).save(tmp_path / "large.jpg", quality=95)  # 24 megapixels
    ramp.resize((600, 400)).save(tmp_path / "small.jpg", quality=95)
    large, small = (open_image(tmp_path / name, 64).image for name in ("large.jpg", "small.jpg"))
    assert (large - small).abs().max() < 0.02


@pytest.mark.parametrize("kind", ["grey PNG", "RGBA PNG", "progressive JPEG", "PPM header"])
def test_what_would_take_much_memory_is_refused_with_the_bound(tmp_path: Path, kind: str) -> None:
    side = 5000  # 25 megapixels
    path = tmp_path / "large.png"
    if kind == "PPM header":
        path.write_bytes(b"P5 9000 9000 255\n")
    else:
        image = Image.new("RGBA" if "RGBA" in kind else "L", (side, side))
        options = {"progressive": True} if "JPEG" in kind else {}
        image.save(path, "JPEG" if "JPEG" in kind else "PNG", **options)
    with pytest.raises(
        UserError, match=r"large\.png: at most 20 megapixels expected, got [59]000x[59]000; scale it down"
    ):
        open_image(path, SIZE)


def test_nineteen_megapixels_are_read_in_less_than_half_a_gigabyte(tmp_path: Path) -> None:
    Image.new("RGBA", (4358, 4358), (255, 255, 255, 51)).save(tmp_path / "a.png")
    code = (
        "import resource, sys; from pathlib import Path; from squidlib.data.images import open_image\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert abs(float(open_image(Path(sys.argv[1]), 16).image.mean()) - 0.2) < 0.01\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.png")], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 0.5


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize("name", ["eps.png", "eps.eps", "eps.jpg", "eps"])
def test_postscript_starts_no_program_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    started = tmp_path / "started"
    for program in ("gs", "gswin32c", "gswin64c"):
        (tmp_path / program).write_text(f"#!/bin/sh\ntouch {started}\nexit 1\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / name).write_bytes(POSTSCRIPT)
    with pytest.raises(UserError, match="not an image that can be read"):
        open_image(tmp_path / name, SIZE)
    assert not started.exists()


def of_each_kind() -> dict[str, bytes]:
    grey = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 24), dtype=np.uint8))
    kinds = {"PNG": {}, "JPEG": {}, "BMP": {}, "GIF": {}, "WEBP": {"lossless": True}, "PPM": {}}
    found = {}
    for name, options in kinds.items():
        buffer = io.BytesIO()
        grey.save(buffer, name, **options)
        found[name] = buffer.getvalue()
    for name, image, options in (
        ("progressive", grey, {"format": "JPEG", "progressive": True}),
        ("TIFF", grey, {"format": "TIFF"}),
        ("TIFF LZW", grey, {"format": "TIFF", "compression": "tiff_lzw"}),
        ("TIFF deflate", sixteen(4096), {"format": "TIFF", "compression": "tiff_adobe_deflate"}),
        ("PNG 16", sixteen(4096), {"format": "PNG"}),
        ("PNG palette", grey.convert("P"), {"format": "PNG", "transparency": 3}),
        ("GIF frames", grey, {"format": "GIF", "save_all": True, "append_images": [grey.rotate(90)]}),
    ):
        buffer = io.BytesIO()
        image.save(buffer, **options)
        found[name] = buffer.getvalue()
    return found


KINDS = of_each_kind()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_hundreds_of_damaged_files_of_each_kind_are_read_or_refused_in_a_line(kind: str, tmp_path: Path) -> None:
    random, whole, path = np.random.default_rng(1), KINDS[kind], tmp_path / "a.png"
    for number in range(200):
        content = bytearray(whole)
        for _ in range(random.integers(1, 6)):
            place = int(random.integers(0, min(len(content), 120) if number % 2 else len(content)))
            content[place] ^= 1 << int(random.integers(0, 8))
        path.write_bytes(content[: random.integers(1, len(content) + 1)] if number % 3 == 0 else content)
        refusal, image = f"{path}: ", torch.zeros(1, SIZE, SIZE)
        try:
            image = open_image(path, SIZE).image
        except UserError as error:
            refusal = str(error)
        assert refusal.startswith(f"{path}: ")
        assert refusal.isprintable()
        assert image.shape == (1, SIZE, SIZE)
        assert 0 <= image.min() <= image.max() <= 1
