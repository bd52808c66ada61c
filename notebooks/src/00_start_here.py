# %% [markdown]
# # 00 · Start here
#
# **Aims.** Check that your machine is ready; see a trained SQUID find anomalies that it was never shown; do three short
# exercises that every later lesson builds on; know what the other lessons explain.
#
# **Time.** 15 minutes. **Needs.** Python and the basics of PyTorch. No GPU, no network.
#
# A chest X-ray is taken in a fixed pose, so the same position shows the same anatomy in every patient. SQUID learns
# from *normal* images only what each position can look like. Asked about a new image, it compares every position with
# its memory of that position; the paper's idea is to ask the neighbouring positions as well. What the memory answers is
# decoded to a reconstruction. The further a patch lies from its memory and from its reconstruction, the higher its score.
#
# ![An image is cut into patches, encoded, answered by the memory queue and the neighbours, and decoded to a reconstruction; while training a teacher, a discriminator and pushes into the queue work beside; the score compares patches with slots and the image with its reconstruction](schematics/data_flow.svg)
#
# *The whole of SQUID in one picture. Later lessons build it part by part and show at their top where you are. The score
# drawn here is the kit's; the paper's own asks the discriminator.*
#
# To *see* this we use **DigitAnatomy**: nine handwritten digits in a fixed order stand for the anatomy.
#
# *Teaching and research only; this is no medical device.*

# %%
import torch

import squidlib
from digitanatomy import DESCRIPTIONS, KINDS, DigitAnatomy
from squidlib.cli.main import main as squid_command
from squidlib.data.digits import Digits
from squidlib.detection.metrics import auc, worst_patch_hits
from squidlib.detection.pictures import detection_picture, image_row
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import bars, histograms, mode, say, show, slider
from squidlib.teaching.studies.results import auc_by_kind

# %% [markdown]
# ## How a lesson works (2 min)
#
# - **This copy is yours** where you opened it with `make lab` or `squid lab`: write into it as you like. A newer kit does
#   not touch it until you ask for its changes (`squid lessons --update`), and then keeps your answers.
# - **Predict** before you run an experiment. Write your guess down: being wrong is how you find out what you believed.
# - **Exercises** have a cell with `...  # your code here`. Replace the dots, run the cell, then run the `check` below
#   it. It says which properties hold and which does not yet, with a first hint; where there are more,
#   `hints=2` shows the next one.
# - A blank or wrong exercise breaks nothing: what follows uses the kit's own version.
# - Solved notebooks are in `notebooks/solutions/` of the repository. Each lesson can be entered at its beginning.
# - The **stop button** of a training cell with a progress bar keeps what was learned so far; continue with the cells
#   below. Run such a cell again and it begins again. Only the long training of lesson 08 goes on where it stopped.
# - `KIT_MODE`, an environment variable that is set before Jupyter starts, chooses how long things run: `smoke`
#   (seconds, to try that all works), `class` (the default, for two CPU cores), `full`.
#
# ## Is this machine ready? (1 min)
#
# `squid doctor` checks Python, packages, memory and disk, and says how to fix what is wrong. Exit code 0: all is well.

# %% tags=["varies"]
print("exit code:", squid_command(["doctor"]))
print("KIT_MODE: ", mode())

# %% [markdown]
# ## The images (2 min)
#
# Every tile is a different handwritten sample. The digits below were never used for training.

# %%
data = Digits()
counts = {"normal": 100, "novel": 25, "disorder": 25, "missing": 25, "flipped": 25}
test = DigitAnatomy(data.glyphs.test, counts, seed=7)
images, labels = test.images(), torch.tensor([sample.label for sample in test])
for kind in KINDS:
    print(f"{kind:9s} {DESCRIPTIONS[kind]}")

# %%
first = [test[test.kinds.index(kind)] for kind in KINDS]
figure = image_row([sample.image for sample in first], [sample.kind for sample in first])
show(figure, alt="A normal DigitAnatomy image and one of each anomaly type")

# %% [markdown]
# ## A trained detector (4 min)
#
# A checkpoint comes with the kit. It was trained in minutes on two CPU cores, on normal images alone. It gives each
# image one number: higher means more abnormal.

# %%
detector = squidlib.load("digitanatomy")
every_score = detector.scores(images)
scores = every_score[detector.default_score]  # the same as detector.score(images)
print("images", tuple(images.shape), "-> scores", tuple(scores.shape))

# %% [markdown]
# How good are such scores? Take every pair of one normal and one abnormal image. The **AUC** is the share of pairs in
# which the abnormal one has the higher score: 0.5 is guessing, 1 is perfect. A pair with equal scores counts as half.
#
# **Exercise 1.** Write it, from the scores of the normal and of the abnormal images.


