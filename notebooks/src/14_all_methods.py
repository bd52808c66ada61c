# %% [markdown]
# # 14 · All methods, side by side
#
# **Aims.** Say what each family of detectors looks at, and which parts come pretrained; run a small benchmark that
# hands no method a label; read a large one: what scores reach that learn nothing, p-values, costs; compare our results
# against those that the paper prints; put a method of your own on the board.
#
# **Time.** 45 minutes. **Needs.** Lesson 09 (or: an AUC is the share of pairs in which the abnormal image scores
# higher; a threshold comes from normal images). No GPU, no network.
#
# ![Where this lesson is in SQUID's data flow: the anomaly score, the rest pale](schematics/here_score.svg)

# %%
from itertools import combinations

import torch
import torch.nn.functional as F

from squidlib.backbone import backbone
from squidlib.baselines.cutpaste import paste, patches, scars, uniform
from squidlib.baselines.padim import PatchGaussians, whitening
from squidlib.baselines.panda import Panda
from squidlib.benchmark.paper_table import PAPER, PAPER_TEST
from squidlib.benchmark.pictures import auc_chart
from squidlib.benchmark.registry import FAMILIES, METHODS, OTHER, Entry
from squidlib.benchmark.report import auc_cells, cost_cells
from squidlib.benchmark.significance import holm, inverted_pairs
from squidlib.benchmark.source import NamedSource
from squidlib.benchmark.stored import stored
from squidlib.benchmark.summary import agreement, beaten_by, best_naive, impossible, not_shown_different, rank_of
from squidlib.benchmark.tables import markdown
from squidlib.config import as_plain
from squidlib.detection.metrics import auc
from squidlib.patches import cut, join
from squidlib.teaching import checks as check
from squidlib.teaching.checks import own_method
from squidlib.teaching.lesson import by_mode, image_grid, interruptible, say, show
from squidlib.teaching.lesson.board import board
from squidlib.teaching.lesson.live_benchmark import part_of, ranked, run_live
from squidlib.teaching.lesson.tile_neighbours import TileNeighbours
from squidlib.training.presets import PRESETS

# %% [markdown]
# ## Six families (12 min)
#
# The paper compares SQUID with thirteen methods. All learn from normal images; they differ in what they call "unlike
# normal". Beside them stand *naive baselines*, which learn nothing or next to nothing.
#
# | family | what counts as abnormal |
# | --- | --- |
# | reconstruction | what does not survive a narrow code |
# | memory | what is far from, or badly reconstructed from, stored normal features |
# | one-class | what lies far from the one region where normal features were gathered |
# | distillation | where a student, taught on normal images, no longer imitates its teacher |
# | self-supervision | what is unusual to a network that learned to see *made* defects |
# | density | what is improbable among normal features |
#
# ![Six boxes, one for each family, with the question that it asks of an image and its methods; SQUID is among the memories](schematics/method_families.svg)

# %%
for family in FAMILIES:
    print(f"{family:17s}", ", ".join(name for name, entry in METHODS.items() if entry.family == family))

# %% [markdown]
# Several belong to two: SQUID reconstructs from a memory, MemAE and MNAD too. The table follows what each paper puts
# first. *feature-kNN* is not in the paper: the distance to the nearest normal images in pretrained features. It trains
# nothing and yet counts among those that learn, because photographs taught its network.
#
# **Reconstruction and memory**, both without a network. *Narrow code*: the best linear auto-encoder, which is a PCA,
# with 16 numbers. *Memory*: for each tile the nearest tile of the same position in normal images.
#
# **Predict.** What will each put where a digit is missing? Where one is mirrored?
#
# ? Both leave the tile empty and mirror the digit. :: Neither can draw what normal images do not show at that position.
# ! The code draws blurred healthy digits, the memory whole digits that were stored. :: One answers with a mixture that fits the rest, the other with the most similar tile.
# ? Both draw the healthy digit, sharp. :: A narrow code is too narrow for that; the memory's digit is sharp, and by another hand.

