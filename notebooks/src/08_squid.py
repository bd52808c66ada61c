# %% [markdown]
# # 08 · SQUID
#
# **Aims.** Put the parts together; say what each loss is for, which tensors are detached and why; train a SQUID live;
# judge it beside naive baselines and by the paper's own score.
#
# **Time.** 45 minutes, three of them are a training that you watch. **Needs.** Lessons 04 to 06 (or: a memory queue is
# read by similarity, and a patch may ask its neighbours). No GPU, no network.

# %%
from copy import deepcopy
from dataclasses import replace

import torch
import torch.nn.functional as F

import squidlib
from digitanatomy import KINDS, DigitAnatomy
from squidlib.baselines import GradientNeighbours, MeanImage, PatchNeighbours, Sharpness
from squidlib.data.digits import Digits
from squidlib.detection.calibration import calibrate
from squidlib.detection.detector import Detector
from squidlib.detection.metrics import auc
from squidlib.distillation import feature_matching
from squidlib.losses import generator_loss
from squidlib.memory import cosine_similarity
from squidlib.squid import count_parameters, fill_memory
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import LiveFigure, bars, by_mode, histograms, interruptible, panels, say, show
from squidlib.teaching.lesson.seed_figures import seed_figures
from squidlib.teaching.lesson.training_picture import TERMS, TrainingPicture
from squidlib.teaching.studies.ablation import STEPS
from squidlib.teaching.studies.results import SEEDS, auc_by_kind, load_runs, spread
from squidlib.training.loop import start, train, train_step, unwrapped
from squidlib.training.presets import PRESETS

# %% [markdown]
# ## The parts and how they meet (6 min)
#
# ![The whole of SQUID: image, encoder, memory queue, in-painting, masked shortcut, student, reconstruction; teacher, discriminator and pushes into the queue while training; what the score compares](schematics/data_flow.svg)
#
# Gradients stop in four places. Into the queue go *copies*; nothing flows back through them (dashed). The teacher sees the
# raw features with their gradient stopped, so it learns and the encoder does not learn from it. In the discriminator's own step
# the reconstruction is detached, so the student does not learn from it. And refilling the memory at the end learns nothing.
# Everything else lets gradients through: reconstruction → student → in-painting and memory weights → encoder.
#
# `start` builds both networks and their optimisers. The memory must hold something before it is read, so the features
# of one batch are pushed first.

# %%
preset = PRESETS["laptop"]["digitanatomy"]
data = Digits(seed=0, jitter=preset.jitter)
images = data.batch(0, preset.training.batch_size)  # (B, 1, H, W), normal images with varied digits

state = start(preset.config, preset.training, "cpu")
squid, discriminator = unwrapped(state.squid), unwrapped(state.discriminator)
fill_memory(squid, images)
for name in ("encoder", "inpainting", "student", "teacher"):
    print(f"{name:14s}{count_parameters(getattr(squid, name)):9,} parameters")
print(f"{'discriminator':14s}{count_parameters(discriminator):9,} parameters")

# %% [markdown]
# **Predict.** What does one forward pass give? Think of five things that a loss, a memory or a score will need.
#
# ? An image, a class, a probability, a loss, a mask. :: There are no classes, and a loss is computed outside, from what is given.
# ? The reconstruction alone: all else follows from it. :: The queue needs the queries, and the matching needs both decoders' levels. Neither can be had from the picture.
# ! Reconstruction, queries, what was recalled, its weights, the decoders' levels. :: And the teacher's picture, in training. Each is used: losses, push, scores, figures.

# %%
untrained = deepcopy(squid)
output = untrained.train()(images, torch.Generator().manual_seed(0))  # it draws the shortcuts' masks
for name, value in output._asdict().items():
    shape = [tuple(level.shape) for level in value] if isinstance(value, list) else tuple(value.shape)
    print(f"{name:18s}{shape}")
