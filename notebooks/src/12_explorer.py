# %% [markdown]
# # 12 · The explorer
#
# **Aims.** Move memory size and shrinkage and see at once what changes; make anomalies with your own hands; find out
# what the memory of this detector really holds, and where SQUID is blind.
#
# **Time.** 34 minutes. **Needs.** Lessons 04 and 05 (or: a memory queue, k and λ). No GPU, no network. As a page of
# its own: `squid explore` in a terminal.
#
# ![Where this lesson is in SQUID's data flow: the memory queue and the anomaly score, the rest pale](schematics/here_memory_and_score.svg)

# %%
import torch

from digitanatomy import ANOMALIES, DIGIT_FLIPS, KINDS
from squidlib.teaching import checks as check
from squidlib.teaching.checks.lesson_12_explorer import DETECTS, normal_error
from squidlib.teaching.explorer import Setting, explore, load_state
from squidlib.teaching.explorer.pictures import shrinking_picture, static_grid
from squidlib.teaching.explorer.setting import THRESHOLDS, kept
from squidlib.teaching.lesson import bars, by_mode, curves, image_grid, say, show
from squidlib.teaching.memory_sizes import sizes
from squidlib.teaching.studies.results import load_runs, spread

# %% [markdown]
# ## Move the sliders (10 min)
#
# The detector is the one that comes with the kit. Nothing is trained here, because a queue holds copies: its oldest
# slots can be left out, and k and λ only change how it is read.
#
# * **Image.** Choose one, or change it: choose what a click will do, then click a tile.
# * **Memory.** Move its size and the shrinkage. *Look*, then click a tile, shows which slots answer and what they
#   remember.
# * **The whole test set.** AUC for every setting; yours is outlined.
#
# All of it works by keyboard, too: Tab to a control, arrow keys, Enter.
#
# **Predict, before you touch anything.** Which of the two will do more harm: to leave only 5 of 350 memories, or to
# read all of them with a λ of one twentieth?
#
# ? Five memories: nearly all knowledge is thrown away. :: Memories of one tile are much alike, and five still show what belongs there.
# ! The λ. :: No weight is above one twentieth where 350 slots share one about equally: nothing is recalled.
# ? Both alike. :: Try them, and look at the reconstruction.

# %% tags=["varies"]
explore()

# %% [markdown]
# *On paper, or where no kernel runs,* the same in pictures: the first image of each type, with fewer and fewer
# memories.

# %% tags=["varies"]
state = load_state()
images = [f"{kind}-0" for kind in KINDS]
show(
    static_grid(state, images, [350, 50, 5, 1]),
    alt="Five inputs, and their reconstructions from 350, 50, 5 and 1 memories of each tile, with scores and verdicts",
)

# %%
few = state.effect.auc(Setting(slots=5), "mean")
strict = state.effect.auc(Setting(shrinkage="hard", threshold=0.05), "mean")
all_of_them = state.effect.auc(Setting(), "mean")
say(
    f"With all 350 slots the mean AUC is {all_of_them:.3f}. **Five slots are left: {few:.3f}. "
    f"λ is 0.05: {strict:.3f}.** A weight cannot be above 0.05 while 350 slots share 1 about equally."
)

# %% [markdown]
# Why so sudden? If slots are alike, all weights are about one over their number, so that λ is above none of them or
# above nearly all. If nothing is recalled, the *mismatch* is the same for every image, and the reconstruction says
# little. The *distance* to the nearest slots does not use the weights at all. Compare the scores:

# %%
names = ("combined", "mismatch", "error", "distance")
print(f"{'λ':>6}  " + "  ".join(f"{name:>9}" for name in names))
for threshold in THRESHOLDS:
    row = [state.effect.auc(Setting(shrinkage="hard", threshold=threshold, score=name), "mean") for name in names]
    print(f"{threshold:6g}  " + "  ".join(f"{auc:9.3f}" for auc in row))

# %% [markdown]
# The default score, a sum of four, is spoilt by those of its parts that have become noise. The distance alone stays
# where it was.
#
# ## How small may the memory be? (8 min)
#
# **Exercise 1.** Find the smallest memory, with top-5, that still detects each of the *four* anomaly types *novel*,
# *disorder*, *missing* and *flipped*: an AUC of at least `DETECTS` (see the cell). No size of the memory finds a
# lesion, so it does not count. Choose the anomaly type above the table; the row is *k 5*. (We look at test images here. That is
# fine for understanding, and would be cheating for choosing.)

