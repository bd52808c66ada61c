# %% [markdown]
# # 05 · Gumbel shrinkage
#
# **Aims.** Say the argument for few memories at a time; write hard and top-k shrinkage and the straight-through
# gradient; measure what k does to reconstructions and to detection, and whether the argument holds here.
#
# **Time.** 35 minutes. **Needs.** Lesson 04 (or: a memory is a set of slots that is read by similarity). No GPU, no
# network.
#
# ![Where this lesson is in SQUID's data flow: the memory queue, the rest pale](schematics/here_memory.svg)

# %%
from dataclasses import replace

import torch
import torch.nn.functional as F

import squidlib
from digitanatomy import KINDS, DigitAnatomy
from squidlib.data.digits import Digits
from squidlib.detection.calibration import calibrate, image_scores
from squidlib.memory import cosine_similarity
from squidlib.shrinkage import hard_shrink, topk_shrink
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import by_mode, curves, image_grid, say, show, slider
from squidlib.teaching.lesson.weight_picture import weight_picture
from squidlib.teaching.studies.results import auc_by_kind

# %% [markdown]
# ## A little of everything (6 min)
#
# A patch asks the memory of its position: how similar is my feature to each of your slots? A softmax turns the answers
# into weights that sum to 1, and the memory returns the weighted sum of its slots.
#
# **Predict.** The memory has 350 slots for each position. How many of them carry 95 % of the weight, for a normal
# patch?
#
# ? About 5. :: A softmax over cosines is nearly flat: cosines differ by less than 2.
# ? About 50. :: Even that would need much larger differences between the similarities.
# ! About 300. :: Cosines lie between -1 and 1, so the softmax is nearly flat and almost every slot contributes.

# %%
data = Digits()
detector = squidlib.load("digitanatomy")
block = detector.squid.inpainting
normal = DigitAnatomy(data.glyphs.test, {"normal": 20}, seed=1).images()

with torch.no_grad():
    queries = detector.squid.query(normal)  # (B, R, D)
    slots = block.memory.contents()  # (R, S, D)
    soft = torch.softmax(block.log_scale.exp() * cosine_similarity(queries, slots), dim=-1)  # (B, R, S)
print("queries", tuple(queries.shape), " slots", tuple(slots.shape), " weights", tuple(soft.shape))

# %%
ordered = soft.sort(dim=-1, descending=True).values.cumsum(-1).mean((0, 1))  # (S,)
needed = int((ordered < 0.95).sum()) + 1
say(
    f"On average **{needed} of {slots.shape[1]} slots** carry 95 % of the weight; the five strongest carry "
    f"{ordered[4]:.0%}. The answer is an average of very many memories."
)

# %%
figure = curves(
    range(1, len(ordered) + 1, 10),
    {"softmax": ordered[::10]},
    title=f"Without shrinkage it takes {needed} slots to hold 95 % of the weight",
    x_label="strongest slots taken together",
    y_label="share of the weight",
)
show(figure, alt="A curve that rises slowly: the share of the weight that the strongest slots hold together")

# %% [markdown]
# **Exercise 1.** One number for "how many slots contribute": the *effective number of slots*, the exponential of the
# entropy, exp(−Σ w log w). It is 1 where one slot has all the weight and S where all have the same.


# %% tags=["exercise"]
def my_effective_slots(weights):
    """weights (..., S), each row sums to 1 and may hold zeros -> (...), between 1 and S."""
    # solution: begin
    logs = torch.log(weights.clamp(min=1e-12))  # 0 * log 0 counts as 0
    return torch.exp(-(weights * logs).sum(-1))
    # solution: end


# %%
check.effective_slots(my_effective_slots)

# %% [markdown]
# ## Hard shrinkage: MemAE's threshold (7 min)
#
# MemAE (Gong et al. 2019, eq. 7) sets every weight at or below a threshold λ to zero and divides what is left by its
# sum:
#
# $$w' = \frac{\max(w-\lambda, 0)\, w}{|w-\lambda| + \epsilon}, \qquad w'' = \frac{w'}{\sum w'}$$
#
# The strange form is just "w where w > λ, else 0", written so that a gradient flows.
#
# **Exercise 2.** Write it. Mind the row in which *no* weight is above λ: it must become zeros, not NaN.


# %% tags=["exercise"]
def my_hard_shrink(weights, threshold):
    """weights (..., S), each row sums to 1 -> (..., S): what is above the threshold, rows summing to 1 (or all 0)."""
    # solution: begin
    kept = F.relu(weights - threshold) * weights / ((weights - threshold).abs() + 1e-12)
    return kept / kept.sum(-1, keepdim=True).clamp(min=1e-12)
    # solution: end


# %%
check.hard_shrink(my_hard_shrink)

