# %% [markdown]
# # 00 · Start here
#
# **Aims.** See a trained SQUID find anomalies that it was never shown; check that your machine is ready.
# **Time.** 10 minutes. **Needs.** No GPU, no network.
#
# A chest X-ray is taken in a fixed pose, so the same place shows the same anatomy in every patient. SQUID learns from
# *normal* images only what each place should look like. Asked about a new image, it paints every place anew from what
# its memory of normal images and the neighbouring places say. Where picture and repainting disagree, something is
# wrong.
#
# To *see* this we use **DigitAnatomy**: nine handwritten digits in a fixed order stand for the anatomy.
#
# *Teaching and research only; this is no medical device.*

# %%
import squidlib
from digitanatomy import DESCRIPTIONS, KINDS, DigitAnatomy, mnist5000
from squidlib.metrics import auc
from squidlib.plots import detection_picture, image_row, show

# %% [markdown]
# ## The images
#
# Every tile is a different handwritten sample. The test digits below were never used for training.

# %%
test = DigitAnatomy(mnist5000().split().test, counts=dict.fromkeys(KINDS, 40), seed=7)
for kind in KINDS:
    print(f"{kind:9s} {DESCRIPTIONS[kind]}")

# %%
first = [test[test.kinds.index(kind)] for kind in KINDS]
figure = image_row([sample.image for sample in first], [sample.kind for sample in first])
show(figure, alt="One DigitAnatomy image of each kind: normal and four anomalies")

# %% [markdown]
# ## A trained detector
#
# A checkpoint comes with the kit. It was trained in minutes on two CPU cores, on normal images alone.

# %%
detector = squidlib.load("digitanatomy")
images = test.images()
scores = detector.score(images)
print("images", tuple(images.shape), "-> scores", tuple(scores.shape))

# %% [markdown]
# **Predict first.** Which of the four anomalies will be the hardest to find, and why? Write it down, then run the cell.
#
# The AUC is the chance that an abnormal image scores higher than a normal one: 0.5 is guessing, 1 is perfect.

# %%
kinds = [sample.kind for sample in test]
found = {}
for kind in KINDS[1:]:
    chosen = [index for index, other in enumerate(kinds) if other in ("normal", kind)]
    found[kind] = auc([int(kinds[index] == kind) for index in chosen], scores[chosen].numpy())
hardest = min(found, key=found.get)
print(f"the hardest to find is: {hardest}")

# %%
for kind, value in found.items():
    print(f"AUC {kind:9s} {value:.2f}")

# %% [markdown]
# ## What it found, and where
#
# Left to right: the input; what normal neighbours and the memory say it should be; where the two disagree; the score
# against those of normal images. The dotted line is a threshold that 5 % of normal images exceed. It comes from normal
# images alone: no label was used to set it.

# %%
figure = detection_picture(detector, test)
show(figure, alt="Five rows, one a kind: input, reconstruction, anomaly map, score and verdict")

# %% [markdown]
# ## Try it
#
# Change `seed` or `severity` (how many tiles become wrong) and look again. Which normal image comes closest to a false
# alarm?

# %%
more = DigitAnatomy(mnist5000().split().test, counts={"normal": 1, "flipped": 3}, seed=1, severity=2)
pictures = more.images()
labels = [f"score {score:.1f}" for score in detector.score(pictures).tolist()]
figure = image_row(list(pictures), labels)
show(figure, alt="A normal image and three with two flipped digits each, with their scores")

# %% [markdown]
# ## Is this machine ready?
#
# `squid doctor` checks Python, packages, memory and disk, and says how to mend what is wrong. Its exit code is 0 when
# nothing has to be mended.

# %%
# NBVAL_IGNORE_OUTPUT
from squidlib.cli.main import main

print("exit code:", main(["doctor"]))

# %% [markdown]
# ## What this does not show
#
# Nine digits are not a chest. Their parts do not depend on each other, there is no lung and no shadow of a rib, and
# the anomalies were made by us. That a detector works here does not say that it works on patients.
#
# | seen here | paper | in the kit |
# | --- | --- | --- |
# | images, anomalies, masks | section 5.1 | `digitanatomy` |
# | patches and the memory queue | 3.1, 3.2 | `squidlib.patches`, `squidlib.memory` |
# | in-painting from neighbours | 3.3 | `squidlib.inpainting` |
# | scores and thresholds | 3.6, 4.2 | `squidlib.scoring`, `squidlib.metrics` |
