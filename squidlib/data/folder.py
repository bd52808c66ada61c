"""A folder of images of one's own. Normal images are enough to train, to calibrate and to score.

    train/            normal images (or train/good; or simply images, where there is neither train nor test)
    test/normal       normal test images (or test/good); optional
    test/TYPE         images that are abnormal in one way, a folder for each; optional
    masks/TYPE        NAME.png or NAME_mask.png: white where test/TYPE/NAME is abnormal (or ground_truth/TYPE); optional

The last three are MVTec AD's layout, too. A seventh of the normal training images are held out for calibration.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from digitanatomy import NORMAL, seeded_generator
from digitanatomy.image_files import MASK_FOLDERS
from squidlib.data.base import DataOptions, Entry, TestSet
from squidlib.data.chest.augment import NUMBERS, Augmentation, augment
from squidlib.data.folder_layout import NORMAL_NAMES, normal_files, shape_of, split, test_files
from squidlib.data.images import open_image, read_image
from squidlib.patches import Grid, rows_and_columns
from squidlib.utils.errors import UserError

PICTURED = 3  #: abnormal images in the picture of a benchmark


class FolderData:
    """Images below a folder as a ``Dataset``.

    Args:
        root: with the layout above.
        image_size: pixels a side, or (height, width), to which images are scaled; None: ``shape_of`` decides.
        channels: 1 for grey, 3 for colour; None: ``shape_of`` decides.
        seed: of order and augmentation.
        held_back: share of the training images that ``validation`` gives.

    Raises:
        UserError: where a folder is missing, an image cannot be read, or normal images are too few.
    """

    photographic = True

    def __init__(
        self,
        root: Path,
        image_size: Grid | None = None,
        channels: int | None = None,
        seed: int = 0,
        held_back: float = 0.0,
    ) -> None:
        self.root, self.seed = root, seed
        files, notes = normal_files(root)
        size, found_channels = shape_of(files)
        self.size = rows_and_columns(size if image_size is None else image_size)
        self.channels = found_channels if channels is None else channels
        train, calibration, held = split(files, held_back)
        self._train, said = self._read(train)
        self._calibration, self._held = self._read(calibration)[0], self._read(held)[0]
        self.notes = (
            *notes,
            *said,
            f"{len(train)} images to train on, {len(calibration)} to calibrate with"
            + (f", {len(held)} to validate on" if held else ""),
            f"read {'in colour' if self.channels == 3 else 'as grey'}, {self.size[1]} x {self.size[0]} pixels",
        )
        self.settings: dict[str, Any] = {
            "folder": str(root),
            "image_size": list(self.size),
            "channels": self.channels,
            "held_back": held_back,
        }
        self._order = lru_cache(maxsize=2)(self._shuffled)

    @property
    def epoch_images(self) -> int:
        """Every training image once."""
        return len(self._train)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (self.channels, *self.size)

    def batch(self, step: int, size: int) -> Float[Tensor, "B C H W"]:
        """Training images of one step, shifted and scaled by up to 5 %; what comes in from outside repeats the edge."""
        places = range(step * size, (step + 1) * size)
        count = len(self._train)
        rows = [self._order(place // count)[place % count] for place in places]
        uniform = [torch.rand(NUMBERS, generator=seeded_generator(self.seed, 2 * place)) for place in places]
        return augment(_as_tensor(self._train[rows]), torch.stack(uniform), Augmentation(outside="border"))

    def reference(self) -> Float[Tensor, "N C H W"]:
        """All training images as they are."""
        return _as_tensor(self._train)

    def calibration(self) -> Float[Tensor, "K C H W"]:
        """Normal images that training never sees."""
        return _as_tensor(self._calibration)

    def validation(self) -> Float[Tensor, "V C H W"]:
        """Normal images that were held back.

        Raises:
            ValueError: where none were.
        """
        if not len(self._held):
            raise ValueError("no image is held back to validate on; make the data with held_back=0.1")
        return _as_tensor(self._held)

    def test(self) -> TestSet | None:
        """The images below ``test``, with masks where every abnormal image has one; None where there are none."""
        files = test_files(self.root)
        if not files:
            return None
        types = [NORMAL if kind in NORMAL_NAMES else kind for _, kind in files]
        images = _as_tensor(self._read([file for file, _ in files])[0])
        masks = [self._mask(file, kind) for file, kind in files]
        known = [mask for mask in masks if mask is not None]
        abnormal = [number for number, name in enumerate(types) if name != NORMAL]
        pictured = [*[number for number, name in enumerate(types) if name == NORMAL][:1], *abnormal[:PICTURED]]
        ids = [str(file.relative_to(self.root)) for file, _ in files]
        both = torch.stack(known) if len(known) == len(files) and abnormal else None
        return TestSet(images, types, both, None, pictured, ids)

    def _mask(self, file: Path, kind: str) -> Tensor | None:
        """Where an image is abnormal: (1, H, W) bool; None where nobody says."""
        if kind in NORMAL_NAMES:
            return torch.zeros(1, *self.size, dtype=torch.bool)
        for folder in MASK_FOLDERS:
            for name in (f"{file.stem}_mask.png", f"{file.stem}.png"):
                path = self.root / folder / kind / name
                if path.is_file():
                    return read_image(path, self.size) > 0.5
        return None

    def _read(self, files: list[Path]) -> tuple[np.ndarray, tuple[str, ...]]:
        """uint8 (N, C, H, W), and how many files each note is about."""
        images, notes = np.empty((len(files), self.channels, *self.size), dtype=np.uint8), dict[str, int]()
        for row, path in enumerate(files):
            image, said = open_image(path, self.size, self.channels)
            images[row] = (255 * image).round().numpy().astype(np.uint8)
            for note in said:
                notes[note] = notes.get(note, 0) + 1
        return images, tuple(f"{count} of {len(files)} images: {note}" for note, count in notes.items())

    def _shuffled(self, epoch: int) -> list[int]:
        return torch.randperm(len(self._train), generator=seeded_generator(self.seed, 2 * epoch + 1)).tolist()


def _as_tensor(images: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(images)).to(torch.float32) / 255


def _settings_of(options: DataOptions) -> dict[str, Any]:
    if options.folder is None:
        raise UserError("--data: a folder of normal images is needed, or one with train and test")
    for name, value in (("--contamination", options.contamination), ("--test-each", options.test_each)):
        if value:
            raise UserError(f"{name} is for chest X-rays; what train holds is trained on")
    if options.channels not in (None, 1, 3):
        raise UserError(f"--channels is 1 for grey or 3 for colour, got {options.channels}")
    files, _ = normal_files(options.folder)
    size, channels = shape_of(files)
    wanted = rows_and_columns(size if options.image_size is None else options.image_size)
    return {
        "folder": str(options.folder.resolve()),
        "image_size": list(wanted),
        "channels": channels if options.channels is None else options.channels,
        "held_back": options.held_back,
    }


def _open(settings: dict[str, Any], seed: int, download: bool) -> FolderData:
    size = tuple(settings["image_size"])
    data = FolderData(
        Path(settings["folder"]), size, int(settings["channels"]), seed, float(settings.get("held_back", 0))
    )
    data.settings = {"data": "folder", **data.settings}
    return data


ENTRY = Entry(_settings_of, _open, private=True)
