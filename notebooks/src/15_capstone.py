# %% [markdown]
# # 15 · Capstone: audit a paper
#
# **Aims.** Audit a published table of anomaly detectors with nothing but what is printed: find rows that no
# confusion matrix gives, results that a blind program reaches, and differences that are none; grade a paper by a rubric, your own work first.
#
# **Time.** 50 minutes. **Needs.** Lessons 09 and 10 (or: accuracy and F1 come from the same four counts, an AUC is the
# share of pairs that are in the right order, one training is an anecdote). No GPU, no network. Bring a paper of your
# own choice that has a table; without one, SQUID's is used.
#
# ![SQUID's data flow; this lesson looks at what is reported of it](schematics/data_flow.svg)

# %%
import numpy as np
from scipy.stats import ttest_ind_from_stats

from squidlib.benchmark.audit import Claim, auc_standard_error, audit, blind_results, paper_claims
from squidlib.benchmark.stored import stored
from squidlib.benchmark.summary import best_naive
from squidlib.teaching import checks as check
from squidlib.teaching.lesson import curves, say, show
from squidlib.utils.interval_chart import interval_chart

# %% [markdown]
# ## Could a blind program do it? (9 min)
#
# Before any result is admired, ask what a program gets that does not look at the images. It may know how many of the
# test images are abnormal, no more.
#
# **Predict.** A test set has 300 normal and 100 abnormal images. Which is the highest accuracy that a blind program can
# have, and which F1?
#
# ? 50 % and 50 %. :: It may call everything normal, and the classes are not equally large.
# ! 75 % and 40 %, by two different programs. :: Calling all normal gives the accuracy, calling all abnormal the F1.
# ? 75 % and 75 %. :: Calling everything normal finds no abnormal image, so its F1 is 0.
#
# **Exercise 1.** Write both.


# %% tags=["exercise"]
def my_blind_results(normal, abnormal):
    """Numbers of test images -> (accuracy of calling all the larger class, F1 of calling all abnormal), in 0..1."""
    # solution: begin
    return max(normal, abnormal) / (normal + abnormal), 2 * abnormal / (2 * abnormal + normal)
    # solution: end


# %%
check.blind_results(my_blind_results)

# %%
accuracy, f1 = blind_results(234, 390)
below = [claim.name for claim in paper_claims("zhanglab") if claim.accuracy <= accuracy or claim.f1 <= f1]
say(
    f"On ZhangLab's test set a blind program has accuracy {accuracy:.1%} and F1 {f1:.1%}. At least one of the two is not "
    f"above that for **{len(below)} of {len(paper_claims('zhanglab'))}** methods in the paper's table: {', '.join(below)}. "
    "*By these two numbers* they do not show that they look at the images. Their AUCs, which need no threshold, are above one "
    "half: then it is the threshold, or F1 itself, that hides it."
)

# %% [markdown]
# ## How sure is one AUC? (9 min)
#
# A test set is a draw: other patients would have given another AUC. How far it may be off follows, nearly, from the AUC
# and the numbers of images alone (Hanley and McNeil, 1982):
#
# $$\text{SE} = \sqrt{\frac{A(1-A) + (P-1)\left(\tfrac{A}{2-A} - A^2\right) + (N-1)\left(\tfrac{2A^2}{1+A} - A^2\right)}{N P}}$$
#
# with A the AUC, N normal and P abnormal images.
#
# **Exercise 2.** Write it.


# %% tags=["exercise"]
def my_auc_error(auc, normal, abnormal):
    """An AUC in 0..1 and numbers of images -> its standard error."""
    # solution: begin
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (abnormal - 1) * (one - auc**2) + (normal - 1) * (two - auc**2)
    return (variance / (normal * abnormal)) ** 0.5
    # solution: end


# %%
check.auc_error(my_auc_error)

# %%
counts = np.array([10, 20, 50, 100, 200, 500, 1000])
lines = {f"AUC {value:g}": [1.96 * auc_standard_error(value, n, n) for n in counts] for value in (0.7, 0.9, 0.98)}
figure = curves(
    counts,
    lines,
    title=f"With 50 + 50 images an AUC of 0.9 is known to ± {lines['AUC 0.9'][2]:.2f}",
    x_label="normal images (and as many abnormal ones)",
    y_label="half of the 95 % interval",
    log_x=True,
)
show(figure, alt="Half the width of an AUC's interval over the number of test images, for three AUCs; all fall")

# %% [markdown]
# ## Are two rows different? (8 min)
#
# A table with deviations over trainings allows a test: are the means of two rows farther apart than trainings are by
# themselves? Welch's test does not ask that both deviations are equal. (It knows nothing of the test images, and both
# methods were tested on the same ones. Without the scores of single images no more can be done.)
#
# **Exercise 3.** Write it with `ttest_ind_from_stats`, which wants mean, deviation and number of each.


# %% tags=["exercise"]
def my_difference_p(mean, deviation, other_mean, other_deviation, trainings):
    """Two rows of a table, each over so many trainings -> the p-value of Welch's test, two-sided."""
    # solution: begin
    found = ttest_ind_from_stats(mean, deviation, trainings, other_mean, other_deviation, trainings, equal_var=False)
    return float(found.pvalue)
    # solution: end


# %%
check.difference_p(my_difference_p)

# %% [markdown]
# ## A table under audit (12 min)
#
# Put the table of your paper into `own_table`, in 0..1, and its numbers above it; leave out what it does not print. While
# `own_table` is empty, the SQUID paper's table of ZhangLab is audited. *p* is Welch's, against the highest row,
# corrected for as many comparisons (Holm, lesson 14).

