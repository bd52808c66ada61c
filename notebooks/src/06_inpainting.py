# %% [markdown]
# # 06 · In-painting
#
# **Aims.** Fill a gap from its neighbours, in pixels and in features, and say why the patch itself is left out; write
# the neighbourhood, the attention over it, the position in binary and the masked shortcut; say by which ways a patch's
# own content still reaches its reconstruction.
#
# **Time.** 33 minutes. **Needs.** Lesson 04 (or: the memory answers with normal features of the same position). No
# GPU, no network. Lesson 07 asks when neighbours help.
#
# ![Where this lesson is in SQUID's data flow: the in-painting block and the masked shortcut, the rest pale](schematics/here_inpainting.svg)

# %%
import torch
import torch.nn.functional as F
from sklearn.linear_model import Ridge

import squidlib
from digitanatomy import KINDS, DigitAnatomy
from squidlib.data.digits import Digits
from squidlib.detection.scores import cosine_distance
from squidlib.inpainting import binary_positions
from squidlib.patches import cut, join, neighbours
from squidlib.shortcut import masked_shortcut
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import bars, by_mode, curves, image_grid, interruptible, say, show
from squidlib.teaching.studies.results import auc_by_kind
from squidlib.utils.plotting import COLOURS

# %% [markdown]
# ## Fill a gap from its neighbours (8 min)
#
# In-painting means: cut a hole into a picture and fill it from what is around it. If the hole held something
# abnormal, a filling that was learned from normal images cannot know of it. Filling and hole then differ, and that is
# a score.
#
# Here the picture is a 3×3 grid and the hole is one tile. Its surroundings are the eight tiles of the 3×3 window
# around it. A tile on the border has fewer; zeros stand for what is outside. The tile itself is left out.
#
# ![Left, in pixels: a tile is cut out and painted from the other tiles in a window of three by three, which gives a blurred mean digit. Right, in features: the neighbours' recalled vectors answer the query of the patch whose own place is left out](schematics/inpainting_spaces.svg)
#
# ![A window of three by three cells slides over the grid, whose border is filled with zeros; beside it its nine positions as key frames: a patch in a corner has three neighbours, at an edge five, in the middle eight](schematics/window_slides.svg)
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
#
# ? Like the 5 that was cut out. :: Nothing in the other eight digits says which 5 it was.
# ? Like another 5, sharp but by another hand. :: A regression answers with the mean of what is possible, and the mean of many fives is blurred.
# ! Like a blurred 5. :: Neighbours say that a 5 belongs there, and not which.

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
# than the mean tile, because it predicts differences that the neighbours do not determine. DigitAnatomy's tiles are
# drawn independently of each other, so no predictor can do better than the mean of the position. Lesson 07 changes the
# data.
#
# ## Why the centre is left out (7 min)
#
# Suppose the predictor may see the tile itself beside its eight neighbours.
#
# **Predict.** What does it answer for a normal tile? For a mirrored digit? Does that make
# it a better or a worse detector?
#
# ? The mean 5 both times; it is the better detector. :: It sees the tile, and a regression takes the best clue that there is.
# ! Nearly the tile itself, also where it is mirrored; by what comes back it is an auto-encoder. :: A clue that is the answer is used. Whether that makes the worse detector is measured below, and depends on the space.
# ? The tile itself both times, so it cannot detect anything. :: Not wholly: a ridge regression copies less well what it never saw.

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
# standard deviations of held-out normal images; the worst position counts. Two further predictions need no regression:
# the mean of each position, and a memory, which *does* look at the centre but answers with copies of normal tokens only
# (in features SQUID's own; in pixels the most similar training tile).

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


def most_similar(tokens, stored):
    """For each token (B, 9, D) the most similar one of (N, 9, D) at its position."""
    alike = torch.einsum("brd,nrd->rbn", F.normalize(tokens, dim=-1), F.normalize(stored, dim=-1)).argmax(-1)
    return torch.stack([stored[chosen, position] for position, chosen in enumerate(alike)], dim=1)


