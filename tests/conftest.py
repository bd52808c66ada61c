"""Shared by all tests: shapes in signatures are enforced, small networks, few threads."""

from __future__ import annotations

from collections.abc import Iterator

import jaxtyping
from hypothesis import HealthCheck, Phase, settings
from jaxtyping import install_import_hook

# Before anything imports the packages: every jaxtyping annotation becomes a check, in tests only.
install_import_hook(["squidlib", "digitanatomy"], "beartype.beartype")

import pytest  # noqa: E402
import torch  # noqa: E402

from digitanatomy import Glyphs, GlyphSplit, mnist5000  # noqa: E402
from squidlib.config import SquidConfig  # noqa: E402
from squidlib.squid import Squid, fill_memory  # noqa: E402

# of ``make mutants``: the same examples each time; that a test fails is enough, no smaller example is looked for
settings.register_profile(
    "mutants", derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture(scope="session")
def glyphs() -> Glyphs:
    """The offline MNIST digits."""
    return mnist5000()


@pytest.fixture(scope="session")
def split(glyphs: Glyphs) -> GlyphSplit:
    """Train, calibration and test glyphs."""
    return glyphs.split()


@pytest.fixture
def generator() -> torch.Generator:
    """Seeded anew for each test."""
    return torch.Generator().manual_seed(0)


def tiny_config(**changes: int | float | bool | tuple[int, int]) -> SquidConfig:
    """A network of every part, small enough for a test: 24 px, 3x3 patches of 8 px, two levels, one skip."""
    numbers = {
        "image_size": 24, "width": 4, "levels": 2, "code_channels": 2, "slots": 6, "topk": 2, "heads": 2,
        "skip_slots": 5, "skips": 1, "joined_levels": 1,
    }  # fmt: skip
    return SquidConfig(**(numbers | changes))  # type: ignore[arg-type]


def filled(config: SquidConfig, seed: int = 0) -> tuple[Squid, torch.Tensor]:
    """A network of that seed, and the four images whose features its memory holds."""
    torch.manual_seed(seed)
    squid = Squid(config)
    images = torch.rand(4, 1, config.image_size, config.image_size)
    fill_memory(squid, images)
    return squid, images


@pytest.fixture
def as_users() -> Iterator[None]:
    """Without the shape checks that only tests have."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