# %%
source = NamedSource({"data": "digitanatomy", "jitter": as_plain(PRESETS["laptop"]["digitanatomy"].jitter)})
test_set = source.test_set()
whole = source.fit_data(seed=0)  # all that a method may see
normals = whole.normals  # (350, 1, 96, 96)
chosen = test_set.images[test_set.pictured]  # the first of each kind
mean = normals.mean(0)
axes = torch.linalg.svd((normals - mean).flatten(1), full_matrices=False).Vh[:16]  # (16, pixels)
reconstructed = (((chosen - mean).flatten(1) @ axes.T @ axes).view_as(chosen) + mean).clamp(0, 1)

tiles, stored_tiles = cut(chosen, 3), cut(normals, 3)  # (B, 9, 1, 32, 32)
distance = torch.cdist(tiles.flatten(2).transpose(0, 1), stored_tiles.flatten(2).transpose(0, 1))  # (9, B, N)
recalled = join(stored_tiles[distance.argmin(2).T, torch.arange(9)], 3)

# %%
figure = image_grid(
    {"input": chosen, "16 numbers": reconstructed, "from memory": recalled},
    titles=[test_set.anomaly_types[index] for index in test_set.pictured],
    title="What comes back through a narrow code, and out of a memory",
)
show(figure, alt="A normal image and four anomalies, and what comes back through 16 numbers and from normal tiles")

# %% [markdown]
# **Self-supervision.** CutPaste never sees a defect either. It makes some, by copying a patch or a thin scar from one
# place of an image to another, and learns to tell these from untouched images. The hope: what the network has to look
# at for that is what real defects change, too.

# %%
generator, some = torch.Generator().manual_seed(0), normals[:6]
made = {"normal": some}
for name, places in (("patch", patches), ("scar", scars)):
    made[name] = paste(some, places(6, generator), uniform(6, (0.9, 1.1), generator))[0]
figure = image_grid(made, title="Normal images, and the defects that CutPaste makes of them")
show(
    figure, alt="Six normal images, the same with a rectangle copied to another position, and with a thin turned strip"
)

# %% [markdown]
# **Predict.** Of our four anomalies (novel, disorder, missing, flipped), to which is a pasted patch most similar?
#
# ? To disorder: a part of the image in a wrong position. :: One would think so. The stored benchmark below shows hardly more than chance for it.
# ? To novel: something that was not there. :: The patch comes from the same image; and see the stored benchmark below.
# ! To missing. :: Most of a pasted patch is black background that covers strokes. It is the one type that CutPaste finds well.
#
# **One-class and distillation.** PANDA and M-KD (and, of the density family, PaDiM and feature-kNN) begin with a
# network that saw ImageNet's photographs: `backbone()` looks for one on this machine and downloads none. Its name says
# what it found. Without ImageNet's weights (extra `[backbone]`) it has random ones and says so.

# %% tags=["varies"]
network = backbone(size=96)
names = {name: entry.build(PRESETS["laptop"]["digitanatomy"]).name for name, entry in METHODS.items()}
given = [name for name, said in names.items() if "ImageNet" in said or "random weights" in said]
say(
    f"The backbone on this machine: **{network.name}**, {sum(p.numel() for p in network.parameters()) / 1e6:.1f} "
    f"million numbers. On it build: {', '.join(given)}. The other {len(names) - len(given)} learn all they know from "
    f"the {len(normals)} normal images and their variations, or learn nothing."
)

# %% tags=["varies"]
shown = slice(None, None, by_mode(60, 8, 2))
one_class = Panda(network, steps=0).fit(normals[shown])  # before any training
for kind in dict.fromkeys(test_set.anomaly_types):
    group = test_set.images[[index for index, other in enumerate(test_set.anomaly_types) if other == kind]][shown]
    distances = (one_class.features(group) - one_class.centre).norm(dim=1)
    print(f"{kind:9s} distance to the centre of normal features: {distances.mean():.2f} ± {distances.std():.2f}")

# %% [markdown]
# PANDA then trains the network so that normal images come nearer to that centre, and has to stop before
# all images do (in the benchmark the time stops it). Its score is the distance to the two nearest normal images. IGD,
# from nothing, trains an auto-encoder whose normal codes gather around one centre; half of its score is the distance to
# it, half the reconstruction error.
#
# M-KD's student is taught to answer normal images as the pretrained teacher does, at four depths. Here is what it has
# to imitate, averaged over channels. A student has seen no zero and no mirrored digit. The hope: where its answers
# differ, something is new.