# %% tags=["exercise"]
def my_auc(normal, abnormal):
    """normal (N,), abnormal (M,): scores -> one number, the share of the N * M pairs in the right order."""
    # solution: begin
    right = (abnormal[:, None] > normal).float()  # (M, N)
    equal = (abnormal[:, None] == normal).float()
    return float((right + equal / 2).mean())
    # solution: end


# %%
check.pairs_in_order(my_auc)

# %% [markdown]
# **Predict.** Which of the four anomalies will be the hardest to find, and why?
#
# ? Missing, because there is nothing that could look wrong. :: The memory of this position holds hundreds of digits, and an empty tile is unlike all of them.
# ? Disorder, because both digits are normal digits. :: Each position has a memory of its own, and a 7 is not in that of the 2.
# ! Flipped, because a mirrored digit resembles the real one most. :: Of all four it differs least from what the memory holds; the bars below show by how much.

# %%
found = auc_by_kind(test.kinds, scores)
average = found.pop("mean")
hardest = min(found, key=found.get)
print("all anomaly types together:", round(auc(labels, scores), 2))

# %%
figure = bars(
    found,
    title=f"Hardest to find: {hardest}, with an AUC of {found[hardest]:.2f}; guessing would be 0.5 (dotted)",
    x_label="AUC against the normal images",
    reference=0.5,
)
show(figure, alt="A bar for each anomaly type: the AUC of the default score, all well above one half")

# %% [markdown]
# ## Where to draw the line (3 min)
#
# To *call* an image abnormal you need a threshold. In a hospital nobody has labelled anomalies to tune it on. So set
# an acceptable false-positive rate, and look at **normal** images alone that were held out of the training.
#
# **Exercise 2.** Find the score that a given share of the normal scores exceeds. Scores need not follow a bell curve.


# %% tags=["exercise"]
def my_threshold(normal_scores, rate):
    """normal_scores (N,), rate in 0..1 -> one number that a share ``rate`` of the scores exceeds."""
    # solution: begin
    return float(torch.quantile(normal_scores, 1 - rate))
    # solution: end


# %%
check.normal_threshold(my_threshold)

# %% [markdown]
# **Predict.** The threshold below lets 5 % of the *held-out* normal images exceed it. The normal images of our test
# show other samples: how many of them will exceed it? And how many anomalies will be missed?
#
# ? Exactly 5 %. :: The threshold was found on other normal images, and new ones exceed it a little more or less often.
# ! About 5 %, a few more or fewer. :: It is an estimate from a finite number of images.
# ? None, because they are normal. :: Some normal images are always unusual; 5 % is the price that we accepted.

# %%
threshold = detector.threshold(false_positive_rate=0.05)
called = scores > threshold
alarms, hits = called[labels == 0].float().mean(), called[labels == 1].float().mean()
say(
    f"Of {counts['normal']} new normal images **{alarms:.0%}** exceed the threshold, of the abnormal ones "
    f"**{hits:.0%}**. No label was used to set it."
)

# %%
figure = histograms(
    {"normal": scores[labels == 0], "abnormal": scores[labels == 1]},
    title=f"The threshold lets {alarms:.0%} of normals exceed it and misses {1 - hits:.0%} of anomalies",
    x_label="score (higher = more abnormal)",
    threshold=threshold,
)
show(figure, alt="Two histograms of scores, normal left and abnormal right, with a dotted threshold between them")

# %% [markdown]
# **Try it.** Move the threshold. Can you find one without false alarms that misses nothing?


# %% tags=["varies"]
def at_threshold(value):
    """The same two histograms, with what this threshold gets wrong."""
    wrong = (scores[labels == 0] > value).sum(), (scores[labels == 1] <= value).sum()
    return histograms(
        {"normal": scores[labels == 0], "abnormal": scores[labels == 1]},
        title=f"Threshold {value:.1f}: {wrong[0]} false alarms, {wrong[1]} anomalies missed",
        x_label="score (higher = more abnormal)",
        threshold=value,
    )


thresholds = torch.quantile(scores, torch.linspace(0.02, 0.98, 49)).tolist()
slider(at_threshold, "threshold", thresholds, thresholds[24], alt="Histograms of scores with a threshold")

# %% [markdown]
# ## What is wrong, and where (2 min)
#
# The detector scores every tile; an image is as abnormal as its worst tile. Tiles are counted in reading order: 0, 1, 2
# in the first row, 3, 4, 5 in the second, 6, 7, 8 in the third.
#
# **Exercise 3.** Say in which row and column the most abnormal tile of each image is.