# %% tags=["exercise"]
print(f"each anomaly type needs an AUC of at least {DETECTS}")
# solution: begin
my_smallest_memory = 20
# solution: end

# %%
check.smallest_memory(my_smallest_memory)

# %%
offered = sizes(state.most_slots)
aucs = {kind: [state.effect.auc(Setting(slots=size), kind) for size in offered] for kind in ANOMALIES}
one, every = (state.effect.auc(Setting(slots=size), "mean") for size in (1, state.most_slots))
figure = curves(
    offered,
    aucs,
    title=f"One slot of each tile: mean AUC {one:.3f}; all {state.most_slots}: {every:.3f}",
    x_label="slots of each tile",
    y_label=f"AUC (dotted: {DETECTS}, which is asked for)",
    log_x=True,
)
figure.axes[0].axhline(DETECTS, color="black", linestyle=":")
show(figure, alt="AUC of each anomaly type over memory size on a logarithmic axis: nearly flat, all above 0.95")

# %% [markdown]
# Even a tiny memory detects. To see why, look at *what* the slots hold: how alike are the features of different fives?
#
# **Predict.** How large is the cosine between two slots of the same tile, and between slots of two different tiles?
#
# ? About 0.6, and about 0.3. :: Training drew all slots of a position much closer together.
# ? About 0.9, and about 0.6. :: The position loss pushes different positions apart.
# ! About 0.9, and about 0. :: All fives are drawn together and away from all sixes.

# %%
unit = torch.nn.functional.normalize(state.slots, dim=-1)  # (R, S, D)
same = torch.einsum("rsd,rtd->rst", unit, unit).mean().item()
centres = torch.nn.functional.normalize(unit.mean(1), dim=-1)  # (R, D)
other = (centres @ centres.T)[~torch.eye(9, dtype=torch.bool)].mean().item()
say(
    f"Two slots of the same tile have a mean cosine of **{same:.2f}**; the centres of two different tiles "
    f"**{other:.2f}**. Training drew all fives together and away from all sixes, so that any one memory of a five "
    "stands for all of them."
)

# %% [markdown]
# Which loss drew them together? Our position loss (not the paper's) asks every feature to find its own tile's memory.
# Networks were trained three times each without it, and with a learned matrix in place of the queue, and then their
# memories were made smaller:

# %%
runs = load_runs("memory_size")
show(
    shrinking_picture(runs, "combined"),
    alt="Mean AUC over the slots that are left: queue, learned matrix, and queue trained without position loss",
)

# %%
for name in ("queue", "matrix", "queue, no position loss"):
    whole, one = spread(runs, name, "350", "combined", "mean"), spread(runs, name, "1", "combined", "mean")
    print(f"{name:24} all slots {whole}   one slot {one}")

# %% [markdown]
# ## When do normal images suffer? (6 min)
#
# A memory that answers with few slots gives a harder, less fitting answer, of normal images as well.
#
# **Exercise 2.** Find a k, with all slots, at which normal images are reconstructed at least 5 % worse (squared error
# of held-out normal images) than when all slots contribute. Move k and watch the squared error of several normal images.

# %% tags=["exercise"]
# solution: begin
my_suffering_k = 1
# solution: end

# %%
check.suffering_k(my_suffering_k)

# %%
errors = {k: normal_error(state, Setting(k=k)) for k in kept(state.most_slots)}
figure = curves(
    list(errors),
    {"held-out normal images": list(errors.values())},
    title=f"Squared error {errors[1]:.4f} at k = 1, {errors[state.most_slots]:.4f} with all slots",
    x_label="k, slots that contribute",
    y_label="mean squared error of a tile",
    log_x=True,
)
show(figure, alt="Squared error of normal images falls as k grows")

# %% [markdown]
# And the other shrinkage? A threshold λ is above *every* weight as soon as it is above the largest; then nothing is
# recalled.

