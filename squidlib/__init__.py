"""squidlib: SQUID (CVPR 2023) in readable pieces, for teaching and for training.

    >>> import squidlib
    >>> detector = squidlib.load("digitanatomy")  # a shipped checkpoint, or the folder of a run
    >>> detector.score(images)  # (B, 1, 96, 96) in 0..1 -> (B,), higher = more abnormal

Importing does nothing but define names; what they stand for, and torch with it, is imported where a name is first used.
So the command line can set up its process before torch is there. No medical device; not for clinical use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from squidlib.config import LossWeights, SquidConfig
    from squidlib.detection.checkpoint import load, save, shipped
    from squidlib.detection.detector import Detector
    from squidlib.detection.scores import SCORES
    from squidlib.inpainting import InpaintingBlock
    from squidlib.memory import MemoryMatrix, MemoryQueue, read_memory
    from squidlib.patches import cut, join, neighbours
    from squidlib.shortcut import masked_shortcut
    from squidlib.shrinkage import hard_shrink, topk_shrink
    from squidlib.squid import Squid, SquidOutput
    from squidlib.training.config import TrainingConfig
    from squidlib.utils.errors import UserError

__version__ = "1.0.0"

#: Every public name, by the module that defines it.
_NAMES = {
    "config": ("LossWeights", "SquidConfig"),
    "detection.checkpoint": ("load", "save", "shipped"),
    "detection.detector": ("Detector",),
    "detection.scores": ("SCORES",),
    "inpainting": ("InpaintingBlock",),
    "memory": ("MemoryMatrix", "MemoryQueue", "read_memory"),
    "patches": ("cut", "join", "neighbours"),
    "shortcut": ("masked_shortcut",),
    "shrinkage": ("hard_shrink", "topk_shrink"),
    "squid": ("Squid", "SquidOutput"),
    "training.config": ("TrainingConfig",),
    "utils.errors": ("UserError",),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "SCORES",
    "Detector",
    "InpaintingBlock",
    "LossWeights",
    "MemoryMatrix",
    "MemoryQueue",
    "Squid",
    "SquidConfig",
    "SquidOutput",
    "TrainingConfig",
    "UserError",
    "__version__",
    "cut",
    "hard_shrink",
    "join",
    "load",
    "masked_shortcut",
    "neighbours",
    "read_memory",
    "save",
    "shipped",
    "topk_shrink",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'squidlib' has no attribute {name!r}")
    value = getattr(import_module(f"squidlib.{_MODULE_OF[name]}"), name)
    globals()[name] = value  # the next use finds it without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
