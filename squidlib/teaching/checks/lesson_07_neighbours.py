"""Checks of lesson 07: does a prediction look at the patch itself, InfoNCE, how badly a patch fits its neighbours."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["info_nce", "leak", "misfit"]

TOKENS = torch.tensor([[[0.0, 0.0], [1.0, 5.0]], [[3.0, 4.0], [2.0, 7.0]], [[6.0, 0.0], [4.0, 9.0]]])  # (3, 2, 2)


@exercise
def leak(mine: Any, holds: Holds) -> None:
    """``mine(predict, tokens, position)``: how far a prediction moves when only the own token is exchanged."""
    start = "changed = tokens.clone(); exchange changed[:, position] by tokens[:, position].roll(1, dims=0); compare."
    kept = TOKENS.clone()
    got = holds.number(holds.call(mine, _itself, kept, 0, hint=start, copied=False))
    holds.that("kept", torch.equal(kept, TOKENS), "the tokens that it was given stay as they were").otherwise(
        "after the call the tokens of the caller are others",
        "changed = tokens is the same tensor under another name.",
        "changed = tokens.clone()",
    )
    alone = holds.number(holds.call(mine, _first_from_second, TOKENS, 0, hint=start))
    holds.that("alone", alone == 0, "only the own token of the position is exchanged").otherwise(
        f"position 0 is predicted to be the token of position 1, so exchanging token 0 moves nothing; got {alone:g}",
        "Exchange one position and leave the others as they are.",
        "changed[:, position] = ..., and nothing else of changed.",
    )
    here = holds.number(holds.call(mine, _swapped, TOKENS, 0, hint=start))
    holds.that("here", here == 0, "what happens at other positions does not count").otherwise(
        f"each position predicts the other one's token: position 0 does not move, only position 1 does; got {here:g}",
        "Compare predict(changed)[:, position] with predict(tokens)[:, position].",
    )
    holds.that("found", got > 0, "a prediction that copies the patch is found out").otherwise(
        f"the prediction is the patch itself, so it must move; got {got:g}",
        "Compare the predictions for two different inputs: the tokens as they were, and with the exchanged one.",
        "tokens[:, position].roll(1, dims=0) gives each image the token of the image before it.",
    )
    right = (36 + 25 + 25) / 3  # squared distances of (0,0)-(6,0), (3,4)-(0,0), (6,0)-(3,4)
    holds.that("value", abs(got - right) < 1e-4, "squares are summed over D and averaged over images").otherwise(
        f"the three tokens move by squared distances of 36, 25 and 25: {right:.4g} expected, got {got:.4g}",
        "A squared distance is the sum of the squares over the last dimension.",
        "apart.square().sum(-1).mean()",
    )


@exercise
def info_nce(mine: Any, holds: Holds) -> None:
    """``mine(predicted, keys, scale)``: the loss of picking the own key among those of the batch."""
    start = "fits = scale * cosine of each prediction with each key, (B, B); F.cross_entropy(fits, torch.arange(B))."
    generator = torch.Generator().manual_seed(0)
    predicted, keys = torch.randn(5, 8, generator=generator), torch.randn(5, 8, generator=generator)
    got = holds.call(mine, predicted, keys, 3.0, hint=start)
    got = holds.shape(got, (), "a scalar", "One number for the batch: F.cross_entropy averages over the predictions.")
    longer = holds.call(mine, 7 * predicted, 0.2 * keys, 3.0, hint=start)
    holds.that("length", _near(longer, got), "only directions count").otherwise(
        "seven times longer predictions and shorter keys give another loss",
        "The fit is a cosine: both vectors have length 1.",
        "F.normalize(predicted, dim=-1) @ F.normalize(keys, dim=-1).T",
    )
    nothing = float(holds.call(mine, predicted, keys[:1].expand(5, -1).clone(), 3.0, hint=start))
    holds.that(
        "chance", abs(nothing - math.log(5)) < 1e-4, "where all keys are alike it is the logarithm of B"
    ).otherwise(
        f"five equal keys cannot be told apart: log 5 = {math.log(5):.4f} expected, got {nothing:.4g}",
        "The alternatives are all keys of the batch, the own one included.",
        "A softmax over the B keys, its own one's logarithm, the sign turned round: that is F.cross_entropy.",
    )
    known = float(holds.call(mine, keys, keys, 50.0, hint=start))
    holds.that("own", known < 0.1, "it is small where each prediction is its own key").otherwise(
        f"each prediction is exactly its own image's key, and the loss is {known:.3g}",
        "Prediction b belongs to key b: the targets are 0, 1, 2, ...",
        "A larger cosine has to mean a lower loss: no minus before the fits.",
    )
    sharper = float(holds.call(mine, predicted, keys, 9.0, hint=start))
    expected = float(_loss(predicted, keys, 9.0))
    holds.that("scale", abs(sharper - expected) < 1e-3, "the fits are multiplied by the scale").otherwise(
        f"with the scale 9 the loss of this example is {expected:.4f}, got {sharper:.4f}",
        "Cosines lie between -1 and 1; a softmax over them is nearly flat. The scale makes it sharper.",
        "Choose among the *keys* for each prediction: rows of fits are predictions, columns are keys.",
    )


@exercise
def misfit(mine: Any, holds: Holds) -> None:
    """``mine(predicted, keys, slots, scale)``: how much better the slots fit than the patch that is there."""
    start = (
        "Normalise all three; fits of slots are scale * predicted @ slots.T, (B, S); torch.logsumexp over the slots."
    )
    generator = torch.Generator().manual_seed(0)
    predicted, keys, slots = (torch.randn(n, 8, generator=generator) for n in (4, 4, 6))
    got = holds.call(mine, predicted, keys, slots, 3.0, hint=start)
    got = holds.shape(got, (4,), "(B,)", "One number for each image: sum or reduce over the slots and over E.")
    good = holds.call(mine, predicted, predicted, slots, 3.0, hint=start)
    holds.that("sign", bool((good < got).all()), "a patch that fits well scores lower").otherwise(
        "a patch whose key is exactly the predicted one scores higher than others do",
        "High means abnormal: the own fit is subtracted.",
        "usual - own",
    )
    same = holds.call(mine, predicted, keys, keys[:1].expand(6, -1).clone(), 3.0, hint=start)
    holds.that("usual", abs(float(same[0])) < 1e-4, "it is 0 where every slot fits as well as the patch").otherwise(
        f"six slots that are all equal to the patch's key: 0 expected, got {float(same[0]):.4g}",
        "logsumexp is the logarithm of a *sum*; asked is that of the mean over the S slots.",
        "Subtract the logarithm of the number of slots.",
    )
    longer = holds.call(mine, 5 * predicted, 2 * keys, 0.3 * slots, 3.0, hint=start)
    holds.that("length", _near(longer, got), "only directions count").otherwise(
        "longer vectors of the same directions give another score",
        "Normalise all three, slots too.",
        "F.normalize(each, dim=-1)",
    )
    steep = holds.call(mine, predicted, keys, slots, 1e4, hint=start)
    holds.that("large", bool(torch.isfinite(steep).all()), "large fits do not overflow").otherwise(
        "with a scale of 10,000 the score is infinite or NaN",
        "exp(100) is more than a 32-bit float can hold.",
        "torch.logsumexp takes the largest one out before it exponentiates.",
    )
    unit = F.normalize(predicted, dim=-1)
    fits = 3 * unit @ F.normalize(slots, dim=-1).T
    expected = fits.exp().mean(-1).log() - 3 * (unit * F.normalize(keys, dim=-1)).sum(-1)
    holds.that("mean", _near(got, expected), "it is the logarithm of the mean over the slots").otherwise(
        f"image 0 of this example has {float(expected[0]):.4f}, got {float(got[0]):.4f}",
        "Neither the best slot alone nor the mean of the fits: the mean of their exponentials.",
        "torch.logsumexp(fits, dim=-1) - torch.tensor(float(len(slots))).log()",
    )


def _itself(tokens: Tensor) -> Tensor:
    return tokens


def _first_from_second(tokens: Tensor) -> Tensor:
    return torch.stack([tokens[:, 1], torch.zeros_like(tokens[:, 1])], dim=1)


def _swapped(tokens: Tensor) -> Tensor:
    return tokens.flip(1)


def _near(one: Any, other: Any) -> bool:
    return isinstance(one, Tensor) and torch.allclose(one.float(), other.float(), atol=1e-4)


def _loss(predicted: Tensor, keys: Tensor, scale: float) -> Tensor:
    fits = (scale * F.normalize(predicted, dim=-1) @ F.normalize(keys, dim=-1).T).exp()
    return -(fits.diagonal() / fits.sum(1)).log().mean()
