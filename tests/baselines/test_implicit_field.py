"""IF 2D: classes, positions and objective by their formulas; a field of images apart; codes fitted to new images."""

from __future__ import annotations

import numpy as np
import torch

from squidlib.baselines.implicit_field import Field, intensity_class, negative_log_likelihood, positions
from tests.fitted_toys import METHODS, NORMALS, discs


def test_intensity_classes_are_evenly_spaced_and_hold_both_ends() -> None:
    assert intensity_class(torch.tensor([0.0, 0.16, 0.17, 0.5, 0.84, 1.0]), 4).tolist() == [0, 0, 1, 2, 3, 3]


def test_places_run_over_rows_then_columns_as_a_flat_image_does() -> None:
    assert positions(3, 2).tolist() == [[-1, -1], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 1]]
    assert torch.equal(positions(4, 6, 2), positions(4, 6).view(4, 6, 2)[::2, ::2].reshape(-1, 2))


def test_the_implicit_fields_objective_is_numpys_cross_entropy_and_the_code_prior() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, codes = torch.randn(2, 5, 3, generator=generator), torch.randn(2, 4, generator=generator)
    truth = torch.randint(3, (2, 5), generator=generator)
    chances = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(-1, keepdims=True)
    expected = [
        -np.mean([np.log(chances[b, p, truth[b, p]]) for p in range(5)]) + 1e-4 * float((codes[b].numpy() ** 2).sum())
        for b in range(2)
    ]
    np.testing.assert_allclose(negative_log_likelihood(logits, truth, codes).numpy(), expected, rtol=1e-5)


def test_a_field_answers_every_image_as_if_it_were_alone() -> None:
    field, codes = Field(4, 8, 2, 3), torch.randn(3, 4)
    together = field(positions(2, 2), codes)
    alone = torch.cat([field(positions(2, 2), code[None]) for code in codes])
    torch.testing.assert_close(together, alone)
    assert not torch.allclose(together[0], together[1])


def test_fitting_a_code_lowers_the_likelihood_that_is_scored_and_leaves_the_network() -> None:
    method = METHODS["IF 2D"](200).fit(discs(48, 0), seed=0)
    before = [parameter.clone() for parameter in method.network.parameters()]
    fresh = discs(16, 1)
    method.fitting_steps = 0
    unfitted = method.score(fresh)
    method.fitting_steps = 30
    fitted = method.score(fresh)
    assert (fitted < unfitted).all()
    assert all(torch.equal(one, two) for one, two in zip(before, method.network.parameters(), strict=True))
    assert not any(parameter.requires_grad for parameter in method.network.parameters())


def test_the_implicit_fields_map_holds_the_score() -> None:
    method = METHODS["IF 2D"](5).fit(NORMALS, seed=0)
    torch.testing.assert_close(method.score(NORMALS), method.anomaly_map(NORMALS)[..., ::2, ::2].mean((1, 2, 3)))