# %% [markdown]
# **Predict.** λ = 1/350 is what every slot would get if all were equally similar. What share of the slots survives it?
# And what happens at λ = 0.05?
#
# ? About half; a few strong ones. :: 0.05 is many times what the strongest slot of a nearly flat softmax gets.
# ! Somewhat more than half; none. :: The weights lie closely around 1/350, and 0.05 is far above all of them: the answer is empty.
# ? All; about half. :: The mean weight is 1/350, so some lie below it.

# %%
for threshold in (0.0, 1 / 350, 0.01, 0.05):
    kept = hard_shrink(soft, threshold)
    empty = (kept.sum(-1) == 0).float().mean()
    print(f"λ = {threshold:.4f}: {(kept > 0).float().sum(-1).mean():5.0f} slots survive, {empty:4.0%} of rows empty")

# %% tags=["varies"]
patch = soft[0, 4]  # of the first image's middle tile


def at_threshold(value):
    """Its strongest weights before and after hard shrinkage."""
    kept = hard_shrink(patch, value)
    return weight_picture(
        patch, kept, f"λ = {value:.4f}: {int((kept > 0).sum())} of {len(patch)} slots contribute", value
    )


middle = float(patch.median())
show(
    at_threshold(middle), alt="Columns of one patch's strongest weights, before and after hard shrinkage at the median"
)
slider(at_threshold, "λ", [0.0, middle, *patch.sort().values[-50:].tolist()], middle, alt="Weights before and after")

# %% [markdown]
# **Try it.** Move λ over the largest weights. How far can it go until the patch recalls nothing?
#
# The same threshold means something else at every temperature and at every memory size. If it is too low, it does
# nothing; if it is too high, a patch recalls *nothing*.
#
# ## Top-k: the paper's shrinkage (7 min)
#
# SQUID keeps the k strongest weights of each row, whatever their size, and renormalises. k = 5 in the paper.
#
# **Exercise 3.** Write it (only the forward pass; the gradient comes next).


# %% tags=["exercise"]
def my_topk_shrink(weights, k):
    """weights (..., S) -> (..., S): the k largest of each row, renormalised; zeros elsewhere."""
    # solution: begin
    values, indices = weights.topk(k, dim=-1)
    return torch.zeros_like(weights).scatter(-1, indices, values / values.sum(-1, keepdim=True))
    # solution: end


# %%
check.topk_shrink(my_topk_shrink)

# %% [markdown]
# *A trap in the authors' code.* There the k-th largest weight is subtracted from all and the rest cut at zero: with
# k = 5 only **four** slots keep any weight, and with k = 1 nothing is left.

# %%
row = torch.tensor([0.4, 0.3, 0.2, 0.1])
for k in (1, 2, 3):
    theirs = F.relu(row - row.topk(k).values[-1])
    ours = topk_shrink(row, k)
    print(f"k = {k}: subtracting the k-th keeps {int((theirs > 0).sum())}, top-k keeps {int((ours > 0).sum())}")

# %% [markdown]
# ## The straight-through gradient (7 min)
#
# The slots that top-k removed get weight 0, and no gradient would ever tell the encoder that one of *them* would have
# been the better memory. The trick, known from Gumbel-softmax: **forward the hard value, backward the soft one**.
# Despite the paper's name, no Gumbel noise is added, neither in the authors' code nor here.
#
# **Exercise 4.** One line: a tensor whose *value* is `hard` and whose *gradient* is that of `soft`.


# %% tags=["exercise"]
def my_straight_through(soft, hard):
    """Two tensors of one shape -> the values of ``hard``, the gradient of ``soft``."""
    # solution: begin
    return soft + (hard - soft).detach()
    # solution: end


# %%
check.straight_through(my_straight_through)

# %% [markdown]
# **Predict.** For one patch with 8 slots and k = 2: through how many of the 8 similarities does a gradient flow, with
# and without the trick?
#
# ? 2 without, 2 with. :: The trick uses the gradient of the soft weights, to which all slots contribute.
# ! 2 without, 8 with. :: Forward the two largest alone, backward as if all eight had been kept.
# ? 8 without, 8 with. :: The slots that were set to zero have no gradient of their own.

# %%
similarities = torch.linspace(-1, 1, 8)
target = torch.linspace(0, 1, 8)
for trick in (False, True):
    leaf = similarities.clone().requires_grad_()
    weights = topk_shrink(torch.softmax(leaf, dim=-1), 2, straight_through=trick)
    ((weights * target).sum() - 1).square().backward()
    print(f"straight-through {trick!s:5}: a gradient reaches {int((leaf.grad.abs() > 1e-9).sum())} of 8 similarities")