print("in evaluation mode the teacher gives", untrained.eval()(images).teacher)

# %% [markdown]
# The laptop preset has one decoder level, so the lists hold one tensor; the paper's digit network has three. The memory
# has few slots filled (the last dimension of `weights`), because one batch was pushed.
#
# ## Teacher and student (8 min)
#
# The student decodes what the *in-painting block* made of the patches. The teacher decodes the *raw* features: an
# ordinary auto-encoder. At every decoder level the student's features are trained to match the teacher's. In this
# way the student learns what a decoder that sees the input would do. The paper calls this knowledge distillation and
# says that it keeps the student aware of the input. At test the teacher is dropped.
#
# **Exercise 1.** The matching loss: the mean squared difference within each level, *summed* over the levels. Both
# sides receive gradients, as in the authors' code.


# %% tags=["exercise"]
def my_feature_matching(student, teacher):
    """Two lists of tensors, one tensor for each decoder level -> one number, ()."""
    # solution: begin
    return sum(F.mse_loss(own, other) for own, other in zip(student, teacher, strict=True))
    # solution: end


# %%
check.feature_matching(my_feature_matching)

# %% [markdown]
# The teacher must not shape the encoder. An auto-encoder's encoder is trained to keep *everything* of a patch, also what no
# normal patch has. SQUID's encoder should find features by which normal memories are found again.
#
# **Exercise 2.** Give the teacher what it needs, and let it learn, but let nothing of its gradient reach the encoder.
# A decoder is called as `teacher(codes, levels)`: codes are the deepest of the encoder's levels; all levels (from the
# first to the deepest) serve its skips.


# %% tags=["exercise"]
def my_teacher_pass(teacher, levels):
    """levels: the encoder's, deepest last -> what the teacher returns for them."""
    # solution: begin
    detached = [level.detach() for level in levels]
    return teacher(detached[-1], detached)
    # solution: end


# %%
check.teacher_pass(my_teacher_pass)

# %% [markdown]
# **Predict.** The encoder is cut off from the *teacher*. Is it also cut off from the *matching*?
#
# ? Yes, because the teacher takes part in it. :: The teacher's features are constants in it; the student's are not.
# ! No: the student's features lead back to it. :: The matching pulls at the student and so at the encoder below it.
# ? Only in evaluation mode. :: In evaluation mode there is no teacher at all.

# %%
network = deepcopy(squid).train()
weight = network.encoder.first.first[0].weight


def length_of_gradient(loss, tensor):
    """Euclidean length of d loss / d tensor; 0 where the loss does not depend on it."""
    (gradient,) = torch.autograd.grad(loss, [tensor], retain_graph=True, allow_unused=True)
    return 0.0 if gradient is None else float(gradient.norm())


output, levels = network(images, torch.Generator().manual_seed(0)), network.encode(images)
attached = network.teacher(levels[-1], levels)[0]  # what if nothing were detached?
matching = feature_matching(output.student_features, output.teacher_features)
print(f"teacher's error, detached:     {length_of_gradient(F.mse_loss(output.teacher, images), weight):.2g}")
print(f"teacher's error, not detached: {length_of_gradient(F.mse_loss(attached, images), weight):.2g}")
print(f"matching:                      {length_of_gradient(matching, weight):.2g}")

# %% [markdown]
# The matching reaches the encoder, by way of the student. Only the teacher's side is cut off.
#
# ![Arrows from student, teacher and discriminator to what each loss pulls them towards, with the paper's factors; none reaches a memory slot, and the teacher's does not reach the encoder](schematics/loss_map.svg)
#
# ## The losses and their factors (8 min)
#
# $$\mathcal{L}_{gen} = \lambda_s\,\|S(x)-x\|^2 + \lambda_t\,\|T(x)-x\|^2 + \lambda_d \sum_l \|s_l-t_l\|^2
# + \lambda_g\,\mathrm{BCE}(D(S(x)),\,1)$$
#
# $$\mathcal{L}_{dis} = \lambda_D\,\big(\mathrm{BCE}(D(x),\,1) + \mathrm{BCE}(D(S(x)),\,0)\big)$$
#
# S is the student, T the teacher, D the discriminator. The published factors, and ours for the laptop:

# %%
columns = {
    "paper, DigitAnatomy": PRESETS["paper"]["digitanatomy"].weights,
    "paper, chest": PRESETS["paper"]["zhanglab"].weights,
    "laptop": PRESETS["laptop"]["digitanatomy"].weights,
}
wants = {
    "reconstruction": "student = image",
    "teacher": "teacher = image",
    "distillation": "student's features = teacher's",
    "adversarial": "the discriminator takes the reconstruction for real",
    "discriminator": "(its own loss) it tells real images from reconstructions",
    "position": "a feature finds its own position's memory; **ours, not the paper's**",
}
lines = [f"| term | {' | '.join(columns)} | wants |", "| --- | --: | --: | --: | --- |"]
for name, text in wants.items():
    factors = " | ".join(f"{getattr(weights, name):g}" for weights in columns.values())
    lines.append(f"| {name} | {factors} | {text} |")
say("\n".join(lines))

# %% [markdown]
# The last row is ours: `squidlib.losses.position_loss`. The paper keeps one memory a position, but never asks that a
# feature be at home in its own. The [experiments](../docs/experiments.md) say what this
# gives on DigitAnatomy; a result with it is not a result of the paper's loss.
#
# **Exercise 3.** The discriminator's loss, from its *logits* (no sigmoid yet) of real images and of reconstructions.


# %% tags=["exercise"]
def my_discriminator_loss(real, fake, factor):
    """Logits (B,) of images and of reconstructions, and lambda_D -> one number, ()."""
    # solution: begin
    says_real = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    says_fake = F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    return factor * (says_real + says_fake)
    # solution: end


# %%
check.discriminator_loss(my_discriminator_loss)

# %% [markdown]
# **Predict.** Before any training: which term pulls most at the encoder's first layer, and which does not pull at all?
# Compare the factors: is the matching, with the smallest of all, worth computing?
#
# ? The student's error pulls most; the matching not at all. :: The matching has the smallest factor and still reaches the encoder through the student.
# ! The position loss pulls most; the teacher's error not at all. :: The encoder is cut off from the teacher. The other four all reach it.
# ? The adversary pulls most; the position loss not at all. :: The position loss is a loss of the features themselves.

# %%
judge = deepcopy(discriminator).train()
slots = network.inpainting.memory.contents()
loss = generator_loss(output, images, judge(output.reconstruction), slots, preset.weights)
print("term              factor  factor × value  factor × gradient")
pulls = {}
for name, term in TERMS.items():
    factor, value = getattr(preset.weights, term), getattr(loss, term)
    pulls[name] = factor * length_of_gradient(value, weight)
    print(f"{name:16s}  {factor:6g}  {factor * float(value.detach()):14.2g}  {pulls[name]:17.2g}")

# %% [markdown]
# The two columns tell different stories: what a term *adds to the sum* is not how it *pulls* at the weights.

# %%
ranked = sorted(pulls, key=pulls.get, reverse=True)
say(
    f"Before training the encoder's first layer is pulled most by **{ranked[0]}**, then by **{ranked[1]}**; "
    f"**{ranked[-1]}** does not reach it. The matching pulls {pulls['student'] / pulls['matching']:.0f} times less "
    "than the student's error. Whether so small a term matters cannot be seen here: lesson 10 trains without it."
)

# %% [markdown]
# ## One step, in order (7 min)
#
# 1. **Forward**, once. Both networks use its result. (The authors' code runs it twice.)
# 2. **Generator**: loss, backward, step. The discriminator judges, but its own weights stay as they are.
# 3. **Push**: this step's features go into the memory, as *copies*.
# 4. **Discriminator**: real images against the *detached* reconstruction.
#
# **Exercise 4.** Write the order. The callables do the work; you decide what they get and which tensors are detached.


