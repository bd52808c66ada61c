# %% [markdown]
# # 01 · DigitAnatomy
#
# **Aims.** Say how radiographs differ from photographs, and put a number on it; compose normal images, write
# the four anomalies and their pixel masks; say which changes deserve the label "abnormal"; see how far a detector
# without any network gets.
#
# **Time.** 45 minutes. **Needs.** Lesson 00 (or: the AUC is 0.5 for guessing and 1 for perfect). No GPU, no network.
#
# ![Where this lesson is in SQUID's data flow: the image, the rest pale](schematics/here_input.svg)

# %%
import torch
from einops import rearrange

import squidlib
from digitanatomy import ANOMALIES, DIGIT_FLIPS, DigitAnatomy, FreshNormals, Jitter, cut_tiles, join_tiles
from digitanatomy.compose import JITTERS, jitter_tiles, normal_tiles
from squidlib.baselines import MeanImage, Sharpness
from squidlib.data.digits import Digits
from squidlib.detection.metrics import auc
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import bars, by_mode, image_grid, say, show
from squidlib.teaching.position import variance_by_position
from squidlib.teaching.studies.results import auc_by_kind

# %% [markdown]
# ## One position, one anatomy (9 min)
#
# A photograph may show anything, from anywhere. For a chest X-ray the patient stands in a fixed **pose** at a fixed
# distance, and the body keeps its **order**: the heart is where it is in everybody. So a position of the image means
# something. DigitAnatomy copies both: digit i + 1 is always at position i, upright and of one size.
#
# To see what this is worth, take it away: put the tiles in any order; or turn, move and scale each of them at random.
#
# **Predict.** Average 300 normal images, pixel by pixel. What will the mean look like with order and pose, without
# order, without pose, without both?
#
# ? All four show grey spots. :: Where every fifth tile is a five, the mean of many fives still looks like one.
# ! Only with both can digits be read; the others are spots. :: Without order nine different digits are averaged, without pose one digit in every attitude.
# ? Without order it can still be read, because every digit is upright. :: Each position then averages all nine digits.

# %%
data = Digits()
number = 300
generator = torch.Generator().manual_seed(0)
tiles = normal_tiles(data.glyphs.train, torch.rand(number, 9, generator=generator))  # (N, 9, 32, 32)
shuffled = torch.stack([image[torch.randperm(9, generator=generator)] for image in tiles])
loose, uniform = Jitter(scale=0.3, degrees=180, shift=6), torch.rand(number, 9, JITTERS, generator=generator)
worlds = {
    "order and pose": tiles,
    "any order": shuffled,
    "any pose": jitter_tiles(tiles, uniform, loose),
    "any order and pose": jitter_tiles(shuffled, uniform, loose),
}

# %%
rows = {
    "one image": [join_tiles(world[0]) for world in worlds.values()],
    f"mean of {number}": [join_tiles(world.mean(0)) for world in worlds.values()],
}
figure = image_grid(rows, titles=list(worlds), title="Only with order and pose can the mean image be read", side=1.7)
show(figure, alt="Four images and four means: digits can be read in the first mean, the others are blurred spots")

# %% [markdown]
# Now as a number. Guess every tile in two ways: by the mean tile of *all* positions, and by the mean tile of *its own*
# position. How much smaller is the squared error of the second guess?
#
# $$\text{share} = 1 - \frac{\text{mean squared error, mean tile of its own position}}
# {\text{mean squared error, mean tile of all positions}}$$
#
# It is 1 where the position says everything and 0 where it says nothing.
#
# **Exercise 1.** Write it.


# %% tags=["exercise"]
def my_variance_by_position(tiles):
    """tiles (N, 9, 32, 32): N images of nine tiles each -> one number, the share that the position explains."""
    # solution: begin
    all_places, own_place = tiles.mean((0, 1)), tiles.mean(0)  # (32, 32), (9, 32, 32)
    own_error = ((tiles - own_place) ** 2).mean()
    return float(1 - own_error / ((tiles - all_places) ** 2).mean())
    # solution: end


# %%
check.variance_by_position(my_variance_by_position)

# %% [markdown]
# **Predict.** Which share does the position explain with order and pose? And if one of the two is lost?
#
# ! About a fifth; almost nothing. :: People write differently, and most of the variance is theirs. Without a fixed order or pose a position shows anything.
# ? About half; about a quarter. :: Both are needed together: without one of them a position is no longer the same anatomy.
# ? About nine tenths; about half. :: Even at a fixed position with a fixed digit, handwriting varies a lot.

