"""Whether a prediction looks at the patch itself: what copies it is found out, what asks the others is not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from squidlib.context import ContextPrediction, all_others
from squidlib.teaching.lesson.leak import leak

TOKENS = torch.randn(5, 4, 3, generator=torch.Generator().manual_seed(0))


def mean_of_others(tokens: Tensor) -> Tensor:
    return (tokens.sum(1, keepdim=True) - tokens) / (tokens.shape[1] - 1)


def test_a_copy_leaks_all_that_two_images_differ_by_and_the_others_mean_leaks_nothing() -> None:
    apart = (TOKENS[:, 2] - TOKENS[:, 2].roll(1, dims=0)).square().sum(-1).mean()
    assert leak(lambda tokens: tokens, TOKENS, 2) == pytest.approx(float(apart))
    assert leak(lambda tokens: 0.5 * tokens, TOKENS, 2) == pytest.approx(float(apart) / 4)
    assert leak(mean_of_others, TOKENS, 2) == pytest.approx(0, abs=1e-12)


def test_context_prediction_leaks_nothing_at_any_position() -> None:
    torch.manual_seed(0)
    model = ContextPrediction(3, all_others(4)).eval()
    with torch.no_grad():
        assert [leak(lambda tokens: model(tokens).predicted, TOKENS, place) for place in range(4)] == [0.0] * 4
        assert leak(lambda tokens: model(tokens).keys, TOKENS, 1) > 0


def test_the_tokens_stay_as_they_were_and_one_image_is_refused() -> None:
    before = TOKENS.clone()
    leak(mean_of_others, TOKENS, 0)
    assert torch.equal(before, TOKENS)
    with pytest.raises(ValueError, match="at least two images"):
        leak(mean_of_others, TOKENS[:1], 0)