# %% tags=["exercise"]
def my_training_step(images, squid, generator_step, push, discriminator_step):
    """squid(images) -> output with .reconstruction and .queries; generator_step(output, images); push(queries);
    discriminator_step(real, fake). Returns the output."""
    # solution: begin
    output = squid(images)
    generator_step(output, images)
    push(output.queries.detach())
    discriminator_step(images, output.reconstruction.detach())
    return output
    # solution: end


# %%
check.training_step(my_training_step)

# %% [markdown]
# **Predict.** The library's `train_step` on one batch: how often does the encoder run, and how often the
# discriminator? What happens to somebody who pushes before the backward pass?
#
# ! Once, and three times or not at all; PyTorch refuses. :: The backward pass needs the slots as they were read, and a push writes into them.
# ? Twice, and twice: once for each of the two losses. :: Both losses use the same reconstruction, so the encoder runs once.
# ? Once, and once; nothing happens, for a push copies. :: The discriminator judges for two losses, and it is the push that writes into the slots which the backward pass needs.

# %%
trial = start(preset.config, preset.training, "cpu")
fill_memory(unwrapped(trial.squid), images)
runs = {"encoder": 0, "discriminator": 0}
print(f"before:  features in each position's queue: {int(unwrapped(trial.squid).inpainting.memory.filled)}")


def counts(name):
    """A hook that counts."""
    return lambda *_: runs.update({name: runs[name] + 1})


unwrapped(trial.squid).encoder.register_forward_hook(counts("encoder"))
unwrapped(trial.discriminator).register_forward_hook(counts("discriminator"))
for step in (0, 1):
    runs.update(encoder=0, discriminator=0)
    train_step(trial, data.batch(step + 1, 16), step, preset.training, preset.weights)
    filled = int(unwrapped(trial.squid).inpainting.memory.filled)
    print(f"step {step}:  runs {runs}, features in each position's queue: {filled}")

# %% [markdown]
# The encoder runs once. Where the discriminator runs, it does so three times: it judges the reconstruction for the
# generator's loss, then a batch of images and that reconstruction for its own. In most steps of the laptop preset it
# rests, to save time: `discriminator_every` says how often it does not. Every step's features go into the queue, behind
# those of the batch that filled it at the beginning.

# %%
output = network(images)
network.push(output.queries)
try:
    F.mse_loss(output.reconstruction, images).backward()
except RuntimeError as error:
    print("pushed before the backward pass:", str(error).split(":")[0])

# %% [markdown]
# PyTorch refuses: the backward pass needs the slots as they were read. Nothing refuses a push before the *read*, but
# then every patch finds itself. The shipped detector shows what that means, for an image with a wrong digit:

# %%
shipped = squidlib.load("digitanatomy")
chosen = DigitAnatomy(data.glyphs.calibration, {"normal": 8, "novel": 8}, seed=3).images()
for when in ("before", "after"):
    with torch.no_grad():
        queries = shipped.squid.query(chosen)
        best = cosine_similarity(queries, shipped.squid.inpainting.memory.contents()).amax(-1)  # (B, R)
    shipped.squid.push(queries)
    worst = best.amin(-1)  # of each image the patch that is hardest to find
    print(f"{when:6s} the push, worst patch: normal {worst[:8].mean():.2f}, novel {worst[8:].mean():.2f}")
shipped = squidlib.load("digitanatomy")  # a clean one

