# %% [markdown]
# # 02 · The auto-encoder, and why it fails
#
# **Aims.** Train an auto-encoder on normal images; score by reconstruction error; draw a ROC curve; put naive
# baselines beside it; say why a network that reconstructs well does not have to detect well.
#
# **Time.** 40 minutes. **Needs.** Lesson 01. No GPU, no network.
#
# ![Where this lesson is in SQUID's data flow: the encoder, the student decoder and the reconstruction, the rest pale](schematics/here_autoencoder.svg)

# %%
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_curve

from digitanatomy import KINDS, DigitAnatomy, Jitter
from squidlib.baselines import AutoEncoder, GradientNeighbours, MeanImage, PatchNeighbours, Sharpness
from squidlib.data.digits import Digits
from squidlib.patches import cut
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import bars, by_mode, curves, histograms, image_grid, interruptible, say, show
from squidlib.teaching.studies.results import auc_by_kind

# %% [markdown]
# ## Compress and reconstruct (8 min)
#
# An auto-encoder has two halves. Its encoder compresses an image of 96 × 96 = 9,216 pixels to a code of a few numbers, and
# its decoder reconstructs the image from the code. It learns on normal images only, whose digits are varied a little from
# step to step (augmentation). The hope: it learns to reconstruct *normal*, so that whatever is abnormal comes back
# badly, and the **reconstruction error** shows it.

# %% tags=["varies"]
data = Digits(jitter=Jitter())
each = by_mode(12, 100, 200)
test = DigitAnatomy(data.glyphs.test, dict.fromkeys(KINDS, each) | {"normal": 2 * each}, seed=3)
images, labels = test.images(), np.array([sample.label for sample in test])
print("test images", tuple(images.shape), "of which abnormal", int(labels.sum()))

# %% tags=["varies"]
normals = data.fresh.batch(0, by_mode(64, 1600, 12800))
auto = AutoEncoder(code=16, steps=by_mode(3, 250, 4000))
with interruptible("auto-encoder") as progress:
    auto.fit(normals, seed=0, progress=progress)
trained = progress.done  # fewer than auto.steps where the stop button was used

# %% [markdown]
# **Exercise 1.** The score of an image is its mean squared error: one number for each image.


# %% tags=["exercise"]
def my_error(images, reconstructions):
    """Two tensors (B, 1, H, W) -> (B,): the mean squared difference of each image."""
    # solution: begin
    return ((images - reconstructions) ** 2).mean(dim=(1, 2, 3))
    # solution: end


# %%
check.reconstruction_error(my_error)

# %% [markdown]
# **Predict.** Four anomaly types: a digit 0 where none belongs (novel), two digits swapped (disorder), an empty tile
# (missing), a mirrored digit (flipped). Which comes back worst? Is there one that comes back *better* than a normal
# image?
#
# ? No: all four were never seen in training. :: An auto-encoder learns strokes in general, and some anomalies are easier than any digit.
# ! Yes: missing. :: An empty tile is the easiest thing to reconstruct, so its error is *lower* than a digit's.
# ? Yes: flipped, because a mirrored digit has the same strokes. :: Its error is not below that of a normal image; one of the four is.

# %% tags=["varies"]
first = torch.stack([images[test.kinds.index(kind)] for kind in KINDS])
rows = {"input": first, "reconstruction": auto.reconstruct(first), "squared error": auto.anomaly_map(first)}
figure = image_grid(
    rows, titles=KINDS, maps=["squared error"], title="A code of 16 numbers: blurred, and everywhere wrong"
)
show(figure, alt="Five inputs, their blurred reconstructions and maps of the squared error, which is bright everywhere")

# %% tags=["varies"]
scores = auto.score(images)
found = auc_by_kind(test.kinds, scores)
worst = min(found, key=found.get)
figure = histograms(
    {kind: scores[[other == kind for other in test.kinds]] for kind in ("normal", "missing", "novel")},
    title=f"Missing images have less error than normal ones: AUC {found['missing']:.2f}"
    if found["missing"] < 0.5
    else f"AUC of missing {found['missing']:.2f}, of novel {found['novel']:.2f}",
    x_label="mean squared error",
)
show(figure, alt="Histograms of the squared error of normal, missing and novel images, which overlap")

