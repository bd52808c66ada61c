# %% [markdown]
# # 06 · In-painting
#
# **Aims.** Say what a patch's eight neighbours can tell about it and what not, in pixels and in features; write the
# neighbourhood, the attention over it and the masked shortcut; say by which ways a patch's own content still reaches
# its reconstruction; find a digit that is wrong only among its neighbours.
#
# **Time.** 56 minutes. **Needs.** Lesson 04 (or: the memory answers with normal features of the same position). No
# GPU, no network.
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
from squidlib.detection.scores import cosine_distance
from squidlib.inpainting import binary_positions
from squidlib.patches import cut, join, neighbours
from squidlib.shortcut import masked_shortcut
from squidlib.squid import fill_memory
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import bars, by_mode, curves, image_grid, interruptible, say, show
from squidlib.teaching.studies.results import auc_by_kind, load_runs, spread
from squidlib.training.context import train_context
from squidlib.utils.plotting import COLOURS

# %% [markdown]
# ## Fill a gap from its neighbours (8 min)
#
# In-painting means: cut a hole into a picture and fill it from what stands around it. If the hole held something
# abnormal, a filling that was learned from normal images cannot know of it. Filling and hole then differ, and that is
# a score.
#
# Here the picture is a 3×3 grid and the hole is one tile. Its surroundings are the eight tiles of the 3×3 window
# around it. A tile on the border has fewer; zeros stand for what is outside. The tile itself is left out.
#
# ![Left, in pixels: a tile is cut out and painted from the other tiles in a window of three by three, which gives a blurred mean digit. Right, in features: the neighbours' recalled vectors answer the query of the patch whose own place is left out](schematics/inpainting_spaces.svg)
#
# **Exercise 1.** Each tile is a token, a vector of length D. Gather the eight tokens around every token, in reading
# order: row by row, from left to right.


# %% tags=["exercise"]
def my_neighbourhood(tokens, grid):
    """tokens (B, grid * grid, D) in reading order -> (B, grid * grid, 8, D), zeros where the grid ends.

    The eight stand in reading order, too.
    """
    # solution: begin
    on_grid = tokens.unflatten(1, (grid, grid))  # (B, grid, grid, D)
    padded = F.pad(on_grid, (0, 0, 1, 1, 1, 1))  # a border of zeros around the grid
    positions = [(row, column) for row in range(3) for column in range(3) if (row, column) != (1, 1)]
    pieces = [padded[:, row : row + grid, column : column + grid] for row, column in positions]
    return torch.stack(pieces, dim=3).flatten(1, 2)
    # solution: end


# %%
check.neighbourhood(my_neighbourhood)

# %% [markdown]
# The same question can be asked in two spaces. In **pixels** a token is the tile itself, 16×16 pixels at half
# resolution. In **features** it is what the trained detector's encoder makes of the tile, and the neighbours tell what
# their memories *recalled*, as in SQUID. Both tokens are 256 numbers long, so the comparison is fair in size.

# %%
data = Digits()
detector = squidlib.load("digitanatomy")
squid, block = detector.squid, detector.squid.inpainting


@torch.no_grad()
def tokens_of(images):
    """For each space two tensors (B, 9, 256): what is to be in-painted, and what the neighbours may tell."""
    pixels = cut(F.avg_pool2d(images, 2), 3).flatten(2)
    queries = torch.cat([squid.query(batch) for batch in images.split(64)])
    return {"pixels": (pixels, pixels), "features": (queries, block.recall(queries)[0])}


normal = DigitAnatomy(data.glyphs.test, {"normal": 20}, seed=1).images()
for space, (own, around) in tokens_of(normal).items():
    print(f"{space:8s} tokens {tuple(own.shape)}, neighbours {tuple(neighbours(around, 3).shape)}")

# %% [markdown]
# The simplest predictor: ridge regression, a linear map from the 8 · 256 numbers around a position to the 256 numbers
# of the position. Its penalty keeps it from learning the training images by heart; an infinite penalty leaves only the
# mean.


# %%
def guess(seen, target, new, penalty):
    """Learn seen (N, K) -> target (N, D) on normal training images, then predict for new (B, K): (B, D)."""
    scale = seen.std()
    model = Ridge(alpha=penalty).fit((seen / scale).numpy(), target.numpy())
    return torch.from_numpy(model.predict((new / scale).numpy())).float()


