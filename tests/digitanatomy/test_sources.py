"""Sources of glyphs: the offline ones, a folder of one's own, torchvision's without any network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from digitanatomy import INFO, Glyphs, emnist, folder, image_files, kmnist, mnist, mnist5000, sklearn_digits


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records every attempt to use the network, and lets none through."""
    attempts: list[str] = []

    def refuse(*args: object, **_: object) -> None:
        attempts.append(repr(args[1:]))
        raise OSError("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return attempts


def block(level: int, dtype: type = np.uint8) -> np.ndarray:
    """Black, and in the middle a square of one grey level."""
    grey = np.zeros((28, 28), dtype=dtype)
    grey[6:22, 6:22] = level
    return grey


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Two samples of each digit: a block of a grey level that tells digit and sample apart."""
    for digit in range(10):
        (tmp_path / "mine" / str(digit)).mkdir(parents=True)
        for sample in range(2):
            Image.fromarray(block(100 + 10 * digit + sample)).save(tmp_path / "mine" / str(digit) / f"{sample}.png")
    return tmp_path / "mine"


class FakeSet:
    """Stands for a torchvision data set: two images, the second darker; only the upper right half is ink."""

    def __init__(self, root: str | Path, train: bool = True, download: bool = False, split: str = "") -> None:
        self.data = torch.triu(torch.full((2, 28, 28), 200 if train else 100), diagonal=5).to(torch.uint8)
        self.targets = torch.tensor([3, 4]) if train else torch.tensor([5, 6])
        assert not download


def test_mnist5000_is_what_info_says(glyphs: Glyphs) -> None:
    assert len(glyphs) == INFO["glyphs"]
    assert torch.bincount(glyphs.labels).tolist() == [INFO["glyphs_per_digit"]] * 10
    split = glyphs.split()
    for name, expected in INFO["split"].items():  # type: ignore[attr-defined]
        assert torch.bincount(getattr(split, name).labels).tolist() == [expected] * 10


def test_mnist5000_is_read_once(glyphs: Glyphs) -> None:
    assert mnist5000() is glyphs


def test_sklearn_digits_are_1797_over_the_whole_range() -> None:
    digits = sklearn_digits()
    assert len(digits) == 1797
    assert digits.labels.unique().tolist() == list(range(10))
    assert digits.tiles.shape[1:] == (32, 32)
    assert digits.tiles.max() > 0.99
    digits.split().test.indices(9)


def test_the_offline_sources_use_no_network(no_network: list[str]) -> None:
    assert len(mnist5000.__wrapped__()) == 5000
    assert len(sklearn_digits.__wrapped__()) == 1797
    assert no_network == []


def test_a_folder_gives_each_file_the_label_of_its_sub_folder(own: Path) -> None:
    glyphs = folder(own)
    assert glyphs.name == "mine"
    assert glyphs.labels.tolist() == [digit for digit in range(10) for _ in range(2)]
    assert (glyphs.tiles.amax((1, 2)) * 255).round().int().tolist() == [
        100 + 10 * d + s for d in range(10) for s in range(2)
    ]


def test_a_folder_scales_any_size_and_colour_to_grey(own: Path) -> None:
    image = Image.new("RGB", (50, 60))
    image.paste((0, 255, 0), (10, 12, 40, 48))
    image.save(own / "0" / "2.jpg", quality=95)
    tile = folder(str(own)).tiles[2]
    assert tile[16, 16].item() == pytest.approx(0.587, abs=0.01)  # luminance of green
    assert float((tile > 0.3).float().mean()) == pytest.approx(0.6 * 0.6 * (28 / 32) ** 2, abs=0.05)


def test_a_folder_reads_16_bits_without_clipping(own: Path) -> None:
    Image.fromarray(block(0x8000, np.uint16)).save(own / "0" / "2.png")
    assert folder(own).tiles[2, 16, 16].item() == pytest.approx(0.5, abs=0.01)


def test_a_folder_passes_over_files_that_are_no_images(own: Path) -> None:
    (own / "0" / "notes.txt").write_text("not a digit")
    (own / "0" / ".DS_Store").write_bytes(b"\0")
    (own / "readme.png").write_text("not in a digit's folder")
    assert len(folder(own)) == 20


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\nbroken"])
def test_a_bad_file_is_refused_by_name(own: Path, content: bytes) -> None:
    (own / "7" / "bad.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"7.bad\.png: (.* again|not an image that can be read)"):
        folder(own)


def test_a_truncated_file_is_refused_by_name(own: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8))
    noise.save(own / "7" / "bad.png")
    whole = (own / "7" / "bad.png").read_bytes()
    (own / "7" / "bad.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"7.bad\.png: the image is damaged"):
        folder(own)


def test_a_decompression_bomb_is_refused_by_name(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "MOST_PIXELS", 28 * 28)
    Image.new("L", (280, 280)).save(own / "7" / "bomb.png")
    with pytest.raises(ValueError, match=r"7.bomb\.png: at most"):
        folder(own)


@pytest.mark.parametrize("level", [0, 255])
def test_a_glyph_that_shows_nothing_is_refused_by_name(own: Path, level: int) -> None:
    Image.new("L", (28, 28), level).save(own / "4" / "plain.png")
    with pytest.raises(ValueError, match=r"4.plain\.png: a white digit on black expected, this image shows nothing"):
        folder(own)


def test_digits_black_on_white_are_refused_and_not_trained_on(own: Path) -> None:
    Image.fromarray(255 - block(200)).save(own / "4" / "paper.png")
    with pytest.raises(ValueError, match=r"4.paper\.png: a white digit on black expected.* invert the images"):
        folder(own)


def test_transparent_ink_is_laid_on_black_as_squid_score_does(own: Path) -> None:
    ink = Image.new("RGBA", (28, 28), (255, 255, 255, 0))
    ink.paste((255, 255, 255, 255), (6, 6, 22, 22))
    ink.save(own / "0" / "2.png")
    tile = folder(own).tiles[2]
    assert tile[16, 16] == 1
    assert tile[2, 2] == 0
    dark = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    dark.paste((0, 0, 0, 255), (6, 6, 22, 22))
    dark.save(own / "0" / "3.png")
    with pytest.raises(ValueError, match="shows nothing"):
        folder(own)


def test_the_orientation_of_the_camera_is_applied_to_glyphs_too(own: Path) -> None:
    image = Image.fromarray(np.triu(np.full((28, 28), 200, dtype=np.uint8), k=8))  # upper right
    exif = Image.Exif()
    exif[274] = 3  # upside down
    image.save(own / "0" / "2.png", exif=exif)
    tile = folder(own).tiles[2]
    assert tile[24, 7] > 0.5  # lower left
    assert tile[7, 24] == 0


def test_a_missing_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"sub-folders 0\.\.9 expected, .*nowhere is none"):
        folder(tmp_path / "nowhere")


def test_a_folder_without_images_is_refused_with_the_known_endings(tmp_path: Path) -> None:
    (tmp_path / "3").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no image in .*known endings: \.png"):
        folder(tmp_path)


@pytest.mark.parametrize("source", [mnist, kmnist, emnist])
def test_torchvision_sources_raise_without_download_and_use_no_network(
    source: Callable[[Path], Glyphs], tmp_path: Path, no_network: list[str]
) -> None:
    with pytest.raises(RuntimeError, match="not found"):
        source(tmp_path)
    assert no_network == []


@pytest.mark.parametrize(("source", "name"), [(mnist, "MNIST"), (kmnist, "KMNIST")])
def test_torchvision_sources_hold_both_parts_as_they_are(
    source: Callable[[Path], Glyphs], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchvision.datasets, name, FakeSet)
    glyphs = source(tmp_path)
    assert glyphs.name == name.lower()
    assert glyphs.labels.tolist() == [3, 4, 5, 6]
    assert torch.equal(glyphs.tiles[0, 2:30, 2:30], torch.triu(torch.full((28, 28), 200 / 255), diagonal=5))
    assert glyphs.tiles[2].max() == pytest.approx(100 / 255)


def test_emnist_is_turned_upright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision.datasets, "EMNIST", FakeSet)
    glyphs = emnist(tmp_path)
    assert glyphs.labels.tolist() == [3, 4, 5, 6]
    assert torch.equal(glyphs.tiles[0, 2:30, 2:30], torch.tril(torch.full((28, 28), 200 / 255), diagonal=-5))
