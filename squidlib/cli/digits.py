"""``squid digits``: DigitAnatomy as files: PNG images, pixel masks and a table of labels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MakeDigits:
    """Write DigitAnatomy images with pixel masks and labels.csv into a new folder."""

    out: Path
    """A folder that is new or empty."""
    kind: tuple[Literal["normal", "novel", "disorder", "missing", "flipped", "stranger", "drift", "lesion"], ...] = (
        "normal",
        "novel",
        "disorder",
        "missing",
        "flipped",
    )
    """Kinds to write; stranger and drift need a --hand."""
    count: int = 10
    """Images of each kind."""
    seed: int = 0
    """Another seed gives other images."""
    severity: float | None = None
    """Tiles that become wrong, by default two for disorder, else one; of drift and lesion how far it goes, to 1."""
    hand: float = 0.0
    """How far the digits of an image are written by one hand, 0 (each by its own) to 1."""
    mirrored: bool = False
    """With a --hand: the right column is written the other way round, as the two halves of a body are."""
    split: Literal["train", "calibration", "test"] = "test"
    """Which glyphs to compose of; the three share none."""
    glyphs: str = "mnist5000"
    """mnist5000 or sklearn_digits (offline); mnist, emnist or kmnist; or a folder with sub-folders 0..9."""
    download: bool = False
    """Allow the download of mnist, emnist or kmnist to ./data."""

    def run(self) -> int:
        """Write everything; labels.csv comes last, so its presence says that the folder is whole."""
        from tqdm.auto import tqdm

        from digitanatomy import DigitAnatomy
        from squidlib.data.glyphs import load_glyphs
        from squidlib.utils.safetensors_io import check_writable, write_atomically

        if self.count < 1:
            raise UserError(f"--count must be at least 1, got {self.count}")
        if self.seed < 0:
            raise UserError(f"--seed must not be negative, got {self.seed}")
        if not self.kind:
            raise UserError("--kind expects at least one kind, such as: --kind normal flipped")
        check_writable(self.out)
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise UserError(f"{self.out} exists and is not an empty folder; choose another")
        glyphs = getattr(load_glyphs(self.glyphs, download=self.download).split(), self.split)
        try:
            counts: dict[str, int] = dict.fromkeys(self.kind, self.count)
            data = DigitAnatomy(glyphs, counts, self.seed, self.severity, hand=self.hand, mirrored=self.mirrored)
            [data[index] for index in range(0, len(data), self.count)]  # fails here, before anything is written
        except ValueError as error:
            raise UserError(str(error)) from error
        lines = ["image,mask,label,kind,wrong_tiles"]
        for index, sample in enumerate(tqdm(data, total=len(data), desc="writing", unit="image", disable=None)):
            image, mask = f"images/{index:05d}_{sample.kind}.png", f"masks/{index:05d}_{sample.kind}.png"
            write_atomically(self.out / image, _png(sample.image))
            write_atomically(self.out / mask, _png(sample.mask.float()))
            tiles = " ".join(str(tile) for tile, wrong in enumerate(sample.wrong.tolist()) if wrong)
            lines.append(f"{image},{mask},{sample.label},{sample.kind},{tiles}")
        write_atomically(self.out / "labels.csv", ("\n".join(lines) + "\n").encode())
        print(f"{len(data)} images with masks: {self.out}")
        return 0


def _png(image: Tensor) -> bytes:
    from torchvision.transforms.functional import to_pil_image

    buffer = io.BytesIO()
    to_pil_image(image).save(buffer, format="PNG")
    return buffer.getvalue()
