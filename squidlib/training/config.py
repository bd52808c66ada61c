"""The numbers of a training; those of each preset stand in ``squidlib.training.presets``.

Paper: section 4.2 and the supplement; where the paper is silent, the authors' configs/digit_best.py,
zhang_best.py and chexpert_best.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from squidlib.utils.errors import UserError


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how fast to train. Defaults are the published setting for DigitAnatomy (200 epochs of 1,600)."""

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
    choose_score: bool = False  #: at the end, let held-out normal images choose the default score
    precision: str = "32-true"  #: Fabric's name: "32-true", "bf16-mixed", "16-mixed"
    channels_last: bool = False  #: channels innermost in memory, which a GPU's matrix units want
    compile: bool = False  #: convolutions through torch.compile, where the machine can
    validate_every: int = 0  #: steps between validations on held-out normals, and one at the end (0: none)
    patience: int = 0  #: stop after so many validations without a lower loss, keep the lowest's weights (0: never)
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "schedule_steps", "batch_size", "generator_every", "discriminator_every"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("validate_every", "patience"):
            if getattr(self, name) < 0:
                raise UserError(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.patience and not self.validate_every:
            raise UserError("patience counts validations; give validate_every, the steps between two of them")
        if self.seed < 0 or self.seed >= 2**31:
            raise UserError(f"a seed lies in 0..2^31 - 1, got {self.seed}")