# %%
rows = {f"λ {value:g}": normal_error(state, Setting(shrinkage="hard", threshold=value)) for value in THRESHOLDS}
worst = max(rows.values()) / errors[state.most_slots]
figure = bars(
    rows,
    title=f"Hard shrinkage of 350 slots: up to {worst:.1f} times the error of soft reading",
    x_label="mean squared error of a normal tile",
    reference=errors[state.most_slots],
)
show(figure, alt="Squared error of normal images for each threshold; the dotted line is what soft reading has")

# %% [markdown]
# **Ask yourself.** Which of the two numbers, k or λ, would you rather have to choose, if the memory's size may change?
#
# ## Where SQUID is blind (10 min)
#
# **Exercise 3.** Make an anomaly that SQUID misses: begin with a normal image, change tiles until the image is truly
# abnormal and still called normal (all slots, k = 5, 5 % false alarms). Copy the field *Link* into the quotes.

# %% tags=["exercise"]
# solution: begin
my_missed_anomaly = "image=normal-7&edits=v4"
# solution: end

# %%
check.missed_anomaly(my_missed_anomaly)

# %% [markdown]
# One example may be luck. Let us try them all: every digit of several normal images, mirrored in every way that changes
# it.
#
# **Predict.** Which digit is missed most often?
#
# ? The 1. :: Mirrored it is a 1 still, so the kit never flips it.
# ? The 6, because it becomes a 9. :: Mirrored it is neither; and a 9 would be found in that place.
# ! The 9. :: Mirrored left-right it resembles some handwritten nines of the memory more than other flips resemble theirs.

# %% tags=["varies"]
missed, tried, called_normal = {}, {}, []
for number in range(by_mode(2, 10, 20)):
    for digit, flips in DIGIT_FLIPS.items():
        for flip in flips:
            view = state.view(Setting(image=f"normal-{number}", edits=f"{flip[0]}{digit}"))
            name = f"{digit} {'left-right' if flip == 'horizontal' else 'upside down'}"
            missed[name] = missed.get(name, 0) + (not view.abnormal)
            called_normal += [] if view.abnormal else [view]
            tried[name] = tried.get(name, 0) + 1
shares = {name: missed[name] / tried[name] for name in sorted(missed, key=lambda name: -missed[name] / tried[name])}
figure = bars(
    shares,
    title=f"Missed: {sum(missed.values())} of {sum(tried.values())} mirrored digits, most often {next(iter(shares))}",
    x_label="share called normal at 5 % false alarms",
)
show(figure, alt="For each mirrored digit, the share of images that SQUID calls normal")

# %% [markdown]
# Look at some of them: would you have called them abnormal?

# %% tags=["varies"]
chosen = called_normal[:: max(1, len(called_normal) // 6)][:6]
figure = image_grid(
    {"missed": [view.image for view in chosen], "reconstructed": [view.reconstruction for view in chosen]},
    titles=[f"tile {int(view.wrong.nonzero()) + 1}" for view in chosen],
    title=f"{len(chosen)} of the {len(called_normal)} mirrored digits that were called normal",
)
show(figure, alt="Images with one mirrored digit that SQUID called normal, and their reconstructions")

# %% [markdown]
# **What we saw.** For this detector the size of the memory hardly matters, and k matters little, because features of
# one tile lie so close together that one memory stands for all. λ matters, because its meaning depends on how many
# slots share the weight. The misses are no accident: some digits are missed again and again, others never. Judge with
# your own eyes whether they still look like some way of writing that digit.
#
# **What this does not show.** Only the *reading* changed. A network that was trained with one slot would have learned
# other features. The table is of one detector; the standard deviation over seeds is in the picture of queue and matrix.
# And nothing here says how large a memory chest X-rays need.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | memory size, not retrained | 3.2 | `squidlib.detection.memory_readout.newest` | `tests/detection/test_memory_readout.py` |
# | reading by any shrinkage | 3.2 | `squidlib.detection.memory_readout.read` | `tests/detection/test_memory_readout.py` |
# | effect over the data | ours | `squidlib.teaching.explorer.effect.compute_effect` | `tests/teaching/test_explorer_effect.py` |
# | queue against matrix as they shrink | 3.2 | `squidlib.teaching.studies.memory_size` | `tests/teaching/test_studies.py` |
# | view of a setting | eq. 6 | `squidlib.teaching.explorer.state.ExplorerState` | `tests/teaching/test_explorer_state.py` |
