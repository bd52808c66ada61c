"""The numbers of a training; those of each preset stand in ``squidlib.training.presets``.

Paper: section 4.2 and the supplement; where the paper is silent, the authors' configs/digit_best.py,
zhang_best.py and chexpert_best.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from squidlib.config import as_plain
from squidlib.utils.errors import UserError
from squidlib.utils.numbers import check_names, check_number

MOST_STEPS = 100_000_000  #: more is a slip of the hand, or a file that would never end
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")  #: Fabric's names
_RANGES: dict[str, tuple[float, float]] = {
    "steps": (1, MOST_STEPS),
    "schedule_steps": (1, 10 * MOST_STEPS),
    "batch_size": (1, 100_000),
    "learning_rate": (0, 10),
    "final_learning_rate": (0, 1),
    "warmup_steps": (0, MOST_STEPS),
    "beta1": (0, 0.999999),
    "epsilon": (0, 1),
    "weight_decay": (0, 10),
    "discriminator_learning_rate": (0, 10),
    "generator_every": (1, MOST_STEPS),
    "discriminator_every": (1, MOST_STEPS),
    "refill_slots": (0, MOST_STEPS),
    "validate_every": (0, MOST_STEPS),
    "patience": (0, MOST_STEPS),
    "seed": (0, 2**31 - 1),
}


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how fast to train. Defaults are the published setting for DigitAnatomy (200 epochs of 1,600).

    Raises:
        UserError: where a value is of another type than its default, or out of range.
    """

    steps: int = 20_000
    schedule_steps: int = 30_000  #: where the cosine would end (T = 300 epochs)
    batch_size: int = 16
    learning_rate: float = 1e-4
    final_learning_rate: float = 0.01  #: share of the rate at the cosine's end
    warmup_steps: int = 0
    beta1: float = 0.5
    epsilon: float = 1e-7
    weight_decay: float = 1e-5
    discriminator_learning_rate: float = 1e-4
    generator_every: int = 1  #: train the generator at every n-th step
    discriminator_every: int = 1  #: train the discriminator, and the generator against it, at every n-th step
    refill_memory: bool = False  #: at the end, fill the memory with plain training images
    refill_slots: int = 0  #: with so many of them, evenly spaced, and as many slots (0: with all)
    choose_score: bool = False  #: at the end, let held-out normal images choose the default score
    precision: str = "32-true"  #: Fabric's name: "32-true", "bf16-mixed", "16-mixed"
    channels_last: bool = False  #: channels innermost in memory, which a GPU's matrix units want
    compile: bool = False  #: convolutions through torch.compile, where the machine can
    validate_every: int = 0  #: steps between validations on held-out normals, and one at the end (0: none)
    patience: int = 0  #: stop after so many validations without a lower loss, keep the lowest's weights (0: never)
    seed: int = 0

    def __post_init__(self) -> None:
        _check(as_plain(self))

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TrainingConfig:
        """What ``as_plain`` gave, perhaps by way of JSON; numbers that are missing are the defaults.

        Raises:
            UserError: where a name is unknown, or a value of another type or out of range.
        """
        known = {field.name: field.default for field in fields(cls)}
        check_names("training", plain, known)
        _check(known | dict(plain))
        return cls(**plain)


def _check(values: Mapping[str, Any]) -> None:
    """Raise a UserError where a value is of another type than its default, or out of range."""
    for field in fields(TrainingConfig):
        value = values[field.name]
        if field.name in _RANGES:
            check_number(field.name, value, *_RANGES[field.name], whole=isinstance(field.default, int))
        elif isinstance(field.default, bool) and not isinstance(value, bool):
            raise UserError(f"{field.name} is true or false, got {value!r}")
    if values["precision"] not in PRECISIONS:
        raise UserError(f"precision is one of {', '.join(PRECISIONS)}, got {values['precision']!r}")
    if values["patience"] and not values["validate_every"]:
        raise UserError("patience counts validations; give validate_every, the steps between two of them")