# %% [markdown]
# After the push even the anomaly has a perfect memory of itself. For the same reason only *normal* images are pushed,
# and nothing at all at test.
#
# ## Train (6 min)
#
# Now the whole. A few minutes on two CPU cores; the stop button ends it early and keeps what was learned. Run the
# training cell again and it goes on where it stopped; to start over, run the cell above it first. The five
# images of the live figure are made of calibration digits. They show what comes back; nothing is learned from them.
#
# **Predict.** Draw the curves: which term falls first? Does the discriminator's loss rise or fall? And what will come
# back for the missing digit: an empty tile, the right digit, or something else?
#
# ? An empty tile: what goes in comes out. :: The code is made of memories, and no memory of that position is empty.
# ? The right digit, in-painted from its neighbours. :: The neighbours are independent of it, and the query, which chooses the memories, is that of an empty tile.
# ! Something faint that is no clean digit. :: The query of an empty tile fits no memory well, so a mixture comes back. See the last row of the figure.

# %% tags=["varies"]
steps = by_mode(3, 850, 1500)
training = replace(preset.training, steps=steps, schedule_steps=steps, refill_memory=False)
state = start(preset.config, training, "cpu")
squid, discriminator = unwrapped(state.squid), unwrapped(state.discriminator)

watched = DigitAnatomy(data.glyphs.calibration, dict.fromkeys(KINDS, 1), seed=5)
picture = TrainingPicture(squid, watched.images(), KINDS, preset.weights)
print(f"{steps} steps of {training.batch_size} images, discriminator at every {training.discriminator_every}th")

# %% tags=["varies", "long"]
live = LiveFigure("Left: each loss term over the steps. Right: five images and what comes back for them.", every=6)
with interruptible("SQUID") as progress:
    for result in progress.over(train(state, data, training, preset.weights), steps, begin=state.step):
        picture.note(result)
        live.update(picture.draw)
live.update(picture.draw, force=True)

# %% tags=["varies"]
changes = ", ".join(f"{name} × {change:.2g}" for name, change in picture.changes().items())
say(f"From the first twentieth of the steps to the last, each term changed by a factor: {changes}.")

# %% [markdown]
# Where *looks real* grows while the *discriminator* shrinks, the discriminator wins: the student does not learn to fool
# it. And look at the tile that was missing, and at the tiles in the wrong position: what comes back need not be the
# healthy digit. It may be something broken, or a bad copy of what is wrong. Here is another training, recorded from its
# first step to its last (`tools/film.py`):
#
# ![Reconstructions of a normal image and of four anomalies, from the first step of a training to the last; in the end the wrong tiles are outlined and four images are called abnormal](../docs/training.gif)
#
# Then three things without which there is no detector. The memory is filled with plain training images, as the
# finished encoder sees them. Held-out normal images say what is usual (`calibrate`). Both networks go into evaluation
# mode.

# %% tags=["varies"]
reference, held_out = data.reference()[: by_mode(64, 350, 350)], data.calibration()[: by_mode(32, 256, 256)]
squid.inpainting.memory.resize(len(reference))
fill_memory(squid, reference)
mine = Detector(squid, discriminator, calibrate(squid, discriminator, held_out), {})
print(f"{squid.inpainting.memory.capacity} slots at each position, calibrated on {len(held_out)} normal images")

# %% [markdown]
# ## Score (10 min)
#
# The paper's score asks the discriminator how real the *reconstruction* looks (eq. 6):
#
# $$A = 1 - \mathrm{sigmoid}\left(\frac{D(S(x)) - \mu}{\sigma}\right)$$
#
# μ and σ are mean and standard deviation of D over reconstructions of *normal* images.
#
# **Exercise 5.** Write it. The score of an image must not depend on which others are scored with it.


# %% tags=["exercise"]
def my_anomaly_score(logits, normal_logits):
    """Logits (B,) of the images to judge and (N,) of normal ones -> (B,) in 0..1, higher = more abnormal."""
    # solution: begin
    standard = (logits - normal_logits.mean()) / normal_logits.std()
    return 1 - torch.sigmoid(standard)
    # solution: end


# %%
check.anomaly_score(my_anomaly_score)