# %% tags=["varies"]
pair = {"normal": chosen[:1], "novel": chosen[1:2]}
with torch.no_grad():
    depths = {kind: [F.interpolate(stage.mean(1, True).abs(), size=96)[0] for stage in network.features(image)]
              for kind, image in pair.items()}  # fmt: skip
scale = [max(row[depth].max() for row in depths.values()) for depth in range(4)]
figure = image_grid(
    {kind: [image / scale[depth] for depth, image in enumerate(row)] for kind, row in depths.items()},
    titles=[f"depth {depth + 1}" for depth in range(4)],
    maps=list(depths),
    title=f"What a student has to imitate:\n{network.name}",
)
show(figure, alt="A teacher's features at four depths, fine to coarse, for a normal image and one with a novel digit")

# %% [markdown]
# **Density.** PaDiM keeps a Gaussian at every position: a mean and a covariance of normal features. What counts is the
# *Mahalanobis distance*, which measures in standard deviations of normal images, in every direction:
#
# $$M(x) = \sqrt{(x - m)^\top S^{-1} (x - m)}, \qquad S = \frac{1}{N-1}\sum_n (x_n - m)(x_n - m)^\top + \epsilon I$$
#
# **Exercise 1.** Write it, for one position.


# %% tags=["exercise"]
def my_mahalanobis(normals, features, extra):
    """normals (N, D), features (B, D); extra is the epsilon -> (B,), in standard deviations of the normals."""
    # solution: begin
    away = features - normals.mean(0)
    covariance = torch.cov(normals.T) + extra * torch.eye(normals.shape[1])
    return (away * torch.linalg.solve(covariance, away.T).T).sum(1).sqrt()
    # solution: end


# %%
check.mahalanobis(my_mahalanobis)

# %% [markdown]
# **Predict.** Take the crudest features there are: every tile at 4×4 pixels, 16 numbers for each of nine positions. No
# network at all. Which anomaly type will this Gaussian find best?
#
# ? Missing: a whole digit is gone. :: Black lies in the middle of what is normal here: most of each tile is black, and strokes differ.
# ! Disorder. :: Another digit is another distribution of ink; that can be seen at 4 × 4 pixels.
# ? Flipped: it changes no ink, only its place. :: A mirrored digit is about where the digit was, so it comes behind disorder.


# %%
def small_tiles(images):
    """(B, 1, 96, 96) -> (9, B, 16)."""
    return cut(F.avg_pool2d(images, 8), 3).flatten(2).transpose(0, 1)


gaussians = PatchGaussians(positions=9, dims=16)
gaussians.push(small_tiles(normals))
white = whitening(gaussians.covariance() + 1e-4 * torch.eye(16))
apart = small_tiles(test_set.images) - gaussians.mean
worst = (apart @ white.mT).norm(dim=2).amax(0)  # W'W = S^-1: your distance, at nine positions at once; the worst counts
for kind in dict.fromkeys(test_set.anomaly_types):
    own = torch.tensor([k in ("normal", kind) for k in test_set.anomaly_types])
    if kind != "normal":
        print(f"{kind:9s} AUC {auc(test_set.labels[own], worst[own]):.2f}")

# %% [markdown]
# ## Write the order down (3 min)
#
# **Predict.** Before anything is run: which method will be best on DigitAnatomy, which worst? Where will the naive
# ones stand? Put the names into *your* order, the best first; the list is in alphabetical order.
#
# ? The naive ones are last: they learn nothing. :: One of them is second in the whole table.
# ! The naive ones are spread over the list, one of them near the top. :: Learning to reconstruct, or ImageNet's features, help less here than edges at a position.
# ? The naive ones are first, all of them. :: One that knows only how sharp an image is stands far below.

# %%
my_order = ["auto-encoder", "CutPaste", "IGD", "M-KD", "mean-image", "PaDiM", "pixel-kNN", "sharpness", "SQUID"]
my_guess = {name: -float(place) for place, name in enumerate(my_order)}