# %% tags=["exercise"]
def my_worst_tile(tile_scores):
    """tile_scores (B, 9) in reading order -> (B, 2): row and column, 0..2, of the highest score of each image."""
    # solution: begin
    worst = tile_scores.argmax(dim=-1)
    return torch.stack([worst // 3, worst % 3], dim=-1)
    # solution: end


# %%
check.worst_tile(my_worst_tile)

# %%
detected = (labels == 1) & called
wrong = torch.stack([sample.wrong for sample in test])[detected]  # (B, 9), which tiles are truly wrong
hit = worst_patch_hits(wrong, detector.patch_scores(images[detected]))
say(f"Where an anomaly was found, the worst tile is truly a wrong one in **{hit.mean():.0%}** of the images.")

# %% [markdown]
# Left to right below: the input; the reconstruction from memory and neighbours; where the two differ; the score against
# those of normal images. The dotted line is the threshold.

# %%
figure = detection_picture(detector, test)
show(figure, alt="Five rows, a normal image and four anomalies: input, reconstruction, anomaly map, score and verdict")

# %% [markdown]
# **Try it.** Change `seed` or `severity` (how many tiles become wrong) and run the cell again. Which normal image comes
# closest to a false alarm?

# %%
more = DigitAnatomy(data.glyphs.test, counts={"normal": 4, "flipped": 3}, seed=1, severity=2)
pictures = more.images()
print(f"threshold: {threshold:.1f}")
figure = image_row(list(pictures), [f"score {score:.1f}" for score in detector.score(pictures).tolist()])
show(figure, alt="Four normal images and three with two flipped digits each, with their scores")

# %% [markdown]
# ## What the rest explains (1 min)
#
# | lesson | the question that it answers |
# | --- | --- |
# | 01 DigitAnatomy | How do radiographs differ from photographs, and what is an honest anomaly? |
# | 02 Auto-encoder | Why does the obvious method, "large reconstruction error = abnormal", fail? |
# | 03 Memory matrix | What does it help to reconstruct an image from learned memories only (MemAE)? |
# | 04 Memory queue | Why copy features into a queue instead of learning a matrix? |
# | 05 Gumbel shrinkage | Should a patch recall few memories, and how does one train that? |
# | 06 In-painting | What do the neighbours of a patch add, and what happens if it may see itself? |
# | 07 When do neighbours help? | Which data and which loss make it worth asking the neighbours? |
# | 08 SQUID | How do all the parts train together? |
# | 09 Evaluate honestly | Which numbers can be believed, and how far do labels inflate them? |
# | 10 Which component matters? | Which part is worth how much, and which of the paper's claims held? |
# | 11 True UAD | What if the training images are not all normal? |
# | 12 The explorer | What happens when I move a setting or spoil an image myself? |
# | 13 Chest X-rays | What changes on real images, and how much of a result is a shortcut? |
# | 14 All methods | What do thirteen other methods look at, and how does one compare them? |
# | 15 Capstone | What can be said of a paper's table without its images? |

# %%
paper = auc_by_kind(test.kinds, every_score["discriminator"])["mean"]
say(
    f"**What we saw.** Trained on normal images alone, the detector finds four anomaly types with a mean AUC of "
    f"{average:.2f}. That is the kit's default score, a sum of four scores of each tile. The paper's own score, which "
    f"asks a discriminator, has {paper:.2f} here, where 0.5 is guessing. Lessons 08 and 09 look into that."
)

# %% [markdown]
# The reconstruction is seldom the healthy digit that belongs there; often it is broken or a poor copy. That is enough to
# detect with, but it is not what the word "in-painting" makes one expect.
#
# **What this does not show.** Nine digits are not a chest. Their parts do not depend on each other, there is no lung
# and no shadow of a rib, and the anomalies were made by us. That a detector works here does not say that it works on
# patients. And one trained network is one network: lesson 09 has three.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | images, anomalies, masks | 5.1 | `digitanatomy.dataset.DigitAnatomy` | `tests/digitanatomy/test_dataset.py` |
# | scores of an image and of its tiles | 3.6 | `squidlib.detection.calibration.image_scores` | `tests/detection/test_detector.py` |
# | AUC | 4.2 | `squidlib.detection.metrics.auc` | `tests/detection/test_metrics.py` |
# | threshold from normal images | 4.2 | `squidlib.detection.metrics.threshold_at` | `tests/detection/test_metrics.py` |
# | worst tile | none | `squidlib.detection.metrics.worst_patch_hits` | `tests/detection/test_metrics.py` |
# | is the machine ready | none | `squidlib.cli.doctor.Doctor` | `tests/cli/test_cli_doctor.py` |
