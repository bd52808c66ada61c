# %% [markdown]
# # 13 · Chest X-rays
#
# **Aims.** Take SQUID from digits to images of a chest: tell whose image a file is and keep patients apart; measure
# what naive baselines find; train, calibrate, and read sensitivity and specificity; find out how much of
# a detection is sharpness, and how much is the source of an image; take a detector to another hospital; say what the
# paper claims, what we measured, and why the two may differ.
#
# **Time.** 55 minutes. **Needs.** Lessons 08 and 09 (or: SQUID learns from normal images, a threshold comes from
# held-out normal ones). No GPU, no network. **Nothing here is for clinical use.**

# %%
import re
from dataclasses import replace

import torch
import torch.nn.functional as F

from squidlib.backbone import backbone
from squidlib.baselines import GradientNeighbours, MeanImage, PatchNeighbours, Sharpness
from squidlib.baselines.feature_neighbours import FeatureNeighbours
from squidlib.data.chest import ZHANGLAB
from squidlib.data.chest.patients import patient_of
from squidlib.data.chest.phantom import draw_chests
from squidlib.data.chest.sharpness import gradient, match_sharpness, soften
from squidlib.data.digits import Digits
from squidlib.detection.calibration import calibration_of, image_scores
from squidlib.detection.metrics import auc, decide
from squidlib.detection.synthetic_anomalies import SYNTHETIC_ANOMALIES
from squidlib.patches import cut
from squidlib.squid import fill_memory
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import LiveFigure, bars, by_mode, curves, histograms, image_grid, interruptible, say, show
from squidlib.teaching.lesson.chest_source import chest_source
from squidlib.teaching.lesson.chest_training import chest_preset, glance
from squidlib.teaching.lesson.training_picture import TrainingPicture
from squidlib.teaching.position import variance_by_position
from squidlib.teaching.studies.chest_position import METADATA
from squidlib.teaching.studies.results import load_runs, spread
from squidlib.teaching.studies.sharpness import TESTED
from squidlib.teaching.studies.shortcuts import AS_IS, CHECKS, SHARP, SPECTRUM, common_level
from squidlib.training.loop import start, train, unwrapped
from squidlib.training.trainer import finish

# %% [markdown]
# ## From digits to patients (5 min)
#
# No X-ray comes with the kit, and none is downloaded by itself. By default this lesson works on *synthetic phantoms*: pictures
# of chests made of formulas, in the folders and with the file names of the real data. They let you run every cell; they show no
# patient, and nothing measured on them says anything about X-rays. What we conclude about X-rays comes from stored results on
# real ones, each with the command that made it.
#
# To work on real ones, run one command in a terminal, in the kit's folder (on Windows `.venv\Scripts\squid`; with conda
# just `squid`). It is the only step of the lesson that needs a network:
#
# ```
# .venv/bin/squid fetch pneumoniamnist
# ```
#
# It tells you size, licence and checksum, asks, and downloads PneumoniaMNIST: 5,856 chest X-rays of children, in one
# file. Then run this notebook again; it finds them. The images keep no file names, so the section about patients still
# shows phantoms. With ZhangLab's own files (Mendeley Data, DOI `10.17632/rscbjbr9sj`; folders `train` and `test`) in
# `data/chest_xray`, or in a folder that the environment variable `KIT_CHEST_DATA` names, everything is real.

# %% tags=["varies"]
source = chest_source()  # or chest_source("folder that holds train and test")
files, named, data = source.open(128)
test = data.test()
images, labels = test.images, test.labels
say(f"This notebook shows **{source.what}**.")

# %%
parts = {"train": len(data), "calibration": len(data.calibration()), "test, normal": int((labels == 0).sum())}
print(f"{source.what}:", *(f"{name} {count}," for name, count in parts.items()), f"abnormal {int(labels.sum())}")
print(f"ZhangLab: {ZHANGLAB['image']}; {ZHANGLAB['licence']}; {ZHANGLAB['use']}")

# %%
normal, abnormal = images[labels == 0], images[labels == 1]
figure = image_grid(
    {"normal": normal[:6], "abnormal": abnormal[:6]},
    title=f"The first six of both test folders: {source.what}",
)
show(figure, alt="Six normal and six abnormal images of a chest from the test folders")

# %% [markdown]
# **Predict.** Lesson 01 measured how much the position of a tile says about its pixels. A chest is cut into 4×4 tiles.
# Does the position say more about them than about the tiles of DigitAnatomy, or less?
#
# ! More. :: A chest is always in the same pose, and ribs, heart and lungs lie where they lie.
# ? Less, because people differ. :: They differ less from each other than two handwritten fives do.
# ? About as much. :: Chests of one pose differ less than handwriting, and part of it is that lungs are dark and bodies bright.

# %%
chest_share = variance_by_position(cut(data.reference()[:200], 4).flatten(2, 3))
digit_share = variance_by_position(cut(Digits().reference()[:200], 3).flatten(2, 3))
say(
    f"Of the variance of the tiles of {source.what}, position explains {chest_share:.0%}; of the digits', {digit_share:.0%}."
)

# %% [markdown]
# We chose the pose of the phantoms, so they prove nothing here. The kit's study
# `squidlib.teaching.studies.chest_position` measured the same on ZhangLab's X-rays:

# %%
position = load_runs("chest_position")
on_xrays, on_digits = (spread(position, name, "share") for name in ("X-rays", "DigitAnatomy"))
say(
    f"**X-rays: {on_xrays}**, digits: {on_digits} (three draws of 200 images). Part of it is only that lungs are dark and "
    "bodies bright; but what lies where is known beforehand, and this is what SQUID builds on."
)