# %% [markdown]
# *A trap in the authors' code.* There the discriminator stays in training mode while it scores. Its BatchNorm then
# takes mean and variance from the images at hand, of a single image where the batch size is 1.
#
# **Predict.** One normal image, alone and among 63 others: does its logit change in training mode? In evaluation mode?
#
# ! In training mode it does, in evaluation mode not. :: Batch normalisation uses the batch's statistics while training.
# ? In neither. :: In training mode each image is normalised by what is beside it.
# ? In both. :: In evaluation mode the running statistics are used, which no batch changes.

# %%
crowd = DigitAnatomy(data.glyphs.calibration, {"normal": 32, "novel": 32}, seed=4).images()
returned = shipped.reconstruct(crowd)
for mode_name in ("train", "eval"):
    judge = deepcopy(shipped.discriminator).train(mode_name == "train")
    with torch.no_grad():
        alone, among = float(judge(returned[:1])[0]), float(judge(returned)[0])
    print(f"{mode_name:5s} alone {alone:.2f}, among 63 others {among:.2f}")

# %% [markdown]
# In training mode "the score of this image" does not exist: it is the score of a batch. The kit scores in evaluation
# mode, with the statistics that BatchNorm gathered while training.
#
# **Predict.** Your own detector, by AUC: 0.5 is guessing. Where will the paper's score be, where the squared error, and
# where the memory's scores? Will all of them beat a kNN on raw pixels, or on the directions of edges (HOG), which learned
# nothing? The images below are made of test digits.
#
# ? The paper's score is the best, then the error, then the memory's. :: The order is the opposite one, as the table shows.
# ! The paper's near 0.5, the error below both kNN, the memory's above them. :: Distances to copies of normal patches decide. HOG, which learned nothing, comes next.
# ? All are above both kNN: a network was trained for them. :: Training helps the features, and the error hardly uses them.

# %% tags=["varies"]
test = DigitAnatomy(data.glyphs.test, dict.fromkeys(KINDS, by_mode(8, 100, 200)), seed=12)
images = test.images()
rows = {f"yours: {name}": auc_by_kind(test.kinds, scores) for name, scores in mine.scores(images).items()}
rows["shipped: combined"] = auc_by_kind(test.kinds, shipped.score(images))
grid, simple = preset.config.grid, (Sharpness(), MeanImage())
for method in (*simple, PatchNeighbours(grid), GradientNeighbours(grid)):
    rows[method.name] = auc_by_kind(test.kinds, method.fit(reference).score(images))
lines = [f"| score | {' | '.join([*KINDS[1:], 'mean'])} |", "| --- " + "| --: " * len(KINDS) + "|"]
lines += [f"| {name} | " + " | ".join(f"{value:.3f}" for value in row.values()) + " |" for name, row in rows.items()]
say("\n".join(lines))

# %% tags=["varies"]
means = {name: row["mean"] for name, row in rows.items()}
naive = max(means[name] for name in ("sharpness", "mean image", "pixel kNN", "HOG kNN"))
figure = bars(
    means,
    title=f"Combined {means['yours: combined']:.3f}, best naive baseline {naive:.3f}, "
    f"the paper's score {means['yours: discriminator']:.3f}",
    x_label="mean AUC over four anomaly types (blue: yours; dotted: chance)",
    reference=0.5,
    subject=[name for name in means if name.startswith("yours")],
)
show(figure, alt="Bars: mean AUC of your detector's scores, of the shipped detector and of four naive baselines")

# %% [markdown]
# Why does the paper's score do so little here? Ask the discriminator two questions. Its job in training was the first;
# the score needs the second.

# %% tags=["varies"]
kinds = torch.tensor([kind == "normal" for kind in test.kinds])
returned = mine.reconstruct(images)
with torch.no_grad():
    real, normal, abnormal = (discriminator(part) for part in (images[kinds], returned[kinds], returned[~kinds]))
