"""squidlib: SQUID (CVPR 2023) in readable pieces, for teaching and for training.

    >>> import squidlib
    >>> detector = squidlib.load("digitanatomy")  # a shipped checkpoint, or the folder of a run
    >>> detector.score(images)  # (B, 1, 96, 96) in 0..1 -> (B,), higher = more abnormal

Importing does nothing but define names. No medical device; not for clinical use.
"""

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