# %%
NORMAL, ABNORMAL, TRAININGS = 234, 390, 3
own_table: list[
    Claim
] = []  # such as [Claim("mine", auc=0.91, accuracy=0.86, f1=0.88, deviation=0.01), Claim("other", auc=0.87)]
claims = own_table or paper_claims("zhanglab")

# %%
findings = audit(claims, NORMAL, ABNORMAL, TRAININGS)
lines = [
    "| method | AUC | standard error, test images | deviation of one training | p | what can be said |",
    "| --- | --: | --: | --: | --: | --- |",
]
for found in findings:
    numbers = (found.claim.auc, found.image_error, found.claim.deviation, found.p)
    cells = ["–" if number is None else "< 0.001" if number < 0.001 else f"{number:.3f}" for number in numbers]
    lines.append(f"| {found.claim.name} | {' | '.join(cells)} | {'; '.join(found.remarks) or '–'} |")
say("\n".join(lines))

# %%
with_auc = [found for found in findings if found.claim.auc is not None]
best = with_auc[0]
apart = {
    found.claim.name: (found.claim.auc - best.claim.auc, 1.96 * (found.image_error**2 + best.image_error**2) ** 0.5)
    for found in with_auc[1:]
}
clear = [name for name, (mean, half) in apart.items() if abs(mean) > half]
figure = interval_chart(
    apart,
    title=f"By the test images alone, {len(clear)} of {len(apart)} rows differ from {best.claim.name}",
    x_label=f"AUC minus that of {best.claim.name} (95 %, as if on different test images)",
)
show(figure, alt="For each row of the table its difference from the best one, with an interval from the test images")

# %% [markdown]
# **Predict.** Something is missing in nearly every such table. What would you ask for first?
#
# ? A column with running times. :: Useful, and it decides no claim about detection.
# ! A row with a score that learns nothing. :: Without one nobody knows whether learning was needed.
# ? A column with precision. :: It follows from accuracy, F1 and the counts.

# %%
board, _ = stored("zhanglab")
bar = best_naive(board)
value = bar.mean("auc", "mean")
under = [claim.name for claim in claims if claim.auc is not None and claim.auc < value]
say(
    f"The kit measured one on X-rays of the same source: {bar.name} has {value:.3f} without any training. Its test "
    f"images are others than the paper's (lesson 13), so this is no verdict. But {len(under)} of {len(claims)} rows of "
    "the table above are below that number, and the table does not have the row that would settle it."
    if not own_table
    else "Which simple score would you run on this data set? `squidlib.baselines` has five that need no training."
)

# %% [markdown]
# ## The rubric (12 min)
#
# What a table cannot tell, the text and the code have to. Two points if it is said and right, one if it is half said,
# none if it is not said or wrong; `None` is not judged yet. The numbers here are those that this kit has looked up in
# the SQUID paper and in its authors' code (lessons 09 and 10); the rest is for you, with your own paper in its place.
# Then fill it in for your own last result.

# %%
RUBRIC = {
    "No patient is in two of training, calibration and test": None,
    "The threshold comes from normal or validation images": 0,  # the code: best accuracy on the test labels
    "The checkpoint was not chosen by test labels": 0,  # the code: by labelled images; for digits the test set itself
    "Three trainings or more, with their deviation": 1,  # four rows of table 1 have none
    "An interval, or a test, for the difference to the next": None,
    "A score that learns nothing is in the table": 0,
    "The strongest simple baseline was looked for": None,
    "All methods had the same images, size and budget": None,
    "Every component is taken out once": 2,  # the paper's ablation tables
    "Shortcuts (source, sharpness, age) were looked for": None,
    "A test set from elsewhere": None,
    "Code and settings that give the printed numbers": None,
}
assert all(points in (0, 1, 2, None) for points in RUBRIC.values()), "points are 0, 1, 2 or None"
judged = {question: points for question, points in RUBRIC.items() if points is not None}
lost = [f"- {question} ({points} of 2)" for question, points in judged.items() if points < 2]
say(
    f"**{sum(judged.values())} of {2 * len(judged)} points**; {len(RUBRIC) - len(judged)} questions are not judged yet. "
    "What to ask the authors for:\n\n" + "\n".join(lost)
)

# %% [markdown]
# Hand in, as the end of the course: the audited table, the rubric with a sentence for each number, and the one
# experiment that you would ask for first. Somebody else grades it by the same rubric: is each point justified by a
# place in the paper?
#
# **What we saw.** Numbers that are printed side by side can be checked without a single image: two rows of one table
# cannot come from one confusion matrix, and several are not above a blind program in accuracy or in F1. A test set of a few hundred images leaves
# an uncertainty of some points of AUC; SQUID's lead in its own table is just larger. The row that would tell whether
# learning was needed is missing.
#
# **What this does not show.** That a result is right. A table may be possible, significant and above every simple
# baseline, and still rest on a shortcut or on patients on both sides. And points in a rubric are a reading, no
# measurement: two honest readers differ.
#
# | seen here | paper | function | test |
# | --- | --- | --- | --- |
# | blind results, standard error, the audit | tables 1, 2 | `squidlib.benchmark.audit` | `tests/benchmark/test_audit.py` |
# | rows that no confusion matrix gives | tables 1, 2 | `squidlib.benchmark.confusion.possible_row` | `tests/benchmark/test_confusion.py` |
# | the row that is missing | ours | `squidlib.benchmark.summary.best_naive` | `tests/benchmark/test_summary.py` |