# %% tags=["varies"]
say(
    f"The anomaly type that is found worst is **{worst}** (AUC {found[worst]:.2f}). An empty tile is the easiest thing to "
    f"reconstruct, and 0.5 is guessing: an AUC below it says that the score looks the wrong way. The best is "
    f"{max(found, key=found.get)} with {max(found.values()):.2f}."
)

# %% [markdown]
# ## ROC: every threshold at once (8 min)
#
# A threshold turns a score into a verdict. Each threshold has a *false-positive rate* (share of normal images called
# abnormal) and a *true-positive rate* (share of abnormal images called abnormal). The ROC curve draws one against the
# other for all thresholds; the area under it is the AUC of lesson 00.
#
# **Exercise 2.** One point of the curve. An image is called abnormal where its score is *above* the threshold.


# %% tags=["exercise"]
def my_rates(labels, scores, threshold):
    """labels (N,) 0 or 1, scores (N,), both numpy -> (false-positive rate, true-positive rate)."""
    # solution: begin
    called = scores > threshold
    return called[labels == 0].mean(), called[labels == 1].mean()
    # solution: end


# %%
check.rates(my_rates)

# %% tags=["varies"]
kinds, lines = np.array(test.kinds), {}
grid = np.linspace(0, 1, 21)
for kind in KINDS[1:]:
    chosen = (kinds == kind) | (kinds == "normal")
    false, true, _ = roc_curve(labels[chosen], scores.numpy()[chosen])
    lines[f"{kind} ({found[kind]:.2f})"] = np.interp(grid, false, true)
figure = curves(
    grid,
    lines,
    title=f"No threshold is good for all types: mean AUC {found['mean']:.2f}",
    x_label="false-positive rate (dotted: guessing, 0.50)",
    y_label="true-positive rate",
)
figure.axes[0].plot(grid, grid, color="black", linestyle=":")
show(figure, alt="ROC curves of the four anomaly types with the diagonal of guessing; missing lies below the diagonal")

# %% [markdown]
# ## A wider code? (8 min)
#
# The reconstructions are blurred: 16 numbers are few for nine handwritten digits. A wider code reconstructs better. But a
# network with a wider code also trains more slowly, so that two things would change at once. There is one auto-encoder
# whose best weights need no training: the *linear* one. Its code is the first k principal components, and k = 0 is the
# mean image.
#
# **Predict.** From a code of a few numbers to one of some hundred: what happens to the error of normal images, of
# abnormal images, and to the AUC?
#
# ? Normal images improve, abnormal ones do not: the AUC rises. :: What helps to reconstruct one helps to reconstruct the other.
# ! Both improve together: the mean AUC moves little. :: Most tiles of an abnormal image are normal; the types differ, as printed below.
# ? Both get worse. :: A longer code can hold more, not less.

# %% tags=["varies"]
known = normals[: by_mode(40, 1000, 2000)].flatten(1)
mean = known.mean(0)
strength, mixed = torch.linalg.eigh((known - mean) @ (known - mean).T)  # from the weakest to the strongest
axes = F.normalize((known - mean).T @ mixed, dim=0).flip(1)  # (9216, N): principal components, strongest first


def linear(pictures, code):
    """Images (B, 1, H, W) as a linear auto-encoder with so many numbers in its code gives them back."""
    centred = pictures.flatten(1) - mean
    return (mean + centred @ axes[:, :code] @ axes[:, :code].T).reshape(pictures.shape)


errors, aucs = {"normal": [], "abnormal": []}, []
widths = by_mode([1, 8, 30], [1, 4, 16, 64, 256, 900], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1900])
for code in widths:
    error = (linear(images, code) - images).square().mean((1, 2, 3))
    for name, label in (("normal", 0), ("abnormal", 1)):
        errors[name].append(float(error[labels == label].mean()))
    aucs.append(auc_by_kind(test.kinds, error))