# %% [markdown]
# ## A benchmark in a minute (7 min)
#
# The pieces are those of `squid benchmark`. A method is given normal images to learn from, others to calibrate on, and the
# test images without their labels. It has to answer before anybody looks at the labels, and so it cannot choose its threshold, its checkpoint or its best score by them.
#
# One method of each family, and the naive baselines, get the same few seconds each. A short trial measures what a step
# costs, then the steps are set to fill the time.
#
# **Predict.** Who profits when everybody has little time?
#
# ? Large networks: they learn fast. :: In a few seconds they make some dozen steps.
# ! Those that train little or nothing. :: A Gaussian or a list of neighbours is complete as soon as its images were seen.
# ? Nobody: all have the same time. :: They need different times; equal seconds are no equal terms.

# %% tags=["varies"]
fit_data, small_test = part_of(whole, test_set, by_mode(40, 10, 1))
fit_data = fit_data._replace(
    normals=whole.normals[: by_mode(40, None, None)], calibration=whole.calibration[: by_mode(20, 64, None)]
)
each = ("sharpness", "mean-image", "pixel-kNN", "SQUID", "auto-encoder", "CutPaste", "M-KD", "PaDiM", "IGD")
wanted = by_mode(("sharpness", "pixel-kNN", "auto-encoder", "CutPaste"), each, each)
seconds = by_mode(0.3, 5.0, 60.0)
print(f"{len(fit_data.normals)} normal images, {len(fit_data.test_images)} test images, {seconds:g} s each")

# %% tags=["varies"]
live = []
with interruptible("live benchmark") as progress:
    entries = {name: METHODS[name] for name in wanted}
    for row in run_live(entries, PRESETS["laptop"]["digitanatomy"], fit_data, small_test, seconds, progress):
        live.append(row)  # the stop button keeps those that are done
        figures = row.runs.get(0)
        took = f"fitted in {figures['fit_seconds']:.1f} of {seconds:g} s" if figures else ""
        said = f"AUC {figures['auc']['mean']:.2f}, {took}" if figures else "failed"
        print(f"{row.title:40s} {said}" + (f", {figures['steps']} steps" if figures and figures["steps"] else ""))

# %% tags=["varies"]
failed = [row.name for row in live if row.failures]
done = ranked(row for row in live if row.runs)
figure = auc_chart(done, "DigitAnatomy")
figure.axes[0].set_title(f"{len(done)} methods, {seconds:g} s each, {len(small_test.images)} test images", fontsize=11)
show(figure, alt="A mark for the mean AUC of each method of the live benchmark, the best at the top; dotted: chance")
say(f"Highest: {done[0].title}. " + (f"Failed: {', '.join(failed)}." if failed else "None failed."))

# %% [markdown]
# Look at the steps, and at the seconds: planned by a short trial, they come out shorter or, where the machine has other
# work to do, much longer. The same seconds are a different number of steps for everybody, and a different share of what
# each would need. And a few test images of each kind leave the AUC uncertain by several hundredths. One seed, too. This
# is a benchmark's *form*, not yet a result.
#
# ## The whole one (9 min)
#
# `squid benchmark digitanatomy --out runs/benchmark` runs every method, each seed in a process of its own, for hours.
# What it found comes with the kit; `make benchmark` is the command that made it.

# %%
rows, settings = stored("digitanatomy")
ranking, bar = rank_of(rows), best_naive(rows)
figure = auc_chart(rows, "DigitAnatomy")
title = f"SQUID has rank {ranking.rank} of {ranking.of}" + (
    f", first is {ranking.ahead[0].name}" if ranking.ahead else ""
)
figure.axes[0].set_title(f"{title}; {60 * settings['minutes_each']:g} s each", fontsize=11)
show(
    figure,
    alt="Mean AUC of every method with its standard deviation over seeds, best at the top; naive baselines are squares",
)

# %%
say(markdown(auc_cells(rows, "digitanatomy")))