# %% [markdown]
# ## Whose image is it? (8 min)
#
# Some patients have several images. If one of them is learned from and another one is held out, a memory may recall the
# *patient*. So no patient may stand on both sides. Only file names tell who it is.
#
# | file | patient |
# | --- | --- |
# | `IM-0115-0001.jpeg` | `IM-0115` |
# | `IM-0429-0001-0002.jpeg`, a second image | `IM-0429` |
# | `NORMAL2-IM-0115-0001.jpeg`, another series | `NORMAL2-IM-0115` |
# | `person12_bacteria_45.jpeg` | `person12_bacteria` |
#
# **Exercise 1.** Write it.


# %% tags=["exercise"]
def my_patient(name):
    """A file's name, as in the table -> the patient, a text."""
    # solution: begin
    if name.startswith("person"):
        return name.rpartition("_")[0]
    return re.match(r"(NORMAL2-)?IM-\d+", name)[0]
    # solution: end


# %%
check.patient_name(my_patient)

# %% [markdown]
# **Exercise 2.** Hold out whole patients: draw one after the other, until a share of the *images* is held out.


# %% tags=["exercise"]
def my_split(patients, share, generator):
    """patients: a name for each of N images; share 0..1; a torch generator -> (N,) bool tensor, True: held out.

    No patient on both sides, at least the share of the images, no patient more than it takes.
    """
    # solution: begin
    names, chosen = sorted(set(patients)), set()
    for index in torch.randperm(len(names), generator=generator).tolist():
        if sum(patient in chosen for patient in patients) >= share * len(patients):
            break
        chosen.add(names[index])
    return torch.tensor([patient in chosen for patient in patients])
    # solution: end


# %%
check.patient_split(my_split)

# %% [markdown]
# **Predict.** Hold out 15 % of the *images* instead, as they come. How many of those show a patient who is
# on the other side, too? Can one tell by the pixels alone which images are of the same patient?
#
# ? None, because the files differ. :: Many patients have several files, and a split of files does not ask whose they are.
# ! A part of them; images of one patient are nearer than others, and not always nearest. :: So such a split leaks, and nobody sees it by looking.
# ? Nearly all; each is nearest to another one of its patient. :: Most patients have one image here, and two images of one child may differ in pose and exposure.

# %%
owners = [patient_of(file.path) for file in (*files.train, *files.calibration)]
same = torch.tensor([[one == other for other in owners] for one in owners])  # (N, N)
held = torch.rand(len(owners), generator=torch.Generator().manual_seed(0)) < 0.15
pixels = F.avg_pool2d(torch.cat([named.reference(), named.calibration()]), 4).flatten(1)  # 32 px a side
relative = same[held][:, ~held]  # (held out, training)
distance = torch.cdist(pixels[held], pixels[~held])
nearer = (distance[:, None] > distance[:, :, None]).float().mean(-1)[relative]  # each relative's rank among all
shared = {file.patient for file in files.train} & {file.patient for file in files.calibration}
say(
    f"**{int(relative.any(1).sum())} of {int(held.sum())}** held-out images have another one of the same patient in "
    f"training. In the median it is nearer than {nearer.median():.0%} of the training images; for another patient's image "
    f"that would be half. In the split by patients that we use, {len(shared)} patients are on both sides."
)
real = {name: spread(position, "relatives", name) for name in ("held", "with_relative", "nearer")}
say(
    f"On ZhangLab's X-rays (`{METADATA['command']}`, three draws): {real['with_relative'].mean:.0f} of "
    f"{real['held'].mean:.0f} have another one of the same patient in training, nearer than {real['nearer'].mean:.0%} of the training images."
)

# %% [markdown]
# Held-out normals set the threshold. If they show patients of training images, they may look more normal than a new
# patient will; then the threshold comes out too low, and new patients raise more false alarms than promised.
#
# ## What naive baselines find (6 min)
#
# Before a network is trained: what can be had for nothing? *Sharpness* asks how soft an image is and knows nothing of
# lungs.
#
# **Exercise 3.** Write it: minus the mean absolute difference of horizontal neighbours.


# %% tags=["exercise"]
def my_sharpness_score(images):
    """images (B, 1, H, W) in 0..1 -> (B,), higher where an image is softer."""
    # solution: begin
    return -images.diff(dim=-1).abs().mean(dim=(1, 2, 3))
    # solution: end


# %%
check.sharpness_score(my_sharpness_score)

# %% [markdown]
# **Predict.** Which AUC will sharpness get on this test set? And the distance to the mean image, to the nearest pixels
# of each tile, or to the nearest histograms of edge directions (HOG, from 2005)?
#
# ? About one half, each of them: they know nothing of lungs. :: They need not: the two classes differ in what they do know.
# ! Sharpness well above chance, HOG no lower, the mean image the lowest. :: This is what a trained detector has to beat.
# ? The mean image the highest: chests are alike. :: They are alike, and so abnormal ones are near the mean, too.

# %%
reference = data.reference()
naive = {}
for method in (Sharpness(), MeanImage(), PatchNeighbours(4), GradientNeighbours(4)):
    naive[method.name] = method.fit(reference).score(images)
found = {name: auc(labels, scores) for name, scores in naive.items()}
for name, value in found.items():
    print(f"{name:12s} AUC {value:.2f}")

