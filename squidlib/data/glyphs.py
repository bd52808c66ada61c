"""Glyphs by name, for the command line: a name of a known source, or a folder of the user's own."""

from __future__ import annotations

from pathlib import Path

import digitanatomy
from digitanatomy import Glyphs
from squidlib.utils.errors import UserError

OFFLINE = {"mnist5000": digitanatomy.mnist5000, "sklearn_digits": digitanatomy.sklearn_digits}
DOWNLOADED = {"mnist": digitanatomy.mnist, "emnist": digitanatomy.emnist, "kmnist": digitanatomy.kmnist}
LEAST_SAMPLES = 6  #: of each digit, so that a tenth of them rounds to one


def load_glyphs(name: str, cache: Path = Path("data"), download: bool = False) -> Glyphs:
    """The glyphs of that name.

    Args:
        name: one of ``OFFLINE`` or ``DOWNLOADED``, or a folder with sub-folders 0..9.
        cache: where torchvision keeps what it downloads.
        download: allow that.

    Raises:
        UserError: where the name is unknown, nothing was downloaded yet, or a folder's images cannot be used.
    """
    if name in OFFLINE:
        return OFFLINE[name]()
    if name in DOWNLOADED:
        try:
            return DOWNLOADED[name](cache, download=download)
        except (RuntimeError, OSError) as error:
            raise UserError(f"{name} is not in {cache}; allow its download with --download ({error})") from error
    if Path(name).is_dir():
        try:
            return _whole(digitanatomy.folder(name))
        except (ValueError, OSError) as error:
            raise UserError(str(error)) from error
    raise UserError(f"glyphs are {', '.join([*OFFLINE, *DOWNLOADED])} or a folder with sub-folders 0..9; got {name!r}")


def _whole(glyphs: Glyphs) -> Glyphs:
    """The glyphs, where train, calibration and test each get a sample of every digit."""
    for part in glyphs.split():
        for digit in range(10):
            if not (part.labels == digit).any():
                count = len(glyphs.indices(digit))
                raise ValueError(
                    f"{glyphs.name}: too few samples of the digit {digit} to cut into train, calibration and test; "
                    f"at least {LEAST_SAMPLES} of each expected, got {count}"
                )
    return glyphs