# %% [markdown]
# The AUC is given by anomaly type and as a mean over them; `†` marks what learns nothing or next to nothing.
# *Pixel AUC* asks where in the image it is, of those that can say. The last two columns compare each method with SQUID
# on the same images.
#
# **Predict.** How many methods that learn are below the best one that does not?
#
# ? None: learning always helps. :: Learning to reconstruct is not learning to detect.
# ? About half. :: The best simple score is stronger than that here.
# ! Nearly all. :: See below which they are.

# %%
below = beaten_by(rows, bar)
learning = [row for row in rows if row.runs and not row.naive]
ordered = {row.name: row.mean("auc", "mean") for row in rows if row.runs}
easiest = {kind: [] for kind in settings["test_images"] if kind != "normal"}
for row in learning:
    easiest[max(easiest, key=lambda kind, row=row: row.mean("auc", kind))].append(row.name)
pasted = next(row for row in rows if row.name == "CutPaste")
mine = inverted_pairs(my_guess, ordered)
say(
    f"**{bar.name}** is the best of the naive baselines ({bar.mean('auc', 'mean'):.2f}). Of {len(learning)} methods that "
    f"learn, **{len(below)}** are below it: {', '.join(row.name for row in below) or 'none'}."
)
say(
    "Which anomaly type is easiest, and to whom: "
    + "; ".join(f"**{k}** {', '.join(v) or 'to none'}" for k, v in easiest.items())
)
say(
    "CutPaste, which trained on pasted patches: " + ", ".join(f"{k} {pasted.mean('auc', k):.2f}" for k in easiest) + "."
)

# %% tags=["varies"]
whose = "The alphabet's order (write your own!)" if my_order == sorted(my_order, key=str.lower) else "Your order"
say(
    f"{whose}: **{mine.inverted} of {mine.pairs}** pairs stand the other way round. Drawing lots would get half of "
    "them wrong, on average."
)

# %% [markdown]
# **A p-value for each comparison.** The test is paired: both methods answered the same images, so that a hard image is
# hard for both and drops out of the difference. It counts two uncertainties, that of the test images and that of the
# seeds (`squidlib.benchmark.significance`).
#
# With many comparisons, one in twenty has p < 0.05 even where no two methods differ. **Holm's correction**: sort the
# p-values; multiply the smallest by the number of all, K, the next by K − 1, and so on; never let a later one be
# smaller than an earlier one, and nothing exceed 1.
#
# **Exercise 2.** Write it.


# %% tags=["exercise"]
def my_holm(p_values):
    """p_values (K,) -> (K,), corrected, each at the position where it came."""
    # solution: begin
    order = p_values.argsort()
    factors = torch.arange(len(p_values), 0, -1)
    grown = (p_values[order] * factors).clamp(max=1).cummax(0).values
    return torch.empty_like(p_values).scatter(0, order, grown)
    # solution: end


# %%
check.holm_correction(my_holm)

# %% [markdown]
# **Predict.** Of a hundred tables in which all K methods are exactly as good as SQUID, how many would call at least one
# of them different at p < 0.05, without and with the correction?
#
# ? About 5, and about 5. :: Each *comparison* errs in 5 %, and a table has many.
# ? About 5, and none. :: The correction holds the whole table to 5 %, not to nothing.
# ! More than half, and about 5. :: The chance that none of many errs is small; the correction asks each for more.

# %%
lots = torch.rand(2000, len(METHODS) - 1, generator=torch.Generator().manual_seed(0))  # no difference: p is uniform
alarm = (lots < 0.05).any(1).float().mean()
corrected = lots.amin(1) * lots.shape[1] < 0.05  # whether any is left: of K the smallest p-value is multiplied by K
say(
    f"With {lots.shape[1]} independent comparisons and no difference, **{alarm:.0%}** of tables show at least one "
    f"'significant' one, with Holm's correction {corrected.float().mean():.0%}."
)

# %%
compared = {row.name: row.comparison for row in rows if row.comparison}
found = {name: comparison.p for name, comparison in compared.items()}
after = holm(found)
lost = [name for name, p in found.items() if p < 0.05 <= after[name]]
same = [f"{name} ({compared[name].difference:+.2f})" for name, p in after.items() if p >= 0.05]
say(
    f"Of {len(found)} comparisons with SQUID, {sum(p < 0.05 for p in found.values())} have p < 0.05, after Holm "
    f"{sum(p < 0.05 for p in after.values())}. No difference shown: {', '.join(same) or 'none'}"
    + (f" (before the correction there seemed to be one: {', '.join(lost)})" if lost else "")
    + f". Seeds: {max(len(row.runs) for row in rows)}."
)

