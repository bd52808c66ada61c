"""Image files for the tests of what is decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chest_folders import write_image


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    for index in range(5):
        write_image(tmp_path / f"data/{index}.png")
    return sorted((tmp_path / "data").iterdir())
