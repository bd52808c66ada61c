# %% [markdown]
# # 03 · The memory matrix
#
# **Aims.** Read a memory: similarity, softmax, shrinkage, weighted sum. Train MemAE with one memory for the whole image
# and with one for each position, and say what each can and cannot reconstruct.
#
# **Time.** 40 minutes. **Needs.** Lesson 02. No GPU, no network.
#
# ![Where this lesson is in SQUID's data flow: the memory queue, the rest pale](schematics/here_memory.svg)

# %%
import torch
import torch.nn.functional as F

from digitanatomy import KINDS, DigitAnatomy, Jitter
from squidlib.baselines import MemAE
from squidlib.baselines.memae import entropy
from squidlib.data.digits import Digits
from squidlib.detection.scores import cosine_distance
from squidlib.memory import cosine_similarity, read_memory
from squidlib.patches import cut
from squidlib.shrinkage import hard_shrink
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import bars, by_mode, image_grid, interruptible, say, show
from squidlib.teaching.studies.results import auc_by_kind
from squidlib.training.presets import PRESETS

# %% [markdown]
# ## A memory that answers (10 min)
#
# The auto-encoder of lesson 02 reconstructs anything made of strokes. MemAE (Gong et al. 2019) puts a **memory**
# between encoder and decoder: the code is only a *question*. The answer is a mixture of S learned prototypes, the
# slots of a memory matrix, and the decoder sees nothing but the answer.
#
# 1. how similar is the code to each slot? (cosine);
# 2. softmax: S weights that sum to 1;
# 3. shrinkage: small weights become 0, so that an anomaly cannot be mixed from a little of everything;
# 4. the answer: the weighted sum of the slots.
#
# ![A digit 5 is encoded to a query; bars show its cosine to twelve of the slots, the softmax over all of them, and the few weights that shrinkage keeps; the answer is their weighted sum](schematics/memory_read.svg)
#
# *The four steps for one patch and the shipped detector, whose slots are copies of real patches (lesson 04). The
# nearest slots are almost equally similar, so the softmax is nearly flat; shrinkage here keeps the five largest weights
# (lesson 05), while MemAE uses a threshold.*
#
# **Exercise 1.** Steps 1 and 2. `scale` makes the softmax sharper: cosines lie in −1..1, and without it hundreds of
# slots would all get nearly the same weight.


# %% tags=["exercise"]
def my_addressing(queries, slots, scale):
    """queries (N, D), slots (S, D), a number -> weights (N, S), each row sums to 1."""
    # solution: begin
    similarity = F.normalize(queries, dim=-1) @ F.normalize(slots, dim=-1).T
    return torch.softmax(scale * similarity, dim=-1)
    # solution: end


# %%
check.addressing(my_addressing)

# %% [markdown]
# **Exercise 2.** Step 4, with a memory **for each position** at once: position r has slots of its own and reads only
# those.


# %% tags=["exercise"]
def my_space_aware_read(weights, slots):
    """weights (B, R, S), slots (R, S, D) -> answers (B, R, D)."""
    # solution: begin
    return torch.einsum("brs,rsd->brd", weights, slots)
    # solution: end


# %%
check.space_aware_read(my_space_aware_read)

# %% [markdown]
# **Predict.** A memory of three slots is asked for something that is in none of them. Can the answer lie outside of what
# the three span?
#
# ? Yes: the answer follows the query. :: The query only chooses the weights.
# ! No: it is a mixture of the three. :: The weights are not negative and sum to one, so the answer lies between the slots.
# ? Yes, if the query is far enough away. :: However far it is, the answer is made of slots.

# %%
slots = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.7, 0.7]]])  # (R, S, D) = (1, 3, 2)
for question in ([1.0, 0.1], [-1.0, -1.0]):
    query = torch.tensor([[question]])
    answer, weights = read_memory(query, slots, lambda w: hard_shrink(w, 0.1), cosine_similarity, 10.0)
    said = [round(value, 2) for value in answer[0, 0].tolist()]
    print(f"asked {question}: weights {[round(w, 2) for w in weights[0, 0].tolist()]}, answer {said}")

# %% [markdown]
# Whatever is asked, the answer is a *mixture of slots*, and the decoder sees nothing else. How much a mixture can still
# make depends on how many slots contribute. That is why the weights are shrunk.
#
# ## One memory, or one for each position? (10 min)
#
# MemAE has **one** memory for the whole image: a patch may be answered by any slot. SQUID's memories are
# **space-aware**: a position has its own slots and knows only what stood *there*.
#
# **Predict.** Two digits exchange positions (disorder). Every digit is a normal digit, only not there. Which of the two
# memories can reconstruct the image as it is?
#
# ! The one memory for all positions. :: It answers a 7 with sevens, wherever the 7 is.
# ? The memories for each position. :: That of the second position learned from twos only, so another digit comes back worse there.
# ? Neither of them. :: Both digits were seen in training, and one of the memories holds both.