# %%
shares = {name: variance_by_position(world) for name, world in worlds.items()}
most, least = shares["order and pose"], shares["any order and pose"]
figure = bars(
    {name: 100 * share for name, share in shares.items()},
    title=f"With order and pose the position explains {most:.0%}, without both {least:.1%}",
    x_label="% of the variance that the position explains",
)
show(figure, alt="Four bars: the share is large with order and pose, and near zero where one of them is lost")

# %%
say(
    f"**Both** are needed: without a fixed order {shares['any order']:.1%} are left, without a fixed pose "
    f"{shares['any pose']:.1%}. But even with both, {1 - most:.0%} of the variance is left: people write differently. "
    "So one mean image is a poor memory of a position, and SQUID keeps *many* normal examples of each position."
)

# %% [markdown]
# ## Compose a normal image (7 min)
#
# Nine glyphs, one of each digit 1 to 9, make an image. The handwritten samples are first cut into three sets: to learn
# from, to calibrate scores and thresholds on, and to test with. An image of the test set holds test glyphs only.

# %%
sets = {name: {tile.numpy().tobytes() for tile in glyphs.tiles} for name, glyphs in data.glyphs._asdict().items()}
print({name: len(glyphs) for name, glyphs in data.glyphs._asdict().items()})
print("in train and test:", len(sets["train"] & sets["test"]))
print("in calibration and another set:", len(sets["calibration"] & (sets["train"] | sets["test"])))

# %% [markdown]
# **Exercise 2.** Join nine tiles to one image, in reading order. A plain `reshape` gives a picture of stripes: try it.


# %% tags=["exercise"]
def my_join(tiles):
    """tiles (9, 32, 32) in reading order -> one image (1, 96, 96)."""
    # solution: begin
    return rearrange(tiles, "(i j) h w -> 1 (i h) (j w)", i=3)
    # solution: end


# %%
check.join_nine_tiles(my_join)

# %% [markdown]
# Training never sees an image twice. `FreshNormals` is an endless stream in which image i depends on the seed and on i
# alone, so that a training can be repeated, interrupted and resumed.
#
# **Predict.** You ask for image 1000 without the 1,000 before it. Is it the same image as in a batch 998 to 1002?
#
# ! Yes. :: Each image depends on the seed and its own number alone, so nothing has to be made before it.
# ? No: a stream continues where it stands. :: That is how one generator for the whole stream would behave, and why there is none.
# ? Only with the same batch size. :: How images are grouped plays no part.

# %%
stream = FreshNormals(data.glyphs.train, seed=3)
print("alone and in a batch, the same:", torch.equal(stream[1000], stream.batch(998, 5)[2]))
print("with another seed, the same:   ", torch.equal(stream[1000], FreshNormals(data.glyphs.train, seed=4)[1000]))
per_digit = len(data.glyphs.train.indices(1))
say(f"{per_digit} samples of each digit make {per_digit}⁹, about {per_digit**9:.0e}, different normal images.")

# %% [markdown]
# ## Four anomalies (12 min)
#
# | anomaly type | what is wrong | in a chest it corresponds to |
# | --- | --- | --- |
# | missing | an empty tile | an organ or a part that is not there |
# | novel | a digit 0, which no normal image has | a thing that does not belong there |
# | flipped | a mirrored digit | the right part, with a wrong shape or side |
# | disorder | two digits changed places | the right parts in wrong positions |
#
# (The last column is a mnemonic of ours.) Each is a **pure function**: it returns new tiles and leaves those that it
# was given alone, because we still need the normal image to say which pixels changed.
#
# **Exercise 3.** Write the four. `clone()` makes a copy.


# %% tags=["exercise"]
def my_missing(tiles, position):
    """tiles (9, 32, 32) -> new tiles, the one at ``position`` empty."""
    # solution: begin
    tiles = tiles.clone()
    tiles[position] = 0
    return tiles
    # solution: end


def my_novel(tiles, position, zero):
    """... with ``zero`` (32, 32), a handwritten 0, at ``position``."""
    # solution: begin
    tiles = tiles.clone()
    tiles[position] = zero
    return tiles
    # solution: end


def my_flipped(tiles, position):
    """... with the tile at ``position`` mirrored left-right."""
    # solution: begin
    tiles = tiles.clone()
    tiles[position] = tiles[position].flip(-1)
    return tiles
    # solution: end


def my_disorder(tiles, here, there):
    """... with the tiles at ``here`` and ``there`` exchanged."""
    # solution: begin
    tiles = tiles.clone()
    tiles[[here, there]] = tiles[[there, here]]
    return tiles
    # solution: end


my_anomalies = (my_missing, my_novel, my_flipped, my_disorder)

# %%
check.four_anomalies(my_anomalies)

