"""What a command line says of a chest data set, and how its settings become images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from squidlib.data.chest.arrays import ChestArrays, open_images
from squidlib.data.chest.data import ChestData
from squidlib.data.chest.files import ChestImages
from squidlib.data.options import DataOptions
from squidlib.utils.errors import UserError

MOST_CONTAMINATION = 0.5  #: share of abnormal training images; with more, they would be the normal ones


def chest_settings(
    name: str, get: str, draws_test: bool = False, in_series: bool = False
) -> Callable[[DataOptions], dict[str, Any]]:
    """``Entry.settings_of`` of a chest data set.

    Args:
        draws_test: whether its test images are drawn, as many as one asks for.
        in_series: whether its normals come in several series.
    """

    def settings_of(options: DataOptions) -> dict[str, Any]:
        if options.folder is None:
            raise UserError(f"--data: the folder of {name} is needed; to get it: {get}")
        options.refuse_glyphs()
        if options.channels is not None:
            raise UserError("--channels is for a folder of images; X-rays are read as grey")
        if options.image_size is not None and not isinstance(options.image_size, int):
            raise UserError(f"--size: X-rays are scaled to squares, one number expected, got {options.image_size}")
        if not in_series:
            options.refuse_series()
        if options.test_each is not None and not draws_test:
            raise UserError(f"--test-each is for chexpert; {name} has a test set of its own")
        if options.test_each is not None and options.test_each < 0:
            raise UserError(f"--test-each is a number of images, 0 for no test set; got {options.test_each}")
        if not 0 <= options.contamination <= MOST_CONTAMINATION:
            raise UserError(f"--contamination lies in 0..{MOST_CONTAMINATION}, got {options.contamination}")
        if options.contamination and options.held_back:
            raise UserError(
                "--patience looks at normal images, and with --contamination nobody knows which are; give one"
            )
        return {
            "contamination": options.contamination,
            "folder": str(options.folder.resolve()),
            "image_size": options.preset_size if options.image_size is None else options.image_size,
            "cache": None if options.cache is None else str(options.cache.resolve()),
            "skip_bad": options.skip_bad,
            **({} if options.test_each is None else {"test_each": options.test_each}),
            **({"acquisition": True} if options.acquisition else {}),
            **({} if options.series is None else {"series": options.series}),
            **({"held_back": options.held_back} if options.held_back else {}),
        }

    return settings_of


def opened(
    name: str, arrays: Callable[[Path, dict[str, Any], bool], ChestArrays]
) -> Callable[[dict[str, Any], int, bool], ChestData]:
    """``Entry.open`` of a chest data set.

    Args:
        arrays: folder, settings and whether a download is allowed -> the images.
    """

    def open_chest(settings: dict[str, Any], seed: int, download: bool) -> ChestData:
        missing = [key for key in ("folder", "image_size") if key not in settings]
        if missing:
            raise UserError(f"settings of {name} with {' and '.join(missing)} expected; train the detector again")
        known = (
            "data",
            "contamination",
            "folder",
            "image_size",
            "cache",
            "skip_bad",
            "test_each",
            "held_back",
            "series",
            "acquisition",
        )
        plain = {key: settings[key] for key in known if key in settings}
        data = ChestData(
            arrays(Path(settings["folder"]), settings, download),
            seed,
            settings=plain,
            acquisition=bool(settings.get("acquisition", False)),
        )
        share = float(settings.get("contamination", 0))
        if settings.get("held_back"):
            data = data.holding_back(float(settings["held_back"]))
        return data.contaminated(round(100 * (1 - share))) if share else data

    return open_chest


def decoded(images: ChestImages, settings: dict[str, Any]) -> ChestArrays:
    """The images of a layout as the settings want them."""
    cache = settings.get("cache")
    skip_bad = bool(settings.get("skip_bad", False))
    return open_images(images, int(settings["image_size"]), Path(cache) if cache else None, skip_bad)