# %% tags=["varies"]
found = {}
for space in ("pixels", "features"):
    means = [train[space][0].mean(0).expand_as(sets[name][space][0]) for name in ("held", "test")]
    found[f"{space}: mean of the position"] = found_by(means, space)
answers = [most_similar(sets[name]["pixels"][0], train["pixels"][0]) for name in ("held", "test")]
found["pixels: memory"] = found_by(answers, "pixels")
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
    x_label="mean AUC (blue: SQUID's memory; dotted: chance)",
    reference=0.5,
    subject=["features: memory"],
)
show(figure, alt="Mean AUC of in-painting in features and in pixels, without and with the centre, the mean, and memory")

# %% tags=["varies"]
by_memory = {
    space: found[f"{space}: memory"]["mean"] - found[f"{space}: mean of the position"]["mean"] for space in best
}
say(
    f"Memory instead of the mean of the position: **{by_memory['pixels']:+.2f}** in pixels, "
    f"**{by_memory['features']:+.2f}** in features. Features instead of pixels: "
    f"{found['features: memory']['mean'] - found['pixels: memory']['mean']:+.2f} with a memory, "
    f"{found['features: mean of the position']['mean'] - found['pixels: mean of the position']['mean']:+.2f} with the "
    "mean."
)

# %% [markdown]
# Three things to note.
#
# - **The neighbours add nothing to the mean** in either space, because the tiles are independent.
# - **A memory is worth much in pixels and little in features**, where the mean of the position is nearly enough. So most
#   of the best bar is the encoder's, which was trained together with a memory, and none of it is the in-painting's.
# - **The centre does not hurt these AUCs; in pixels it helps.** A *linear* map copies what it never saw mostly less
#   faithfully than what it did see (the table has exceptions). Leaving the centre out is no free gain either: the filling is then so blurred that the
#   handwriting of a normal tile counts as an error too. A deep network copies better than a linear map (lesson 02).
#
# SQUID's way lies between the two: the centre contributes, but only through its memory.
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
# direct way to know where it is.
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
# ## The masked shortcut (8 min)
#
# In-painted features are hard to learn from at first: the memory's answers change with every step. So in training a
# few of the positions inside each tile's code are left as they were, not in-painted:
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
#
# ? Nothing: the decoder is the same. :: It gets other codes.
# ! Abnormal tiles come back better, normal ones worse: the AUC falls. :: The anomaly passes, and this decoder was trained on in-painted codes.
# ? Both come back better: the AUC stays. :: This decoder saw only a few raw codes in training.


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
wrong = torch.stack([sample.wrong for sample in test])
is_normal = torch.tensor([kind == "normal" for kind in test.kinds])
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
# **What we saw.** A gap that is filled from its neighbours becomes an average, in pixels as in features, because
# DigitAnatomy's tiles are independent. With the centre among the inputs the anomaly is copied. The block leaves the
# centre out of what it mixes, but the centre still chooses the weights, and its own recalled feature is added. With the
# shortcut open at test, wrong tiles come back about as well as normal ones, and the error hardly tells them apart.
#
# **What this does not show.** That neighbours are worth nothing: here they *cannot* know anything (lesson 07 gives them
# something to know). Whether the masked shortcut helps *training*: that needs trainings with and without it (lesson
# 10's table). And the raw codes went through a decoder that saw a few of them in training; a decoder that was trained
# on them alone would copy better still.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | eight neighbours, no centre, zero padding | 3.2 | `squidlib.patches.neighbours` | `tests/pieces/test_patches.py` |
# | in-painting block | 3.3, figure 3 | `squidlib.inpainting.InpaintingBlock` | `tests/pieces/test_network.py` |
# | position in binary | authors' code | `squidlib.inpainting.binary_positions` | `tests/pieces/test_network.py` |
# | masked shortcut | 3.4, eq. 2 | `squidlib.shortcut.masked_shortcut` | `tests/pieces/test_shortcut.py` |
