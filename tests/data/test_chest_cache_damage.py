"""A cache that is damaged or was interrupted is made anew, and says so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.chest_folders import write_image
from tests.data.cached import decoded
from tests.helpers import contents


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def strip(path: Path) -> None:
    metadata = json.loads(path.read_text())
    del metadata["hashes"]
    path.write_text(json.dumps(metadata))


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [(".gray", cut), (".gray", flip), (".gray", Path.unlink), (".json", cut), (".json", strip)],
    ids=["array cut", "array changed", "array gone", "table cut", "table stripped"],
)
def test_a_damaged_cache_is_made_anew_and_said(paths: list[Path], suffix: str, damage) -> None:  # type: ignore[no-untyped-def]
    before = decoded(paths).images.copy()
    (damaged,) = (paths[0].parent.parent / "cache").glob(f"*{suffix}")
    damage(damaged)
    again = decoded(paths)
    assert "was damaged and has been made again" in again.note
    np.testing.assert_array_equal(again.images, before)
    assert decoded(paths).note == ""


def test_an_interruption_leaves_the_old_cache_whole(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    import squidlib.data.chest.cache as module

    decoded(paths)
    folder = paths[0].parent.parent / "cache"
    before = contents(folder)
    write_image(paths[0].parent / "new.png")
    more = sorted(paths[0].parent.iterdir())
    calls = iter(range(3))

    def interrupted(*arguments: object) -> object:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return read(*arguments)

    read = module.read_image_data
    monkeypatch.setattr(module, "read_image_data", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decoded(more)
    assert contents(folder) == before