# %%
softness = naive["sharpness"]
figure = histograms(
    {"normal": softness[labels == 0], "abnormal": softness[labels == 1]},
    title=f"Sharpness alone, {source.what}: AUC {found['sharpness']:.2f}",
    x_label="minus the mean difference of neighbours: soft images at the right",
    bins=25,
)
show(
    figure,
    alt="Histograms of the sharpness score of normal and of abnormal images, which are softer on average",
)

# %% [markdown]
# A network that saw a million photographs, and not one X-ray, offers features. Distance to the two nearest normal
# images among them is a baseline that nobody has to train. It needs the extra `[backbone]`; without it the row is left
# out.

# %% tags=["varies"]
network = backbone(size=by_mode(64, 128, 224))
if network.pretrained:
    neighbours = FeatureNeighbours(network).fit(reference[: by_mode(12, 1200, 5000)])
    shown = torch.arange(len(images))[:: by_mode(20, 1, 1)]
    photographs = auc(labels[shown], neighbours.score(images[shown]))
    found["2-NN, ImageNet"] = photographs
    say(f"Two nearest neighbours in the features of {network.name}: AUC **{photographs:.2f}**.")
else:
    say("No ImageNet features on this machine: the row is left out.")

# %% [markdown]
# Whatever we train now has to beat *all* of these before it may claim anything.
#
# ## Train SQUID (5 min)
#
# The network is lesson 08's, with 4×4 tiles of 32 px. Training images are shifted and scaled by up to 5 %, as
# published. In class mode it gets a fraction of the preset's steps; `KIT_MODE=full` trains them all, on a GPU the
# preset `gpu`. For a real run: `squid train zhanglab --data data/chest_xray --seeds 3 --out runs/zhanglab`.
#
# **Predict.** While it trains we look, every few steps, at the test set: at the paper's own score (the discriminator's)
# and at the distance to the nearest memories. We look and choose nothing by it. Will both rise?
#
# ? Both rise: training improves the detector. :: It improves what the losses ask for; the discriminator is asked about reconstructions, not about disease.
# ! The memory's rises, the discriminator's does not keep rising. :: Its highest point is somewhere on the way, and nobody without labels knows where.
# ? The discriminator's rises, the memory's falls. :: The features become better, and the distance uses them.