# %% [markdown]
# To judge *where* a detector sees something wrong we need the truth about pixels: the **mask**, true where a pixel
# differs visibly (by more than 0.1) from the normal image that the abnormal one was made of.
#
# **Exercise 4.** Write it. `join_tiles` joins tiles to an image.


# %% tags=["exercise"]
def my_mask(before, after):
    """before, after (9, 32, 32) in 0..1 -> (1, 96, 96) bool."""
    # solution: begin
    return join_tiles((after - before).abs() > 0.1)
    # solution: end


# %%
check.changed_pixels(my_mask)

# %% [markdown]
# **Predict.** What share of a wrong tile's pixels will the mask cover? For which anomaly type is it the smallest? And how many
# of the masked pixels are black in the image that the detector sees?
#
# ? All of it, alike for all four. :: A mask holds the pixels that changed, and most of a tile is black before and after.
# ? About half; the smallest is that of flipped; hardly any is black. :: Strokes are thin, and a mirrored digit changes the old strokes and the new ones.
# ! About a fifth or less; the smallest is that of missing, and all of it is black. :: Only the strokes that are gone have changed, and nothing is where they were.

# %%
examples = list(DigitAnatomy(data.glyphs.test, dict.fromkeys(ANOMALIES, 100), seed=1))
for kind in ANOMALIES:
    samples = [sample for sample in examples if sample.kind == kind]
    covered = sum(sample.mask.sum() / (1024 * sample.wrong.sum()) for sample in samples) / len(samples)
    black = sum((sample.image[sample.mask] < 0.1).float().mean() for sample in samples) / len(samples)
    print(f"{kind:9s} the mask covers {covered:3.0%} of a wrong tile; {black:4.0%} of it is black in the image")

# %%
chosen = [next(sample for sample in examples if sample.kind == kind) for kind in ANOMALIES]
rows = {"image": [sample.image for sample in chosen], "mask": [sample.mask.float() for sample in chosen]}
figure = image_grid(rows, titles=ANOMALIES, title="A mask is the difference to a normal twin", side=1.7)
show(figure, alt="Four abnormal images and their masks; the mask of the missing digit has the shape of that digit")

# %% [markdown]
# The mask of a *missing* digit has the shape of a digit that is nowhere in the image. No detector can know that shape:
# a pixel score of 1 is out of reach there, for any method.
#
# ## Which flips change a glyph? (6 min)
#
# **Predict.** Write down for each digit 1 to 9: is it still that digit when mirrored left-right? When upside down?
#
# ! A 1 and an 8 stay what they are either way, and a 3 upside down. :: So the kit never flips the first two and mirrors the 3 left-right only.
# ? A 6 becomes a 9 upside down, so both stay digits. :: That takes half a turn; mirrored upside down a 6 is neither.
# ? All nine stay what they are left-right: the strokes are the same. :: A mirrored 7 is no 7; the strokes are the same and point the other way.

# %%
glyphs = data.glyphs.test
ones = torch.stack([glyphs.tiles[glyphs.indices(digit)[4]] for digit in range(1, 10)])  # (9, 32, 32)
rows = {"as written": ones, "mirrored": ones.flip(-1), "upside down": ones.flip(-2)}
still = [str(digit) for digit in range(1, 10) if len(DIGIT_FLIPS.get(digit, ())) < 2]
title = f"Some flips of {', '.join(still)} leave the digit what it is"
figure = image_grid(rows, titles=[str(digit) for digit in range(1, 10)], title=title, side=0.95)
show(figure, alt="The digits 1 to 9 as written, mirrored left-right and upside down")

# %% [markdown]
# The kit flips only what a *person* would call changed. Why it matters: a label must be true before a detector can be
# blamed for missing it. Suppose we flipped any digit any way and called all of it abnormal.

# %%
every_flip = dict.fromkeys(range(1, 10), ("horizontal", "vertical"))
unchanged = 1 - sum(map(len, DIGIT_FLIPS.values())) / sum(map(len, every_flip.values()))
say(
    f"**{unchanged:.0%}** of the images called *flipped* would show nothing wrong. A perfect detector, to which these "
    f"look like any normal image, would be given an AUC of about {1 - unchanged / 2:.2f} and be blamed."
)

# %% [markdown]
# **Predict.** Does the trained detector agree with our list? It was never told what a digit is. Below, one digit at a
# time is flipped; the table says how often the flipped tile scores higher than 95 % of the normal tiles at its
# position.
#
# ? No: it saw no flipped digit in training, so it raises an alarm at each. :: A mirrored 1 looks like another 1, and the memory holds such ones.
# ! Mostly: it lets a flipped 1 pass, and an 8 often. :: What a person would call unchanged resembles something in the memory; the table shows how often it does not.
# ? No: it is blind to flips, because it knows strokes only. :: It compares whole tiles with copies of whole tiles.