def explained(target, predicted, mean):
    """The share of the variance around ``mean`` that is explained: 1 is perfect, 0 is as good as the mean."""
    return float(1 - (target - predicted).square().sum() / (target - mean).square().sum())


# %% [markdown]
# **Predict.** The middle tile of a normal image is cut out; a linear map fills it from the eight digits around it.
# What will the filling look like?

# %% tags=["varies"]
count, middle, penalty = by_mode(60, 1000, 3000), 4, 1000.0
train = tokens_of(data.fresh.batch(0, count))
pixels, new = train["pixels"][0], tokens_of(normal)["pixels"][0]
mean_tile = pixels[:, middle].mean(0)
filling = guess(
    neighbours(pixels, 3)[:, middle].flatten(1), pixels[:, middle], neighbours(new, 3)[:, middle].flatten(1), penalty
)
share = explained(new[:, middle], filling, mean_tile)


def picture(tokens, tile):
    """Tokens (B, 9, 256) with another middle tile, as images (B, 1, 48, 48)."""
    changed = tokens.clone()
    changed[:, middle] = tile
    return join(changed.unflatten(2, (1, 16, 16)), 3)


# %% tags=["varies"]
rows = {"a gap": picture(new, 0.3), "filled": picture(new, filling), "mean tile": picture(new, mean_tile)}
figure = image_grid(
    {name: images[:5] for name, images in (rows | {"truth": picture(new, new[:, middle])}).items()},
    title=f"Explained variance of the filling: {share:.2f} (mean tile 0, truth 1)",
)
show(figure, alt="Five images with a gap in the middle, filled by ridge regression, by the mean tile, and the truth")

# %% [markdown]
# The filling is a blurred digit 5, close to the mean of all training fives. The neighbours say *that* a 5 belongs here
# (any normal image says so), but not *which* 5. An explained variance below 0 is no slip: the filling is then *worse*
# than the mean tile, because it predicts differences that the neighbours do not determine. The next section asks why.
#
# ## What do neighbours know? (6 min)
#
# Is that the fault of pixels, of the linear map, or of the data? A control decides: two data sets that differ in one
# number. `hand` says how far the nine digits of an image are by one writer. At 0, which is DigitAnatomy, each has its
# own. At 1, one slant, size, stroke, ink and warp serve all nine, and only a little is left to each. A chest X-ray is
# more like that: one patient, one pose, two lungs that resemble each other.

# %%
worlds = {"hand 0": 0.0, "hand 1": 1.0}


def compose(glyphs, count, seed, hand):
    """Normal images (count, 1, 96, 96)."""
    return FreshNormals(glyphs, seed, hand=hand).batch(0, count)


figure = image_grid({name: compose(data.glyphs.train, 5, 3, hand) for name, hand in worlds.items()})
show(figure, alt="Five normal images whose digits are by nine writers each, and five that are by one writer each")

# %% [markdown]
# **Predict.** Which share of the middle tile's variance do the neighbours explain: in pixels and in features, by nine
# hands and by one?

