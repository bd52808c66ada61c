# %% [markdown]
# # 09 · Evaluate honestly
#
# **Aims.** Say what AUC, accuracy and F1 each hide; set a threshold without labels and measure how far one chosen with
# labels inflates results; report three seeds; compare methods and say where an anomaly is.
#
# **Time.** 32 minutes. **Needs.** Lesson 08 (or: SQUID is trained on normal images and gives every image a score). No
# GPU, no network. Lesson 10 asks which component matters, and audits the paper's table.
#
# ![Where this lesson is in SQUID's data flow: the anomaly score, the rest pale](schematics/here_score.svg)

# %%
import numpy as np
import torch

import squidlib
from digitanatomy import ANOMALIES, DigitAnatomy
from squidlib.baselines import Ganomaly, GradientNeighbours, MeanImage, MemAE, PatchNeighbours, Sharpness
from squidlib.benchmark.pictures import first_of_each_type, methods_picture
from squidlib.benchmark.stored import stored
from squidlib.data.digits import TEST_COUNTS, Digits
from squidlib.detection.calibration import image_scores, standardised
from squidlib.detection.metrics import decide, oracle_threshold, pixel_auc, worst_patch_hits
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import bars, by_mode, curves, histograms, interruptible, panels, say, show
from squidlib.teaching.lesson.seed_figures import seed_figures
from squidlib.teaching.lesson.stored_picture import show_stored_picture
from squidlib.teaching.studies.ablation import STEPS
from squidlib.teaching.studies.results import SEEDS, auc_by_kind, load_runs
from squidlib.training.presets import PRESETS

# %% [markdown]
# ## Three numbers for one score (6 min)
#
# The **AUC** needs no threshold: the chance that an abnormal image scores higher than a normal one. **Accuracy** is the
# share of right decisions. **F1** = 2·hits / (2·hits + false alarms + misses). The last two need a threshold.
#
# **Predict.** ZhangLab's test set has 234 normal and 390 abnormal X-rays. A program calls *every* image abnormal,
# without looking. Its AUC is 0.5. Which accuracy and which F1 does it get?
#
# ? 50 % and 50 %, because it knows nothing. :: Only the AUC is one half then; the classes are not equally large.
# ? 62.5 % and 50 %. :: It misses no abnormal image, which F1 rewards.
# ! 62.5 % and about 77 %. :: 390 of 624 are right; F1 = 2·390 / (2·390 + 234).
#
# **Exercise 1.** Write accuracy and F1 at a given threshold. Abnormal is what scores *above* it.


# %% tags=["exercise"]
def my_accuracy_and_f1(labels, scores, threshold):
    """labels (N,) 0 or 1, scores (N,), both numpy -> (accuracy, F1), both 0..1."""
    # solution: begin
    called, truth = scores > threshold, labels == 1
    hits, alarms, misses = (called & truth).sum(), (called & ~truth).sum(), (~called & truth).sum()
    return float((called == truth).mean()), float(2 * hits / (2 * hits + alarms + misses))
    # solution: end


# %%
check.accuracy_and_f1(my_accuracy_and_f1)

# %%
zhanglab = torch.cat([torch.zeros(234), torch.ones(390)]).int()
blind = decide(zhanglab, torch.zeros(624), threshold=-1)
say(
    f"Calling everything abnormal gets **accuracy {blind.accuracy:.1%} and F1 {blind.f1:.1%}**. The paper's table 1 "
    "gives its auto-encoder 63.4 % and 77.2 %, its VAE 64.0 % and 77.4 %: hardly more than not looking at all."
)

# %% [markdown]
# **Predict.** A detector finds 95 % of the abnormal images and calls 5 % of the normal ones abnormal. It moves to a
# hospital where 1 image in 100 is abnormal. What becomes of its AUC, its accuracy, its F1?
#
# ? All three fall. :: The AUC compares one abnormal with one normal image, and does not know how many there are.
# ! AUC and accuracy stay; F1 falls. :: Most alarms are false ones now, because nearly all images are normal.
# ? All three stay: it is the same detector. :: F1 counts alarms that were right, and those have become rare among all alarms.

