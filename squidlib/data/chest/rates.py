"""How fast images are read, from their files and from the cache. Printed by ``squid bench``, asserted nowhere."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from squidlib.data.chest.cache import decode
from squidlib.data.chest.data import as_tensor
from squidlib.data.images import list_images, read_image

MOST = 500  #: images that are read


class LoadingRates(NamedTuple):
    """Images a second: decoded each time, from the cache (its checks included); and how many were read."""

    without_cache: float
    with_cache: float
    images: int


def loading_rates(folder: Path, size: int = 128, seconds: float = 2.0) -> LoadingRates:
    """Read the first images below a folder both ways; the cache is a temporary one.

    Args:
        folder: with image files, at any depth.
        size: pixels a side.
        seconds: to spend on the cached way; the other way every image is read once.

    Raises:
        UserError: where there is no image or one cannot be read.
    """
    root = folder.resolve()
    paths = list_images([root])[:MOST]
    for path in paths:
        path.read_bytes()  # both ways find the files in the system's own cache
    begun = time.perf_counter()
    for path in paths:
        read_image(path, size)
    decoding = time.perf_counter() - begun
    with tempfile.TemporaryDirectory() as place:
        decode(paths, root, size, "rates", Path(place))
        begun, rounds = time.perf_counter(), 0
        while rounds == 0 or time.perf_counter() - begun < seconds:
            as_tensor(decode(paths, root, size, "rates", Path(place)).images)
            rounds += 1
        reading = (time.perf_counter() - begun) / rounds
    return LoadingRates(len(paths) / decoding, len(paths) / reading, len(paths))
