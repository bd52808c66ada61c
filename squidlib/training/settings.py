"""Settings: everything that a run was told, as one value that travels from the command line to the last process.

Their hash is the run's id. A run's files carry it, so that none of another run is taken for one of this run; equal
settings train to equal files, so they have one id.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from squidlib.config import LossWeights, SquidConfig, as_plain
from squidlib.training.config import TrainingConfig
from squidlib.utils.errors import UserError

#: Came later than the first runs, and are left out where they are not used: so older runs keep their ids.
ADDED = {"backbone": "", "memory_reach": 0, "refill_slots": 0}
PARTS = ("config", "training", "weights", "facts")


def id_of(plain: dict[str, Any]) -> str:
    """16 hexadecimal digits that are equal for equal settings, from their JSON values."""
    text = json.dumps({part: plain.get(part) for part in PARTS}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RunSettings:
    """What is trained, how, and on what."""

    config: SquidConfig
    training: TrainingConfig
    weights: LossWeights
    metadata: dict[str, Any] = field(default_factory=dict)  #: JSON values: the data set's settings, preset, versions

    @property
    def run_id(self) -> str:
        """Of ``id_of``."""
        return id_of(self.as_plain())

    def as_plain(self) -> dict[str, Any]:
        """For a file, and for other processes."""
        return {
            "config": _without_unused(as_plain(self.config)),
            "training": _without_unused(as_plain(self.training)),
            "weights": as_plain(self.weights),
            "facts": self.metadata,
        }

    @classmethod
    def from_plain(cls, plain: Any) -> RunSettings:
        """What ``as_plain`` gave, perhaps by way of JSON.

        Raises:
            UserError: where a part is missing or unknown, or a value of another type or out of range.
        """
        if not isinstance(plain, dict) or not all(isinstance(plain.get(part), dict) for part in PARTS):
            raise UserError(f"the parts {', '.join(PARTS)} expected")
        return cls(
            SquidConfig.from_plain(plain["config"]),
            TrainingConfig.from_plain(plain["training"]),
            LossWeights.from_plain(plain["weights"]),
            plain["facts"],
        )


def _without_unused(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plain.items() if ADDED.get(name) != value}