# %%
found, alarmed = 0.95, 0.05
for abnormal in (0.625, 0.5, 0.1, 0.01):
    hits, alarms, misses = abnormal * found, (1 - abnormal) * alarmed, abnormal * (1 - found)
    f1, right = 2 * hits / (2 * hits + alarms + misses), hits / (hits + alarms)
    said = f"accuracy {1 - alarms - misses:.2f}, F1 {f1:.2f}"
    print(f"{abnormal:5.1%} abnormal: {said}, of the alarms right {right:.0%}")

# %% [markdown]
# The AUC stays as it is: it hides how rare the anomaly is and which threshold one would take. Accuracy hides which
# errors were made. F1 ignores normal images that were rightly let pass, and depends on the share of abnormal ones: F1
# values of two data sets cannot be compared.
#
# ## A threshold without labels (6 min)
#
# Our detector's threshold is the score that 5 % of *held-out normal* images exceed. The authors' code takes the
# threshold that has the best accuracy on the *test labels*. Nobody has those when the first patient comes. We call it
# the **oracle**.
#
# **Exercise 2.** Write the oracle, to see what it can do.


# %% tags=["exercise"]
def my_oracle_threshold(labels, scores):
    """labels (N,) 0 or 1, scores (N,), both numpy -> the threshold with the best accuracy on these very labels.

    Abnormal is what scores above the threshold.
    """
    # solution: begin
    candidates = np.append(scores.min() - 1, scores)
    accuracy = ((scores > candidates[:, None]) == (labels == 1)).mean(1)
    return float(candidates[accuracy.argmax()])
    # solution: end


# %%
check.oracle_threshold(my_oracle_threshold)

# %% tags=["varies"]
data = Digits()
detector = squidlib.load("digitanatomy")
few = {"normal": 40, **dict.fromkeys(ANOMALIES, 10)}
test = DigitAnatomy(data.glyphs.test, by_mode(few, TEST_COUNTS, TEST_COUNTS), seed=12)
samples = list(test)
images, labels = torch.stack([s.image for s in samples]), np.array([s.label for s in samples])
raw = detector.raw_scores(images)
scores = {name: score.numpy() for name, score in image_scores(raw, detector.calibration).items()}
default = scores[detector.default_score]
tiles = standardised(raw, detector.calibration).sum(0)  # (B, 9)
print(f"{len(images)} images, {labels.sum()} of them abnormal")

# %% tags=["varies"]
threshold = detector.threshold(0.05)
honest = decide(labels, default, threshold)
figure = histograms(
    {"normal": default[labels == 0], "abnormal": default[labels == 1]},
    title=f"The threshold of normal images: accuracy {honest.accuracy:.3f}, specificity {honest.specificity:.3f}",
    x_label="default score",
    threshold=threshold,
)
show(figure, alt="Histograms of the scores of normal and abnormal test images with the calibrated threshold")

# %% [markdown]
# **Predict.** The paper's own score, the discriminator's, is slightly below chance in the shipped detector. We draw 10 normal and
# 10 abnormal test images and let the oracle choose. Which accuracy will it report for this score? And on the images
# that it did not see?
#
# ? About 0.5, and about 0.5. :: Of all thresholds the oracle takes the one that suits these twenty images best.
# ? About 0.6, and about 0.6. :: What suits these twenty images by chance does not suit others.
# ! About 0.6, and about 0.5. :: So much can be reported for a score that knows nothing, if the threshold is chosen on the test labels.


