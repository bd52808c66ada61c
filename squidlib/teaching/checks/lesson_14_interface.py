"""Check of a method of one's own: whether a class keeps to the interface that the benchmark relies on.

Nothing is known of how it works, so it is tried on toy images that every detector should tell apart.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Generator, Tensor

from squidlib.teaching.checks.report import BLANK, Holds, exercise

SIDE = 96  #: of the toy images, as of DigitAnatomy


@exercise
def own_method(mine: Any, holds: Holds) -> None:
    """``mine``: a class with ``fit(normals, seed, progress, augmented)`` and ``score(images)``."""
    start = "In fit: keep something of the normal images in self, return self. In score: how far is each image from it?"
    normal = toys(30, 0)
    images = torch.cat([toys(8, 1), _turned(toys(8, 2))])  # 8 normal ones, 8 abnormal ones
    method = _made(mine, normal, holds, start)
    scores = _scored(method, normal, images, holds, start)
    _judged(method, images, scores, holds, start)
    turned = _fresh_scores(holds, mine, _turned(normal), images, start)
    holds.that(
        "learns", not torch.allclose(turned, scores, rtol=1e-3), "what it has seen changes what it says"
    ).otherwise(
        "fitted to negatives it gives the very same scores",
        "Scores must come from what fit saw of normals.",
        "Keep a mean, a Gaussian or the images themselves in self.",
    )
    torch.rand(7)  # the global generator stands elsewhere now
    again = _fresh_scores(holds, mine, normal, images, start)
    holds.that(
        "seed", torch.allclose(again, scores, rtol=1e-3, atol=1e-5), "the same seed gives the same scores"
    ).otherwise(
        "fitted again with the same seed, it gave other scores",
        "Draw random numbers from a generator of your own.",
        "torch.Generator().manual_seed(seed)",
    )
    holds.that("name", isinstance(getattr(method, "name", None), str), "it has a name for the table").otherwise(
        "the table wants a text as name", 'Below the line "class ...": name = "my method"'
    )


def _made(mine: Any, normal: Tensor, holds: Holds, start: str) -> Any:
    """An object of the class, whose methods can be called as the harness does."""
    holds.that("class", inspect.isclass(mine), "it is a class").otherwise(
        f"a class expected, got {type(mine).__name__}",
        "Give the class itself, not an object of it: the benchmark makes one for each run.",
    )
    method = holds.call(mine, hint="The class must be made without arguments: MyMethod().")
    missing = [part for part in ("fit", "score") if not callable(getattr(method, part, None))]
    holds.that("methods", not missing, "it has fit and score").otherwise(f"no method {' and '.join(missing)}", start)
    try:
        inspect.signature(method.fit).bind(normal, 0, range, None)
        fits = True
    except TypeError:
        fits = False
    holds.that("arguments", fits, "fit takes (normals, seed, progress, augmented)").otherwise(
        f"the harness calls fit(normals, seed, progress, augmented), and fit takes {inspect.signature(method.fit)}",
        "Take all four, whether you need them or not.",
        "def fit(self, normals, seed=0, progress=range, augmented=None):",
    )
    return method


def _scored(method: Any, normal: Tensor, images: Tensor, holds: Holds, start: str) -> Tensor:
    """The scores of images after fitting to normal ones; neither changes what it was given."""
    given = normal.clone()
    (returned,) = holds.call(
        lambda *arguments: [method.fit(*arguments)], given, 0, range, None, hint=start, copied=False
    )
    holds.that(BLANK, bool(vars(method)) or returned is method).otherwise("not written yet: fit keeps nothing", start)
    holds.that("itself", returned is method, "fit returns the method").otherwise(
        f"fit must return self, got {type(returned).__name__}", "The last line of fit is: return self."
    )
    asked = images.clone()
    scores = holds.shape(
        holds.call(method.score, asked, hint=start, copied=False),
        (16,),
        "(B,), one number an image",
        "Bring tiles and pixels down to one number an image: .amax(...) or .mean(...) over all but images.",
    ).detach()
    holds.that(
        "changes", torch.equal(given, normal) and torch.equal(asked, images), "it leaves the images as they were"
    ).otherwise(
        "fit or score has changed the images that it was given, which others use, too",
        "x -= y and methods such as x.sub_() change a tensor in place.",
        "Write x = x - y, or begin with x.clone().",
    )
    empty = holds.call(method.score, torch.zeros(2, 1, SIDE, SIDE), hint=start)
    holds.that(
        "finite", bool(torch.isfinite(scores).all() and torch.isfinite(empty).all()), "every score is finite"
    ).otherwise(
        "a score is NaN or infinite (was it the image that is black all over?)",
        "A division by zero: a length or a standard deviation may be 0.",
        "F.normalize, or .clamp(min=1e-6) below the line.",
    )
    holds.that("apart", float(scores.max()) > float(scores.min()), "scores differ").otherwise(
        "all images have the same score",
        "A score has to say how an image differs from what fit kept.",
        "(image - self.mean).abs().mean(...), say.",
    )
    return scores


def _judged(method: Any, images: Tensor, scores: Tensor, holds: Holds, start: str) -> None:
    """Whether the scores are those of single images, and higher where an image is abnormal."""
    twice = holds.call(method.score, images.clone(), hint=start).detach()
    holds.that(
        "twice", torch.allclose(twice, scores, rtol=1e-3, atol=1e-5), "asked twice, it answers the same"
    ).otherwise(
        "asked twice about the same images, it gave different scores",
        "A score must not draw random numbers.",
        "What has to be random belongs into fit, from the seed.",
    )
    holds.that(
        "direction",
        float(scores[8:].min()) > float(scores[:8].max()),
        "shifted negatives of normal images score higher",
    ).otherwise(
        f"shifted negatives of normal images scored {_span(scores[8:])}, normal ones {_span(scores[:8])}",
        "Higher means more abnormal: a distance to what is normal, not a likeness.",
        "Compare with what fit kept, at the same place of the image.",
    )
    alone = torch.cat([holds.call(method.score, image[None], hint=start) for image in images]).detach()
    holds.that(
        "company",
        torch.allclose(alone, scores, rtol=1e-2, atol=1e-3),
        "an image's score does not depend on its company",
    ).otherwise(
        "an image scored alone has another score than among others",
        "Means, standard deviations and ranks of the images in question must not enter: a patient comes alone.",
        "Take every statistic in fit, of normal images.",
    )


def toys(count: int, seed: int) -> Tensor:
    """Images (count, 1, 96, 96): a bar in each of nine tiles, slightly moved, of different brightness, and noise."""
    generator = Generator().manual_seed(seed)
    images = torch.zeros(count, 1, SIDE, SIDE)
    for index in range(count):
        for tile in range(9):
            down, right = torch.randint(0, 3, (2,), generator=generator).tolist()
            top, left = 32 * (tile // 3) + 4 + down, 32 * (tile % 3) + 4 + right
            height, width = (20, 6 + tile) if tile % 2 else (6 + tile, 20)
            images[index, 0, top : top + height, left : left + width] = 0.8
    return (images + 0.1 * torch.rand(images.shape, generator=generator)).clamp(0, 1)


def _turned(images: Tensor) -> Tensor:
    """Negatives, half a tile lower: neither intensities, nor edges, nor what a tile holds are the same."""
    return (1 - images).roll(SIDE // 6, -2)


def _fresh_scores(holds: Holds, mine: Any, normals: Tensor, images: Tensor, hint: str) -> Tensor:
    """Of a fresh object, fitted to these normals."""
    fresh = mine()
    holds.call(lambda *given: [fresh.fit(*given)], normals, 0, range, None, hint=hint)
    return holds.call(fresh.score, images, hint=hint)


def _span(scores: Tensor) -> str:
    return f"{float(scores.min()):.3g} to {float(scores.max()):.3g}"
