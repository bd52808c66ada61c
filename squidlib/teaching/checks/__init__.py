"""Checks: what a student's own version is held against, in words and with hints in steps.

    >>> from squidlib.teaching import checks as check
    >>> check.topk_shrink(mine)            # what holds, what does not yet, and a first hint
    >>> check.topk_shrink(mine, hints=2)   # one hint more

One file a lesson; ``report`` holds what they share.
"""

from squidlib.teaching.checks import (
    lesson_00_first_look,
    lesson_01_composing,
    lesson_02_autoencoder,
    lesson_03_memory_matrix,
    lesson_04_memory_queue,
    lesson_05_shrinkage,
    lesson_06_inpainting,
    lesson_07_neighbours,
    lesson_08_squid,
    lesson_09_evaluation,
    lesson_10_ablation,
    lesson_10_audit,
    lesson_11_cleaning,
    lesson_11_contamination,
    lesson_12_explorer,
    lesson_13_chest_xrays,
    lesson_14_methods,
    lesson_15_capstone,
)
from squidlib.teaching.checks.lesson_00_first_look import *  # noqa: F403
from squidlib.teaching.checks.lesson_01_composing import *  # noqa: F403
from squidlib.teaching.checks.lesson_02_autoencoder import *  # noqa: F403
from squidlib.teaching.checks.lesson_03_memory_matrix import *  # noqa: F403
from squidlib.teaching.checks.lesson_04_memory_queue import *  # noqa: F403
from squidlib.teaching.checks.lesson_05_shrinkage import *  # noqa: F403
from squidlib.teaching.checks.lesson_06_inpainting import *  # noqa: F403
from squidlib.teaching.checks.lesson_07_neighbours import *  # noqa: F403
from squidlib.teaching.checks.lesson_08_squid import *  # noqa: F403
from squidlib.teaching.checks.lesson_09_evaluation import *  # noqa: F403
from squidlib.teaching.checks.lesson_10_ablation import *  # noqa: F403
from squidlib.teaching.checks.lesson_10_audit import *  # noqa: F403
from squidlib.teaching.checks.lesson_11_cleaning import *  # noqa: F403
from squidlib.teaching.checks.lesson_11_contamination import *  # noqa: F403
from squidlib.teaching.checks.lesson_12_explorer import *  # noqa: F403
from squidlib.teaching.checks.lesson_13_chest_xrays import *  # noqa: F403
from squidlib.teaching.checks.lesson_14_methods import *  # noqa: F403
from squidlib.teaching.checks.lesson_15_capstone import *  # noqa: F403

_LESSONS = (
    lesson_00_first_look,
    lesson_01_composing,
    lesson_02_autoencoder,
    lesson_03_memory_matrix,
    lesson_04_memory_queue,
    lesson_05_shrinkage,
    lesson_06_inpainting,
    lesson_07_neighbours,
    lesson_08_squid,
    lesson_09_evaluation,
    lesson_10_ablation,
    lesson_10_audit,
    lesson_11_cleaning,
    lesson_11_contamination,
    lesson_12_explorer,
    lesson_13_chest_xrays,
    lesson_14_methods,
    lesson_15_capstone,
)
__all__ = [name for lesson in _LESSONS for name in lesson.__all__]