# %% tags=["varies"]
figure = curves(
    widths,
    errors,
    title=f"Abnormal error / normal error: {errors['abnormal'][0] / errors['normal'][0]:.2f} (code {widths[0]}) to "
    f"{errors['abnormal'][-1] / errors['normal'][-1]:.2f} (code {widths[-1]})",
    x_label="numbers in the code",
    y_label="mean squared error",
    log_x=True,
)
show(
    figure,
    alt="Mean squared error of normal and abnormal images over the width of the code; the two lines fall together",
)

# %% tags=["varies"]
chosen = torch.stack([images[test.kinds.index(kind)] for kind in KINDS])
shown = {"input": chosen} | {f"code of {code}": linear(chosen, code).clamp(0, 1) for code in widths[1::2]}
figure = image_grid(shown, KINDS, title="A wider code gives back more, of anomalies too")
show(figure, alt="A normal image and four anomalies, given back by linear auto-encoders with more and more numbers")

# %% tags=["varies"]
say(
    f"From {widths[0]} to {widths[-1]} numbers the error of normal images falls to "
    f"{errors['normal'][-1] / errors['normal'][0]:.0%} of what it was, that of abnormal ones to "
    f"{errors['abnormal'][-1] / errors['abnormal'][0]:.0%}: they fall *together*. AUC: "
    + ", ".join(f"{kind} {aucs[0][kind]:.2f} → {aucs[-1][kind]:.2f}" for kind in (*KINDS[1:], "mean"))
    + ". Misplaced and mirrored digits are found better, and empty tiles still less."
)

# %% [markdown]
# ## Look at tiles, as z-scores (8 min)
#
# One wrong tile among nine disappears in the mean over an image. And a 1 has little ink and little error, an 8 has
# much: each position has an error of its own that is *normal* there.
#
# **Exercise 3.** Turn tile errors (B, 9) into an image score: subtract what *normal calibration* images show at each
# position, divide by their standard deviation there, and take the worst tile.


# %% tags=["exercise"]
def my_worst_tile_score(errors, normal_errors):
    """errors (B, R) of images, normal_errors (N, R) of held-out normals -> (B,)."""
    # solution: begin
    mean, deviation = normal_errors.mean(dim=0), normal_errors.std(dim=0)
    return ((errors - mean) / deviation).amax(dim=1)
    # solution: end


# %%
check.worst_tile_score(my_worst_tile_score)

# %% [markdown]
# **Predict.** Does it help, for which types? Is *missing* found now?
#
# ? Yes, for all four; missing is found now. :: The error of an empty tile stays low in any unit; only the luck of the rest of the image is gone.
# ! It helps some; missing comes up to guessing at most. :: One wrong tile is no longer lost among eight others. An empty tile's error is still no higher than a digit's.
# ? No: the same errors, only in other units. :: The units differ from tile to tile, and the worst tile counts instead of the mean.


# %% tags=["varies"]
def tile_errors(pictures):
    """(B, 1, 96, 96) -> (B, 9): the auto-encoder's mean squared error of every tile."""
    return cut(auto.anomaly_map(pictures), 3).mean(dim=(2, 3, 4))


held_out = tile_errors(data.calibration())
standard = (tile_errors(images) - held_out.mean(0)) / held_out.std(0)
by_tile = auc_by_kind(test.kinds, standard.amax(1))
say(
    "| | " + " | ".join(found) + " |\n| --- |" + " --- |" * len(found)
    + "\n| whole image | " + " | ".join(f"{value:.2f}" for value in found.values())
    + " |\n| worst tile, as z-score | " + " | ".join(f"{value:.2f}" for value in by_tile.values()) + " |"
)  # fmt: skip

# %% tags=["varies"]
say(
    "Looking at tiles changes the AUC by "
    + ", ".join(f"{by_tile[kind] - found[kind]:+.2f} for {kind}" for kind in KINDS[1:])
    + f". *Missing* goes from {found['missing']:.2f} to {by_tile['missing']:.2f}, where 0.5 is guessing."
)