# %% [markdown]
# "No difference shown" is not "no difference": the number in brackets, if there is one, is what was measured, as AUC
# minus SQUID's. Few test images cannot show a small difference, and few seeds that scatter not even a large one. Nor
# does a small p say that a difference is *large*.
#
# **What it costs.** The same seconds for everybody is one kind of fairness. It is not the same number of steps, not the
# same number of parameters, not the same electricity; and a pretrained network brings days of training on a million
# photographs that no budget here counts. Others are small, and would go on learning.

# %%
say(markdown(cost_cells(rows)))

# %%
known = [row for row in rows if row.runs and "ImageNet" in row.title]
fastest = max(learning, key=lambda row: row.mean("images_a_second"))
slowest = min(learning, key=lambda row: row.mean("images_a_second"))
say(
    f"Of those that learn, {fastest.name} scores the most images a second ({fastest.mean('images_a_second'):,.0f}), "
    f"{slowest.name} the fewest ({slowest.mean('images_a_second'):,.0f}). "
    f"Pretrained: {', '.join(row.name for row in known) or 'none in this table'}."
)

# %% [markdown]
# ## X-rays, beside the paper's results (6 min)
#
# The same on real chest X-rays. The paper prints an AUC for SQUID and thirteen methods on ZhangLab (its table 1).
#
# **Predict.** Two tables, two laboratories, the same methods by name. Will they at least agree in the *order*?
#
# ? Yes, nearly: the methods are the same. :: Test images, budget, sizes and networks are not.
# ? It is turned round: what is first here is last there. :: That would be an order, too, and there is hardly any.
# ! Hardly: about half of all pairs stand the other way round. :: So two unrelated orders would look.
#
# **Exercise 3.** Count the pairs of methods that stand the other way round in two tables.


# %% tags=["exercise"]
def my_inverted_pairs(ours, theirs):
    """Two dictionaries name -> AUC -> (inverted, pairs): of all pairs of names that stand in both."""
    # solution: begin
    pairs = list(combinations([name for name in ours if name in theirs], 2))
    return sum((ours[a] - ours[b]) * (theirs[a] - theirs[b]) < 0 for a, b in pairs), len(pairs)
    # solution: end


# %%
check.inverted_pairs(my_inverted_pairs)

# %%
chest, chest_settings = stored("zhanglab")
printed = {name: float(row.auc.split("±")[0]) / 100 for name, row in PAPER["zhanglab"].items()}
figure = auc_chart(chest, "zhanglab")
title = f"X-rays: SQUID has rank {rank_of(chest).rank} of {rank_of(chest).of}; best naive baseline:"
figure.axes[0].set_title(f"{title} {best_naive(chest).name}", fontsize=11)
show(
    figure,
    alt="Mean AUC of every method on X-rays with standard deviations, and crosses at the values that the paper prints",
)

# %%
measured = {row.name: row.mean("auc", "mean") for row in chest if row.runs}
turned = inverted_pairs(measured, printed)
both = [name for name in measured if name in printed]
say(f"**{turned.inverted} of {turned.pairs}** pairs of {len(both)} methods stand the other way round.")
if len(both) >= 3:
    agreed = agreement(chest, "zhanglab")
    farthest = max(agreed.differences, key=lambda name: abs(agreed.differences[name]))
    say(
        f"Spearman's correlation of the two orders: {agreed.spearman:.2f} (1: the same, 0: none, −1: turned round). "
        f"Farthest apart: {farthest}, ours {measured[farthest]:.2f}, the paper's {printed[farthest]:.2f}."
    )
alike = not_shown_different(chest)
say(f"No difference to SQUID is shown on X-rays (p ≥ 0.05 after Holm): {', '.join(alike) or 'nobody'}.")

