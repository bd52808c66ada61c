"""What may be asked for when a data set is opened, and how each data set says that it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from squidlib.data.base import Dataset
from squidlib.patches import Grid
from squidlib.utils.errors import UserError

OFFLINE_GLYPHS = "mnist5000"  #: the source of digits that comes with the kit


@dataclass(frozen=True)
class DataOptions:
    """What a command line may say of a data set; each takes what it knows and refuses the rest.

    Attributes:
        folder: where its files are.
        image_size: pixels a side, or (height, width), that were asked for; None: the data set decides.
        preset_size: what the preset's network takes.
        jitter: how digits are varied.
        glyphs: a source of digits.
        channels: 1 for grey, 3 for colour, None: as the images are.
        test_each: test images of each class, where the data set draws them.
        contamination: share of abnormal training images (true UAD), 0 to 0.5.
        held_back: share of the training images to validate on.
        cache: where decoded images are kept; None: beside the files.
        skip_bad: leave flawed files out instead of refusing them.
        acquisition: vary training images as other machines would have given them, where the data set knows how.
        series: the one series of normals to learn from, where the data set has several.
        hand: how far the digits of an image are written by one hand, 0 to 1.
    """

    folder: Path | None = None
    image_size: Grid | None = None
    preset_size: Grid = 128
    jitter: dict[str, float] | None = None
    glyphs: str = OFFLINE_GLYPHS
    channels: int | None = None
    test_each: int | None = None
    contamination: float = 0.0
    held_back: float = 0.0
    cache: Path | None = None
    skip_bad: bool = False
    acquisition: bool = False
    series: str | None = None
    hand: float = 0.0

    def refuse_series(self) -> None:
        """Of a data set whose normals come in one series.

        Raises:
            UserError: where one was asked for.
        """
        if self.series is not None:
            raise UserError(f"--series is for zhanglab, whose normals come in two; got {self.series}")

    def refuse_glyphs(self) -> None:
        """Of a data set that is not made of digits.

        Raises:
            UserError: where some were asked for.
        """
        if self.glyphs != OFFLINE_GLYPHS:
            raise UserError(f"--glyphs is for digitanatomy, this data set has images of its own; got {self.glyphs}")
        if self.hand:
            raise UserError(f"--hand is for digitanatomy, this data set has images of its own; got {self.hand:g}")


class Entry(NamedTuple):
    """How to come by a data set.

    settings_of: options -> the settings that ``open`` wants; UserError where an option does not go with it.
    open: settings, seed of the training images, whether a download is allowed -> the data set.
    get: how one gets the files, in a sentence; empty where they come with the kit.
    private: whether its images are of patients, so that no picture of them may be passed on.
    """

    settings_of: Callable[[DataOptions], dict[str, Any]]
    open: Callable[[dict[str, Any], int, bool], Dataset]
    get: str = ""
    private: bool = False
