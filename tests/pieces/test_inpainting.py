"""In-painting block: whom a patch asks, what it hears, and how it knows its position."""

from __future__ import annotations

import torch

from squidlib.inpainting import binary_positions
from tests.conftest import filled, tiny_config


def test_inpainting_asks_neighbours_recalled_features() -> None:
    squid, _ = filled(tiny_config())
    block, config = squid.inpainting.eval(), squid.config
    queries = torch.rand(1, config.positions, config.features)
    recalled = torch.rand(1, config.positions, config.features, requires_grad=True)
    block.inpaint(queries, recalled)[0, 0].sum().backward()
    assert recalled.grad is not None
    reached = recalled.grad[0].abs().sum(-1) > 0
    assert reached.tolist() == [True, True, False, True, True, False, False, False, False]  # corner: itself and three


def test_the_answer_is_torchs_own_attention_over_the_neighbours_where_the_grid_ends_too() -> None:
    squid, _ = filled(tiny_config())
    block, config = squid.inpainting, squid.config
    with torch.no_grad():
        block.attention.in_proj_bias.normal_(generator=torch.Generator().manual_seed(2))  # zeros in a new network
    queries, recalled = torch.rand(2, 2, config.positions, config.features).unbind()
    found, counted = block.ask(queries, recalled, weighed=True)
    assert counted is not None
    found, counted = found.unflatten(0, (2, -1)), counted.unflatten(0, (2, -1))
    zero = torch.zeros(2, config.features)
    for position, around in {0: [1, 3, 4], 4: [0, 1, 2, 3, 5, 6, 7, 8], 5: [1, 2, 4, 7, 8]}.items():
        told = torch.stack([recalled[:, other] for other in around] + [zero] * (8 - len(around)), dim=1)
        own = queries[:, position, None]
        answer, weights = block.attention(own, told, told)
        assert torch.allclose(found[:, position], answer[:, 0], atol=1e-6)
        assert torch.allclose(counted[:, position].sort().values, weights[:, 0].sort().values, atol=1e-6)


def test_positions_in_binary() -> None:
    assert binary_positions(9, 4)[[0, 1, 5, 8]].tolist() == [[0, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 1], [1, 0, 0, 0]]