# %% tags=["varies"]
detector = squidlib.load("digitanatomy")
limits = detector.patch_scores(data.calibration()[: by_mode(64, 256, 256)]).quantile(0.95, dim=0)  # (9,)
normal = cut_tiles(DigitAnatomy(glyphs, {"normal": by_mode(5, 40, 200)}, seed=5).images())  # (N, 9, 32, 32)
print("digit  mirrored  upside down   the kit flips it")
for position in range(9):
    called = []
    for dims in (-1, -2):
        changed = normal.clone()
        changed[:, position] = changed[:, position].flip(dims)
        scores = detector.patch_scores(join_tiles(changed))[:, position]
        called.append((scores > limits[position]).float().mean())
    print(
        f"{position + 1:5d}  {called[0]:8.0%}  {called[1]:11.0%}   {', '.join(DIGIT_FLIPS.get(position + 1, ('never',)))}"
    )

# %% tags=["varies"]
found = {}
for name, flips in {"flips that change the glyph": DIGIT_FLIPS, "any flip": every_flip}.items():
    count = by_mode(20, 150, 400)
    test = DigitAnatomy(glyphs, {"normal": count, "flipped": count}, seed=3, flips=flips)
    found[name] = auc_by_kind(test.kinds, detector.score(test.images()))["flipped"]
say(
    f"The same detector has an AUC of {found['flips that change the glyph']:.2f} with honest labels and "
    f"{found['any flip']:.2f} with careless ones. It did not get worse: the labels did."
)

# %% [markdown]
# The detector mostly agrees. Where it does not, look closely: a 3 upside down is still a 3 and a mirrored 8 is still an
# 8, but few people write them just so. So the detector finds them odd, and its AUC with careless labels need not
# fall as low as the number above. *Rare* and *wrong* are two things; a detector that learned from normal images knows
# only the first.
#
# ## An anomaly of your own (6 min)
#
# **Exercise 5.** Think of something that a digit can suffer: turned, cut, too bright, with a spot ... A random position
# comes from `generator`, so that the same seed gives the same image. Return the new tiles and which of them are wrong.


# %% tags=["exercise"]
def my_anomaly(tiles, generator):
    """tiles (9, 32, 32) in 0..1 -> new tiles (9, 32, 32) in 0..1, and wrong (9,) bool."""
    # solution: begin
    tiles, wrong = tiles.clone(), torch.zeros(9, dtype=torch.bool)
    position = int(torch.randint(9, (), generator=generator))
    tiles[position] = tiles[position].rot90()  # a quarter turn
    wrong[position] = True
    return tiles, wrong
    # solution: end


# %%
check.own_anomaly(my_anomaly)

# %% [markdown]
# Three of ours, on one tile at a random position: a quarter turn; a bright spot of 4 × 4 pixels in a corner, as a
# nodule might be; a digit at a third of its brightness.
#
# **Predict.** The detector finds the four standard anomalies nearly always. How about these?
#
# ? All three: it was not told what an anomaly is, so it finds any. :: It finds what lies far from the memory in *its* features, and these need not change much.
# ! The turned digit nearly always, the spot less often, the faint digit not. :: Its features were learned from strokes: a turned digit is another shape, a faint one is the same shape.
# ? The spot best, as it is the brightest. :: Sixteen of a tile's 1,024 pixels change.

# %%
SPOT = torch.zeros(32, 32)
SPOT[3:7, 25:29] = 1
ours = {"turned": torch.rot90, "spot": lambda tile: torch.maximum(tile, SPOT), "faint": lambda tile: tile / 3}


def altered(change, count):
    """Normal images of test digits with one tile changed: (count, 9, 32, 32)."""
    tiles = cut_tiles(DigitAnatomy(glyphs, {"normal": count}, seed=6).images())
    positions = torch.randint(9, (count,), generator=torch.Generator().manual_seed(6)).tolist()
    for image, position in zip(tiles, positions, strict=True):
        image[position] = change(image[position])  # these tiles are our own copy
    return tiles


rows = {name: [join_tiles(image) for image in altered(change, 4)] for name, change in ours.items()}
figure = image_grid(rows, title="Three anomalies that the benchmark does not have")
show(figure, alt="Three rows of four images: a digit turned by a quarter, a small bright spot, a faint digit")

