"""Small pictures for the report of ``squid score``: images and their anomaly maps as data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from jaxtyping import Float
    from PIL.Image import Image
    from torch import Tensor

    from squidlib.detection.detector import Detector

LONGEST = 256  #: pixels of a picture's longer side
QUALITY = 85  #: of JPEG
SAME = 0.02  #: of the score (at least of 1) is how far it may be from the table's when the file is read again
_NINTHS = ("top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right")


class Pictures(NamedTuple):
    """image, map: data URIs. size: (width, height) in pixels. brightest: where the map is, such as "top left"."""

    image: str
    map: str
    size: tuple[int, int]
    brightest: str


def pictures_of(
    detector: Detector, paths: Sequence[Path], scores: Sequence[float]
) -> Iterator[tuple[Pictures | None, str]]:
    """The pictures of each file, read again; or None and why there are none.

    Args:
        scores: what the files scored before; one that scores otherwise now has been changed.
    """
    import torch

    from squidlib.data.images import read_image
    from squidlib.detection.prediction import NotFiniteError

    channels, height, width = detector.config.image_shape
    for path, before in zip(paths, scores, strict=True):
        try:
            image = read_image(path, (height, width), channels)
            found = detector.predict(torch.stack([image]))
        except (UserError, NotFiniteError) as error:
            yield None, str(error)
            continue
        if abs(float(found.score[0]) - before) > SAME * max(1.0, abs(before)):
            yield None, f"{path}: the file was changed after it was scored"
            continue
        size = (width, height)
        yield Pictures(image_uri(image), map_uri(found.anomaly_map[0, 0]), size, brightest(found.anomaly_map[0, 0])), ""


def image_uri(image: Float[Tensor, "C H W"]) -> str:
    """An image in 0..1 as PNG or JPEG, whichever is smaller."""
    from PIL import Image

    pixels = (image.clamp(0, 1) * 255).round().byte().movedim(0, -1).numpy()
    picture = _shrunk(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))
    return min(_uri(picture, "PNG", optimize=True), _uri(picture, "JPEG", quality=QUALITY), key=len)


def map_uri(anomaly: Float[Tensor, "H W"]) -> str:
    """An anomaly map as PNG, in the colours of ``--maps``; 256 of them, so that one byte a pixel is enough."""
    from matplotlib import colormaps
    from PIL import Image

    from squidlib.utils.plotting import MAP_COLOURS

    levels = (anomaly.clamp(0, 1) * 256).floor().clamp(max=255).byte().numpy()
    picture = _shrunk(Image.fromarray(levels))
    picture.putpalette((colormaps[MAP_COLOURS](np.arange(256))[:, :3] * 255).round().astype(np.uint8).tobytes())
    return _uri(picture, "PNG", optimize=True)


def brightest(anomaly: Float[Tensor, "H W"]) -> str:
    """In which ninth of the picture a map has its highest mean: a name of ``_NINTHS``."""
    import torch.nn.functional as F

    return _NINTHS[int(F.adaptive_avg_pool2d(anomaly[None, None], 3).argmax())]


def _shrunk(picture: Image) -> Image:
    picture.thumbnail((LONGEST, LONGEST))
    return picture


def _uri(picture: Image, kind: str, **options: int) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