# %%
theirs, counts = PAPER_TEST["zhanglab"], chest_settings["test_images"]
own = ", ".join(f"{count} {kind}" for kind, count in counts.items())
top = best_naive(chest).mean("auc", "mean")
over = [name for name in both if printed[name] < top]
networks = {row.title.partition(" (")[2].rstrip(")") for row in chest if "ImageNet" in row.title}
say(
    f"- *Test set*: theirs {theirs.normal} normal and {theirs.abnormal} abnormal images, ours {own}, held out of the "
    "official training set.\n"
    f"- *Budget*: ours {60 * chest_settings['minutes_each']:g} s for each, whatever a method would need.\n"
    f"- *Size and networks*: ours see 128 px. Pretrained: {', '.join(sorted(networks)) or 'none in this table yet'}.\n"
    f"- *Rows of theirs that no confusion matrix gives*: {', '.join(impossible('zhanglab'))}; no counts of their test images give "
    "both accuracy and F1 (lesson 10).\n"
    f"- *Naive scores* are not in their table. Ours reach {top:.2f}, on our test set; printed below that, on "
    f"theirs: {', '.join(over) or 'none'}. Two test sets: no verdict, but a row that their table lacks."
)

# %% [markdown]
# So a difference between the two tables may come from the images, the budget, the networks or the labels that chose a
# checkpoint. What carries over is at most the order, and you have just seen how far.
#
# A method far *below* one half is not blind, it looks the wrong way: haze is smoother than a clear lung, and what is
# smooth may be *easier* to reconstruct, as the empty tile was. Only labels could say that the score has to be turned
# round.
#
# ## A method of your own (8 min)
#
# The benchmark needs two functions of a method, `fit` and `score`. Twenty lines are enough for a real one: a PCA of
# each tile and what it cannot reconstruct; the nearest neighbour among softened tiles; a Gaussian of small tiles, as
# above.
#
# **Exercise 4.** Write your own. Keep something of the normal images in `fit`; score an image by how far it is from
# that. Whatever you want to measure of *normal* images (a mean, a standard deviation) belongs in `fit`.


# %% tags=["exercise"]
class MyMethod:
    name = "my method"

    def fit(self, normals, seed=0, progress=range, augmented=None):
        """normals (N, 1, 96, 96) in 0..1; what is learned goes into self; returns self.

        seed is for random numbers of your own; progress and augmented are for networks, and augmented may be None.
        """
        # solution: begin
        self.kept = self.described(normals)
        others = torch.cdist(self.kept, self.kept).topk(6, largest=False).values[..., 1:].mean(-1)  # not itself
        self.usual, self.spread = others.mean(1, keepdim=True), others.std(1, keepdim=True).clamp(min=1e-6)
        return self
        # solution: end

    def score(self, images):
        """images (B, 1, 96, 96) -> (B,), higher = more abnormal."""
        # solution: begin
        near = torch.cdist(self.described(images), self.kept).topk(5, largest=False).values.mean(-1)
        return ((near - self.usual) / self.spread).amax(0)
        # solution: end

    def described(self, images):
        """A beginning, to be changed or left out: (B, 1, 96, 96) -> (9, B, 256), half-size tiles of length 1."""
        return F.normalize(cut(F.avg_pool2d(images, 2), 3).flatten(2).transpose(0, 1), dim=-1)


# %% [markdown]
# The check looks at the interface alone: a poor detector passes it, too.

# %%
check.own_method(MyMethod)

# %% [markdown]
# Now it goes through the same pieces as all the others, on the whole test set. Where the exercise is blank, or the
# check not passed, the library's example has its turn.
#
# **Predict.** Twenty lines without a network: above the best naive baseline? Above how many of those that learn?
#
# ? Below all that learn. :: Copies of tiles at a position are a strong description of digits.
# ! Not above HOG kNN, but above nearly all that learn. :: Yours may differ; the chart below has it in bold.
# ? Above everything. :: SQUID and HOG kNN stand before it.

