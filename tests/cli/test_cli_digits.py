"""squid digits: the files are the data set, a seed fixes every byte, nothing is overwritten."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitanatomy import KINDS, DigitAnatomy, GlyphSplit
from squidlib.data.images import find_images
from tests.helpers import contents, squid

Capture = pytest.CaptureFixture[str]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_images_masks_and_labels_are_those_of_the_data_set(tmp_path: Path, split: GlyphSplit, capsys: Capture) -> None:
    out = tmp_path / "ünïcödé digits"
    said = squid(capsys, "digits", "--out", out, "--count", 2, "--seed", 4)
    assert (said.code, said.errors) == (0, [])
    data = DigitAnatomy(split.test, dict.fromkeys(KINDS, 2), seed=4)
    with (out / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(data) == 10
    for row, sample in zip(rows, data, strict=True):
        assert (row["kind"], row["label"]) == (sample.kind, str(sample.label))
        assert [int(tile) for tile in row["wrong_tiles"].split()] == np.flatnonzero(sample.wrong).tolist()
        assert np.abs(pixels(out / row["image"]) / 255 - sample.image[0].numpy()).max() <= 1 / 255
        assert np.array_equal(pixels(out / row["mask"]), sample.mask[0].numpy() * np.uint8(255))
    files = {name for name, digest in contents(out).items() if digest != "folder"}
    assert files == {"labels.csv", *(row["image"] for row in rows), *(row["mask"] for row in rows)}


def test_what_it_writes_can_be_scored_as_it_lies(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "digits"
    assert squid(capsys, "digits", "--out", out, "--count", 2).code == 0
    found = find_images([out])
    assert [path.parent.name for path in found.files] == ["images"] * 10
    assert found.passed_over == (f"{out / 'masks'}: masks, left out", "1 .csv: no image files, passed over")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, capsys: Capture) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert squid(capsys, "digits", "--out", tmp_path / name, "--count", 1, "--seed", seed).code == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_kind_severity_and_split_are_those_asked_for(tmp_path: Path, split: GlyphSplit, capsys: Capture) -> None:
    options = ["--count", 3, "--kind", "flipped", "flipped", "normal", "--severity", 7, "--split", "calibration"]
    assert squid(capsys, "digits", "--out", tmp_path / "d", *options).code == 0
    with (tmp_path / "d" / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == ["flipped"] * 3 + ["normal"] * 3
    assert [len(row["wrong_tiles"].split()) for row in rows] == [7] * 3 + [0] * 3
    sample = DigitAnatomy(split.calibration, {"flipped": 3, "normal": 3}, severity=7)[0]
    assert np.abs(pixels(tmp_path / "d" / rows[0]["image"]) / 255 - sample.image[0].numpy()).max() <= 1 / 255


def test_a_hand_writes_strangers_and_drifts(tmp_path: Path, split: GlyphSplit, capsys: Capture) -> None:
    options = ["--count", 2, "--kind", "stranger", "drift", "lesion", "--hand", 0.8, "--mirrored"]
    assert squid(capsys, "digits", "--out", tmp_path / "d", *options).code == 0
    data = DigitAnatomy(split.test, dict.fromkeys(("stranger", "drift", "lesion"), 2), hand=0.8, mirrored=True)
    written = sorted((tmp_path / "d" / "images").iterdir())
    assert [path.stem.split("_")[1] for path in written] == data.kinds
    for path, sample in zip(written, data, strict=True):
        assert np.abs(pixels(path) / 255 - sample.image[0].numpy()).max() <= 1 / 255


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--count 0", "--count must be at least 1, got 0"),
        ("--count -3", "--count must be at least 1, got -3"),
        ("--seed -1", "--seed must not be negative, got -1"),
        ("--severity 0", "severity must be 1..9"),
        ("--severity 8", "severity must be 1..7"),  # a 1 and an 8 cannot be flipped
        ("--kind disorder --severity 1", "severity must be at least 2"),
        ("--kind", "--kind expects at least one"),
        ("--kind broken", "'broken'"),
        ("--kind stranger", "stranger is an anomaly of images that are written by one hand"),
        ("--hand 2", "0 to 1; got 2"),
        ("--severity 1.5", "severity counts tiles, except for drift and lesion; got 1.5"),
        ("--glyphs nowhere", "got 'nowhere'"),
        ("--glyphs emnist", "--download"),
    ],
)
def test_impossible_wishes_are_refused_before_anything_is_written(
    tmp_path: Path, options: str, said: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, errors = squid(capsys, "digits", "--out", "new", *options.split())
    assert (code, out, len(errors)) == (2, "", 1), errors
    assert said in errors[0]
    assert contents(tmp_path) == {}


def test_a_folder_that_is_not_empty_and_a_file_are_left_alone(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    before = contents(tmp_path)
    for out in (tmp_path, tmp_path / "mine.txt", tmp_path / "mine.txt" / "below"):
        said = squid(capsys, "digits", "--out", out, "--count", 1)
        assert said.code == 2
        assert len(said.errors) == 1
        assert str(out) in said.errors[0]
    assert contents(tmp_path) == before


def test_glyphs_of_ones_own_must_suffice_for_every_split(tmp_path: Path, capsys: Capture) -> None:
    glyphs = tmp_path / "glyphs"
    for digit in range(10):
        (glyphs / str(digit)).mkdir(parents=True)
        for sample in range(6):
            image = Image.new("L", (20, 28))
            image.paste(50 + 20 * digit + sample, (5, 5, 15, 23))
            image.save(glyphs / str(digit) / f"{sample}.png")
    assert squid(capsys, "digits", "--out", tmp_path / "d", "--count", 1, "--glyphs", glyphs).code == 0
    (glyphs / "3" / "0.png").unlink()
    said = squid(capsys, "digits", "--out", tmp_path / "e", "--count", 1, "--glyphs", glyphs)
    assert said.code == 2
    assert "too few samples of the digit 3" in said.errors[0]
    assert "at least 6 of each expected, got 5" in said.errors[0]
    (glyphs / "4" / "0.png").write_text("no image")
    said = squid(capsys, "digits", "--out", tmp_path / "e", "--count", 1, "--glyphs", glyphs)
    assert (said.code, len(said.errors)) == (2, 1)
    assert str(glyphs / "4" / "0.png") in said.errors[0]
    assert not (tmp_path / "e").exists()