# %% tags=["varies"]
def oracle_and_truth(name, count, rounds):
    """Mean accuracy of the oracle on 2 * count drawn images, and of its threshold on all others."""
    generator, reported, true = np.random.default_rng(0), [], []
    for _ in range(rounds):
        drawn = np.zeros(len(labels), dtype=bool)
        for label in (0, 1):
            drawn[generator.choice(np.flatnonzero(labels == label), count, replace=False)] = True
        chosen = oracle_threshold(labels[drawn], scores[name][drawn])
        reported.append(decide(labels[drawn], scores[name][drawn], chosen).accuracy)
        rest = [np.mean((scores[name] > chosen)[~drawn & (labels == label)] == label) for label in (0, 1)]
        true.append(np.mean(rest))  # as many normal as abnormal images, as in the draw
    return float(np.mean(reported)), float(np.mean(true))


# %% tags=["varies"]
counts = by_mode([5, 10], [5, 10, 20, 50, 100, 200], [5, 10, 20, 50, 100, 200, 300])
figure, axes = panels(1, 2)
for axis, name in zip(axes[0], ("discriminator", detector.default_score), strict=True):
    pairs = [oracle_and_truth(name, count, by_mode(5, 100, 500)) for count in counts]
    lines = {"oracle reports": [a for a, _ in pairs], "same threshold, other images": [b for _, b in pairs]}
    title = f"{name}, 10 + 10 images:\n{pairs[1][0]:.2f} reported, {pairs[1][1]:.2f} on other images"
    curves(counts, lines, title, "normal images (as many abnormal)", "accuracy", axis=axis, log_x=True)
show(figure, alt="Accuracy that the oracle reports and what its threshold gives on other images, over the number drawn")

# %% [markdown]
# ## Three seeds (6 min)
#
# A network trained again from another seed is another detector. One run is an anecdote. `docs/figures.json` holds what
# three SQUIDs scored that were trained with the seeds 0, 1 and 2.
#
# **Exercise 3.** Mean and standard deviation of a few values. Three values lie closer to their own mean than to the
# true one, so the squares are divided by n − 1; and one value has no standard deviation.