# %% tags=["varies"]
ready = own_method(MyMethod).passed
entry = Entry(lambda preset: MyMethod() if ready else TileNeighbours(), OTHER)
label = "yours" if ready else "the library's example"
asked, asked_test = part_of(whole, test_set, by_mode(10, 1, 1))
(own,) = run_live({label: entry}, PRESETS["laptop"]["digitanatomy"], asked, asked_test, seconds)
figure = board(rows, own, "DigitAnatomy")
show(figure, alt="The stored benchmark's chart with one more row, the method of this cell, its name in bold")

# %% tags=["varies"]
if own.runs:
    areas = own.runs[0]["auc"]
    passed = [row.name for row in learning if row.mean("auc", "mean") < areas["mean"]]
    say(
        f"**{label}**: " + ", ".join(f"{kind} {areas[kind]:.2f}" for kind in areas if kind != "all")
        + f". Above {len(passed)} of {len(learning)} methods that learn, and "
        + ("above" if areas["mean"] > bar.mean("auc", "mean") else "not above") + f" {bar.name}. One seed."
    )  # fmt: skip
else:
    say(f"**{label}** failed: {own.failures[0]}")

# %% [markdown]
# You saw the board. Somebody who now changes the method until it ranks higher has *trained on the test set*, by hand. To
# choose between two versions, use held-out normals with synthetic anomalies (lesson 13), and look at the board once.
#
# To keep a method of yours in the benchmark: a file in `squidlib/baselines/`; in `squidlib/benchmark/registry.py` a line
# `"yours": Entry(Plain(Yours), OTHER)`; an attribute `steps`, if it is trained step by step
# (`squidlib.baselines.trained` has the loop); and
# `squid benchmark digitanatomy --methods yours,SQUID,pixel-kNN --seeds 3 --out runs/mine`. The table shows that
# key. What is done is not done again: after a change of yours take another `--out`, or remove `runs/mine/jobs/yours-*`.
#
# **What we saw.** Families differ in what they call unlike normal, and so in which anomaly they find. A harness in
# which only the judge sees labels needs few lines. Scores that learn nothing set the bar, and not every method that
# learns passes it in the time given. Many comparisons need a correction. How far the paper's order and ours agree, you
# have counted; there are more reasons for what is left than one can separate.
#
# **What this does not show.** What each method can do at its best: the networks are small versions, trained for a
# minute or two, with settings of ours, most of them set by normal images alone (the
# [experiments](../docs/experiments.md) name two that were not). That the order holds for other data: here are nine digits, and children's chests from one hospital. That a
# pretrained network is the better idea, or the worse: it brought more than the others were given. And SQUID's settings
# were worked out on DigitAnatomy for longer than anybody else's; read its rank with that in mind.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | every method | table 1 | `squidlib.benchmark.registry.METHODS` | `tests/baselines/test_fitted_baselines.py` |
# | made defects | CutPaste, 2 | `squidlib.baselines.cutpaste.paste` | `tests/baselines/test_cutpaste.py` |
# | Gaussians | PaDiM, eq. 1, 2 | `squidlib.baselines.padim.PatchGaussians` | `tests/baselines/test_feature_methods.py` |
# | pretrained, and saying so | not in the paper | `squidlib.backbone.backbone` | `tests/pieces/test_backbone.py` |
# | answers before labels | not in the paper | `squidlib.benchmark.job.ask` | `tests/benchmark/test_job.py` |
# | the same seconds | not in the paper | `squidlib.benchmark.cost.plan` | `tests/benchmark/test_cost.py` |
# | live | ours | `squidlib.teaching.lesson.live_benchmark.run_live` | `tests/teaching/test_lesson_live_benchmark.py` |
# | a paired test | not in the paper | `squidlib.benchmark.significance.compare` | `tests/benchmark/test_significance.py` |
# | Holm's correction | not in the paper | `squidlib.benchmark.significance.holm` | `tests/benchmark/test_significance.py` |
# | rank, bar, agreement | tables 1, 2 | `squidlib.benchmark.summary` | `tests/benchmark/test_summary.py` |
# | pairs that turn round | ours | `squidlib.benchmark.significance.inverted_pairs` | `tests/benchmark/test_order.py` |
# | twenty lines | ours | `squidlib.teaching.lesson.tile_neighbours.TileNeighbours` | `tests/teaching/test_lesson_tile_neighbours.py` |
