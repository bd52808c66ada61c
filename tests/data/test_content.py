"""Content of data: whatever a detector could notice changes it, and nothing else does."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from squidlib.data.content import Part, changes, content_of
from squidlib.data.digits import Digits
from squidlib.data.options import DataOptions
from squidlib.data.registry import open_dataset, settings_of
from tests.chest_folders import covidx_folder, write_image, zhanglab_folder


def content(name: str, folder: Path, **options: Any) -> dict[str, dict[str, Any]]:
    cache = None if name == "folder" else folder.parent / "cache"
    asked = DataOptions(folder=folder, image_size=32, cache=cache, **options)
    return content_of(open_dataset(settings_of(name, asked), 0))


def mine(root: Path) -> Path:
    for number in range(12):
        write_image(root / f"train/{number:02}.png", 32)
    for name in ("normal", "dent"):
        write_image(root / f"test/{name}/0.png", 32)
    return root


def test_counts_are_those_of_the_parts(tmp_path: Path) -> None:
    found = content("zhanglab", zhanglab_folder(tmp_path / "zhanglab"))
    assert found["training"]["images"] + found["calibration"]["images"] == 16
    assert found["test"]["images"] == 14
    assert json.loads(json.dumps(found)) == found
    assert {name: part["images"] for name, part in content("folder", mine(tmp_path / "mine")).items()} == {
        "training": 9, "calibration": 3, "test": 2,
    }  # fmt: skip
    assert "validation" in content("zhanglab", tmp_path / "zhanglab", held_back=0.1)
    assert "validation" in content("folder", tmp_path / "mine", held_back=0.1)


def test_the_hash_is_sha256_of_shape_labels_and_pixels() -> None:
    class Two:
        def contents(self) -> dict[str, Part]:
            return {"test": Part(np.arange(8, dtype=np.uint8).reshape(2, 2, 2), ["normal", "dent"])}

    wanted = hashlib.sha256(b"((2, 2, 2), ['normal', 'dent'])" + bytes(range(8))).hexdigest()[:16]
    assert content_of(Two()) == {"test": {"images": 2, "hash": wanted}}


def test_moving_and_saving_anew_without_loss_change_nothing(tmp_path: Path) -> None:
    before = content("folder", mine(tmp_path / "mine"))
    moved = (tmp_path / "mine").rename(tmp_path / "moved")
    path = moved / "train/05.png"
    with Image.open(path) as image:
        image.load()
        image.save(path.with_suffix(".tif"))
    path.unlink()
    assert content("folder", moved) == before


@pytest.mark.parametrize(("name", "make"), [("zhanglab", zhanglab_folder), ("covidx", covidx_folder), ("folder", mine)])
def test_another_seed_of_a_run_changes_nothing(name: str, make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    settings = settings_of(name, DataOptions(folder=make(tmp_path / "data"), image_size=32))
    assert content_of(open_dataset(settings, 0)) == content_of(open_dataset(settings, 1))


def test_one_pixel_and_one_label_are_noticed(tmp_path: Path) -> None:
    root = covidx_folder(tmp_path / "covidx")
    before = content("covidx", root)
    table = root / "test_COVIDx9A.txt"
    table.write_text(table.read_text().replace("pneumonia", "COVID-19", 1))
    relabelled = content("covidx", root)
    assert changes(before, relabelled) == "test images: as many (14), but other pixels, order or labels"
    path = next(root.glob("test/*.png"))
    with Image.open(path) as image:
        grey = np.asarray(image).copy()
    grey[0, 0] ^= 64
    Image.fromarray(grey).save(path)
    repainted = content("covidx", root)
    assert repainted["test"] != relabelled["test"]
    assert repainted["training"] == before["training"]


def test_an_added_file_is_counted(tmp_path: Path) -> None:
    before = content("folder", mine(tmp_path))
    write_image(tmp_path / "test/dent/1.png", 32)
    now = content("folder", tmp_path)
    assert changes(before, now) == "test images: 2 then, 3 now"
    assert changes(before, before) == ""
    assert changes({}, {"test": {"images": 1, "hash": "a"}}) == "test images: 0 then, 1 now"


def write_glyph(path: Path) -> None:
    """Noise with a black border."""
    write_image(path, 20)
    with Image.open(path) as image:
        framed = Image.new("L", (28, 28))
        framed.paste(image, (4, 4))
    framed.save(path)


def test_glyphs_that_come_with_the_kit_cannot_change_and_those_of_a_folder_can(tmp_path: Path) -> None:
    assert content_of(Digits()) == {}
    assert content_of(open_dataset(settings_of("digitanatomy", DataOptions(glyphs="sklearn_digits")), 0)) == {}
    for digit in range(10):
        for number in range(12):
            write_glyph(tmp_path / f"{digit}/{number}.png")
    settings = settings_of("digitanatomy", DataOptions(glyphs=str(tmp_path)))
    before = content_of(open_dataset(settings, 0))
    assert sum(part["images"] for part in before.values()) == 120
    write_glyph(tmp_path / "3/100.png")
    assert changes(before, content_of(open_dataset(settings, 0)))