# %% tags=["exercise"]
def my_over_seeds(values):
    """A list of numbers, one a seed -> (mean, standard deviation with n - 1; NaN where there is only one)."""
    # solution: begin
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, float("nan")
    return mean, (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    # solution: end


# %%
check.over_seeds(my_over_seeds)

# %% [markdown]
# **Predict.** Which is larger: the standard deviation between the three trainings, or the uncertainty that comes from
# the finite number of test images (a bootstrap interval of one run)?
#
# ? That of the trainings, always. :: For the best scores both are tiny; for some the test images decide.
# ? That of the test images, always. :: There are over a thousand of them. With a hundred you would be right.
# ! It depends on the score; they are of one size. :: So a table needs both: several trainings, and an interval from the images.

# %%
runs = seed_figures()
means, deviations, by_images = {}, {}, {}
for name, row in runs[0]["scores"].items():
    values = [run["scores"][name]["mean"] for run in runs.values()]
    means[name], deviations[name] = float(np.mean(values)), float(np.std(values, ddof=1))
    low, high = row["overall"]["low"], row["overall"]["high"]
    by_images[name] = (high - low) / 4  # a 95 % interval is about four standard deviations wide
    print(f"{name:13s} {means[name]:.3f} ± {deviations[name]:.3f} over seeds; seed 0 alone: {low:.3f} to {high:.3f}, "
          f"that is ± {by_images[name]:.3f} from the test images")  # fmt: skip
larger = [name for name in by_images if deviations[name] > by_images[name]]
say(
    f"In standard deviations, the training's is the larger one for **{len(larger)} of {len(by_images)}** scores, on "
    f"{sum(runs[0]['images'].values()):,} test images. With fewer images the other one grows."
)
means |= {name: row["mean"] for name, row in runs[0]["baselines"].items()}

# %%
best_naive = max(runs[0]["baselines"], key=lambda name: means[name])
beaten = [name for name in runs[0]["scores"] if means[name] < means[best_naive]]
figure = bars(
    means,
    title=f"{best_naive}, which is not trained, beats:\n{', '.join(beaten) or 'none'}",
    x_label="AUC, mean over four anomaly types (blue: SQUID's scores; dotted: chance)",
    deviations=deviations,
    reference=0.5,
    subject=list(runs[0]["scores"]),
)
show(
    figure,
    alt="Bars of the mean AUC of six scores with standard deviations over three seeds, and of the naive baselines",
)

# %% [markdown]
# The two uncertainties answer different questions. The interval: what if the *test images* had been others? The
# deviation: what if the *training* had been another? A claim needs both. And a standard deviation out of three runs is
# itself very rough:

# %%
drawn = np.random.default_rng(0).normal(size=(20000, 3)).std(axis=1, ddof=1)
low, high = np.percentile(drawn, [2.5, 97.5])
say(
    f"Where the true standard deviation is 1, three runs show one between **{low:.1f} and {high:.1f}** (95 % of the time)."
)

# %%
honest, oracle = ([run[name]["accuracy"] for run in runs.values()] for name in ("decision", "oracle"))
alarms = [1 - run["decision"]["specificity"] for run in runs.values()]
say(
    f"Accuracy over three seeds: **{np.mean(honest):.3f}** with the threshold of normals, {np.mean(oracle):.3f} with "
    f"the oracle. The threshold was meant to call 5 % of normal images abnormal. On test images it called "
    f"{', '.join(f'{share:.1%}' for share in alarms)}: a rate from 256 calibration images is only roughly kept."
)

# %% [markdown]
# ## Selecting on test labels inflates results (4 min)
#
# The authors keep the checkpoint with the best AUC on labelled images (for the digits: on the test set itself).
#
# **Predict.** A training saves 20 checkpoints. None of them knows anything: each gives random scores. Which AUC has the
# best of the 20, on 20 + 20 test images? On 200 + 200?
#
# ? One half, both times: they know nothing. :: That is the mean of all twenty. The best one was chosen.
# ! About two thirds, then nearer to one half. :: The best of twenty is the luckiest one; with more images luck weighs less.
# ? About 0.9, both times. :: So lucky is none of twenty, and the number of images matters.

# %%
generator = np.random.default_rng(0)
for count in (10, 20, 200):
    normal, abnormal = generator.normal(size=(2, 50, 20, count))  # 50 times 20 checkpoints
    areas = (abnormal[..., None] > normal[..., None, :]).mean((-1, -2))  # the AUC as a share of pairs
    print(f"{count:3d} + {count:3d} images: the best of 20 that know nothing has AUC {areas.max(1).mean():.2f}")

# %%
own = [run["scores"]["discriminator"]["mean"] for run in runs.values()]  # each a mean over the four anomaly types
ablated = load_runs("ablation")
judged = {key: run["discriminator"]["mean"] for key, run in ablated.items()}
short = [judged[f"laptop/{seed}"] for seed in SEEDS]
luckiest = max(judged, key=judged.get)
LONG = PRESETS["laptop"]["digitanatomy"].training.steps
say(
    f"Mean AUC of the discriminator's score over the four anomaly types:\n\n"
    f"- {len(own)} trainings of {LONG:,} steps, one a seed: {', '.join(f'{value:.2f}' for value in sorted(own))};\n"
    f"- the same preset after {STEPS} steps: {', '.join(f'{value:.2f}' for value in sorted(short))};\n"
    f"- all {len(judged)} trainings of {STEPS} steps in lesson 10's ablation: {min(judged.values()):.2f} to "
    f"**{max(judged.values()):.2f}** ({luckiest}), mean {np.mean(list(judged.values())):.2f}."
)

# %% [markdown]
# The score moves with the seed, with the variant and with the length of the training: from below one half, where it is
# upside down, to well above it. The best of these numbers belongs to one variant, one seed and one length, and to choose
# those needed the labels. At its best it is far from a detector, and from the paper's claim.

# %% [markdown]
# ## All methods, one picture (6 min)
#
# The paper's slides show what each method makes of each anomaly type. We train MemAE and Ganomaly for less than a
# minute each; SQUID is the shipped detector (trained for minutes on two cores). That is not a fair comparison of
# *methods*: the stored benchmark below gives all of them about the same time.
#
# **Predict.** Which method will reconstruct the flipped digit as it is? What will each put into the empty tile?
#
# ? SQUID leaves the tile empty, the others draw the right digit. :: Nobody knows which digit is missing, not even SQUID.
# ! MemAE and Ganomaly draw something blurred; none of them the healthy digit. :: Look at the empty tile: what comes back is faint or a mixture, in all three rows.
# ? All three draw the healthy digit: they know nothing else. :: They know strokes, and the query still chooses what is drawn.

# %% tags=["varies"]
normals = Digits(jitter=PRESETS["laptop"]["digitanatomy"].jitter).fresh.batch(0, by_mode(16, 1600, 6400))
memae, learned = MemAE(PRESETS["laptop"]["digitanatomy"].config, slots=500, steps=by_mode(1, 250, 2200)), {}
with interruptible("MemAE") as progress:
    memae.fit(normals, seed=0, progress=progress)
learned["MemAE"] = progress.done  # steps, fewer where the stop button was used

# %% tags=["varies"]
ganomaly = Ganomaly(steps=by_mode(1, 110, 1300))
with interruptible("Ganomaly") as progress:
    ganomaly.fit(normals, seed=0, progress=progress)
learned["Ganomaly"] = progress.done

# %% tags=["varies"]
methods = {"SQUID": detector, "Ganomaly": ganomaly, "MemAE": memae}
examples = first_of_each_type(test)
title = f"SQUID as shipped; Ganomaly {learned['Ganomaly']} steps, MemAE {learned['MemAE']} steps"
figure = methods_picture(examples, methods, title=title)
show(figure, alt="A normal image and four anomalies, and what SQUID, Ganomaly and MemAE make of each")

# %% [markdown]
# Every method of the stored benchmark that can reconstruct an image, each with the same time to learn, the one with the
# highest AUC first. (Lesson 14 runs such a benchmark.) A good picture is no good detector, nor the other way round.

# %%
show_stored_picture(
    "digitanatomy",
    alt="A row for a normal image and for each anomaly type: the input, and what each method makes of it",
)

# %% tags=["varies"]
plain = data.reference()
simple = (Sharpness(), MeanImage(), PatchNeighbours(3), GradientNeighbours(3))
rivals = [memae, ganomaly, *(method.fit(plain) for method in simple)]
table = {"SQUID": auc_by_kind(test.kinds, torch.from_numpy(default))}
table |= {rival.name: auc_by_kind(test.kinds, rival.score(images)) for rival in rivals}
print(" " * 12, *(f"{kind:>9s}" for kind in (*ANOMALIES, "mean")))
for name, row in table.items():
    print(f"{name:12s}", *(f"{value:9.3f}" for value in row.values()))
say(
    f"MemAE's error finds the missing digit with AUC **{table['MemAE']['missing']:.2f}**, sharpness with "
    f"{table['sharpness']['missing']:.2f}."
    + (" Below 0.5 the empty tile is *easier* to reconstruct than a digit." if table["MemAE"]["missing"] < 0.5 else "")
    + (" One naive number may find what a network does not."
       if table["sharpness"]["missing"] > table["MemAE"]["missing"] else "")
)  # fmt: skip

# %% [markdown]
# And the stored benchmark: each method had the same time to learn, whatever it may have needed. A bar has a standard
# deviation where several seeds were trained and their results differ. The dotted line is guessing.

# %%
benchmark, settings = stored("digitanatomy")
names = ("SQUID", "auto-encoder", "MemAE", "Ganomaly")
compared = [row for row in benchmark if row.runs and (row.name in names or row.naive)]
value = {row.name: row.mean("auc", "mean") for row in compared}
deviation = {row.name: np.std(row.values("auc", "mean"), ddof=1) for row in compared if len(row.runs) > 1}
bar = max((row.name for row in compared if row.naive), key=value.get)
beaten = [row.name for row in compared if not row.naive and value[row.name] < value[bar]]
title = f"{60 * settings['minutes_each']:g} s each; below {bar}, which learns nothing:\n{', '.join(beaten) or 'none'}"
figure = bars(value, title, "mean AUC over four anomaly types (dotted: chance)", deviation, 0.5, subject=["SQUID"])
show(figure, alt="Bars of the mean AUC of SQUID, of other trained methods and of naive baselines")

# %% [markdown]
# ## Where is it? (4 min)
#
# A detector that raises the alarm for the wrong reason is of no use to a radiologist. DigitAnatomy knows which tile is
# wrong, and which pixels.
#
# **Exercise 4.** Of the images that were *called abnormal*: in which share does the highest tile score stand on a wrong
# tile?


# %% tags=["exercise"]
def my_hit_share(wrong, tile_scores, called):
    """Tensors wrong (B, R) bool, tile_scores (B, R), called (B,) bool -> share, 0..1; NaN where none was called."""
    # solution: begin
    hits = wrong[torch.arange(len(wrong)), tile_scores.argmax(1)]
    return float(hits[called].float().mean())
    # solution: end


# %%
check.hit_share(my_hit_share)

# %% [markdown]
# The pixel AUC asks the same of pixels: how often does a wrong pixel have a higher value in the map than a right one?
#
# **Predict.** The naive baseline for a pixel map is the image itself: bright is abnormal. For which anomaly types will it be
# better than chance, and for which not?
#
# ? For all four: an anomaly is something bright. :: What is missing is black.
# ! For all but missing. :: Masks lie on strokes, and strokes are bright; the mask of a missing digit lies where nothing is.
# ? For none: it knows nothing. :: It knows where strokes are, and most changes are there.

# %% tags=["varies"]
wrong, kinds = torch.stack([s.wrong for s in samples]), np.array(test.kinds)
masks = torch.stack([s.mask for s in samples])
hits, called = worst_patch_hits(wrong, tiles), default > threshold
for kind in ANOMALIES:
    mine = np.flatnonzero(kinds == kind)
    share, guess = hits[mine][called[mine]].mean(), wrong[mine].float().mean()
    shown = mine[: by_mode(4, 40, 200)]
    maps = {"SQUID": detector, "MemAE": memae, "Ganomaly": ganomaly}
    areas = {name: pixel_auc(masks[shown], method.anomaly_map(images[shown])) for name, method in maps.items()}
    areas["the image itself"] = pixel_auc(masks[shown], images[shown])
    print(f"{kind:9s} worst tile is a wrong one: {share:.2f} (a guess: {guess:.2f}); pixel AUC:",
          ", ".join(f"{name} {area:.2f}" for name, area in areas.items()))  # fmt: skip

# %% [markdown]
# **What we saw.** No single number judges a detector: F1 rewards calling everything abnormal if most images are
# abnormal. A threshold chosen on test labels, the best of many checkpoints or of many scores report more than there is,
# and the fewer images, the more. Nearest neighbours among histograms of edge directions, from 2005 and without training,
# come close to SQUID: the strongest simple baseline has to be looked for.
#
# **What this does not show.** MemAE and Ganomaly are narrow versions, trained for less than a minute. And the test digits are of
# the same source as the training digits: a new hospital is another matter (lesson 13).
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | accuracy, F1, oracle | 4.2 | `squidlib.detection.metrics.decide` | `tests/detection/test_metrics.py` |
# | threshold from normals | eq. 6 | `squidlib.detection.calibration.calibrate` | `tests/detection/test_detector.py` |
# | the slides' picture | slides | `squidlib.benchmark.pictures` | `tests/benchmark/test_pictures.py` |
# | ... of every method | slides | `squidlib.teaching.lesson.stored_picture` | `tests/teaching/test_lesson_stored_picture.py` |
# | localisation | 5.1 | `squidlib.detection.metrics.worst_patch_hits`, `squidlib.detection.metrics.pixel_auc` | `tests/detection/test_metrics.py` |
