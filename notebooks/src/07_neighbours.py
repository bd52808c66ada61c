# %% [markdown]
# # 07 · When do neighbours help?
#
# **Aims.** Measure how much the neighbours of a patch know about it; test whether a predictor looks at the patch itself;
# write a loss that can only be lowered by asking the neighbours, and a score from it; find a digit that is wrong only
# among its neighbours.
#
# **Time.** 36 minutes. **Needs.** Lesson 06 (or: SQUID's in-painting block mixes what the eight neighbours of a patch
# recalled, and the patch itself chooses the weights). No GPU, no network.
#
# ![Where this lesson is in SQUID's data flow: the in-painting block and the masked shortcut, the rest pale](schematics/here_inpainting.svg)

# %%
import torch
import torch.nn.functional as F
from sklearn.linear_model import Ridge

import squidlib
from digitanatomy import KINDS, DigitAnatomy, FreshNormals
from squidlib.context import context_score
from squidlib.data.digits import Digits
from squidlib.detection.calibration import calibrate, image_scores
from squidlib.detection.detector import Detector
from squidlib.patches import cut, join, neighbours
from squidlib.squid import fill_memory
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import bars, by_mode, curves, image_grid, interruptible, say, show
from squidlib.teaching.lesson.leak import leak
from squidlib.teaching.studies.results import auc_by_kind, load_runs, spread
from squidlib.training.context import train_context

# %% [markdown]
# ## What do neighbours know? (7 min)
#
# Lesson 06 filled a gap from its eight neighbours and got a blurred average. Is that the fault of pixels, of the linear
# map, or of the data? A control decides: two data sets that differ in one number. `hand` says how far the nine digits
# of an image are by one writer. At 0, which is DigitAnatomy, each has its own. At 1, one slant, size, stroke, ink and
# warp serve all nine, and only a little is left to each. A chest X-ray is more like that: one patient, one pose, two
# lungs that resemble each other.

# %%
data = Digits()
worlds = {"hand 0": 0.0, "hand 1": 1.0}


def compose(glyphs, count, seed, hand):
    """Normal images (count, 1, 96, 96)."""
    return FreshNormals(glyphs, seed, hand=hand).batch(0, count)


figure = image_grid({name: compose(data.glyphs.train, 5, 3, hand) for name, hand in worlds.items()})
show(figure, alt="Five normal images whose digits are by nine writers each, and five that are by one writer each")

# %% [markdown]
# As in lesson 06: a ridge regression predicts the middle tile from its eight neighbours, once in **pixels** (the tile at
# half resolution) and once in **features** (what the trained encoder makes of it; the neighbours tell what they
# recalled). The share of the variance around the mean tile that it explains is 0 if the neighbours know nothing.

# %%
detector = squidlib.load("digitanatomy")
squid, block, middle = detector.squid, detector.squid.inpainting, 4


@torch.no_grad()
def tokens_of(images):
    """For each space two tensors (B, 9, 256): what is to be predicted, and what the neighbours may tell."""
    pixels = cut(F.avg_pool2d(images, 2), 3).flatten(2)
    queries = torch.cat([squid.query(batch) for batch in images.split(64)])
    return {"pixels": (pixels, pixels), "features": (queries, block.recall(queries)[0])}


def explained(train, new, penalty):
    """Ridge regression from (seen, target) of training images to those of new ones: share of the variance explained."""
    (seen, target), (new_seen, new_target) = train, new
    scale = seen.std()
    model = Ridge(alpha=penalty).fit((seen / scale).numpy(), target.numpy())
    left = new_target - torch.from_numpy(model.predict((new_seen / scale).numpy()))
    return float(1 - left.square().sum() / (new_target - target.mean(0)).square().sum())


