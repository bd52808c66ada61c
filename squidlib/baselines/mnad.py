"""MNAD: a few prototypes of normal features, read at every position, moved by the features that chose them.

Paper: Park et al., "Learning Memory-guided Normality for Anomaly Detection", CVPR 2020. q a position's feature and p an
item, all of length 1.
Read: softmax over items of q . p, the weighted sum of items; q and what was read go on to the decoder together.
Update: p <- normalised(p + sum v q), over the queries nearest to p; v is the softmax over queries of q . p, scaled so
that its largest is 1.
Objective: |x - x'|^2 + .1 |q - p1|^2 + .1 [|q - p1| - |q - p2| + 1]+, p1 and p2 the nearest and the second nearest.
Score: .6 (1 - g(PSNR)) + .4 g(mean |q - p1|), g scaling to 0..1.

Differs from the original: images, not frames of a video. As in the authors' network that reconstructs there are no skip
connections, which would lead an anomaly around the memory; but the weights .1, .1 and .6 are those of their network
that predicts frames (the other's are .01, .01 and .7). Narrower convolutions and shorter features (64 numbers, not
512); a higher rate (1e-3, not 2e-4), for a minute and not hours. Gradients pass through the softmax of the reading,
which their code cuts. g takes its limits from normal images, not from the test's scores, so values outside 0..1 occur;
its range has a floor; nothing is updated at test.

Prototypes: how MNAD's items are read and moved, and what keeps features near one item and far from the next.

Park et al., "Learning Memory-guided Normality for Anomaly Detection", CVPR 2020, section 3. Queries and items
have length 1, so that their product is a cosine.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.baselines.auto_encoder import decoder, encoder
from squidlib.baselines.base import ByReconstruction, batches
from squidlib.baselines.trained import Phase, Shape, TrainedMethod, Update

QUALITY_SHARE = 0.6  #: of the PSNR in the score; the distance has the rest
#: Least range over normal images of the PSNR, in dB, and of the distance: where all normal images are alike, a score
#: would otherwise be a division by nothing. Of the kit's digits they are about 1 dB and 0.04.
LEAST_RANGE = (0.01, 1e-4)
DEPTH = 3  #: halvings down to the memory's grid of positions


class MNADNetwork(nn.Module):
    """Encoder -> queries -> items -> decoder; ``items`` (S, D) is a buffer that ``move_items`` alone changes."""

    items: Tensor

    def __init__(self, shape: Shape, width: int, features: int, items: int) -> None:
        super().__init__()
        channels = width * 2 ** (DEPTH - 1)
        self.encoder = nn.Sequential(
            *encoder(shape, 1, width)[: 3 * DEPTH],  # three layers a level
            nn.Conv2d(channels, features, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(2 * features, channels, 1), *decoder(shape, 1, width)[-2 - 3 * (DEPTH - 1) :]
        )
        self.register_buffer("items", F.normalize(torch.randn(items, features), dim=1))

    def queries(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """A feature of length 1 at every position."""
        return F.normalize(self.encoder(images), dim=1)

    def forward(self, images: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor]:
        """Reconstruction (B, 1, H, W) and queries (B * h * w, D)."""
        maps = self.queries(images)
        queries = maps.permute(0, 2, 3, 1).flatten(0, 2)
        read = read_items(queries, self.items).unflatten(0, (len(maps), *maps.shape[2:])).permute(0, 3, 1, 2)
        return self.decoder(torch.cat([maps, read], dim=1)), queries

    def move_items(self, queries: Float[Tensor, "N D"]) -> None:
        self.items.copy_(moved_items(queries, self.items))


class MNAD(ByReconstruction, TrainedMethod):
    """Score: how badly an image is reconstructed and how far its features are from the prototypes, in units of normals.

    Args:
        items: prototypes, at least 2.
        features: numbers of each.
        width: channels of the first level.
        steps, batch_size, learning_rate: of the training.
    """

    name = "MNAD"
    network: MNADNetwork

    def __init__(
        self,
        items: int = 10,
        features: int = 64,
        width: int = 16,
        steps: int = 600,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
    ) -> None:
        if items < 2:
            raise ValueError(f"MNAD compares the two nearest items: at least 2 expected, got {items}")
        self.items, self.features, self.width = items, features, width
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def build(self, shape: Shape, seed: int) -> MNADNetwork:
        """Encoder, items and decoder."""
        return MNADNetwork(shape, self.width, self.features, self.items)

    def phases(self, normals: Float[Tensor, "N C H W"], shown: Float[Tensor, "M C H W"], seed: int) -> Iterator[Phase]:
        """One; the items move after every step."""
        optimizer = torch.optim.Adam(self.network.parameters(), self.learning_rate)

        def updates(_step: int, images: Tensor) -> Iterator[Update]:
            reconstruction, queries = self.network(images)
            distances = nearest_two(queries, self.network.items)
            yield F.mse_loss(reconstruction, images) + memory_loss(distances), [optimizer]
            self.network.move_items(queries)

        yield Phase(self.steps, batches(shown, self.batch_size, seed), updates)

    def finish(self, normals: Float[Tensor, "N C H W"]) -> None:
        """The score's limits, from the images of the training."""
        self.calibrate(normals)

    def calibrate(self, normals: Float[Tensor, "N C H W"]) -> MNAD:
        """Take the score's limits from normal images, held-out ones where there are; ``fit`` has taken training's."""
        quantities = self._quantities(normals)
        self.lowest, highest = quantities.amin(0), quantities.amax(0)
        self.range = torch.maximum(highest - self.lowest, quantities.new_tensor(LEAST_RANGE))
        return self

    def _quantities(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 2"]:
        """PSNR in dB, and mean distance of the features to their nearest item."""

        def both(batch: Tensor) -> Tensor:
            reconstruction, queries = self.network(batch)
            error = ((batch - reconstruction) ** 2).mean(dim=(1, 2, 3))
            distances = nearest_two(queries, self.network.items)[:, 0].unflatten(0, (len(batch), -1))
            return torch.stack([-10 * torch.log10(error + 1e-10), distances.mean(1)], dim=1)

        return self.ask(both, images)

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1."""
        return self.ask(lambda batch: self.network(batch)[0], images)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """0..1 for the normal images of ``calibrate``, above for what is stranger than all of them."""
        scaled = (self._quantities(images) - self.lowest) / self.range
        return QUALITY_SHARE * (1 - scaled[:, 0]) + (1 - QUALITY_SHARE) * scaled[:, 1]


COMPACTNESS, SEPARATENESS, MARGIN = 0.1, 0.1, 1.0


def read_items(queries: Float[Tensor, "N D"], items: Float[Tensor, "S D"]) -> Float[Tensor, "N D"]:
    """The mixture of items that each query asks for."""
    return torch.softmax(queries @ items.T, dim=1) @ items


@torch.no_grad()
def moved_items(queries: Float[Tensor, "N D"], items: Float[Tensor, "S D"]) -> Float[Tensor, "S D"]:
    """The items after the queries nearest to each have moved it; an item that none chose stays."""
    similarity = queries @ items.T
    chosen = F.one_hot(similarity.argmax(1), len(items)).bool()
    best = similarity.masked_fill(~chosen, -torch.inf).amax(0)
    weights = torch.where(chosen, (similarity - best).exp(), 0.0)  # softmax / its largest = exp(s - largest s)
    return F.normalize(items + weights.T @ queries, dim=1)


def nearest_two(queries: Float[Tensor, "N D"], items: Float[Tensor, "S D"]) -> Float[Tensor, "N 2"]:
    """|q - p1| and |q - p2|: distances to the nearest and the second nearest item."""
    nearest = items[(queries @ items.T).topk(2, dim=1).indices]  # (N, 2, D)
    return torch.linalg.vector_norm(queries[:, None] - nearest, dim=2)


def memory_loss(distances: Float[Tensor, "N 2"]) -> Float[Tensor, ""]:
    """Compactness and separateness, weighted, as means over queries."""
    near, second = distances.T
    return COMPACTNESS * (near**2).mean() + SEPARATENESS * F.relu(near - second + MARGIN).mean()
