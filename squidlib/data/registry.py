"""Data by name: what a run's facts say, as training and evaluation want it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from squidlib.data.digits import Digits
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from squidlib.data.chest import ChestArrays, ChestData

CHEST = ("zhanglab", "chexpert", "pneumoniamnist")
NAMES = ("digitanatomy", *CHEST)


def data_of(metadata: dict[str, Any], seed: int, download: bool = False) -> Digits | ChestData:
    """The data that a run was, or is to be, trained on.

    Args:
        metadata: of ``run.json`` or a detector: "data" and, of digits, "glyphs" and "jitter"; of chest X-rays,
            "folder", "image_size", "cache", "skip_bad" and "contamination", the share of abnormal training images. Of
            all, "held_back", the share of the training images to validate on.
        seed: of the training images.
        download: allow the download of what can be downloaded.

    Raises:
        UserError: where the data set is unknown, or missing, or cannot be used.
    """
    name = metadata.get("data")
    if name == "digitanatomy":
        from digitanatomy import Jitter
        from squidlib.data.glyphs import load_glyphs

        jitter = Jitter(**metadata["jitter"]) if "jitter" in metadata else None
        glyphs = load_glyphs(str(metadata.get("glyphs", "mnist5000")), download=download)
        return Digits(glyphs, seed, jitter, float(metadata.get("held_back", 0)))
    if name not in CHEST:
        raise UserError(f"data sets are {', '.join(NAMES)}; got {name!r}")
    from squidlib.data.chest import ChestData

    missing = [key for key in ("folder", "image_size") if key not in metadata]
    if missing:
        raise UserError(f"facts of {name} with its {' and '.join(missing)} expected; train the detector again")
    cache = metadata.get("cache")
    arrays = chest_arrays(
        str(name), Path(metadata["folder"]), int(metadata["image_size"]), Path(cache) if cache else None,
        bool(metadata.get("skip_bad", False)), download,
    )  # fmt: skip
    data, dirt = ChestData(arrays, seed), float(metadata.get("contamination", 0))
    if metadata.get("held_back"):
        data = data.holding_back(float(metadata["held_back"]))
    return data.contaminated(round(100 * (1 - dirt))) if dirt else data


def chest_arrays(
    name: str, folder: Path, size: int, cache: Path | None = None, skip_bad: bool = False, download: bool = False
) -> ChestArrays:
    """The images of a chest data set in its public layout or the authors', whichever the folder has.

    Raises:
        UserError: where the folder holds neither, or its images cannot be used.
    """
    import squidlib.data.chest as chest

    if name == "pneumoniamnist":
        return chest.pneumoniamnist(folder, size, download)
    if name == "zhanglab":
        authors = (folder / "train" / "normal_256").is_dir()
        images = chest.zhanglab_authors(folder, skip_bad) if authors else chest.zhanglab(folder, skip_bad=skip_bad)
    else:
        authors = (folder / "train_256_pa").is_dir()
        images = chest.chexpert_authors(folder, skip_bad) if authors else chest.chexpert(folder, skip_bad=skip_bad)
    return chest.open_images(images, size, cache, skip_bad)


def where_to_get(name: str) -> str:
    """How one comes by a chest data set, in a sentence."""
    from squidlib.data.chest import CHEXPERT, PNEUMONIAMNIST, ZHANGLAB

    metadata: dict[str, Any] = {"zhanglab": ZHANGLAB, "chexpert": CHEXPERT, "pneumoniamnist": PNEUMONIAMNIST}
    return str(metadata[name]["get"])
