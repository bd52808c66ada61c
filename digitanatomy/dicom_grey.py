"""From stored values to grey in 0..1: the pipeline that the DICOM standard wants of a viewer (PS3.3, C.11 and C.7.6.3).

1. Modality LUT, or rescale slope and intercept.
2. The file's VOI LUT, else its first window. Where it has neither: images of at most 8 bits as they are, from 0 to the
   largest value of their bits; others between the ``PERCENTILES`` of their pixels.
3. MONOCHROME1 is inverted, so that more is brighter.
4. Padding, which is no part of the picture, is black; no percentile counts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


class DisplayError(ValueError):
    """A window or table of the file that cannot be used; the text says why."""


PERCENTILES = (0.5, 99.5)  #: become black and white where a file of more than 8 bits tells no window


def display_grey(stored: np.ndarray, image: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Grey (H, W) in 0..1 of stored values (H, W), and notes on how.

    Args:
        image: the file's tags; its window and its tables are used.

    Raises:
        DisplayError: where a table or window cannot be used.
    """
    padding = _padding(stored, image)
    values = _modality(stored, image)
    centre, width = _first(image, "WindowCenter"), _first(image, "WindowWidth")
    notes: tuple[str, ...] = ()
    if image.get("VOILUTSequence"):
        item = image.VOILUTSequence[0]
        grey = _looked_up(values, item, image) / np.float32(2 ** int(item.LUTDescriptor[2]) - 1)
    elif centre is not None and width is not None:
        grey = windowed(values, centre, width, str(image.get("VOILUTFunction") or "LINEAR"))
    elif int(image.BitsStored) <= 8 and values is stored:
        low, count = (-(2 ** (int(image.BitsStored) - 1)) if image.PixelRepresentation else 0), 2**image.BitsStored - 1
        grey = (stored.astype(np.float32) - low) / np.float32(count)
    else:
        grey = _between_percentiles(values, padding)
        notes = (f"no window in the file; black and white are its percentiles {PERCENTILES[0]} and {PERCENTILES[1]}",)
    grey = grey.astype(np.float32, copy=False).clip(0, 1)
    if image.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    if padding is not None:
        grey[padding] = 0
    return grey, notes


def windowed(values: np.ndarray, centre: float, width: float, function: str = "LINEAR") -> np.ndarray:
    """Values in a window, in 0..1 of the same shape (PS3.3, C.11.2.1.2 and C.11.2.1.3).

    Args:
        function: LINEAR, LINEAR_EXACT or SIGMOID.

    Raises:
        DisplayError: where the window is no number, too narrow, or the function another.
    """
    if not np.isfinite([centre, width]).all() or width <= 0 or (width < 1 and function == "LINEAR"):
        raise DisplayError(f"a window of at least one grey value expected, got width {width:g} at {centre:g}")
    x = values.astype(np.float32)
    if function == "SIGMOID":
        return 1 / (1 + np.exp((-4 * (x - np.float32(centre)) / np.float32(width)).clip(-80, 80)))
    if function == "LINEAR_EXACT":
        return ((x - np.float32(centre)) / np.float32(width) + np.float32(0.5)).clip(0, 1)
    if function != "LINEAR":
        raise DisplayError("a window of function LINEAR, LINEAR_EXACT or SIGMOID expected")
    if width == 1:
        return (x > np.float32(centre - 0.5)).astype(np.float32)
    return ((x - np.float32(centre - 0.5)) / np.float32(width - 1) + np.float32(0.5)).clip(0, 1)


def _modality(stored: np.ndarray, image: Dataset) -> np.ndarray:
    """The stored values themselves where nothing changes them."""
    if image.get("ModalityLUTSequence"):
        return _looked_up(stored, image.ModalityLUTSequence[0], image)
    slope, intercept = _first(image, "RescaleSlope"), _first(image, "RescaleIntercept")
    slope, intercept = 1.0 if slope is None else slope, 0.0 if intercept is None else intercept
    if (slope, intercept) == (1.0, 0.0):
        return stored
    if not np.isfinite([slope, intercept]).all() or slope == 0:
        raise DisplayError("a finite rescale slope other than 0 expected")
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _looked_up(values: np.ndarray, item: Dataset, image: Dataset) -> np.ndarray:
    """What a table of the file (Modality or VOI LUT) says of each value; outside of it, its ends."""
    entries, first, bits = (int(number) for number in item.LUTDescriptor)
    entries = entries or 2**16
    if not 8 <= bits <= 16:
        raise DisplayError(f"a lookup table of 8 to 16 bits expected, got {bits}")
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if image.file_meta.TransferSyntaxUID.is_little_endian else ">"
        data = np.frombuffer(data, dtype=np.uint8 if len(data) <= entries + 1 else f"{order}u2")
    table = np.asarray(data, dtype=np.float32)[:entries]
    if len(table) < entries:
        raise DisplayError(f"a lookup table of {entries} entries expected, got {len(table)}")
    places = np.rint(values).astype(np.int32) - first
    return table[places.clip(0, entries - 1)]


def _between_percentiles(values: np.ndarray, padding: np.ndarray | None) -> np.ndarray:
    """Values scaled so that ``PERCENTILES`` are 0 and 1; where these are equal, minimum and maximum; else all 0."""
    x = values.astype(np.float32)
    inside = x if padding is None or padding.all() else x[~padding]
    low, high = np.percentile(inside, PERCENTILES)
    if low == high:
        low, high = inside.min(), inside.max()
    return (x - np.float32(low)) / np.float32(high - low) if high > low else np.zeros_like(x)


def _padding(stored: np.ndarray, image: Dataset) -> np.ndarray | None:
    """Which pixels are padding; None where the file tells of none."""
    value, limit = _first(image, "PixelPaddingValue"), _first(image, "PixelPaddingRangeLimit")
    if value is None:
        return None
    low, high = sorted((value, value if limit is None else limit))
    found = (stored >= low) & (stored <= high)
    return found if found.any() else None


def _first(image: Dataset, keyword: str) -> float | None:
    """The first number of a tag; None where it has none."""
    found = image.get(keyword)
    if found is None or found == "":
        return None
    return float(found if isinstance(found, int | float | str) else found[0])
