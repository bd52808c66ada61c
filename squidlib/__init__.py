"""squidlib: SQUID (CVPR 2023) in readable pieces, for teaching and for training.

    >>> import squidlib
    >>> detector = squidlib.load("digitanatomy")  # a shipped checkpoint, or the folder of a run
    >>> detector.score(images)  # (B, 1, 96, 96) in 0..1 -> (B,), higher = more abnormal

Importing does nothing but define names. No medical device; not for clinical use.
"""

from squidlib.config import LossWeights, SquidConfig, TrainingConfig
from squidlib.detector import Detector
from squidlib.detectorfile import load, save, shipped
from squidlib.errors import UserError
from squidlib.inpainting import InpaintingBlock
from squidlib.memory import MemoryMatrix, MemoryQueue, read_memory
from squidlib.patches import cut, join, neighbours
from squidlib.scoring import SCORES
from squidlib.shortcut import masked_shortcut
from squidlib.shrinkage import hard_shrink, topk_shrink
from squidlib.squid import Squid, SquidOutput

__version__ = "0.1.0"

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