# %% tags=["varies"]
penalties = by_mode([1e3, 1e5], [3e2, 1e3, 3e3, 1e4, 1e5], [1e2, 3e2, 1e3, 3e3, 1e4, 3e4, 1e5])
lines = {}
with interruptible("two worlds") as progress:
    for turn in progress(4):
        space, world = ("pixels", "features")[turn % 2], list(worlds)[turn // 2]
        own, around = tokens_of(compose(data.glyphs.train, count, 1, worlds[world]))[space]
        new_own, new_around = tokens_of(compose(data.glyphs.test, by_mode(30, 300, 1000), 2, worlds[world]))[space]
        seen, new_seen = (neighbours(tokens, 3)[:, middle].flatten(1) for tokens in (around, new_around))
        target, mean = own[:, middle], own[:, middle].mean(0)
        filled = [guess(seen, target, new_seen, value) for value in penalties]
        lines[f"{space}, {world}"] = [explained(new_own[:, middle], each, mean) for each in filled]

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
# **A limit of DigitAnatomy.** Its tiles are independent by construction, so no predictor in any space can do better
# than the mean of the position: a lower curve only tells how much a model invents. Where one hand writes all, the same
# linear map finds something. So what the next sections say about the *neighbours'* worth holds for `hand` 0 alone. It
# cannot be carried over to chest X-rays. The last section comes back to `hand` 1.
#
# ## Why the centre is left out (7 min)
#
# Suppose the predictor may see the tile itself beside its eight neighbours.
#
# **Predict.** What does it answer for a normal tile? For a mirrored digit? Is it the better or the worse detector for
# that?

# %%
tiles = cut(normal, 3)  # (B, 9, 1, 32, 32)
zeros = data.glyphs.test.tiles[data.glyphs.test.indices(0)[: len(tiles)]][:, None]
middles = {
    "normal": tiles[:, 4],
    "novel": zeros,
    "disorder": tiles[:, 1],  # a 2 where the 5 belongs
    "missing": torch.zeros_like(zeros),
    "flipped": tiles[:, 4].flip(-1),
}
changed = {kind: tiles.clone() for kind in middles}
for kind, tile in middles.items():
    changed[kind][:, 4] = tile
changed = {kind: tokens_of(join(each, 3)) for kind, each in changed.items()}


def clues(own, around, centre):
    """What a predictor sees: the neighbours (B, 9, 8 * 256), and the position itself where ``centre`` is true."""
    seen = neighbours(around, 3)
    return (torch.cat([seen, own[:, :, None]], dim=2) if centre else seen).flatten(2)


# %% tags=["varies"]
back, filled = {}, {}
for space, (own, around) in train.items():
    for centre in (False, True):
        seen, mean = clues(own, around, centre)[:, middle], own[:, middle].mean(0)
        for kind, tokens in changed.items():
            target = tokens[space][0][:, middle]
            new = clues(*tokens[space], centre)[:, middle]
            filled[space, centre, kind] = guess(seen, own[:, middle], new, penalty)
            back[space, centre, kind] = explained(target, filled[space, centre, kind], mean)

# %% tags=["varies"]
rows = {
    "input": [picture(changed[kind]["pixels"][0], changed[kind]["pixels"][0][:, middle])[0] for kind in KINDS],
    "neighbours": [picture(changed[kind]["pixels"][0], filled["pixels", False, kind])[0] for kind in KINDS],
    "and centre": [picture(changed[kind]["pixels"][0], filled["pixels", True, kind])[0] for kind in KINDS],
}
abnormal = sum(back["pixels", True, kind] for kind in KINDS[1:]) / 4
figure = image_grid(rows, KINDS, title=f"With the centre, {abnormal:.0%} of an abnormal tile comes back")
show(
    figure, alt="Five kinds of middle tile; filled from the neighbours alone, and with the tile itself among the inputs"
)

# %% tags=["varies"]
for space in ("pixels", "features"):
    for centre in (False, True):
        shares = "  ".join(f"{kind} {back[space, centre, kind]:5.2f}" for kind in KINDS)
        print(f"{space:8s} {'with' if centre else 'without':7s} centre: {shares}")

# %% [markdown]
# The numbers are the share of each tile's deviation from the mean tile that comes back. Without the centre nothing
# does, and that was the aim. With it, much of the abnormal tile is copied: this is an auto-encoder again.
#
# Now as detectors, over whole images and all nine positions. The score of a position is 1 − cos(token, prediction), in
# standard deviations of held-out normal images; the worst position counts. Two further lines need no regression: the
# mean of each position, and SQUID's memory, which *does* look at the centre but answers with copies of normal features
# only.

# %% tags=["varies"]
test = DigitAnatomy(data.glyphs.test, dict.fromkeys(KINDS, by_mode(4, 80, 200)), seed=2)
images = test.images()
held_out = data.calibration()[: by_mode(16, 256, 256)]
sets = {"train": train, "held": tokens_of(held_out), "test": tokens_of(images)}


def found_by(predictions, space):
    """AUC by anomaly type of predictions for held-out normals and test images, (B, 9, 256) each."""
    held, new = (
        cosine_distance(sets[name][space][0], each) for name, each in zip(("held", "test"), predictions, strict=True)
    )
    return auc_by_kind(test.kinds, ((new - held.mean(0)) / held.std(0)).amax(1))


# %% tags=["varies"]
found = {}
for space in ("pixels", "features"):
    means = [train[space][0].mean(0).expand_as(sets[name][space][0]) for name in ("held", "test")]
    found[f"{space}: mean of the position"] = found_by(means, space)
found["features: memory"] = found_by([sets[name]["features"][1] for name in ("held", "test")], "features")
with interruptible("nine positions") as progress:
    for turn in progress(4):
        space, centre = ("pixels", "features")[turn // 2], bool(turn % 2)
        own, seen = train[space][0], {name: clues(*each[space], centre) for name, each in sets.items()}
        both = torch.cat([seen["held"], seen["test"]])
        positions = [
            guess(seen["train"][:, position], own[:, position], both[:, position], penalty) for position in range(9)
        ]
        predicted = torch.stack(positions, dim=1).split([len(held_out), len(images)])
        found[f"{space}: neighbours{' and centre' if centre else ''}"] = found_by(predicted, space)

# %% tags=["varies"]
best = {space: max(found[name]["mean"] for name in found if name.startswith(space)) for space in train}
order = sorted(found, key=lambda name: (not name.startswith("pixels"), "memory" in name, len(name)))
figure = bars(
    {name: found[name]["mean"] for name in order},
    title=f"At best: pixels {best['pixels']:.2f}, features {best['features']:.2f}",
    x_label="mean AUC over four anomaly types",
    reference=0.5,
)
show(figure, alt="Mean AUC of in-painting in features and in pixels, without and with the centre, the mean, and memory")

# %% [markdown]
# Two things to note.
#
# - **The neighbours add nothing to the mean** in either space, as the last section foretold. What makes features
#   better than pixels is the encoder, which was trained to keep what matters, and not the in-painting.
# - **The centre does not hurt these AUCs; in pixels it helps.** A *linear* map copies what it never saw less faithfully
#   than what it did see. Leaving the centre out is no free gain either: the filling is then so blurred that the
#   handwriting of a normal tile counts as an error too. A deep network copies better than a linear map (lesson 02).
#
# SQUID's way lies between the two: the centre may speak, but only through its memory.
#
# ## Ask, do not copy: the block (10 min)
#
# The block lets a patch *ask* its neighbours by attention. The query is the patch's own feature, keys and values are
# the neighbours' recalled features:
#
# $$\text{answer} = \sum_{n=1}^{8} w_n\, t_n, \qquad w = \text{softmax}\!\left(\frac{q \cdot t_n}{\sqrt{D}}\right)$$
#
# Whatever the query is, the answer is a mixture of the neighbours' tokens. The query chooses the weights, no more.
#
# **Exercise 2.** Write it, without the learned matrices that the real one puts before and after.


# %% tags=["exercise"]
def my_ask_neighbours(query, tokens):
    """query (B, D), tokens (B, 8, D) -> (B, D)."""
    # solution: begin
    similar = torch.einsum("bd,bnd->bn", query, tokens) / query.shape[-1] ** 0.5
    return torch.einsum("bn,bnd->bd", torch.softmax(similar, dim=-1), tokens)
    # solution: end


# %%
check.ask_neighbours(my_ask_neighbours)

# %% [markdown]
# The whole way through the block, step by step. Note where the centre comes in: as the query, and as *its own recalled
# feature*, to which the neighbours' answer is added.

# %%
with torch.no_grad():
    codes = squid.encode(normal)[-1]
    queries = block.query(codes)  # 1x1 conv, then each patch as one vector
    recalled, _ = block.recall(queries)
    around = neighbours(recalled, 3).flatten(0, 1)
    answer, heard = block.attention(queries.flatten(0, 1)[:, None], around, around)
    x = F.relu(block.attention_norm(answer[:, 0]) + recalled.flatten(0, 1))
    x = F.relu(block.feed_forward_norm(block.feed_forward(x)) + x)
    inpainted = block(codes).codes  # position bits beside it, 1x1 conv back
steps = {"codes": codes, "queries": queries, "recalled": recalled, "around": around, "answer": answer, "features": x}
for name, tensor in (steps | {"in-painted codes": inpainted}).items():
    print(f"{name:17s}{tuple(tensor.shape)}")
print("as the block does it:", torch.allclose(x, block.inpaint(queries, recalled).flatten(0, 1), atol=1e-4))

# %%
heard = heard.unflatten(0, (-1, 9))[:, :, 0].mean(0)  # (9, 8), over images and heads
outside = neighbours(torch.ones(1, 9, 1), 3)[0, :, :, 0] == 0
corners = [0, 2, 6, 8]
say(
    f"In a corner {int(outside[0].sum())} of 8 tokens are zeros, {5 / 8:.0%}; they get "
    f"{float((heard * outside).sum(1)[corners].mean()):.0%} of the attention. The learned biases of the attention make "
    "a zero token say something too, the same in every image: it can tell a patch that it stands at the border."
)

# %% [markdown]
# That is a weak hint of the position. The block gives a strong one: the position's number in binary, as extra
# channels before the last 1×1 convolution. One encoder and one decoder serve all patches, so the decoder has no other
# way to know where it is.
#
# **Exercise 3.** Positions in binary, the most significant bit first: 0 → 0000, 1 → 0001, 8 → 1000.


# %% tags=["exercise"]
def my_position_bits(positions, bits):
    """positions and bits are numbers, e.g. 9 and 4 -> (positions, bits), floats 0 or 1."""
    # solution: begin
    shifts = torch.arange(bits - 1, -1, -1)
    return ((torch.arange(positions)[:, None] >> shifts) & 1).float()
    # solution: end


# %%
check.position_bits(my_position_bits)

# %%
print("positions 0, 1, 5 and 8:", [binary_positions(9, 4)[position].int().tolist() for position in (0, 1, 5, 8)])

# %% [markdown]
# ## Does the block listen? (6 min)
#
# **Predict.** Take the middle patch of the shipped detector. By how much does its in-painted feature change when its
# eight neighbours are written by another hand? Blanked? Replaced by wrong digits? And when it is itself another 5?


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
    "neighbours: another hand": middle_feature(with_others(patches, other)),
    "neighbours: wrong digits": middle_feature(with_others(patches, patches.flip(1))),
    "neighbours: blank": middle_feature(with_others(patches, torch.zeros_like(patches))),
    "itself: another 5": middle_feature(with_others(patches, other, own=True)),
}
changes = {name: float((after - before).square().sum(1).mean() / fives) for name, after in moved.items()}
figure = bars(
    changes,
    title=f"Another hand around it: {changes['neighbours: another hand']:.2f}, "
    f"another 5 itself: {changes['itself: another 5']:.2f}",
    x_label="squared change, in units of two different images",
)
show(figure, alt="How far the middle patch's in-painted feature moves when neighbours or the patch itself are replaced")

# %% [markdown]
# The block's output barely depends on who wrote the neighbours, but it does react to neighbours that no normal image
# has. So an anomaly *beside* a patch may spoil the patch's own reconstruction.
#
# Now the other way round: what is lost if the block gets no information? Replace the neighbours' features by the mean
# of their position (the same in every image), or the query by its mean, and reconstruct. Nothing is trained; each
# variant is calibrated again on held-out normal images.
#
# **Predict.** Which of the two makes reconstructions worse?

# %%
with torch.no_grad():
    mean_query = squid.query(data.reference()).mean(0)  # (9, D), of normal training images
    mean_recalled = block.memory.contents().mean(1)


def deaf(asks=None, says=None):
    """``block.inpaint`` with a constant query (9, D), or constant neighbours (9, D), where given."""

    def inpaint(queries, recalled):
        own = (queries if asks is None else asks.expand_as(queries)).flatten(0, 1)[:, None]
        around = neighbours(recalled if says is None else says.expand_as(recalled), 3).flatten(0, 1)
        answer = block.attention(own, around, around, need_weights=False)[0][:, 0]
        x = F.relu(block.attention_norm(answer) + recalled.flatten(0, 1))
        return F.relu(block.feed_forward_norm(block.feed_forward(x)) + x).unflatten(0, queries.shape[:2])

    return inpaint


# %% tags=["varies"]
variants = {"as trained": deaf(), "constant neighbours": deaf(says=mean_recalled), "constant query": deaf(mean_query)}
variants["both constant"] = deaf(mean_query, mean_recalled)
wrong = torch.stack([sample.wrong for sample in test])
is_normal = torch.tensor([kind == "normal" for kind in test.kinds])
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
# The bars say something unexpected: for the reconstruction, what the neighbours *say* can be taken away at no cost,
# but what the patch *asks* cannot. The weights of the attention, eight for each of eight heads, carry details of the
# patch itself. The centre was left out of the keys and comes in by the query. It is a narrow door: the answer is still
# made of neighbours' tokens. The default score changes little, for it rests mostly on the memory.
#
# Whether a SQUID that was *trained* without neighbours is worse is lesson 08's question: `no neighbours` in its
# ablation table (`squidlib.teaching.studies.variants.WithoutNeighbours`).
#
# ## The masked shortcut (8 min)
#
# In-painted features are hard to learn from at first: the memory's answers change with every step. So in training a
# few places of each tile's code are left as they were, not in-painted:
#
# $$F' = m \cdot \text{inpaint}(F) + (1 - m) \cdot F, \qquad m \sim \text{Bernoulli}(0.95) \text{ for each position}$$
#
# At test m = 1 everywhere: the shortcut is closed.
#
# **Exercise 4.** Write it. One draw for each position of each image, shared by all channels.


# %% tags=["exercise"]
def my_masked_shortcut(inpainted, raw, probability, training):
    """Two (B, C, H, W) -> one: each position shows the in-painted feature with this probability, else the raw one."""
    # solution: begin
    if not training:
        return inpainted
    batch, _, height, width = inpainted.shape
    mask = torch.rand(batch, 1, height, width) < probability
    return torch.where(mask, inpainted, raw)
    # solution: end


# %%
check.masked_shortcut(my_masked_shortcut)

# %%
masks = {}
for probability in (0.95, 0.5):
    size, generator = block.config.code_shape[0], torch.Generator().manual_seed(0)
    ones = torch.ones(5 * 9, 1, size, size)
    mask = masked_shortcut(ones, torch.zeros_like(ones), probability, True, generator)
    masks[f"m, {probability:.0%}"] = join(mask.unflatten(0, (5, 9)), 3)
figure = image_grid(masks, title=f"Black positions show the raw feature; each tile has {size}×{size} positions")
for axis in figure.axes:
    for edge in (size, 2 * size):  # where a tile ends
        axis.axhline(edge - 0.5, color=COLOURS[1], linewidth=0.8)
        axis.axvline(edge - 0.5, color=COLOURS[1], linewidth=0.8)
show(
    figure, alt="Masks of five images, with 95 and with 50 percent of the positions in-painted; lines between the tiles"
)

# %% [markdown]
# **Predict.** What if the shortcut stayed open at test? With m = 0 everywhere the decoder sees raw codes, as an
# auto-encoder's does. What happens to the error of normal tiles, of abnormal tiles, and to the AUC of the error?


# %%
@torch.no_grad()
def tile_errors(images, probability):
    """Squared error (B, 9) of the shipped student decoder, and its pictures, with the shortcut this far closed."""
    encoded = squid.encode(images)
    generator = torch.Generator().manual_seed(0)
    mixed = masked_shortcut(block(encoded[-1]).codes, encoded[-1], probability, True, generator)
    pictures = squid.student(mixed, encoded)[0]
    return cut((pictures - images).square(), 3).flatten(2).mean(2), pictures


# %% tags=["varies"]
closed = by_mode([1.0, 0.0], [1.0, 0.95, 0.7, 0.4, 0.0], [1.0, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2, 0.1, 0.0])
lines, leak = {"normal tiles": [], "wrong tiles": []}, {}
for probability in closed:
    held, (new, _) = tile_errors(held_out, probability)[0], tile_errors(images, probability)
    lines["normal tiles"].append(float(new[is_normal].mean()))
    lines["wrong tiles"].append(float(new[wrong].mean()))
    leak[probability] = auc_by_kind(test.kinds, ((new - held.mean(0)) / held.std(0)).amax(1))["mean"]

# %% tags=["varies"]
figure = curves(
    closed,
    lines,
    title=f"AUC of the error: {leak[1.0]:.2f} with the shortcut closed, {leak[0.0]:.2f} with it open",
    x_label="share of positions that are in-painted",
    y_label="mean squared error of a tile",
)
show(figure, alt="Squared error of normal and of wrong tiles over the share of in-painted positions")

# %% tags=["varies"]
chosen = torch.stack([images[test.kinds.index(kind)] for kind in KINDS])
rows = {"input": chosen, "closed": tile_errors(chosen, 1.0)[1], "open": tile_errors(chosen, 0.0)[1]}
figure = image_grid(rows, KINDS, title="The same student decoder, fed with in-painted and with raw codes")
show(figure, alt="Inputs of five kinds and their reconstructions with the shortcut closed and open")

# %% [markdown]
# ## Who wrote this tile? (11 min)
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
# The block learns to *reconstruct*, and for that it need not listen. So ask directly, and close every way for the
# patch's own content: **from the other eight patches predict a key that picks the patch's own feature out of those that
# other normal images show at this position.** The loss is a cross-entropy over "which of them is it?", called InfoNCE;
# the others are the memory's slots. A patch scores high where the memory's patches fit better between these neighbours
# than the one that is there (`squidlib.context`).
#
# The encoder stays the shipped detector's, which never saw images by one hand. What is learned is small.
#
# **Predict.** SQUID's default score, with a memory of such images and calibrated on such images, against the new score:
# which AUC has each on strangers? And on the four anomalies you know?

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
figure = bars(
    {
        f"{way}: {kind}": aucs[kind]
        for way, aucs in (("SQUID", plain), ("neighbours", asked))
        for kind in ("stranger", "mean")
    },
    title=f"Strangers: SQUID {plain['stranger']:.2f}, asking the neighbours {asked['stranger']:.2f}",
    x_label="AUC (mean: of the four known anomalies; dotted: chance)",
    reference=0.5,
)
show(figure, alt="AUC of SQUID's default score and of the neighbours' on strangers and on the four known anomalies")

# %% [markdown]
# Each finds what the other one cannot. The memory knows what a 5 looks like and not whose 5 it is; the neighbours know
# the hand and not the digit. `squid train digitanatomy --hand 1` learns both, and reports the higher of the two
# (`either`), each in standard deviations of normal images.
#
# Is it the architecture that finds the stranger, or the loss? A stored study scores strangers in seven ways, each
# with three seeds on images by one hand. The first two are SQUID with and without its neighbours; in all others the
# patch itself is hidden. The answers of the last bar and of the masked in-painting are chosen from the memory's slots.
#
# **Predict.** Masked auto-encoders (MAE) hide some patches, and a transformer over the others says what stood there.
# With SQUID's features and memory, its AUC on strangers will be (a) near 0.9, because it was trained to in-paint;
# (b) about 0.65, like a linear map; (c) hardly above chance.

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
)
show(figure, alt="AUC of strangers for seven ways to ask the neighbours, with standard deviations over three seeds")