# %% [markdown]
# Without the trick a gradient reaches only the two that were kept (the others cancel: top-k and its renormalisation do
# not depend on them). With it, all slots receive a gradient in training, and only k of them contribute to the answer.
#
# ## What k does (8 min)
#
# The trained detector lets us change k without training, because the memory holds copies and reading it has no weights.
# Every k gets its own calibration on held-out normal images.
#
# **Predict.** As k grows from 1 to all 350 slots: do reconstructions of *normal* images get better or worse? Of
# *abnormal* ones? What happens to the AUC?
#
# ? Normal ones better, abnormal ones worse: the AUC rises. :: More slots let the memory come nearer to both.
# ? Both better, and abnormal ones gain more: the AUC falls. :: That is why memories are made sparse. Here normal images gain as much.
# ! Both better; the error's AUC rises, the default score's hardly moves. :: The default score also asks how far the slots are, whatever k is.

# %% tags=["varies"]
test = DigitAnatomy(data.glyphs.test, dict.fromkeys(KINDS, by_mode(8, 80, 200)), seed=2)
images, labels = test.images(), torch.tensor([sample.label for sample in test])
held_out = data.calibration()[: by_mode(16, 128, 256)]
sizes = by_mode([1, 5, 350], [1, 2, 5, 20, 80, 350], [1, 2, 3, 5, 10, 20, 50, 100, 200, 350])

found, errors = {}, {"normal": [], "abnormal": []}
for k in sizes:
    block.config = replace(block.config, topk=k)
    calibration = calibrate(detector.squid, detector.discriminator, held_out)
    raw = detector.raw_scores(images)
    scores = image_scores(raw, calibration)
    found[k] = {name: auc_by_kind(test.kinds, scores[name])["mean"] for name in ("combined", "error", "mismatch")}
    errors["normal"].append(float(raw.error[labels == 0].mean()))
    errors["abnormal"].append(float(raw.error[labels == 1].mean()))

# %% tags=["varies"]
lines = {name: [found[k][name] for k in sizes] for name in ("combined", "mismatch", "error")}
best = max(sizes, key=lambda k: found[k]["combined"])
figure = curves(
    sizes,
    lines,
    title=f"Default score: {found[best]['combined']:.3f} at its best k ({best}), {found[5]['combined']:.3f} at k = 5",
    x_label="k, slots that survive",
    y_label="mean AUC over four anomaly types",
    log_x=True,
)
show(figure, alt="AUC of three scores over k, on a logarithmic axis")

# %% tags=["varies"]
figure = curves(
    sizes,
    errors,
    title=f"Squared error at k = 1 and at all slots: normal {errors['normal'][0]:.4f} and {errors['normal'][-1]:.4f}",
    x_label="k, slots that survive",
    y_label="mean squared error of a tile",
    log_x=True,
)
show(figure, alt="Mean squared error of normal and abnormal tiles over k")

# %% tags=["varies"]
chosen = torch.stack([images[test.kinds.index(kind)] for kind in KINDS])
rows = {"input": chosen}
for k in (sizes[0], 5, sizes[-1]):
    block.config = replace(block.config, topk=k)
    rows[f"k = {k}"] = detector.reconstruct(chosen)
block.config = detector.config
figure = image_grid(rows, titles=KINDS, title="The same detector, reading few or many of its memories")
show(figure, alt="Inputs of five kinds and their reconstructions with k = 1, 5 and all slots")

# %% [markdown]
# **Try it.** The same with a slider. From which k on does the wrong tile begin to come back?


# %% tags=["varies"]
def at_k(value):
    """The five images, and what comes back with so many slots."""
    block.config = replace(block.config, topk=value)
    pictures = image_grid({"input": chosen, f"k = {value}": detector.reconstruct(chosen)}, titles=KINDS)
    block.config = detector.config
    return pictures


slider(at_k, "k", [1, 2, 3, 5, 10, 20, 50, 100, 200, 350], 5, alt="Five images and their reconstructions")

# %% [markdown]
# **What we saw.** Look at the figures: the default score hardly depends on k. More memories give a smoother, closer
# reconstruction, of abnormal images as well as of normal ones. So for *this* detector k is a safe choice and not the
# reason why it works; lesson 10's ablation table asks the same of networks that were *trained* without shrinkage.
#
# **What this does not show.** Only the reading changed here. A network that was trained with another k would have
# learned other features. And a k that is best on these labels was not chosen without labels: the kit keeps the
# paper's 5.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | hard shrinkage | MemAE eq. 7 | `squidlib.shrinkage.hard_shrink` | `tests/pieces/test_shrinkage.py` |
# | top-k, straight-through | 3.2, "Gumbel Shrinkage" | `squidlib.shrinkage.topk_shrink` | `tests/pieces/test_shrinkage.py` |
# | reading the memory | 3.2 | `squidlib.memory.read_memory` | `tests/pieces/test_memory.py` |
# | calibration on normals | 4.2 | `squidlib.detection.calibration.calibrate` | `tests/detection/test_detector.py` |
