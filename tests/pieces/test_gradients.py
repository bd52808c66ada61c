"""Gradients: which way edges run, how strong they are, and what the encoder sees of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from squidlib.autoencoder import Encoder
from squidlib.gradients import edge_channels, edge_maps
from squidlib.training.presets import PRESETS
from squidlib.utils.errors import UserError
from tests.helpers import noise


def ramp(degrees: float) -> Tensor:
    """Brightness that grows by a hundredth a pixel in that direction (0 right, 90 down): (1, 1, 12, 12)."""
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    angle = torch.deg2rad(torch.tensor(degrees))
    return (0.5 + 0.01 * (angle.cos() * columns + angle.sin() * rows))[None, None]


def oriented_edges(images: Tensor, directions: int) -> Tensor:
    """All directions' maps: (N, K, H, W)."""
    return torch.stack(list(edge_maps(images, directions)), dim=1)


@pytest.mark.parametrize(
    ("degrees", "shares"),
    [(0, {0: 1}), (90, {2: 1}), (180, {4: 1}), (-45, {7: 1}), (22.5, {0: 0.5, 1: 0.5}), (56.25, {1: 0.75, 2: 0.25})],
)
def test_an_edge_is_shared_by_the_two_nearest_directions(degrees: float, shares: dict[int, float]) -> None:
    found = oriented_edges(ramp(degrees), 8)[0, :, 1:-1, 1:-1].mean((1, 2))
    expected = torch.tensor([0.02 * shares.get(number, 0) for number in range(8)])  # of two pixels apart
    assert torch.allclose(found, expected, atol=1e-4)


def test_a_flat_image_has_no_edges() -> None:
    assert not oriented_edges(torch.full((2, 3, 8, 8), 0.7), 6).any()
    assert not edge_channels(torch.zeros(1, 1, 8, 8), 8, 4).any()


def test_colour_counts_by_its_mean() -> None:
    colour = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(oriented_edges(colour, 8), oriented_edges(colour.mean(1, keepdim=True), 8), atol=1e-6)


def test_a_paler_patch_has_nearly_the_same_channels() -> None:
    patch = noise(3, 32)
    assert edge_channels(patch, 8, 4).shape == (3, 8, 8, 8)
    assert torch.allclose(edge_channels(0.4 * patch, 8, 4), edge_channels(patch, 8, 4), rtol=0.12)
    assert not torch.allclose(edge_channels(patch.flip(-1), 8, 4), edge_channels(patch, 8, 4), rtol=0.5)


def test_the_encoder_sees_them_beside_the_pixels() -> None:
    config = PRESETS["laptop"]["digitanatomy"].config
    plain, seeing = Encoder(replace(config, directions=0)), Encoder(replace(config, directions=8))
    assert seeing.first.first[0].in_channels == plain.first.first[0].in_channels + 8 == 24
    codes = seeing.eval()(noise(2, 32))
    changed = seeing(0.5 + 0.5 * noise(2, 32))  # paler and brighter: the same edges, other pixels
    assert codes[0].shape == plain(noise(2, 32))[0].shape
    assert not torch.allclose(codes[0], changed[0])
    with torch.no_grad():
        seeing.first.first[0].weight[:, :16] = 0  # edges alone
        only = [seeing(images)[0] for images in (noise(2, 32), 0.5 + 0.5 * noise(2, 32))]
    assert torch.allclose(*only, atol=0.2)


def test_a_frozen_network_sees_what_it_always_saw() -> None:
    with pytest.raises(UserError, match="no directions"):
        replace(PRESETS["backbone"]["zhanglab"].config, directions=8)