# %% tags=["varies"]
preset = chest_preset(steps=by_mode(4, 48, None))
training = replace(preset.training, refill_memory=False)  # filled below, in sight
state = start(preset.config, training)
picture = TrainingPicture(
    unwrapped(state.squid),
    torch.cat([normal[:2], abnormal[:2]]),
    ("normal", "normal", "abnormal", "abnormal"),
    preset.weights,
    milestones=(10, 20),
)
every, watched = max(1, training.steps // by_mode(2, 6, 20)), {}
print(f"{training.steps} steps of {training.batch_size} images")

# %% tags=["varies"]
live = LiveFigure("Left: each loss term over the steps. Right: normal and abnormal images, and what comes back.", 8)
with interruptible("SQUID") as progress:
    for result in progress.over(train(state, data, training, preset.weights), training.steps, begin=state.step):
        picture.note(result)
        live.update(picture.draw)
        if state.step % every == 0:
            watched[state.step] = {name: auc(labels, scores) for name, scores in glance(state, images).items()}
live.update(picture.draw, force=True)

# %% tags=["varies"]
squid = unwrapped(state.squid)
squid.inpainting.memory.resize(len(reference))  # a slot for every normal training image
fill_memory(squid, reference.to(state.fabric.device))
detector = finish(state, data, {"data": source.what}, choose=True).to("cpu")
last = max(watched)
lines = {name: [row[name] for row in watched.values()] for name in watched[last]}
figure = curves(
    list(watched),
    lines,
    title="Within one run: " + ", ".join(f"{name} {min(line):.2f} to {max(line):.2f}" for name, line in lines.items()),
    x_label="training step",
    y_label="AUC on the test set (looked at only)",
)
figure.axes[0].axhline(0.5, color="black", linestyle=":")
show(figure, alt="AUC of the discriminator's score and of the memory distance over training steps; dotted: chance")

# %% [markdown]
# Somebody who keeps the checkpoint at which the labelled AUC was best, as the authors' code does, can report the highest
# point of such a line. Nobody without labels knows where it is. We take the last step.
#
# ## Which score, without labels? (2 min)
#
# SQUID offers six scores, and nobody has labels to choose one by. So make synthetic anomalies: change a soft-edged area of held-out
# *normal* images in four ways, and report by default the score that tells them from untouched ones best. Not one
# abnormal image is asked.
#
# **Predict.** Which change is hardest to see, for you? And which score will win?
#
# ? The squared error: what was changed comes back worse. :: Most of the error is edges that never come back well, changed or not.
# ! One that asks the memory. :: It compares with normal patches of the same position.
# ? The discriminator's: it is the paper's. :: It is near chance, as on digits.

# %% tags=["varies"]
quiet = data.calibration()[:6]
figure = image_grid(
    {"held out": quiet}
    | {name: pretend(quiet, torch.Generator().manual_seed(0)) for name, pretend in SYNTHETIC_ANOMALIES.items()},
    title="Held-out normal images, and four synthetic anomalies",
)
show(figure, alt="Six normal images and below them the same with an area made hazy, foreign, blurred and bent")

# %% tags=["varies"]
reported = detector.default_score
figure = bars(
    detector.metadata["pretended"],
    title=f"Reported from here on: {reported}",
    x_label="AUC on synthetic anomalies in held-out normals (dotted: chance)",
    reference=0.5,
)
show(figure, alt="Bars of the AUC with which each of SQUID's scores finds synthetic anomalies; dotted line at chance")

# %% [markdown]
# It ranks scores by what they do with changes that *we* thought of; how well a disease is found, it cannot say.
#
# ## A threshold, and what it misses (6 min)
#
# **Sensitivity** is the share of abnormal images that are called abnormal, **specificity** the share of normal ones
# that are not. Both need a threshold, and it comes from held-out normal images alone.
#
# **Exercise 4.** Write both.


# %% tags=["exercise"]
def my_verdict(normal_scores, scores, labels, rate):
    """normal_scores (K,) held-out normals; scores, labels (N,) of the test; rate 0..1 -> (sensitivity, specificity).

    Abnormal is what scores above the value that a share ``rate`` of the held-out normals exceeds.
    """
    # solution: begin
    called = scores > torch.quantile(normal_scores, 1 - rate)
    return float(called[labels == 1].float().mean()), float((~called[labels == 0]).float().mean())
    # solution: end


# %%
check.calibrated_verdict(my_verdict)

# %% tags=["varies"]
scores = detector.scores(images)
threshold = detector.threshold(0.05)
verdict = decide(labels, scores[reported], threshold)
figure = histograms(
    {"normal": scores[reported][labels == 0], "abnormal": scores[reported][labels == 1]},
    title=f"Sensitivity {verdict.sensitivity:.2f}, specificity {verdict.specificity:.2f}",
    x_label=f"{reported}, in standard deviations of normal images",
    threshold=threshold,
    bins=30,
)
show(figure, alt="Histograms of SQUID's reported score for normal and abnormal images with the calibrated threshold")

# %% tags=["varies"]
count = len(data.calibration())
missed = int(((scores[reported] <= threshold) & (labels == 1)).sum())
say(
    f"The threshold lets 5 % of {count} held-out normals lie above: that is {round(0.05 * count)} images. It misses "
    f"**{missed} of {int(labels.sum())}** abnormal images and calls {1 - verdict.specificity:.1%} of the normal ones "
    "abnormal, where 5 % was asked for. Another rate would trade one for the other; the AUC would not move."
)

# %% [markdown]
# What is at stake? On real X-rays the kit's study `squidlib.teaching.studies.adaptation` took detectors that were trained
# on one series of normal images to another series, with their threshold, and once more with a threshold from 100 normal
# images of the other series. Suppose 1,000 children, of whom 50 have pneumonia:

# %%
abroad = [run for key, run in load_runs("adaptation").items() if key.startswith("laptop/")]
for way in ("as trained", "100 normals, calibration alone"):
    hits, alarms = (sum(run[way][name] for run in abroad) / len(abroad) for name in ("found", "false_alarms"))
    right = 50 * hits / (50 * hits + 950 * alarms)
    say(
        f"*{way.capitalize()}*: {50 * hits:.0f} of the 50 are found, **{50 - 50 * hits:.0f} are sent home**. {950 * alarms:.0f} "
        f"healthy children are called back; of all alarms {right:.0%} are right."
    )
spread_of_auc = [run["as trained"]["auc"] for run in abroad]
say(
    f"The AUC of these {len(abroad)} detectors is {min(spread_of_auc):.2f} to {max(spread_of_auc):.2f}, and it says none of this."
)

# %% [markdown]
# **Predict.** Every score of SQUID beside the naive baselines: which are above sharpness? Above all of them?
#
# ? All of them, and above all baselines. :: The error and the structure are far below; they are scores of the same network.
# ! Those that ask the memory are above sharpness. :: Whether one is above all baselines depends on the images. On real X-rays the best of both cannot be told apart.
# ? None. :: The memory's are above sharpness.

# %% tags=["varies"]
own = {f"SQUID {name}": auc(labels, values) for name, values in scores.items()}
best = max(found, key=found.get)
above = [name for name, value in own.items() if value > found[best]]
figure = bars(
    own | found,
    title=f"Above {best} ({found[best]:.2f}), the best without training:\n{len(above)} of SQUID's {len(own)} scores",
    x_label="AUC (blue: SQUID's scores; dotted: chance)",
    reference=0.5,
    subject=list(own),
)
show(figure, alt="Bars of the AUC of SQUID's six scores and of the baselines that learn nothing; dotted line at chance")

# %% [markdown]
# The reported score was chosen without asking the test set, at which we only looked while training. To take the highest bar *now* would be a choice
# by test labels.
#
# ## What it looks like (3 min)
#
# As on the paper's slides: input, reconstruction, their difference, and the anomaly map. The first three of each class,
# chosen before anything was scored.
#
# **Predict.** Will the abnormal tiles come back normal?
#
# ? Yes: only normal patches are in the memory. :: The decoder mixes several of them, and the mixture follows the query.
# ! One cannot tell by looking: everything comes back soft. :: Therefore it is asked as a number below.
# ? No: each image comes back as it is. :: Look at the edges. Much of what is normal does not come back, either.

# %% tags=["varies"]
chosen = torch.cat([normal[:3], abnormal[:3]])
reconstructed = detector.reconstruct(chosen)
maps = {"difference": (chosen - reconstructed).abs(), "map (root)": detector.anomaly_map(chosen).sqrt()}
picked = torch.cat([scores[reported][labels == label][:3] for label in (0, 1)])
figure = image_grid(
    {"input": chosen, "reconstructed": reconstructed} | maps,
    titles=[f"{'normal' if i < 3 else 'abnormal'}\nscore {value:.1f}" for i, value in enumerate(picked.tolist())],
    maps=list(maps),
    title=f"Scores above {threshold:.1f} are called abnormal; {source.what}",
)
show(figure, alt="Three normal and three abnormal images: input, reconstruction, difference and anomaly map in rows")

# %% [markdown]
# The whole image is reconstructed too soft, with seams between its tiles, so that the difference shows every edge. The map weighs it by how
# abnormal each *tile* is, in units of normal images. Where a map lights up, it says that something there is unlike the
# normal images, not that it is a disease. On X-rays it lights up at arms, markers and edges as well.
#
# Such rows of pictures are offered as evidence for four claims. Pictures persuade whatever they show, so take the claims
# one by one, as numbers, on real X-rays (three runs of `squid train zhanglab`;
# `squidlib.teaching.studies.chest_reconstruction`).
#
# **Predict.** Which of these hold? (1) A normal image comes back as itself. (2) An abnormal image comes back normal.
# (3) The difference is larger in abnormal images. (4) The map lies on the finding.
#
# ? All four: this is how such methods are explained. :: An explanation is no measurement.
# ! The first, roughly; the last cannot be judged. :: Reconstructions of abnormal images are called abnormal more often than the images, and the difference hardly tells the classes apart.
# ? The second and the third. :: They are the idea of the method, and neither held.

# %%
judged = load_runs("chest_reconstruction")
mean_of = {name: spread(judged, "SQUID", name).mean for name in judged["SQUID/0"]}
say(
    f"1. *A normal image comes back as itself*: roughly. Its squared error is {mean_of['error']:.4f}, that of the mean normal "
    f"image in its place {mean_of['error_of_mean']:.4f}, {mean_of['error_of_mean'] / mean_of['error']:.1f} times as much.\n"
    f"2. *An abnormal image comes back normal*: {'no' if mean_of['called_again'] > mean_of['called'] else 'more often than not'}. "
    f"{mean_of['called']:.0%} of the abnormal images are called abnormal, and **{mean_of['called_again']:.0%}** of their "
    f"reconstructions, which are scored like any image (of reconstructions of normal images {mean_of['called_normal']:.0%}).\n"
    f"3. *The difference is larger in abnormal images*: {'hardly' if mean_of['difference'] < 0.6 else 'yes'}. Its mean has an AUC "
    f"of **{mean_of['difference']:.2f}**; sharpness, which learns nothing, {mean_of['sharpness']:.2f}; the default score, which "
    f"asks the memory, {mean_of['default']:.2f}.\n"
    "4. *The map lies on the finding*: cannot be said. Nobody marked the findings in these images."
)

# %% [markdown]
# ## How much of it is sharpness? (6 min)
#
# Here abnormal images are softer on average, whatever the reason, and a detector may live on that. The test:
# make *all* images equally soft, normal and abnormal ones, and look what remains. Blur can be added, never taken away.
#
# **Exercise 5.** Blur each image with the width, of those on offer, that brings its gradient nearest to a target.


# %% tags=["exercise"]
def my_equal_softness(images, target, widths):
    """images (B, 1, H, W), target: a gradient, widths: a list of pixels, 0 among them -> (B, 1, H, W).

    ``gradient(images)`` gives (B,); ``soften(images, widths)`` takes a width for each image, (B,).
    """
    # solution: begin
    versions = torch.stack([soften(images, torch.full((len(images),), width)) for width in widths])  # (W, B, 1, H, W)
    gaps = torch.stack([gradient(version) - target for version in versions]).abs()  # (W, B)
    return versions[gaps.argmin(0), torch.arange(len(images))]
    # solution: end


# %%
check.equal_softness(my_equal_softness)

# %% [markdown]
# The library's version finds the width by halving. All images now have the same mean difference of neighbours.
#
# **Predict.** Is the shortcut gone? First, test the test. Of synthetic phantoms we know the truth: abnormal ones were
# drawn softer on purpose, and can be drawn again without that. A second number asks for the *finest* detail: minus the
# mean absolute difference of differences.
#
# ? Yes: sharpness says nothing any more. :: That one number was made equal. Look at the other.
# ! No: it turned round. :: Normal images needed the wider blur, and lost more of the finest detail.
# ? No: nothing changed. :: Sharpness fell to chance, as was asked for.


# %%
def drawn(first, **how):
    return draw_chests(range(first, first + 40), range(first, first + 40), size=64, **how)


softness, finest = (CHECKS[name] for name in ("softness: -mean |dx|", "finest detail: -mean |second dx|"))
clean, truth = drawn(40_000, abnormal=False), [0] * 40 + [1] * 40
for name, softer in (("softer", 0.5), ("no softer", 0.0)):
    both = torch.cat([clean, drawn(41_000, abnormal=True, softer=softer)])
    equal = match_sharpness(both, common_level(clean)).images
    for how, pictures in (("as they are", both), ("matched", equal)):
        first, second = (auc(truth, score(pictures).round(decimals=5)) for score in (softness, finest))
        print(f"abnormal drawn {name:10s} {how:12s} AUC of sharpness {first:.2f}, of finest detail {second:.2f}")

# %% [markdown]
# Drawn no softer, abnormal chests still look softer to this number: haze hides edges. Matched, sharpness says nothing any
# more: that was asked for. The *finest* detail does: normal images needed the wider
# blur and lost more of it, so that now *they* are the softer ones. The shortcut was not taken away, it turned round:
# an AUC below one half tells as much as one above. One number was matched, not the whole spectrum.
#
# **Predict.** What remains of SQUID and of the naive baselines on the test set of this lesson?
#
# ? All fall to one half: it was sharpness all the time. :: Some do not fall at all.
# ? Nothing changes: they do not ask for sharpness. :: Blur changes edges and features, so every score moves.
# ! Some fall, some rise. :: An AUC that stays is no proof of disease, and one that falls no proof of a shortcut alone.

# %% tags=["varies"]
level, some = common_level(reference), slice(None, None, by_mode(20, 2, 1))  # level: of normal training images
learned, calm, matched = (match_sharpness(part[some], level).images for part in (reference, data.calibration(), images))
units, truth = calibration_of(detector.raw_scores(calm)), labels[some]
judged = image_scores(detector.raw_scores(matched), units)
plain = {f"SQUID {name}": values for name, values in scores.items()} | naive | {"finest detail": finest(images)}
after = {f"SQUID {name}": values for name, values in judged.items()} | {"finest detail": finest(matched)}
for method in (Sharpness(), MeanImage(), PatchNeighbours(4), GradientNeighbours(4)):
    after[method.name] = method.fit(learned).score(matched).round(decimals=5)
print(f"{len(truth)} test images, {int((gradient(images[some]) < level).sum())} of them softer than the level already")
for name, values in plain.items():
    print(f"{name:20s} as they are {auc(truth, values[some]):.2f}   matched {auc(truth, after[name]):.2f}")
shift = {name: (auc(truth, plain[name][some]), auc(truth, after[name])) for name in ("SQUID combined", "HOG kNN")}
say(f"On {source.what}: " + ", ".join(f"{name} from {first:.2f} to **{last:.2f}**" for name, (first, last) in shift.items())
    + " when all images are equally soft.")  # fmt: skip

# %% [markdown]
# And on real X-rays: the kit's study `squidlib.teaching.studies.sharpness`, whose networks were trained on images as
# they are and then tested on matched ones.

# %% tags=["varies"]
study = load_runs("sharpness")
for key, run in study.items():
    if key.startswith(f"{AS_IS}: ") and TESTED in run:
        print(f"{key.partition(': ')[2]:45s} as they are {run['auc']:.2f}   matched {run[TESTED]['auc']:.2f}")
before, after = (study[f"{name}: matching/0"]["checks"] for name in (AS_IS, SHARP))
for name in before:
    print(f"shortcut: {name:35s} as they are {before[name]:.2f}   matched {after[name]:.2f}")
turned = sorted(
    {
        key.partition(": ")[2].partition("/")[0]
        for key, run in study.items()
        if TESTED in run and run[TESTED]["auc"] < 0.4
    }
)
say(
    f"Below 0.4 on matched images: **{', '.join(turned) or 'none'}**. That is no lost signal but one turned round: learned from "
    "images as they are, these scores take the blurred *normal* images for the odd ones. Learned from matched images, too: "
    + ", ".join(f"{name} {study[f'{SHARP}: {name}/0']['auc']:.2f}" for name in turned)
    + ". And an AUC that stays high on matched images is no proof of pathology either: other differences "
    "between the two classes are left."
)

# %% [markdown]
# One number can be equal and others not: the finest detail is the proof. So the study also gives every image the same
# power at *every* spatial frequency (its radial power spectrum), that of the mean normal training image. Training images, too:
# here all methods learn from such images, so these numbers are not to be compared with those above.

# %% tags=["varies"]
same_spectrum = {key.removeprefix(f"{SPECTRUM}: "): run for key, run in study.items() if key.startswith(SPECTRUM)}
for name, value in same_spectrum["matching/0"]["checks"].items():
    print(f"shortcut: {name:35s} as they are {before[name]:.2f}   same spectrum {value:.2f}")
by_method = {}
for key, run in same_spectrum.items():
    if "auc" in run:
        by_method.setdefault(key.partition("/")[0], []).append(run["auc"])
rivals = {name: sum(aucs) / len(aucs) for name, aucs in by_method.items()}
squids = rivals.pop("SQUID")
best_rival = max(rivals, key=lambda name: rivals[name])
say(
    f"With equal spectra SQUID has **{squids:.2f}**, and the best of the simpler methods, {best_rival}, "
    f"**{rivals[best_rival]:.2f}**. Softness downwards still has "
    f"{same_spectrum['matching/0']['checks']['softness: -mean |dy|']:.2f}: a radial spectrum knows no direction."
)

# %% [markdown]
# So SQUID does not live on the mean difference of neighbours alone. But to say "no sharpness is left" one has
# to look for it in more than one number, and to say "SQUID is ahead" one has to say on which images.
#
# ## Two sources, one answer (5 min)
#
# Sharpness is one shortcut. Another one is the *source*: when normal images come from one hospital and abnormal ones
# from another, every difference between the two hospitals separates the classes. COVIDx, a public benchmark with
# COVID-19, was put together from several collections. In its lists, every normal image comes from one of them (`rsna`),
# and no COVID-19 image of the training list does.
#
# The lines below have the layout of such a list: patient, file, class, source. We made them up, and no image belongs to
# them, because none is needed.


# %%
def made_up_lines(count, anomaly_type, origin):
    return [f"{origin}-{n} {origin}-{anomaly_type}-{n}.png {anomaly_type} {origin}" for n in range(count)]


training_list = made_up_lines(60, "normal", "rsna")
test_list = made_up_lines(20, "normal", "rsna") + made_up_lines(20, "pneumonia", "rsna")
test_list += made_up_lines(12, "COVID-19", "cohen") + made_up_lines(8, "COVID-19", "sirm")
print(*test_list[18:22], "...", *test_list[-2:], sep="\n")

# %% [markdown]
# Take a detector that never sees an image: it learns the sources of the normal training images, and an image is as
# abnormal as its source is rare among them.
#
# **Predict.** Which AUC will it get for normal against pneumonia, and for normal against COVID-19?
#
# ? One half, and one half: it sees no pixel. :: It sees which source an image came from, and one class has sources of its own.
# ! One half, and 1. :: Pneumonia and normal images share a source; COVID-19 images come from others.
# ? 0.75, and 1. :: Where both classes share a source it cannot tell them apart at all.

# %%
from squidlib.data.chest.sources import source_rarity

rows = [line.split(" ") for line in test_list]
known = [line.split(" ")[3] for line in training_list]
blind = torch.tensor(source_rarity(known, [row[3] for row in rows]))  # share of training normals of other sources
kinds = [row[2] for row in rows]
by_source = {}
for anomaly_type in ("pneumonia", "COVID-19"):
    chosen = torch.tensor([kind in ("normal", anomaly_type) for kind in kinds])
    by_source[anomaly_type] = auc(torch.tensor([kind != "normal" for kind in kinds])[chosen], blind[chosen])
figure = bars(
    {f"normal against {name}": value for name, value in by_source.items()},
    title="What the source alone reaches, without a look at any pixel",
    x_label="AUC (dotted: chance)",
    reference=0.5,
)
show(figure, alt="Bars of the AUC of the source alone: chance for pneumonia, one for COVID-19")

# %% [markdown]
# So an AUC of 1 for COVID-19 on such a list says nothing about lungs. Pneumonia and normal images share a source, and
# only this contrast can show whether a detector sees a disease. With the real lists, `squid evaluate` prints the row of
# the source beside the detector's, and the AUC within one source.
#
# ## Another hospital (5 min)
#
# A threshold comes from normal images of *one* hospital. Another one exposes and filters differently. As an example,
# every test image below is made a little darker and sharper.


# %%
def at_the_other_hospital(images):
    darker = images**1.3
    return (darker + 0.5 * (darker - soften(darker, torch.ones(len(images))))).clamp(0, 1)


theirs, sick = at_the_other_hospital(normal), at_the_other_hospital(abnormal)
figure = image_grid(
    {"here": normal[:6], "there": theirs[:6]}, title="The same normal images as two hospitals would give them"
)
show(figure, alt="Six normal images, and below them the same a little darker and sharper")

# %% [markdown]
# **Predict.** Here 5 % of normal images should be called abnormal. How many will it be there?
#
# ? About 5 %: a normal image is normal anywhere. :: The units are those of images from here, and those there are darker and sharper.
# ! Many more. :: Another exposure can be as far from the memory as an anomaly is. How far real series differ is shown below.
# ? None: sharper images look healthier. :: To sharpness they do; the memory only knows that they are different.
#
# The other hospital has no labels, but it has normal images. A memory *queue* holds copies of features, so their
# features can simply be pushed into it; no weight changes. `squidlib.detection.adaptation.adapted` does that and
# calibrates again. Each image is then scored by a memory that does not hold it, because an image that is in the memory
# would look too normal. A learned memory *matrix* cannot take anything in without training; all it allows is to
# calibrate again (`recalibrated`).

# %% tags=["varies"]
from pathlib import Path

from squidlib.detection.adaptation import adapted, recalibrated

owners = [patient_of(Path(name)) or name for name, label in zip(test.ids, labels, strict=True) if label == 0]
lent = torch.tensor([owner in sorted(set(owners))[::2] for owner in owners])
given, unseen = theirs[lent], theirs[~lent]  # no patient is in both
ways = {"as trained": detector}
for count in (10, 30):
    ways[f"{count} normals: calibrated"] = recalibrated(detector, given[:count])
    ways[f"{count} normals: in the memory"] = adapted(detector, given[:count])
alarms = {}
for name, way in ways.items():
    judged = way.predict(torch.cat([unseen, sick]), 0.05)
    alarms[name] = float(judged.abnormal[: len(unseen)].float().mean())
    print(f"{name:26s} AUC {auc(torch.arange(len(judged.score)) >= len(unseen), judged.score):.2f}")
figure = bars(
    alarms,
    title=f"Of {len(unseen)} normal images there, as trained: {alarms['as trained']:.0%} false alarms",
    x_label="share called abnormal (dotted: the 5 % that were asked for)",
    reference=0.05,
)
show(figure, alt="Bars of the share of the other hospital's normal images called abnormal, before and after adapting")

# %% [markdown]
# And on real X-rays: the kit's study `squidlib.teaching.studies.adaptation`. Its detectors were trained on one series
# of normal images and met another one.

# %% tags=["varies"]
from squidlib.teaching.studies import adaptation

hospitals = load_runs("adaptation")
for preset_name, setting, count, *figures_of in adaptation.cells_of(hospitals):
    print(f"{preset_name:8s} {setting:31s} {count:>4s}", *(f"{cell:>18s}" for cell in figures_of))
runs_there = adaptation.of_preset(hospitals, "backbone")
change = {
    (way, name): sum(run[f"100 normals, {way}"][name] - run["as trained"][name] for run in runs_there) / len(runs_there)
    for way in ("calibration alone", "adapted")
    for name in ("auc", "found")
}
say(
    f"With 100 normals, calibrating alone changes the AUC by **{change['calibration alone', 'auc']:+.3f}**, and with the "
    f"images in the memory by **{change['adapted', 'auc']:+.3f}**. The share of abnormal images that is found changes by "
    f"{change['calibration alone', 'found']:+.2f} and {change['adapted', 'found']:+.2f}. How much of it is the memory's? (The AUC "
    "can change, too: new units weigh positions and scores differently, which a new threshold alone cannot do.)"
)

# %% [markdown]
# ## The paper's claim, and ours (4 min)
#
# Table 1 of the paper, ZhangLab, official test set (AUC in %): Auto-Encoder 59.9, MemAE 77.8 ± 1.4, Ganomaly 78.0,
# SALAD 82.7 ± .8, **SQUID 87.6 ± 1.5**. It shows no score that learns nothing.
#
# **Predict.** Is our number a test of theirs?
#
# ? Yes: the same data set and the same measure. :: Their test images are others, and harder ones.
# ? Yes, as both are above sharpness. :: The paper shows no such score.
# ! No. :: Other test images, another score, another size, other children. Read the list below.

# %% tags=["varies"]
paper = {"Auto-Encoder": 0.599, "MemAE": 0.778, "Ganomaly": 0.780, "SALAD": 0.827, "SQUID": 0.876}
runs = {key: run for key, run in study.items() if key.startswith(f"{AS_IS}: SQUID/")}
squids = ("combined", "discriminator")
real = {name: sum(run["scores"][name] for run in runs.values()) / len(runs) for name in squids}
real |= {"sharpness": before["softness: -mean |dx|"], "pixel kNN": study[f"{AS_IS}: pixel kNN/0"]["auc"]}
ours = {name.removeprefix("SQUID "): value for name, value in (own | found).items()}
figure = bars(
    {f"paper: {name}": value for name, value in paper.items()}
    | {f"kit's study, X-rays: {name}": value for name, value in real.items()}
    | {f"this lesson: {name}": ours[name] for name in real},
    title=f"Three test sets. Seeds of the study: {len(runs)}.\nThis lesson: {source.what}",
    x_label="AUC (blue: SQUID's scores; dotted: chance)",
    reference=0.5,
    subject=["paper: SQUID"]
    + [f"{where}: {name}" for where in ("kit's study, X-rays", "this lesson") for name in squids],
)
show(
    figure,
    alt="Bars of AUC: the paper's on the official test set, the study's on held-out X-rays, this lesson's",
)

# %% [markdown]
# It is not, for many reasons:
#
# - *Another test set.* Theirs is the official one. The study's was held out of the official training set and is
#   easier; synthetic phantoms are no X-rays at all. The [experiments](../docs/experiments.md) tell of both, and of what
#   others measured for sharpness on the official set: there, too, a number that learns nothing comes close to the
#   paper's SQUID.
# - *Another score.* Theirs is the discriminator's, at a checkpoint chosen by labelled images. On real images that score
#   swung from well above chance to far below it within one run of ours. Ours uses the memory and takes the last step.
# - *Another size.* 128 px of images whose shape was squeezed into a square; a network of our own, trained for minutes.
# - *Children.* All patients are one to five years old, from one hospital. Nothing says what happens with adults.
#
# And an easy split inflates results. Other patients of the same series are near to what was learned; the other series was taken
# and cropped otherwise. The kit's benchmark has both, with the same minute for every method.

# %% tags=["varies"]
from squidlib.benchmark.stored import stored
from squidlib.benchmark.summary import auc_of, not_shown_different, rank_of

splits = {"zhanglab": "other patients", "zhanglab_IM": "learned from IM", "zhanglab_NORMAL2": "learned from NORMAL2"}
for name, split in splits.items():
    board, _ = stored(name)
    squids_auc = auc_of(next(row for row in board if row.name == "SQUID"))
    place, alike = rank_of(board), not_shown_different(board)
    print(
        f"{split:21s} SQUID {squids_auc:.3f}, rank {place.rank} of {place.of}; not told apart from {', '.join(alike)}"
    )

# %% [markdown]
# **What we saw.** The pose of a chest is so constant that SQUID's idea fits it well. Naive scores find a good part of
# the abnormal images, and sharpness is no finding about a lung. How good a score is depends on when training
# stops. A threshold rests on a few held-out images. And to take a shortcut away is harder than to measure it.
#
# **What this does not show.** That the detector recognises a disease. That it would work in another hospital, at
# another machine, for adults. That sharpness was the only shortcut: exposure, markers and tubes are others. One seed
# in a lesson is an anecdote. **Not for clinical use.**
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | whose image it is | 4.1 | `squidlib.data.chest.patients.patient_of` | `tests/data/test_chest_layouts.py` |
# | no patient on both sides | not in the paper | `squidlib.data.chest.split_calibration` | `tests/data/test_chest_layouts.py` |
# | synthetic phantoms | not in the paper | `squidlib.data.chest.phantom.draw_chests` | `tests/data/test_chest_phantom.py` |
# | a score that learns nothing | not in the paper | `squidlib.baselines.Sharpness` | `tests/baselines/test_naive.py` |
# | training images, varied | 4.1 | `squidlib.data.chest.augment` | `tests/data/test_chest_data.py` |
# | sensitivity, specificity | 4.2 | `squidlib.detection.metrics.decide` | `tests/detection/test_metrics.py` |
# | which score to report | not in the paper | `squidlib.detection.score_selection.choose_score` | `tests/detection/test_score_selection.py` |
# | anomaly map | figures | `squidlib.detection.scores.weighted_difference` | `tests/detection/test_detector.py` |
# | the source alone | ours | `squidlib.data.chest.sources.source_rarity` | `tests/data/test_chest_sources.py` |
# | another hospital | ours | `squidlib.detection.adaptation.adapted` | `tests/detection/test_adaptation.py` |
# | equally soft images | ours | `squidlib.data.chest.sharpness.match_sharpness` | `tests/data/test_chest_sharpness_matching.py` |