# For a fair comparison only the positions may differ. Both memories get 540 slots in all. The threshold λ of the shrinkage
# has to fit the number of slots that one query sees: a λ that keeps half of 540 weights keeps nearly all of 60. MemAE's
# authors advise one to three times 1/S. Here it is 1.35/S for both, so that the same *share* of the slots may contribute.

# %% tags=["varies"]
data = Digits(jitter=Jitter())
normals = data.fresh.batch(0, by_mode(64, 1600, 6400))
config = PRESETS["laptop"]["digitanatomy"].config
methods = {
    "one memory": MemAE(config, positions=1, slots=540, threshold=1.35 / 540),
    "one per position": MemAE(config, positions=9, slots=60, threshold=1.35 / 60),
}
for name, method in methods.items():
    method.steps = by_mode(2, 250, 3000)
    with interruptible(f"MemAE, {name}") as progress:
        method.fit(normals, seed=0, progress=progress)

# %% tags=["varies"]
test = DigitAnatomy(data.glyphs.test, dict.fromkeys(KINDS, by_mode(10, 100, 200)), seed=5)
images = test.images()
swapped = torch.stack([images[index] for index, kind in enumerate(test.kinds) if kind == "disorder"])
wrong = torch.stack([test[index].wrong for index, kind in enumerate(test.kinds) if kind == "disorder"])
ratio = {}
for name, method in methods.items():
    errors = cut(method.anomaly_map(swapped), 3).mean(dim=(2, 3, 4))
    ratio[name] = float(errors[wrong].mean() / errors[~wrong].mean())
rows = {"input": swapped[:5]} | {name: method.reconstruct(swapped[:5]) for name, method in methods.items()}
title = "Error of a tile in a wrong position, in a right one's: " + ", ".join(
    f"{n} × {r:.2f}" for n, r in ratio.items()
)
figure = image_grid(rows, title=title)
show(figure, alt="Five images with two swapped digits, reconstructed by one memory and by one memory for each position")

# %% [markdown]
# To one memory for the whole image, a digit in a wrong position is as good as in the right one. A memory for each
# position reconstructs it somewhat worse, although the number of slots and their sparsity are the same. This is no
# detector yet, because learned slots are blurred mixtures. Lesson 04 replaces them by copies.

# %% [markdown]
# ## Sparse answers: the entropy (6 min)
#
# MemAE's loss adds the **entropy** of the weights, −Σ w log w, averaged over all queries. It is small if few slots
# answer. (The shrinkage cuts small weights off; the entropy trains the network to use few slots.)
#
# **Exercise 3.** Write it. Weights may be exactly 0, and 0 · log 0 counts as 0.


# %% tags=["exercise"]
def my_entropy(weights):
    """weights (B, R, S) -> one number: the mean entropy of the rows."""
    # solution: begin
    return -(weights * weights.clamp(min=1e-12).log()).sum(dim=-1).mean()
    # solution: end


# %%
check.mean_entropy(my_entropy)

# %% tags=["varies"]
with torch.no_grad():
    held_out = data.calibration()
    read = {name: method.network.eval().recall(method.network.query(held_out)) for name, method in methods.items()}
for name, (_, weights) in read.items():
    speaking = (weights > 0).float().sum(-1).mean()
    used = (weights.amax((0, 1)) > 0.05) if name == "one memory" else (weights.amax(0) > 0.05)
    say(
        f"**{name}**: {speaking:.0f} of {weights.shape[-1]} slots ({speaking / weights.shape[-1]:.0%}) survive the threshold "
        f"{methods[name].threshold:.4f}: mean entropy "
        f"{entropy(weights):.2f} (equal weights would have {torch.tensor(weights.shape[-1]).log():.2f}); "
        f"{used.float().mean():.0%} of all slots ever get more than 5 % of a row."
    )

# %% [markdown]
# ## What the slots hold (6 min)
#
# A slot is a code, so the decoder can draw it. These slots were *learned*, and nothing in the loss asks them to look
# like digits.
#
# **Predict.** Will you recognise digits, and the digit of the position?
#
# ? Yes: each slot is a training digit. :: Nothing copies digits into a matrix. That is what lesson 04 does.
# ! Parts of them: strokes, blurred or broken. :: A slot only has to be useful in a mixture with others.
# ? No, noise. :: The slots began as noise and were trained since, to reconstruct strokes.

