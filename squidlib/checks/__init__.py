"""Checks: what a student's own version is held against, in words and with hints in steps.

    >>> from squidlib import checks as check
    >>> check.topk_shrink(mine)            # what holds, what does not yet, and a first hint
    >>> check.topk_shrink(mine, hints=2)   # one hint more

One file a lesson; ``report`` holds what they share.
"""

from squidlib.checks import (
    assembling,
    autoencoding,
    chest_xrays,
    comparing,
    composing,
    contamination,
    exploring,
    first_look,
    inpainting,
    judging,
    matrix,
    queue,
    shrinkage,
)
from squidlib.checks.assembling import *  # noqa: F403
from squidlib.checks.autoencoding import *  # noqa: F403
from squidlib.checks.chest_xrays import *  # noqa: F403
from squidlib.checks.comparing import *  # noqa: F403
from squidlib.checks.composing import *  # noqa: F403
from squidlib.checks.contamination import *  # noqa: F403
from squidlib.checks.exploring import *  # noqa: F403
from squidlib.checks.first_look import *  # noqa: F403
from squidlib.checks.inpainting import *  # noqa: F403
from squidlib.checks.judging import *  # noqa: F403
from squidlib.checks.matrix import *  # noqa: F403
from squidlib.checks.queue import *  # noqa: F403
from squidlib.checks.shrinkage import *  # noqa: F403

_LESSONS = (
    first_look, composing, autoencoding, matrix, queue, shrinkage, inpainting, assembling, judging, contamination,
    exploring, chest_xrays, comparing,
)  # fmt: skip
__all__ = [name for lesson in _LESSONS for name in lesson.__all__]
