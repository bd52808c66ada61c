"""Checks of lesson 09: a dirty set, wrong tiles by position, cleaning a memory, thresholds, what dirt costs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch

from squidlib.detection.memory_pruning import drop_isolated, isolation
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["auc_lost", "dirty_kinds", "dirty_threshold", "drop_isolated_slots", "wrong_share"]


@exercise
def dirty_kinds(mine: Any, holds: Holds) -> None:
    """``mine(count, share, generator)``: the kinds of a dirty training set, in random order."""
    start = 'Begin with a list: ["normal"] * some number, then the four kinds of ANOMALIES, each as often.'
    got = holds.call(mine, 200, 60, torch.Generator().manual_seed(0), hint=start, copied=False)
    many = got.count("normal") if isinstance(got, list) else 0
    holds.that(
        "per cent", many <= 200, "the share counts in per cent",
        f"of 200 images with a share of 60 per cent {many:,} are normal: the share was taken for a number in 0..1",
        "share is 60 here, not 0.6: divide by 100.", "count * share // 100 images are normal.",
    )  # fmt: skip
    holds.that(
        "list", isinstance(got, list) and len(got) == 200, "it is a list with a kind for each image",
        f"a list of 200 kinds expected, got {type(got).__name__} {str(got)[:40]}",
        "Return a list that is as long as count.", "Normal and abnormal images together are count.",
    )  # fmt: skip
    counts = Counter(got)
    holds.that(
        "normal", counts["normal"] == 120, "exactly the share is normal",
        f"60 per cent of 200 images are 120 normal ones, got {counts['normal']}",
        "share is a whole number of per cent: count * share / 100.", "Fix the number; roll no die.",
    )  # fmt: skip
    each = {kind: counts[kind] for kind in ("novel", "disorder", "missing", "flipped")}
    holds.that(
        "equal", set(each.values()) == {20}, "the four kinds have equal parts",
        f"80 abnormal images are 20 of each kind, got {each}",
        "Divide the abnormal images by len(ANOMALIES).", "number = (count - normal) // 4, then [kind] * number.",
    )  # fmt: skip
    first = [kind == "normal" for kind in got[:100]]
    holds.that(
        "shuffled", 45 <= sum(first) <= 75, "they are in random order",
        f"of the first 100 images {sum(first)} are normal; about 60 expected",
        "Shuffle: nobody sorted the images for us.", "order = torch.randperm(count, generator=generator)",
    )  # fmt: skip
    again, other = (
        holds.call(mine, 200, 60, torch.Generator().manual_seed(seed), hint=start, copied=False) for seed in (0, 1)
    )
    holds.that(
        "generator", again == got and other != got, "the generator decides the order",
        "the same generator must give the same order, and another seed another one",
        "Use the generator that you were given, and no other source of chance.",
        "random.shuffle does not know it; torch.randperm(count, generator=generator) does.",
    )  # fmt: skip


@exercise
def wrong_share(mine: Any, holds: Holds) -> None:
    """``mine(wrong)``: share of wrong tiles at each position."""
    wrong = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
    start = "wrong.float() turns False and True into 0 and 1; then take a mean over one dimension."
    got = holds.shape(
        holds.call(mine, wrong, hint=start), (3,), "(R,), one number a position",
        "Images are dimension 0; average over those and keep the positions.",
    )  # fmt: skip
    holds.that(
        "share", bool((got >= 0).all()) and bool((got <= 1).all()), "they are shares in 0..1",
        f"shares in 0..1 expected, got {[round(float(value), 2) for value in got]}",
        "A count must be divided by the number of images.", "The mean of zeros and ones is a share.",
    )  # fmt: skip
    holds.that(
        "all images", torch.allclose(got.float(), torch.tensor([0.75, 0.25, 0.0])),
        "of all images, also the normal ones",
        f"of 4 images 3 are wrong at position 0, 1 at position 1, none at 2; got {got.tolist()}",
        "A memory is filled by all images: divide by 4, the number of rows.", "wrong.float().mean(0)",
    )  # fmt: skip


@exercise
def drop_isolated_slots(mine: Any, holds: Holds) -> None:
    """``mine(slots, count, nearest)``: each position without its most isolated slots."""
    start = "unit = F.normalize(slots, dim=-1); unit @ unit.transpose(1, 2) holds every cosine of two slots: (R, S, S)."
    # 12 slots that look along one axis, 3 that are alike and look along another; one of each is long.
    slots = 0.02 * torch.randn(2, 15, 6, generator=torch.Generator().manual_seed(0))
    slots[..., 0] += 1
    bad = torch.tensor([[2, 7, 11], [0, 5, 14]])
    for position in range(2):
        slots[position, bad[position]] = torch.eye(6)[1] + 0.001 * torch.randn(
            3, 6, generator=torch.Generator().manual_seed(1)
        )
        slots[position, bad[position, 1]] *= 20
    slots[:, 3] = 20 * torch.eye(6)[0]
    got = holds.shape(
        holds.call(mine, slots, 3, 7, hint=start), (2, 12, 6), "(R, S - count, D)",
        "Of S slots the S - count least isolated stay, with all their D numbers.",
    )  # fmt: skip
    members = (got[:, :, None] == slots[:, None]).all(-1)  # (R, kept, S)
    holds.that(
        "copies", bool(members.any(-1).all()), "what is kept are slots of that position, unchanged",
        "something came back that is no slot of its position, or was scaled",
        "Normalise only to compare; return rows of slots itself, position by position.",
        "torch.stack([slots[r, kept[r]] for r in range(len(slots))])",
    )  # fmt: skip
    dropped = ~members.any(1)  # (R, S)
    wanted = torch.zeros(2, 15, dtype=torch.bool).scatter(1, bad, True)
    crowded = isolation(slots, 7).topk(3, largest=False).indices
    holds.that(
        "end", not torch.equal(dropped, torch.zeros_like(wanted).scatter(1, crowded, True)),
        "it is not the least isolated that go",
        "the three slots that are most like the others were dropped: the wrong end",
        "The most isolated leave, so keep the S - count with the *smallest* isolation.",
        "alone.topk(slots.shape[1] - count, largest=False).indices",
    )  # fmt: skip
    holds.that(
        "alone", bool((dropped.sum(1) == 3).all()) and not bool(dropped[:, 3].any()),
        "a long slot that points the same way stays",
        "the slot that differs only in its length was dropped, or one was kept twice",
        "Compare directions: cosines, not products or distances of the raw slots.", "F.normalize(slots, dim=-1) first.",
    )  # fmt: skip
    long, short = dropped.gather(1, bad[:, 1:2])[:, 0], dropped.gather(1, bad[:, ::2])
    holds.that(
        "long", bool((long | ~short.any(1)).all()), "and one that points elsewhere goes",
        f"slot {int(bad[0, 1])} of position 0 points elsewhere; it is 20 times as long as the others, and it was kept",
        "A product grows with the length, so that a long slot seems to be like any other: make all lengths 1 first.",
        "unit = F.normalize(slots, dim=-1); unit @ unit.transpose(1, 2)",
    )  # fmt: skip
    holds.that(
        "isolated", bool((dropped == wanted).all()), "the most isolated are dropped, also where a few are alike",
        f"slots {bad[0].tolist()} of position 0 are unlike the rest (but like each other); "
        f"{torch.nonzero(dropped[0]).flatten().tolist()} were dropped",
        "Take the mean over the nearest cosines, of many others: a single nearest one may be a twin.",
        "isolation = 1 - cosine.topk(nearest, dim=-1).values.mean(-1); keep the smallest: largest=False.",
    )  # fmt: skip
    expected = drop_isolated(slots, 3, 7)
    holds.that(
        "order", torch.equal(got, expected), "the rest stays in its old order",
        "the right slots are kept, but not in their old order (a queue drops its oldest first)",
        "topk sorts by value. Sort the indices that it returns.", "kept.sort(-1).values",
    )  # fmt: skip
    pair = torch.tensor([[[1.0, 0.0], [0.9, 0.436], [0.0, 1.0], [0.8, 0.6], [0.7, 0.714]]])
    holds.that(
        "itself", torch.equal(holds.call(mine, pair, 2, 1, hint=start), drop_isolated(pair, 2, 1)),
        "a slot does not count as its own neighbour",
        "with nearest = 1 other slots were dropped than expected",
        "The cosine of a slot with itself is 1.", "Set the diagonal to -1: cosine.diagonal(dim1=1, dim2=2).fill_(-1)",
    )  # fmt: skip


@exercise
def dirty_threshold(mine: Any, holds: Holds) -> None:
    """``mine(scores, share, rate)``: a threshold from dirty scores, given a guess of the normal share."""
    start = "If every abnormal image scores above the normal ones, the normal ones are the lowest share."
    scores = torch.cat([torch.arange(100.0, 140.0), torch.arange(0.0, 60.0)])
    clean = holds.call(mine, scores[40:], 1.0, 0.05, hint=start)
    holds.that(
        "number", isinstance(clean, float) or (isinstance(clean, torch.Tensor) and clean.ndim == 0), "it is one number",
        f"one number expected, got {type(clean).__name__}", "Return a float.", "float(torch.quantile(scores, q))",
    )  # fmt: skip
    holds.that(
        "clean", abs(float(clean) - float(torch.quantile(scores[40:], 0.95))) < 0.1,
        "with share 1 it is the usual threshold",
        f"of 0..59, all normal, 5 % lie above 56.05; got {float(clean):.4g}",
        "With share = 1 and rate = 0.05 it must be the 0.95 quantile.", "torch.quantile(scores, ... (1 - rate))",
    )  # fmt: skip
    dirty = float(holds.call(mine, scores, 0.6, 0.05, hint=start))
    above = int((scores[40:] > dirty).sum())
    holds.that(
        "share", above == 3, "of the normal images, the rate lies above",
        f"60 normal images (0..59) and 40 abnormal ones (100..139): 3 normals should lie above, {above} do "
        f"(the threshold is {dirty:.4g})",
        "Only the lowest share of the scores is normal: the quantile is below share.",
        "Of all images, share * (1 - rate) lie below the threshold.",
    )  # fmt: skip
    shuffled = float(holds.call(mine, scores.flip(0), 0.6, 0.05, hint=start))
    holds.that(
        "order", abs(shuffled - dirty) < 1e-4, "the order of the scores does not matter",
        "the same scores in another order gave another threshold",
        "The scores come unsorted; do not cut the list.", "torch.quantile sorts for you.",
    )  # fmt: skip


@exercise
def auc_lost(mine: Any, holds: Holds) -> None:
    """``mine(aucs)``: AUC lost against 100 % normal, mean over seeds, for each share."""
    start = "A dictionary comprehension over aucs.items(); aucs[100] holds the clean AUC of each seed."
    aucs = {100: [0.9, 0.8, 0.7], 80: [0.8, 0.75, 0.7], 60: [0.7, 0.5, 0.75]}
    got = holds.call(mine, aucs, hint=start)
    holds.that(
        "dictionary", isinstance(got, dict) and set(got) == set(aucs), "it has an entry for each share",
        f"a dictionary with the keys {list(aucs)} expected, got {got if isinstance(got, dict) else type(got).__name__}",
        "Keep the keys of aucs, 100 as well.", "{share: ... for share, values in aucs.items()}",
    )  # fmt: skip
    holds.that(
        "numbers", all(isinstance(value, int | float) for value in got.values()), "each entry is one number",
        f"one number a share expected, got {got}",
        "Take the mean over the seeds.", "sum(differences) / len(differences)",
    )  # fmt: skip
    holds.that(
        "clean", abs(got[100]) < 1e-9, "100 % normal has lost nothing",
        f"at 100 the loss must be 0, got {got[100]:.3g}",
        "The loss is a difference to the AUC at 100, not the AUC.", "clean - dirty, with clean from aucs[100].",
    )  # fmt: skip
    holds.that(
        "sign", got[60] > 0, "what is lost is positive", f"the AUC fell from 0.8 to 0.65 at 60, got {got[60]:.3g}",
        "Clean minus dirty.", "A negative loss would be a gain.",
    )  # fmt: skip
    holds.that(
        "mean", abs(got[60] - 0.15) < 1e-6 and abs(got[80] - 0.05) < 1e-6, "it is the mean over the seeds",
        f"the losses at 60 are 0.2, 0.3 and -0.05, 0.15 in the mean; got {got[60]:.3g}",
        "A seed that gained counts as well, with its sign.", "Neither abs nor max: the plain mean of the differences.",
    )  # fmt: skip
    short = holds.call(mine, {100: [0.9, 0.8], 50: [0.8]}, hint=start)
    holds.that(
        "seed by seed", abs(short[50] - 0.1) < 1e-6, "each seed is compared with itself",
        f"where only the first seed was run at 50 (0.8, clean 0.9), 0.1 is lost; got {short[50]:.3g}",
        "Pair the seeds: the same seed has the same images and weights.", "zip(aucs[100], values) gives the pairs.",
    )  # fmt: skip