# %% [markdown]
# **Predict.** Which share of the middle tile's variance do the neighbours explain by nine hands, and by one?
#
# ? Nothing, and nothing. :: One hand gives all nine digits its slant, size and stroke; that is something to know.
# ! Nothing, and a part. :: Independent tiles tell nothing; one hand tells its style, and not the digit's own shape.
# ? A part, and nearly all. :: By nine hands the tiles are drawn independently of each other.

# %% tags=["varies"]
count = by_mode(60, 1000, 3000)
penalties = by_mode([1e3, 1e5], [3e2, 1e3, 3e3, 1e4, 1e5], [1e2, 3e2, 1e3, 3e3, 1e4, 3e4, 1e5])
lines = {}
with interruptible("two worlds") as progress:
    for turn in progress(4):
        space, world = ("pixels", "features")[turn % 2], list(worlds)[turn // 2]
        given = []
        for glyphs, number, seed in ((data.glyphs.train, count, 1), (data.glyphs.test, by_mode(30, 300, 1000), 2)):
            own, around = tokens_of(compose(glyphs, number, seed, worlds[world]))[space]
            given.append((neighbours(around, 3)[:, middle].flatten(1), own[:, middle]))
        lines[f"{space}, {world}"] = [explained(*given, value) for value in penalties]

# %% tags=["varies"]
best = {}
for name, shares in lines.items():
    world = name.split(", ")[1]
    best[world] = max(round(max(shares), 2) + 0.0, best.get(world, -1))  # + 0.0 makes 0 of -0
figure = curves(
    penalties,
    lines,
    title="Explained at best: " + ", ".join(f"{share:.2f} in {world}" for world, share in best.items()),
    x_label="penalty of the ridge regression",
    y_label="explained variance",
    log_x=True,
)
show(figure, alt="Explained variance of the middle tile over the penalty: two spaces, two worlds")

# %% [markdown]
# **A limit of DigitAnatomy.** Its tiles are independent by construction, so no predictor in any space can do
# better than the mean of the position: a lower curve only tells how much a model invents. If one hand writes all nine,
# the same linear map finds something. So "neighbours do not help", measured at `hand` 0, is a statement about that
# data. It cannot be carried over to chest X-rays.
#
# ## Does the block use its neighbours? (11 min)
#
# The block leaves the patch itself out of what it mixes. Does its answer still depend on it? There is a test that works
# for every predictor: exchange *only* the patch's own token for another image's, and see whether the prediction for
# that patch moves.
#
# **Exercise 1.** Write the test. For image b the other image is the one before it in the batch (`roll` by 1).


# %% tags=["exercise"]
def my_leak(predict, tokens, position):
    """predict: tokens (B, R, D) -> predictions (B, R, D). How far the prediction at this position moves: a number >= 0.

    The squared change, summed over D, mean over images, when only the own token of this position is exchanged.
    """
    # solution: begin
    changed = tokens.clone()
    changed[:, position] = tokens[:, position].roll(1, dims=0)
    apart = predict(changed)[:, position] - predict(tokens)[:, position]
    return float(apart.square().sum(-1).mean())
    # solution: end


# %%
check.leak(my_leak)


# %% tags=["varies"]
@torch.no_grad()
def depends_on_itself(predict, tokens):
    """``leak`` at the middle, as a share of the squared change if the whole image is exchanged."""
    predicted = predict(tokens)[:, middle]
    whole = (predicted - predicted.roll(1, dims=0)).square().sum(-1).mean()
    return leak(predict, tokens, middle) / float(whole)


normal = DigitAnatomy(data.glyphs.test, {"normal": by_mode(10, 100, 500)}, seed=5).images()
own_part = depends_on_itself(lambda tokens: block.inpaint(tokens, block.recall(tokens)[0]), squid.query(normal))
say(
    f"Exchanging the patch alone moves the block's answer **{own_part:.0%}** as far (squared) as exchanging the whole image."
)

# %% [markdown]
# Now the other direction.
#
# **Predict.** Take the middle patch of the shipped detector. By how much does its in-painted feature change if its
# eight neighbours are replaced by other samples of the same digits? Blanked? Replaced by wrong digits? And when it is itself another 5?
#
# ? All four change it alike: the block mixes all nine. :: The patch's own recalled feature is added to what the neighbours answer, and it weighs most.
# ! Other samples hardly, wrong or blank ones somewhat, another 5 wholly. :: The block notices neighbours that it never saw, and not which normal ones they are.
# ? Only blank ones do: everything else is a digit. :: Look at the last bar: the patch's own feature decides.


# %%
@torch.no_grad()
def middle_feature(patches):
    """Patches (B, 9, 1, 32, 32) -> the in-painted feature of the middle one (B, D)."""
    queries = squid.query(join(patches, 3))
    return block.inpaint(queries, block.recall(queries)[0])[:, middle]


def with_others(patches, others, own=False):
    """The neighbours from ``others``; or only the middle one, where ``own`` is true."""
    at_middle = torch.arange(9) == middle
    return torch.where((at_middle if own else ~at_middle)[:, None, None, None], others, patches)


# %% tags=["varies"]
patches = cut(DigitAnatomy(data.glyphs.test, {"normal": by_mode(10, 200, 500)}, seed=5).images(), 3)
before, other = middle_feature(patches), patches.roll(1, dims=0)
fives = 2 * (before - before.mean(0)).square().sum(1).mean()  # two different fives differ by this, on average
moved = {
    "neighbours: other samples": middle_feature(with_others(patches, other)),
    "neighbours: wrong digits": middle_feature(with_others(patches, patches.flip(1))),
    "neighbours: blank": middle_feature(with_others(patches, torch.zeros_like(patches))),
    "itself: another 5": middle_feature(with_others(patches, other, own=True)),
}
changes = {name: float((after - before).square().sum(1).mean() / fives) for name, after in moved.items()}
figure = bars(
    changes,
    title=f"Other samples around it: {changes['neighbours: other samples']:.2f}, "
    f"another 5 itself: {changes['itself: another 5']:.2f}",
    x_label="squared change, in units of two different images",
)
show(figure, alt="How far the middle patch's in-painted feature moves when neighbours or the patch itself are replaced")

# %% [markdown]
# The block's output barely depends on which samples are around it, but it does react to neighbours that no normal image
# has. So an anomaly *beside* a patch may spoil the patch's own reconstruction.
#
# Now the other way round: what is lost if the block gets no information? Replace the neighbours' features by the mean
# of their position (the same in every image), or the query by its mean, and reconstruct. Nothing is trained; each
# variant is calibrated again on held-out normal images.
#
# **Predict.** Which of the two makes reconstructions worse?
#
# ? Constant neighbours: in-painting is asked to use them. :: Independent digits tell nothing about this one, and training found that out.
# ! A constant query. :: What the memory recalls is chosen by the query, and the reconstruction is made of that.
# ? Both alike, for the block needs both. :: It can do without the neighbours, as the bars show.

# %%
with torch.no_grad():
    mean_query = squid.query(data.reference()).mean(0)  # (9, D), of normal training images
    mean_recalled = block.memory.contents().mean(1)


def ask_with(asks=None, says=None):
    """``block.inpaint`` with a constant query (9, D), or constant neighbours (9, D), where given."""

    def inpaint(queries, recalled):
        own = (queries if asks is None else asks.expand_as(queries)).flatten(0, 1)[:, None]
        around = neighbours(recalled if says is None else says.expand_as(recalled), 3).flatten(0, 1)
        answer = block.attention(own, around, around, need_weights=False)[0][:, 0]
        x = F.relu(block.attention_norm(answer) + recalled.flatten(0, 1))
        return F.relu(block.feed_forward_norm(block.feed_forward(x)) + x).unflatten(0, queries.shape[:2])

    return inpaint


# %% tags=["varies"]
held_out = data.calibration()[: by_mode(16, 256, 256)]
test = DigitAnatomy(data.glyphs.test, dict.fromkeys(KINDS, by_mode(4, 80, 200)), seed=2)
images, is_normal = test.images(), torch.tensor([kind == "normal" for kind in test.kinds])
variants = {
    "as trained": ask_with(),
    "constant neighbours": ask_with(says=mean_recalled),
    "constant query": ask_with(mean_query),
}
variants["both constant"] = ask_with(mean_query, mean_recalled)
errors, aucs = {}, {}
for name, inpaint in variants.items():
    block.inpaint = inpaint
    calibration = calibrate(squid, detector.discriminator, held_out)
    raw = detector.raw_scores(images)
    errors[name] = float(raw.error[is_normal].mean())
    aucs[name] = {
        score: auc_by_kind(test.kinds, value)["mean"] for score, value in image_scores(raw, calibration).items()
    }
del block.inpaint  # the class's own again

# %% tags=["varies"]
relative = {name: error / errors["as trained"] for name, error in errors.items()}
figure = bars(
    relative,
    title=f"Constant neighbours: × {relative['constant neighbours']:.2f}, "
    f"constant query: × {relative['constant query']:.2f}",
    x_label="squared error of normal tiles, as trained = 1",
)
show(figure, alt="Squared error of normal tiles when neighbours, query or both are the same in every image")

# %% tags=["varies"]
for name, each in aucs.items():
    print(f"{name:20s} AUC: default score {each['combined']:.3f}, error alone {each['error']:.3f}")

# %% [markdown]
# The bars say something unexpected: for the reconstruction, what the neighbours contribute can be taken away at no cost,
# but the patch's own query cannot. The weights of the attention, eight for each of eight heads, carry details of the
# patch itself. The centre was left out of the keys and comes in by the query. That is a narrow path: the answer is
# still made of neighbours' tokens. The default score changes little, because it rests mostly on the memory.
#
# Whether a SQUID that was *trained* without neighbours is worse is lesson 10's question: `no neighbours` in its
# ablation table (`squidlib.teaching.studies.variants.WithoutNeighbours`).
#
# ## A question that only neighbours can answer (10 min)
#
# Back to images by one hand. In a **stranger** one digit is written by somebody else: normal by itself, wrong among its
# neighbours. No look at single tiles can find it, whatever the memory holds. Only the neighbours can tell.

# %%
strangers = DigitAnatomy(data.glyphs.test, {"normal": 4, "stranger": 4}, seed=8, hand=1.0)
odd = [int(strangers[number].wrong.int().argmax()) + 1 for number in range(4, 8)]
figure = image_grid(
    {"normal": strangers.images()[:4], "stranger": strangers.images()[4:]},
    title=f"The strangers' digits: {', '.join(map(str, odd))}",
)
show(figure, alt="Four images by one hand each, and four in which one digit is by another hand")

# %% [markdown]
# The block learns to *reconstruct*, and for that it need not use its neighbours. So ask directly, and close every way for
# the patch's own content: **from the other eight patches predict a key that picks the patch's own feature out of those
# that other normal images show at this position.** Every feature is turned into a *key* by a small network; a second
# one predicts a patch's key from the other patches. The fit of a prediction and a key is their cosine, times a factor.
# The loss is a cross-entropy over "which image's key is it?", called InfoNCE.
#
# **Exercise 2.** Write the loss for one position. Prediction b has to pick key b among all keys of the batch.


# %% tags=["exercise"]
def my_info_nce(predicted, keys, scale):
    """predicted (B, E), keys (B, E), a number -> the loss, a scalar tensor."""
    # solution: begin
    fits = scale * F.normalize(predicted, dim=-1) @ F.normalize(keys, dim=-1).T  # (B, B): prediction by key
    return F.cross_entropy(fits, torch.arange(len(fits)))
    # solution: end


# %%
check.info_nce(my_info_nce)

# %% [markdown]
# At test, the alternatives are the memory's slots. A patch scores high if the slots fit better between these neighbours
# than the patch that is there:
#
# $$\text{misfit} = \log\Big(\frac{1}{S} \sum_{s=1}^{S} e^{\text{fit}(s)}\Big) - \text{fit}(\text{own})$$
#
# **Exercise 3.** Write it. Exponentials of large fits overflow: `torch.logsumexp` does not.


# %% tags=["exercise"]
def my_misfit(predicted, keys, slots, scale):
    """predicted (B, E), keys of the patches themselves (B, E), keys of slots (S, E), a number -> (B,)."""
    # solution: begin
    predicted, keys, slots = (F.normalize(each, dim=-1) for each in (predicted, keys, slots))
    count = torch.tensor(float(len(slots)))
    usual = torch.logsumexp(scale * predicted @ slots.T, dim=-1) - count.log()
    return usual - scale * (predicted * keys).sum(-1)
    # solution: end


# %%
check.misfit(my_misfit)

# %% [markdown]
# ## Who wrote this tile? (8 min)
#
# `squidlib.context` does this for all nine positions; we call it context prediction. The encoder stays the shipped detector's, which never saw images
# by one hand. What is learned is small.
#
# **Predict.** SQUID's default score, with a memory of such images and calibrated on such images, against the new score:
# which AUC has each on strangers? And on the four anomalies you know?
#
# ? The default score finds both; the new one finds both better. :: The default score compares each patch with its own memory, in which every hand occurs.
# ! The default score finds the four known, the new one strangers; neither finds both. :: One asks whether a 5 is a 5, the other whether these nine go together.
# ? Neither finds strangers: the encoder never saw images by one hand. :: Slant and stroke are in its features all the same.

# %% tags=["varies"]
by_one = Digits(hand=1.0)
squid = squidlib.load("digitanatomy").squid  # its memory will hold images by one hand
squid.inpainting.memory.resize(len(by_one.reference()))
fill_memory(squid, by_one.reference())
counts = dict.fromkeys(("normal", *KINDS[1:], "stranger"), by_mode(4, 100, 200))
hands = DigitAnatomy(data.glyphs.test, counts, seed=4, hand=1.0)
calm, faces = by_one.calibration()[: by_mode(16, 256, 256)], hands.images()
known = Detector(squid, detector.discriminator, calibrate(squid, detector.discriminator, calm), {})
with interruptible("what belongs together") as progress:
    for _ in progress(1):
        model = train_context(squid, by_one, steps=by_mode(3, 300, 2000), images=by_mode(64, 1600, 6400))
slots = squid.inpainting.memory.contents()


@torch.no_grad()
def fits_badly(images):
    """How much better the memory's patches fit between the others than the patch that is there: (B, 9)."""
    return torch.cat([context_score(model, squid.query(batch), slots) for batch in images.split(64)])


usual = fits_badly(calm)
asked = auc_by_kind(hands.kinds, ((fits_badly(faces) - usual.mean(0)) / usual.std(0)).amax(1))
plain = auc_by_kind(hands.kinds, known.score(faces))

# %% tags=["varies"]
own_part = depends_on_itself(lambda tokens: model(tokens).predicted, squid.query(calm[:64]))
say(
    f"Exchanging the patch alone moves its predicted key **{own_part:.0%}** as far (squared) as exchanging the whole image."
)

# %% tags=["varies"]
figure = bars(
    {
        f"{way}: {kind}": aucs[kind]
        for way, aucs in (("SQUID", plain), ("neighbours", asked))
        for kind in ("stranger", "mean")
    },
    title=f"Strangers: SQUID {plain['stranger']:.2f}, asking the neighbours {asked['stranger']:.2f}",
    x_label="AUC (mean: of the four known anomalies; dotted: chance)",
    reference=0.5,
    subject=["neighbours: stranger", "neighbours: mean"],
)
show(figure, alt="AUC of SQUID's default score and of the neighbours' on strangers and on the four known anomalies")

# %% [markdown]
# The memory does not find strangers at all, and the neighbours find the four known anomalies less well. The memory knows
# what a 5 looks like and not whose 5 it is; the neighbours know the hand, and little of the digit. `squid train digitanatomy --hand 1` learns both, and reports the higher of the two
# (`either`), each in standard deviations of normal images.
#
# Is it the architecture that finds the stranger, or the loss? A stored study scores strangers in seven ways, each with
# three seeds on images by one hand, after a third of the preset's training steps. The first two are SQUID with and
# without its neighbours; in all others the patch itself is hidden. The answers of the last bar and of the masked
# in-painting are chosen from the memory's slots.
#
# **Predict.** Masked auto-encoders (MAE) hide some patches, and a transformer over the others says what stood there.
# With SQUID's features and memory, what will its AUC on strangers be?
#
# ? Near 0.9, because it was trained to in-paint. :: It is rewarded for the digit's own shape, which the others do not know.
# ? About 0.65, like a linear map. :: It has less; why less than a linear map, was not measured.
# ! Hardly above chance. :: A model that predicts which feature was here is rewarded for the digit's own shape.

# %%
asked_so = load_runs("neighbours")
ways = {
    "SQUID, the paper's block": "SQUID, combined",
    "SQUID without neighbours": "no neighbours, combined",
    "copy the most similar image": "copy from like images",
    "in-paint masked patches": "masked in-painting",
    "ridge regression": "ridge from the others",
    "ridge regression on pixels": "ridge on pixels",
    "InfoNCE (context)": "context prediction",
}
seen = {name: spread(asked_so, "1", way, "stranger") for name, way in ways.items()}
figure = bars(
    {name: row.mean for name, row in seen.items()},
    title=f"In-painting masked patches: {seen['in-paint masked patches'].mean:.2f}; telling patches apart: "
    f"{seen['InfoNCE (context)'].mean:.2f}",
    x_label="AUC of strangers, images by one hand (dotted: chance)",
    deviations={name: row.deviation for name, row in seen.items()},
    reference=0.5,
    subject=["InfoNCE (context)"],
)
show(figure, alt="AUC of strangers for seven ways to ask the neighbours, with standard deviations over three seeds")

# %% [markdown]
# In SQUID's features most of what varies is the digit's own sample, which the other tiles do not know. A model that
# predicts *which feature was here* is rewarded for that sample, and its answer ends near the mean. InfoNCE asks what
# tells this patch from those of other images, and there the hand is all that helps. In raw pixels the hand is a larger
# part of what varies, so that even a linear map finds many strangers. So **features and loss decide together**.
# (Whether the paper's block could do it with that loss was not tried.)
#
# In-painting pays **if the parts of an image say something about each other, and if the training asks for it**. The
# first is a fact about data, the second one about losses.
#
# **What we saw.** Neighbours can only tell what the data lets them know: nothing where nine hands write, something where
# one does. SQUID's block uses its query more than what the neighbours contribute. A loss that asks for nothing else
# finds strangers, which neither the memory nor any of the paper's pieces does.
#
# **What this does not show.** That neighbours help on chest X-rays: in the kit's
# [study of images by one hand](../docs/experiments.md) the same score finds pneumonia less well than the memory does. That no
# other loss would do as well as InfoNCE: seven ways were tried.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | images by one hand, strangers | ours | `digitanatomy.FreshNormals` | `tests/data/test_digits_hand.py` |
# | the block's answer | 3.3, figure 3 | `squidlib.inpainting.InpaintingBlock` | `tests/pieces/test_network.py` |
# | masked in-painting | ours, after MAE | `squidlib.teaching.studies.masked_inpainting` | `tests/teaching/test_neighbours_study.py` |
# | what belongs together | ours | `squidlib.context.ContextPrediction` | `tests/pieces/test_context.py` |