# %% [markdown]
# (c). In SQUID's features most of what varies is the digit's own sample, which the other tiles do not know. A model that
# predicts *which feature was here* is rewarded for that sample, and its answer ends near the mean. InfoNCE asks what
# tells this patch from those of other images, and there the hand is all that helps. In raw pixels the hand is a larger
# part of what varies, so that even a linear map finds many strangers. So **features and loss decide together**, and not
# the architecture of the block.
#
# In-painting pays **if the parts of an image say something about each other, and if the training asks for it**. The
# first is a fact about data, the second one about losses.
#
# **What we saw.** A gap that is filled from its neighbours becomes an average, in pixels as in features, for
# DigitAnatomy's tiles know nothing of each other; where one hand writes all, the same predictor finds something, and a
# loss that asks for nothing else finds strangers. With
# the centre among the inputs the anomaly is copied. The shipped block uses the query more than what the neighbours
# say. With the shortcut open at test, wrong tiles come back about as well as normal ones, and the error hardly tells
# them apart any more.
#
# **What this does not show.** That neighbours help on chest X-rays: in the kit's study (docs/experiments.md, "Images by
# one hand") the same score finds pneumonia less well than the memory does. That no other loss would do as well as
# InfoNCE: seven ways were tried. Whether the masked shortcut helps *training*: that needs trainings with and without it
# (lesson 08's table). And the raw codes went through a decoder that saw a few of them in training; a decoder that was
# trained on them alone would copy better still.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | eight neighbours, no centre, zero padding | 3.2 | `squidlib.patches.neighbours` | `tests/pieces/test_patches.py` |
# | in-painting block | 3.3, figure 3 | `squidlib.inpainting.InpaintingBlock` | `tests/pieces/test_network.py` |
# | position in binary | authors' code | `squidlib.inpainting.binary_positions` | `tests/pieces/test_network.py` |
# | masked in-painting | ours, after MAE | `squidlib.teaching.studies.masked_inpainting` | `tests/teaching/test_neighbours_study.py` |
# | what belongs together | ours | `squidlib.context.ContextPrediction` | `tests/pieces/test_context.py` |
# | masked shortcut | 3.4, eq. 2 | `squidlib.shortcut.masked_shortcut` | `tests/pieces/test_shortcut.py` |