trained_for = auc([1] * len(real) + [0] * len(normal), torch.cat([real, normal]).numpy())
needed = auc([0] * len(normal) + [1] * len(abnormal), -torch.cat([normal, abnormal]).numpy())
figure, axes = panels(1, 2, width=4.6, height=3.0)
histograms({"normal image": real, "its reconstruction": normal}, f"Real or reconstructed? AUC {trained_for:.2f}",
           "logit", bins=25, axis=axes[0, 0])  # fmt: skip
histograms({"normal": normal, "abnormal": abnormal}, f"Normal or abnormal, both reconstructed? AUC {needed:.2f}",
           "logit", bins=25, axis=axes[0, 1])  # fmt: skip
show(figure, alt="Histograms of the discriminator's logits: images beside reconstructions, normal beside abnormal")

# %% tags=["varies"]
say(
    f"The sum of the four patch scores reached a mean AUC of **{means['yours: combined']:.3f}** after "
    f"{state.step} steps; the shipped detector has {means['shipped: combined']:.3f}, the best naive baseline "
    f"{naive:.3f}. The squared error alone has {means['yours: error']:.3f}, the memory's mismatch "
    f"{means['yours: mismatch']:.3f}, the paper's score {means['yours: discriminator']:.3f}. The discriminator answers "
    f"*real or reconstructed* with an AUC of {trained_for:.2f}, and *normal or abnormal* with {needed:.2f}."
)

# %%
stored = seed_figures()
long = [run["scores"]["discriminator"]["mean"] for run in stored.values()]
short = spread(load_runs("ablation"), "laptop", "discriminator", "mean")
say(
    f"The kit's stored trainings of this preset, mean AUC of the paper's score: **{short.mean:.2f} ± {short.deviation:.2f}** after "
    f"{STEPS} steps ({len(SEEDS)} seeds), {sum(long) / len(long):.2f} after {preset.training.steps:,} "
    f"({min(long):.2f} to {max(long):.2f}, {len(long)} seeds)."
)

# %% [markdown]
# **What we saw.** The parts together detect, and most of it comes from the memory's scores; the squared error, by which
# the network was trained, is a weak judge. The discriminator learned to tell an image from a reconstructed one. That
# says little about which digit is where, as long as reconstructed anomalies look reconstructed in the same way as
# reconstructed normals. Neither after a third of the steps nor after all of them is its score a detector: the paper's
# claim that it finds the anomalies did **not** hold here. It moves from one training to the next, so that somebody who
# chooses one by labels can report a better number (lesson 09). What detects in this kit is the patch features and their
# memory, standardised on held-out normal images.
#
# **What this does not show.** One seed, a small network, some hundred steps, and one loss that is ours. The authors
# train 200 epochs with a larger network on these digits, and report their results on chest X-rays. Nor does a working
# whole say which of its parts is needed: that is lesson 10.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | the whole network | 3.1, figure 2 | `squidlib.squid.Squid` | `tests/pieces/test_network.py` |
# | matching, detached teacher | 3.1, eq. 3 | `squidlib.distillation.feature_matching` | `tests/pieces/test_losses.py` |
# | the generator's loss | 3.5, eq. 3-5 | `squidlib.losses.generator_loss` | `tests/pieces/test_losses.py` |
# | the discriminator's loss | 3.5, eq. 3-5 | `squidlib.losses.discriminator_loss` | `tests/pieces/test_losses.py` |
# | position loss | ours | `squidlib.losses.position_loss` | `tests/pieces/test_losses.py` |
# | a step, in its order | 3.5 | `squidlib.training.loop.train_step` | `tests/training/test_loop.py` |
# | the paper's score | eq. 6 | `squidlib.detection.calibration.image_scores` | `tests/detection/test_detector.py` |
# | BatchNorm in evaluation mode | — | `squidlib.detection.scores.score_batches` | `tests/detection/test_detector.py` |
