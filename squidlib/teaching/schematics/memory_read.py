"""Reading a memory: similarity, softmax, shrinkage, sum, as bars over slots of one real tile (paper, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from squidlib.squid import Squid
from squidlib.teaching.schematics.canvas import Canvas
from squidlib.utils.palette import MEMORY, NETWORK, PLAIN

TITLE = "Reading a memory: similarity, softmax, shrinkage, weighted sum"
SHOWN = 12  #: slots
STRONGEST = 8  #: of them, by similarity; the others are taken evenly from the rest


def memory_read(squid: Squid, image: Tensor, slot_tiles: Tensor, position: int) -> Canvas:
    """How the memory of one position answers for one tile.

    Args:
        squid: with a filled memory.
        image: (1, H, W).
        slot_tiles: (S, h, w), what each slot of that position is a copy of, oldest first.
        position: of the tile, 0 ... R - 1.
    """
    with torch.no_grad():
        block, queries = squid.inpainting, squid.query(image[None])
        slots = block.memory.contents()
        similarity = F.cosine_similarity(queries[0, position], slots[position], dim=-1)
        weights = block.read(queries, slots, lambda shares: shares).weights[0, position]
        kept = block.read(queries, slots, block.shrink).weights[0, position]
    order = similarity.argsort(descending=True)
    rest = torch.linspace(STRONGEST, len(order) - 1, SHOWN - STRONGEST + 1).round().long()[1:]
    chosen = torch.cat([order[:STRONGEST], order[rest]])
    count = int((kept > 0).sum())
    shown = similarity[chosen], weights[chosen], kept[chosen]
    canvas = Canvas(1180, 560, TITLE, _described(len(similarity), count, *shown))
    columns = squid.config.grid_shape[1]
    height, width = squid.config.patch_shape
    row, column = divmod(position, columns)
    tile = image[0, row * height : (row + 1) * height, column * width : (column + 1) * width]
    canvas.text((90, 50), "one patch", 15)
    canvas.tile((30, 66), 120, tile)
    canvas.arrow([(90, 190), (90, 238)])
    canvas.box((26, 240), (128, 66), ("Encoder", "gives a query"), NETWORK)
    canvas.arrow([(154, 273), (206, 273)])
    _columns(canvas, slot_tiles[chosen], *shown, len(similarity))
    canvas.arrow([(1040, 475), (1094, 475)])
    canvas.box((1010, 500), (150, 46), ("answer",), MEMORY)
    canvas.arrow([(1094, 475), (1094, 500)])
    canvas.text((1000, 523), f"sum of {count} slots, each times its weight", 15, anchor="end")
    return canvas


def _columns(canvas: Canvas, tiles: Tensor, similarity: Tensor, weights: Tensor, kept: Tensor, slots: int) -> None:
    """The slots' tiles, and three rows of bars below them."""
    count = int((kept > 0).sum())
    left, step, wide = 330.0, 58.0, 58.0 * SHOWN
    canvas.text(
        (left + wide / 2, 28), f"{SHOWN} of the slots of this position, most similar first; what each remembers", 15
    )
    for number, tile in enumerate(tiles):
        canvas.tile((left + number * step + 5, 44), step - 10, tile, MEMORY if kept[number] > 0 else PLAIN)
    colours = [MEMORY if value > 0 else PLAIN for value in kept]
    rows: Sequence[tuple[str, str, Tensor]] = (
        ("similarity", "cosine of query and slot", similarity),
        ("softmax", f"all {slots} slots sum to 1", weights),
        ("shrinkage", f"{count} stay, and sum to 1", kept),
    )
    for number, (name, what, values) in enumerate(rows):
        top = 126 + number * 124
        canvas.text((left - 16, top + 40), name, 17, anchor="end", bold=True)
        canvas.text((left - 16, top + 62), what, 12, anchor="end")
        canvas.bars((left, top), (wide, 90), values.tolist(), colours, float(values.max()))
        for place, value in enumerate(values.tolist()):
            text = f"{value:.{3 if number == 1 else 2}f}".replace("0.", ".") if value else "0"
            canvas.text((left + (place + 0.5) * step, top + 102), text, 12)


def _described(slots: int, count: int, similarity: Tensor, weights: Tensor, kept: Tensor) -> str:
    return (
        f"A patch is encoded to a query and compared with {slots} slots. Cosines of those shown run from "
        f"{similarity.max():.2f} to {similarity.min():.2f}; softmax turns them into weights of at most "
        f"{weights.max():.3f}; shrinkage keeps the {count} largest, which then sum to one, the first {kept.max():.2f}."
        " The answer is the sum of these slots, each times its weight."
    )