# %% tags=["varies"]
network = methods["one per position"].network
config = network.config
with torch.no_grad():
    busiest = (
        read["one per position"].weights.mean(0).topk(5, dim=-1).indices
    )  # (R, 5) most used slots of each position
    drawn = []
    for rank in range(5):
        codes = network.memory.slots[torch.arange(9), busiest[:, rank]]  # (R, D)
        maps = codes.unflatten(1, (config.code_channels, *config.code_shape))
        drawn.append(network.decoder(network.expand(maps), [])[0][0])
titles = [f"rank {rank + 1}" for rank in range(5)]
figure = image_grid(
    {"slots": drawn}, titles, title="The busiest slots of every position, drawn by the decoder", side=1.7
)
show(figure, alt="Five grids, each tile drawn from a single learned slot of its position; blurred or broken digits")

# %% [markdown]
# ## Does it detect? (8 min)
#
# MemAE's own score is the squared error of the image. Another score is the distance between the *question* and the
# *answer*.
#
# **Exercise 4.** The mismatch of an image: 1 − cosine between query and answer for each patch; the worst patch counts.


# %% tags=["exercise"]
def my_mismatch(queries, answers):
    """Two tensors (B, R, D) -> (B,): 1 - cosine of the worst patch."""
    # solution: begin
    return (1 - F.cosine_similarity(queries, answers, dim=-1)).amax(dim=1)
    # solution: end


# %%
check.mismatch(my_mismatch)

# %% [markdown]
# **Predict.** Four columns (the anomaly types), two memories, two scores: where is the best AUC, and is any below
# 0.5?
#
# ? Best: the error on novel. None is below. :: The error of an empty tile is low, whatever reconstructs it.
# ! Best: the mismatch on missing. Below: the error on missing. :: An empty tile is easily reconstructed, but its code is unlike every answer of the memory.
# ? Best: the mismatch on disorder. Below: both scores on flipped. :: Flipped digits are hard for both; the extremes are elsewhere.

# %% tags=["varies"]
table = {}
with torch.no_grad():
    for name, method in methods.items():
        table[f"{name}: squared error"] = auc_by_kind(test.kinds, method.score(images))
        queries = torch.cat([method.network.query(batch) for batch in images.split(100)])
        mismatch = cosine_distance(queries, method.network.recall(queries).features).amax(1)
        table[f"{name}: mismatch"] = auc_by_kind(test.kinds, mismatch)
head = ["| | " + " | ".join([*KINDS[1:], "mean"]) + " |", "| --- |" + " --: |" * 5]
rows = [f"| {name} | " + " | ".join(f"{value:.2f}" for value in found.values()) + " |" for name, found in table.items()]
say("\n".join(head + rows))

# %% tags=["varies"]
best = max(table, key=lambda name: table[name]["disorder"])
figure = bars(
    {name: found["disorder"] for name, found in table.items()},
    title=f"Disorder is found best by {best}: {table[best]['disorder']:.2f}",
    x_label="AUC of disorder",
    reference=0.5,
)
show(figure, alt="Bars of the AUC on disorder for two memories and two scores, with guessing as a dotted line")

# %% [markdown]
# **What we saw.** One memory for the whole image answers a 7 with sevens, wherever it is, so that disorder looks as
# good as order. A memory for each position sees some of it. But learned slots are whatever lowers the loss: hardly one
# of them is a digit, and very many answer at once. By the squared error an empty tile is still the most normal of all.
# The mismatch finds empty tiles, because no slot is like them, and with a memory for each position some of the
# disorder. Neither memory makes a good detector here.
#
# **What this does not show.** MemAE's authors trained for much longer, on other images, and address the memory at every
# pixel of a feature map; here a query is a whole patch, so that its slots can be compared with SQUID's. One seed.
# Lesson 04 replaces the learned matrix by copies.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | addressing and reading | MemAE eq. 3-5; 3.2 | `squidlib.memory.read_memory` | `tests/pieces/test_memory.py` |
# | learned slots, global or space-aware | MemAE 3.2; 3.2 | `squidlib.memory.MemoryMatrix` | `tests/pieces/test_memory.py` |
# | entropy of the weights | MemAE eq. 9 | `squidlib.baselines.memae.entropy` | `tests/baselines/test_neural_baselines.py` |
# | MemAE | MemAE eq. 10 | `squidlib.baselines.MemAE` | `tests/baselines/test_neural_baselines.py` |
