"""Checks of lesson 11: a contaminated training set, wrong tiles by position, what contamination costs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch

from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["auc_lost", "contaminated_types", "wrong_share"]


@exercise
def contaminated_types(mine: Any, holds: Holds) -> None:
    """``mine(count, share, generator)``: the types of a contaminated training set, in random order."""
    start = 'Begin with a list: ["normal"] * some number, then the four anomaly types of ANOMALIES, each as often.'
    got = holds.call(mine, 200, 60, torch.Generator().manual_seed(0), hint=start, copied=False)
    many = got.count("normal") if isinstance(got, list) else 0
    holds.that("per cent", many <= 200, "the share counts in per cent").otherwise(
        f"of 200 images with a share of 60 per cent {many:,} are normal: the share was taken for a number in 0..1",
        "share is 60 here, not 0.6: divide by 100.",
        "count * share // 100 images are normal.",
    )
    holds.that("list", isinstance(got, list) and len(got) == 200, "it is a list with a type for each image").otherwise(
        f"a list of 200 types expected, got {type(got).__name__} {str(got)[:40]}",
        "Return a list that is as long as count.",
        "Normal and abnormal images together are count.",
    )
    counts = Counter(got)
    holds.that("normal", counts["normal"] == 120, "exactly the share is normal").otherwise(
        f"60 per cent of 200 images are 120 normal ones, got {counts['normal']}",
        "share is a whole number of per cent: count * share / 100.",
        "Fix the number; roll no die.",
    )
    each = {kind: counts[kind] for kind in ("novel", "disorder", "missing", "flipped")}
    holds.that("equal", set(each.values()) == {20}, "the four anomaly types have equal parts").otherwise(
        f"80 abnormal images are 20 of each type, got {each}",
        "Divide the abnormal images by len(ANOMALIES).",
        "number = (count - normal) // 4, then [kind] * number.",
    )
    first = [kind == "normal" for kind in got[:100]]
    holds.that("shuffled", 45 <= sum(first) <= 75, "they are in random order").otherwise(
        f"of the first 100 images {sum(first)} are normal; about 60 expected",
        "Shuffle: nobody sorted the images for us.",
        "order = torch.randperm(count, generator=generator)",
    )
    again, other = (
        holds.call(mine, 200, 60, torch.Generator().manual_seed(seed), hint=start, copied=False) for seed in (0, 1)
    )
    holds.that("generator", again == got and other != got, "the generator decides the order").otherwise(
        "the same generator must give the same order, and another seed another one",
        "Use the generator that you were given, and no other source of chance.",
        "random.shuffle does not know it; torch.randperm(count, generator=generator) does.",
    )


@exercise
def wrong_share(mine: Any, holds: Holds) -> None:
    """``mine(wrong)``: share of wrong tiles at each position."""
    wrong = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
    start = "wrong.float() turns False and True into 0 and 1; then take a mean over one dimension."
    got = holds.shape(
        holds.call(mine, wrong, hint=start),
        (3,),
        "(R,), one number a position",
        "Images are dimension 0; average over those and keep the positions.",
    )
    holds.that("share", bool((got >= 0).all()) and bool((got <= 1).all()), "they are shares in 0..1").otherwise(
        f"shares in 0..1 expected, got {[round(float(value), 2) for value in got]}",
        "A count must be divided by the number of images.",
        "The mean of zeros and ones is a share.",
    )
    holds.that(
        "all images",
        torch.allclose(got.float(), torch.tensor([0.75, 0.25, 0.0])),
        "of all images, also the normal ones",
    ).otherwise(
        f"of 4 images 3 are wrong at position 0, 1 at position 1, none at 2; got {got.tolist()}",
        "A memory is filled by all images: divide by 4, the number of rows.",
        "wrong.float().mean(0)",
    )


@exercise
def auc_lost(mine: Any, holds: Holds) -> None:
    """``mine(aucs)``: AUC lost against 100 % normal, mean over seeds, for each share."""
    start = "A dictionary comprehension over aucs.items(); aucs[100] holds the clean AUC of each seed."
    aucs = {100: [0.9, 0.8, 0.7], 80: [0.8, 0.75, 0.7], 60: [0.7, 0.5, 0.75]}
    got = holds.call(mine, aucs, hint=start)
    holds.that(
        "dictionary", isinstance(got, dict) and set(got) == set(aucs), "it has an entry for each share"
    ).otherwise(
        f"a dictionary with the keys {list(aucs)} expected, got {got if isinstance(got, dict) else type(got).__name__}",
        "Keep the keys of aucs, 100 as well.",
        "{share: ... for share, values in aucs.items()}",
    )
    holds.that(
        "numbers", all(isinstance(value, int | float) for value in got.values()), "each entry is one number"
    ).otherwise(
        f"one number a share expected, got {got}",
        "Take the mean over the seeds.",
        "sum(differences) / len(differences)",
    )
    holds.that("clean", abs(got[100]) < 1e-9, "100 % normal has lost nothing").otherwise(
        f"at 100 the loss must be 0, got {got[100]:.3g}",
        "The loss is a difference to the AUC at 100, not the AUC.",
        "clean - contaminated, with clean from aucs[100].",
    )
    holds.that("sign", got[60] > 0, "what is lost is positive").otherwise(
        f"the AUC fell from 0.8 to 0.65 at 60, got {got[60]:.3g}",
        "Clean minus contaminated.",
        "A negative loss would be a gain.",
    )
    holds.that(
        "mean", abs(got[60] - 0.15) < 1e-6 and abs(got[80] - 0.05) < 1e-6, "it is the mean over the seeds"
    ).otherwise(
        f"the losses at 60 are 0.2, 0.3 and -0.05, 0.15 in the mean; got {got[60]:.3g}",
        "A seed that gained counts as well, with its sign.",
        "Neither abs nor max: the plain mean of the differences.",
    )
    short = holds.call(mine, {100: [0.9, 0.8], 50: [0.8]}, hint=start)
    holds.that("seed by seed", abs(short[50] - 0.1) < 1e-6, "each seed is compared with itself").otherwise(
        f"where only the first seed was run at 50 (0.8, clean 0.9), 0.1 is lost; got {short[50]:.3g}",
        "Pair the seeds: the same seed has the same images and weights.",
        "zip(aucs[100], values) gives the pairs.",
    )