# %% [markdown]
# ## Baselines that learn nothing, or nearly (8 min)
#
# A number alone says little. What does a naive baseline reach?
#
# - **sharpness**: minus the mean of |x(i, j+1) − x(i, j)|; it learns nothing;
# - **mean image**: the distance to the average of all normal images;
# - **pixel kNN**: for each tile the distance to its five nearest normal tiles of the same position;
# - **HOG kNN**: the same with the three nearest, for histograms of the directions that edges run in, whatever the ink.
#
# **Exercise 4.** Write the second: the root mean squared difference of each image to the mean normal image.


# %% tags=["exercise"]
def my_mean_image_score(images, normals):
    """images (B, 1, H, W), normals (N, 1, H, W) -> (B,)."""
    # solution: begin
    return ((images - normals.mean(dim=0)) ** 2).mean(dim=(1, 2, 3)).sqrt()
    # solution: end


# %%
check.mean_image_score(my_mean_image_score)

# %% [markdown]
# **Predict.** Put the auto-encoder and the four in an order, best first.
#
# ? The auto-encoder is first: it alone has learned. :: It learned to reconstruct, and nobody asked it to tell normal from abnormal.
# ! HOG kNN is first, the auto-encoder somewhere behind. :: Edges at a position say more about a digit than its reconstruction error.
# ? The mean image is first: anatomy is always the same. :: Handwriting differs from its mean more than an anomaly does.

# %% tags=["varies"]
table = {f"auto-encoder, {trained} steps": found, "auto-encoder, worst tile": by_tile}
for method in (Sharpness(), MeanImage(), PatchNeighbours(grid=3), GradientNeighbours(grid=3)):
    table[method.name] = auc_by_kind(test.kinds, method.fit(data.reference()).score(images))
order = sorted(table, key=lambda name: -table[name]["mean"])
figure = bars(
    {name: table[name]["mean"] for name in order},
    title=f"First is {order[0]}; guessing is the dotted line",
    x_label="mean AUC over four anomaly types (blue: the auto-encoder)",
    reference=0.5,
    subject=[name for name in order if name.startswith("auto-encoder")],
)
show(figure, alt="Bars of the mean AUC of the auto-encoder, its worst-tile score and four naive baselines")

# %% tags=["varies"]
say("\n".join([
    "| | " + " | ".join(KINDS[1:]) + " |", "| --- |" + " --: |" * 4,
    *(f"| {name} | " + " | ".join(f"{table[name][kind]:.2f}" for kind in KINDS[1:]) + " |" for name in order),
]))  # fmt: skip

# %% [markdown]
# **What we saw.** Averaged over an image, abnormal images come back about as well as normal ones: one or two wrong
# tiles drown among seven or eight right ones. Looking at tiles finds more of the novel and of the misplaced digits, and
# no more of the mirrored ones. It helps most with the empty tile, which is then no longer taken for the most normal image
# of all, but is still not found. A wider code makes all reconstructions better, finds more misplaced and mirrored digits,
# and empty tiles still less. Remembering normal *pixels* position by position, without any network, is ahead of the
# auto-encoder here, and remembering which way their *edges* run is far ahead of both. A network has to pass that bar.
# Sharpness finds empty tiles and nothing else, and one good column is no detector. What is missing is something that
# *stops* the network from reconstructing what it has never seen: a memory (lesson 03).
#
# **What this does not show.** These auto-encoders trained for seconds, with one seed, on varied digits, while the
# baselines saw plain ones; that alone is worth some of the distance between them. The stored benchmark in lessons 09
# and 14 trains for a minute with three seeds; look at the order there. On other data (texture defects, say)
# auto-encoders do better.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | auto-encoder | table 1, "Auto-Encoder" | `squidlib.baselines.AutoEncoder` | `tests/baselines/test_neural_baselines.py` |
# | AUC | 4.2 | `squidlib.detection.metrics.auc` | `tests/detection/test_metrics.py` |
# | standardising on normals | 3.6, eq. 6 | `squidlib.detection.calibration.calibrate` | `tests/detection/test_detector.py` |
# | naive baselines | not in the paper | `squidlib.baselines.PatchNeighbours` | `tests/baselines/test_naive.py` |
