"""A folder of images of one's own. Normal images are enough to train, to calibrate and to score.

    train/            normal images (or train/good; or simply images, where there is neither train nor test)
    test/normal       normal test images (or test/good); optional
    test/TYPE         images that are abnormal in one way, a folder for each; optional
    masks/TYPE        NAME.png or NAME_mask.png: white where test/TYPE/NAME is abnormal (or ground_truth/TYPE); optional

The last three are MVTec AD's layout, too. A seventh of the normal training images are held out for calibration.

Training images are shifted and scaled by up to 5 %, as X-rays are: most folders hold few images, hardly aligned to the
pixel, and a memory that has seen each at one position only would call every other position abnormal. What comes in from
outside repeats the edge, for black frames would be learned as normal.
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
from squidlib.data.base import TestSet
from squidlib.data.chest.augment import NUMBERS, Augmentation, augment
from squidlib.data.content import Part
from squidlib.data.folder_layout import LONGEST, LabelledFile, layout_of, shape_of, split
from squidlib.data.folder_reading import normals_once, read_all, read_mask, without_contradictions
from squidlib.data.large_sets import held_out_of, large_set_notes, reference_of
from squidlib.data.options import DataOptions, Entry
from squidlib.patches import Grid, rows_and_columns
from squidlib.utils.errors import UserError

PICTURED = 3  #: abnormal images in the picture of a benchmark


class FolderData:
    """Images below a folder as a ``Dataset``; all of them are read at once, so that a flaw is found before training.

    Args:
        root: with the layout above.
        image_size: pixels a side, or (height, width), to which images are scaled; None: ``shape_of`` decides.
        channels: 1 for grey, 3 for colour; None: ``shape_of`` decides.
        seed: of order and augmentation.
        held_back: share of the training images that ``validation`` gives.
        skip_bad: leave out files that cannot be used, and name them in ``notes``.

    Raises:
        UserError: where a folder is missing, an image cannot be used or is normal and abnormal among the test images,
            or normal images are too few.
    """

    photographic = True

    def __init__(
        self,
        root: Path,
        image_size: Grid | None = None,
        channels: int | None = None,
        seed: int = 0,
        held_back: float = 0.0,
        skip_bad: bool = False,
    ) -> None:
        self.root, self.seed = root, seed
        layout = layout_of(root)
        size, found_channels = shape_of(layout.normals)
        self.size = rows_and_columns(size if image_size is None else image_size)
        self.channels = found_channels if channels is None else channels
        tests = read_all([file.path for file in layout.tests], self.size, self.channels, skip_bad)
        tests, self._tests = without_contradictions(tests, layout.tests, root, skip_bad)
        found = read_all(layout.normals, self.size, self.channels, skip_bad)
        normals, doubled = normals_once(found, layout.normals, tests, self._tests, root)
        self._test = tests.images
        self._masks = self._all_masks()
        train, calibration, held = split(len(normals), held_back)
        self._train, self._calibration, self._held = normals[train], normals[calibration], normals[held]
        read = "in colour" if self.channels == 3 else "as grey"
        self.notes = (
            *layout.notes,
            *found.notes,
            *tests.notes,
            *doubled,
            f"{len(train)} images to train on, {len(calibration)} to calibrate with"
            + (f", {len(held)} to validate on" if held else "")
            + ": drawn once and for all, whatever the seed of a run",
            f"read {read}, scaled to {self.size[0]} x {self.size[1]} pixels (height x width)",
            *large_set_notes(len(train), len(calibration)),
        )
        self.settings: dict[str, Any] = {
            "data": "folder",
            "folder": str(root.resolve()),
            "image_size": list(self.size),
            "channels": self.channels,
            "held_back": held_back,
            "skip_bad": skip_bad,
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
        """Training images of one step, shifted and scaled."""
        places = range(step * size, (step + 1) * size)
        count = len(self._train)
        rows = [self._order(place // count)[place % count] for place in places]
        uniform = [torch.rand(NUMBERS, generator=seeded_generator(self.seed, 2 * place)) for place in places]
        return augment(_as_tensor(self._train[rows]), torch.stack(uniform), Augmentation(outside="border"))

    def reference(self) -> Float[Tensor, "N C H W"]:
        """All training images as they are; of a large set, ``MOST_REFERENCE`` of them."""
        return _as_tensor(reference_of(self._train))

    def calibration(self) -> Float[Tensor, "K C H W"]:
        """Normal images that training never sees; of a large set, ``MOST_HELD_OUT`` of them."""
        return _as_tensor(held_out_of(self._calibration))

    def validation(self) -> Float[Tensor, "V C H W"]:
        """Normal images that were held back.

        Raises:
            ValueError: where none were.
        """
        if not len(self._held):
            raise ValueError("no image is held back to validate on; make the data with held_back=0.1")
        return _as_tensor(held_out_of(self._held))

    def test(self) -> TestSet | None:
        """The images below ``test``, with masks where every abnormal image has one; None where there are none."""
        if not self._tests:
            return None
        types = [file.anomaly_type for file in self._tests]
        abnormal = [number for number, name in enumerate(types) if name != NORMAL]
        pictured = [*[number for number, name in enumerate(types) if name == NORMAL][:1], *abnormal[:PICTURED]]
        ids = [str(file.path.relative_to(self.root)) for file in self._tests]
        masks = None if self._masks is None else torch.from_numpy(self._masks.copy())
        return TestSet(_as_tensor(self._test), types, masks, None, pictured, ids)

    def contents(self) -> dict[str, Part]:
        """What the files hold, as ``squidlib.data.content`` wants it."""
        test = Part(self._test, [file.anomaly_type for file in self._tests])
        found = {"training": Part(self._train), "calibration": Part(self._calibration), "test": test}
        return found | ({"validation": Part(self._held)} if len(self._held) else {})

    def _all_masks(self) -> np.ndarray | None:
        """Of all test images: (T, 1, H, W) bool; None unless every abnormal image, of which there is one, has one."""
        none = np.zeros((1, *self.size), dtype=bool)
        found = [_mask_of(file, self.size, none) for file in self._tests]
        masks = [mask for mask in found if mask is not None]
        known = len(masks) == len(found) and any(file.masks for file in self._tests)
        return np.stack(masks) if known else None

    def _shuffled(self, epoch: int) -> list[int]:
        return torch.randperm(len(self._train), generator=seeded_generator(self.seed, 2 * epoch + 1)).tolist()


def _mask_of(file: LabelledFile, size: tuple[int, int], none: np.ndarray) -> np.ndarray | None:
    return none if file.anomaly_type == NORMAL else read_mask(file, size)


def _as_tensor(images: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(images)).to(torch.float32) / 255


def _settings_of(options: DataOptions) -> dict[str, Any]:
    if options.folder is None:
        raise UserError("--data: a folder of normal images is needed, or one with train and test")
    for name, value in (("--contamination", options.contamination), ("--test-each", options.test_each)):
        if value:
            raise UserError(f"{name} is for chest X-rays; what train holds is trained on")
    options.refuse_glyphs()
    options.refuse_series()
    if options.cache is not None:
        raise UserError("--cache is for chest X-rays; the images of a folder are read from their files")
    if options.channels not in (None, 1, 3):
        raise UserError(f"--channels is 1 for grey or 3 for colour, got {options.channels}")
    longest = max(LONGEST, *rows_and_columns(options.preset_size))  # never less than what the preset's network takes
    size, channels = shape_of(layout_of(options.folder).normals, longest)
    wanted = rows_and_columns(size if options.image_size is None else options.image_size)
    return {
        "folder": str(options.folder.resolve()),
        "image_size": list(wanted),
        "channels": channels if options.channels is None else options.channels,
        "held_back": options.held_back,
        "skip_bad": options.skip_bad,
    }


def _open(settings: dict[str, Any], seed: int, download: bool) -> FolderData:
    missing = [key for key in ("folder", "image_size", "channels") if key not in settings]
    if missing:
        raise UserError(f"settings of a folder with {' and '.join(missing)} expected; train the detector again")
    return FolderData(
        Path(settings["folder"]),
        tuple(settings["image_size"]),
        int(settings["channels"]),
        seed,
        float(settings.get("held_back", 0)),
        bool(settings.get("skip_bad", False)),
    )


ENTRY = Entry(_settings_of, _open, private=True)
