"""``squid train folder``, then evaluate and score: on normal images alone, in MVTec's layout, wide and in colour."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from squidlib.detection.checkpoint import load
from tests.helpers import shorten, squid

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset, for two steps of four images."""
    shorten(monkeypatch, "folder")


def picture(path: Path, seed: int, size: tuple[int, int] = (64, 64), colour: bool = False, hole: bool = False) -> None:
    """Noise of its own for each seed; size is (width, height). The hole is the upper left quarter of both sides."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    values = np.random.default_rng(seed).integers(60, 200, (height, width, 3), dtype=np.uint8)
    if colour:
        values[..., 2] //= 4
    if hole:
        values[: height // 4, : width // 4] = 0
    Image.fromarray(values if colour else values[..., 0]).save(path)


def normals(
    folder: Path, count: int = 12, first: int = 0, size: tuple[int, int] = (64, 64), colour: bool = False
) -> Path:
    for seed in range(first, first + count):
        picture(folder / f"{seed:03}.png", seed, size, colour)
    return folder


def mvtec(root: Path) -> Path:
    """In colour, 150 x 90: 12 + 4 good images, 3 holes with masks."""
    size = (150, 90)
    normals(root / "train/good", 12, 0, size, colour=True)
    normals(root / "test/good", 4, 100, size, colour=True)
    for seed in range(200, 203):
        picture(root / f"test/hole/{seed}.png", seed, size, colour=True, hole=True)
        mask = np.zeros((90, 150), dtype=np.uint8)
        mask[:22, :37] = 255
        path = root / f"ground_truth/hole/{seed}_mask.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
    return root


def test_wide_colour_images_with_masks_are_trained_evaluated_and_scored(capsys: Capture, tmp_path: Path) -> None:
    folder, out = mvtec(tmp_path / "data"), tmp_path / "run"
    said = squid(capsys, "train", "folder", "--data", folder, "--out", out)
    assert said.code == 0, said.errors
    assert "note: read in colour, scaled to 64 x 128 pixels (height x width)" in said.out
    assert "note: cut into 2 x 4 tiles of 32 x 32 pixels" in said.out
    assert load(out).config.image_shape == (3, 64, 128)
    said = squid(capsys, "evaluate", out)
    assert said.code == 0, said.errors
    (figures,) = json.loads((out / "evaluation.json").read_text()).values()
    assert figures["images"] == {"normal": 4, "hole": 3}
    assert set(figures["pixel_auc"]) == set(figures["worst_tile"]) == {"hole"}
    said = squid(capsys, "score", out, folder / "test", "--csv", tmp_path / "scores.csv")
    assert said.code == 0, said.errors
    with (tmp_path / "scores.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 7


def test_normal_images_alone_are_trained_on_and_scored_and_evaluate_says_what_it_cannot_say(
    capsys: Capture, tmp_path: Path
) -> None:
    folder, out = normals(tmp_path / "data"), tmp_path / "run"
    said = squid(capsys, "train", "folder", "--data", folder, "--out", out)
    assert said.code == 0, said.errors
    assert "note: 9 images to train on, 3 to calibrate with" in said.out
    said = squid(capsys, "evaluate", out)
    assert (said.code, said.errors) == (0, [])
    lines = said.out.splitlines()
    assert lines[0].startswith(f"{out}: threshold ")
    assert "1 of 3 held-out normal images are above it (5% were asked for)" in lines[0]
    assert "(AUC) cannot be said, because normal and abnormal test images are missing (there are: none)" in lines[1]
    (figures,) = json.loads((out / "evaluation.json").read_text()).values()
    assert (figures["calibration"], figures["calibration_above"], figures["images"]) == (3, 1, {})
    assert squid(capsys, "score", out, folder, "--csv", tmp_path / "s.csv").code == 0


@pytest.mark.parametrize(("kind", "missing"), [("normal", "abnormal"), ("hole", "normal")])
def test_test_images_of_one_class_are_counted_though_there_is_no_auc(
    kind: str, missing: str, capsys: Capture, tmp_path: Path
) -> None:
    folder, out = tmp_path / "data", tmp_path / "run"
    normals(folder / "train")
    normals(folder / "test" / kind, 4, 100)
    assert squid(capsys, "train", "folder", "--data", folder, "--out", out, "--seeds", 2).code == 0
    lines = squid(capsys, "evaluate", out / "seed_0", out / "seed_1").out.splitlines()
    assert len(lines) == 6
    assert f"of 4 {kind} test images are above it" in lines[1]
    assert f"because {missing} test images are missing (there are: 4 {kind})" in lines[2]


def test_too_few_images_are_refused_before_the_runs_folder_is_made(capsys: Capture, tmp_path: Path) -> None:
    said = squid(capsys, "train", "folder", "--data", normals(tmp_path / "data", 6), "--out", tmp_path / "run")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "at least 7 normal images expected" in said.errors[0]
    assert not (tmp_path / "run").exists()


def test_options_choose_size_channels_and_tiles(capsys: Capture, tmp_path: Path) -> None:
    folder, out = mvtec(tmp_path / "data"), tmp_path / "run"
    arguments = ("--size", 96, "--channels", 1, "--grid", 2, 3)
    said = squid(capsys, "train", "folder", "--data", folder, "--out", out, *arguments)
    assert said.code == 0, said.errors
    config = load(out).config
    assert (config.image_shape, config.grid_shape, config.patch_shape) == ((1, 96, 96), (2, 3), (48, 32))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--size", 100), "give multiples of 32 as --size"),
        (("--grid", 5), "image_size must be a multiple of grid"),
        (("--glyphs", "emnist"), "--glyphs is for digitanatomy"),
        (("--cache", "somewhere"), "--cache is for chest X-rays"),
        (("--channels", 2), "--channels is 1 for grey or 3 for colour, got 2"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_runs_folder_is_made(
    arguments: tuple[object, ...], expected: str, capsys: Capture, tmp_path: Path
) -> None:
    folder, out = normals(tmp_path / "data"), tmp_path / "run"
    said = squid(capsys, "train", "folder", "--data", folder, "--out", out, *arguments)
    assert said.code == 2
    assert len(said.errors) == 1
    assert expected in said.errors[0]
    assert not out.exists()


def test_runs_of_different_data_are_not_put_in_one_table_and_the_line_says_how_they_differ(
    capsys: Capture, tmp_path: Path
) -> None:
    """Row 6 of the faults: another data set; the same kind with other settings; the same settings, other images."""
    one, other, out = mvtec(tmp_path / "one"), mvtec(tmp_path / "other"), tmp_path / "runs"
    picture(other / "test/hole/200.png", 999, (150, 90), colour=True, hole=True)
    for name, folder, options in (("a", one, ()), ("b", other, ()), ("c", one, ("--channels", 1))):
        assert squid(capsys, "train", "folder", "--data", folder, "--out", out / name, *options).code == 0
    for second, how in (
        ("digitanatomy", "data: folder and digitanatomy"),
        (out / "b", "test images: "),
        (out / "c", "channels: 3 and 1, test images: "),
    ):
        said = squid(capsys, "evaluate", out / "a", second)
        assert said.code == 2
        assert len(said.errors) == 1
        assert f"differ ({how}" in said.errors[0]
        assert str(second) in said.errors[0]
    moved = one.rename(tmp_path / "moved")
    assert squid(capsys, "evaluate", out / "a", out / "a", "--data", moved).code == 0