# %% tags=["varies"]
count = by_mode(20, 150, 400)
normal_scores = detector.score(DigitAnatomy(glyphs, {"normal": count}, seed=5).images())
labels, results = [0] * count + [1] * count, {}
for name, change in ours.items():
    scores = detector.score(join_tiles(altered(change, count)))
    results[name] = auc(labels, torch.cat([normal_scores, scores]))
worst = min(results, key=results.get)
figure = bars(
    results,
    title=f"The detector on anomalies of our own: AUC {results[worst]:.2f} for '{worst}'",
    x_label="AUC against normal images",
    reference=0.5,
)
show(figure, alt="Three bars: AUC of the trained detector for turned digits, spots and faint digits")

# %% [markdown]
# Good results on four anomaly types say nothing sure about a fifth. (Yours: put `lambda tile: ...` into `ours`.)
#
# ## A detector without a network (5 min)
#
# Before training anything, ask how far one gets without. Three scores that take a line each:
#
# - **mean image**: the distance to the mean of the normal training images;
# - **mean tile**: the same, but *position-blind*: every tile is compared with the mean tile of all positions;
# - **sharpness**: how small the steps between neighbouring pixels are. It learns nothing at all.
#
# **Predict.** Which anomaly types can each of the three find? Take care with *missing*: is a blurred mean nearer to a
# digit or to nothing? Who finds a missing digit?
#
# ? All three find it, because a missing digit is the largest change. :: To a blurred mean an empty tile is about as near as a digit.
# ? The two means find it, sharpness does not. :: It is the other way round: a digit less means fewer edges.
# ! Sharpness finds it, the two means hardly do. :: A digit less means fewer edges, while a blurred mean is as near to nothing as to a digit.

# %%
test, reference = data.test_digits(), data.reference()
images = test.images()
blind = join_tiles(cut_tiles(reference).mean((0, 1)).expand(9, 32, 32))  # (1, 96, 96)
naive = {
    "mean tile": (images - blind).square().mean((1, 2, 3)),
    "mean image": MeanImage().fit(reference).score(images),
    "sharpness": Sharpness().fit(reference).score(images),
}

# %%
table = {name: auc_by_kind(test.kinds, scores) for name, scores in naive.items()}
print(" " * 10, *(f"{kind:>9s}" for kind in (*ANOMALIES, "mean")))
for name, found in table.items():
    print(f"{name:10s}", *(f"{found[kind]:9.2f}" for kind in (*ANOMALIES, "mean")))

# %%
own = cut_tiles(reference)  # (N, 9, 32, 32)
empty = own.mean(0).square().mean().sqrt()
digit = (own - own.mean(0)).square().mean().sqrt()
say(
    f"*Missing* is hard for the mean: an empty tile is {empty:.2f} away from the mean tile of its position (root mean "
    f"square), a real digit {digit:.2f} on average. To a blurred mean, an empty tile looks about as normal as a digit."
)

# %%
gains = ", ".join(f"{kind} {table['mean image'][kind] - table['mean tile'][kind]:+.2f}" for kind in ANOMALIES)
say(
    f"**What we saw.** With a fixed order and pose the position explains {most:.0%} of a tile, "
    f"without them almost nothing. To know the position pays: from the mean tile to the mean image the AUC changes by "
    f"{gains}. A score that learns nothing reaches {table['sharpness']['missing']:.2f} on *missing*, because a digit "
    f"less means fewer edges. Whatever we build has to beat these three."
)

# %% [markdown]
# Labels have to be honest (flips), masks have limits (missing), and a detector knows what is rare, not what is wrong.
#
# **What this does not show.** Real anatomy varies in ways that depend on each other; here the nine digits are drawn
# independently, so that no tile says anything about its neighbour's shape. Patients are never posed as exactly as our
# tiles. We turned and moved single tiles to lose the pose; a camera moves the whole scene.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | what the position explains | 1 | `squidlib.teaching.position.variance_by_position` | `tests/teaching/test_lesson_position.py` |
# | join and cut tiles | 5.1 | `digitanatomy.compose.join_tiles` | `tests/digitanatomy/test_compose.py` |
# | disjoint glyphs | none | `digitanatomy.glyphs.Glyphs.split` | `tests/digitanatomy/test_glyphs.py` |
# | reproducible stream | none | `digitanatomy.dataset.FreshNormals` | `tests/digitanatomy/test_dataset.py` |
# | the four anomalies | 5.1 | `digitanatomy.anomalies.flipped` | `tests/digitanatomy/test_anomalies.py` |
# | masks | none | `digitanatomy.dataset.DigitAnatomy` | `tests/digitanatomy/test_dataset.py` |
# | mean image, sharpness | none | `squidlib.baselines.MeanImage` | `tests/baselines/test_naive.py` |
