"""squid score and the files it is given: every guise of an image, bad ones, foreign ones, strange names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from squidlib.detection.scores import SCORES
from tests.cli.score_tables import rows_of
from tests.dicom_files import dicom
from tests.helpers import contents, squid

Capture = pytest.CaptureFixture[str]


def test_maps_of_this_or_an_earlier_run_are_no_images(file: Path, many: Path, capsys: Capture) -> None:
    options = ["score", file, many, "--csv", "many/s.csv", "--maps", "many/maps"]
    assert squid(capsys, *options).code == 0
    assert len(list(Path("many/maps").iterdir())) == 7
    for again in (options, ["score", file, many, "--csv", "other.csv"]):
        said = squid(capsys, *again, "--overwrite")
        assert (said.code, said.errors) == (0, [])
        assert again is options or "7 anomaly maps of squid score: no image files, passed over" in said.out
        assert len(rows_of(Path(again[4]))) == 7
    assert "it has 7 anomaly maps" in squid(capsys, "score", file, "many/maps", "--csv", "m.csv").errors[0]
    named = sorted(Path("many/maps").iterdir())
    assert "name the images themselves" in squid(capsys, "score", file, *named, "--csv", "m.csv").errors[0]
    assert not Path("m.csv").exists()


def test_masks_and_other_files_are_left_out_and_said_and_what_is_noted_of_files_once_a_kind(
    file: Path, many: Path, capsys: Capture
) -> None:
    (many / "masks").mkdir()
    Image.new("L", (96, 96)).save("many/masks/0.png")
    Path("many/scan.nii").write_text("none")
    with Image.open("many/0.png") as image:
        pixels = np.asarray(image)
        image.save("many/pages.tiff", save_all=True, append_images=[image, image])
    for name, levels in (("a", 4), ("b", 3)):  # of 257 times as many
        Image.fromarray(pixels.astype(np.uint16) * levels).save(f"many/{name} dark.png")
    said = squid(capsys, "score", file, many, "--csv", "s.csv")
    assert (said.code, said.errors) == (0, [])
    assert len(rows_of(Path("s.csv"))) == 10
    notes = [line for line in said.out.splitlines() if line.startswith("note: ")]
    assert notes[0] == "note: many/masks: masks, left out"
    assert "1 .nii (save them as PNG first)" in notes[1]
    assert "many/a dark.png: uses 1.6 % of the 16-bit range" in notes[2]
    assert notes[2].endswith("(and 1 more such images)")
    assert "many/pages.tiff: only the first of 3 pictures" in notes[3]
    assert len(notes) == 4


def parted(row: dict[str, str]) -> tuple[dict[str, float], dict[str, str]]:
    """The numbers of a row, and its words."""
    numbers = {name: float(value) for name, value in row.items() if re.fullmatch(r"-?\d+(\.\d+)?", value)}
    return numbers, {name: value for name, value in row.items() if name not in numbers}


def test_a_dicom_file_has_the_row_of_the_same_picture_in_a_png(file: Path, many: Path, capsys: Capture) -> None:
    with Image.open("many/0.png") as image:
        inverted = 255 - np.asarray(image)
    content = dicom(inverted, PhotometricInterpretation="MONOCHROME1", PatientID="ZQ-4711")
    Path("many/0.dcm").write_bytes(content)
    Path("many/0.DICOM").write_bytes(content[:-100])
    said = squid(capsys, "score", file, many, "--csv", "s.csv")
    assert said.code == 1
    assert [line.split(": ")[1:3] for line in said.errors] == [
        ["many/0.DICOM", "the DICOM file is damaged (ValueError); export it again"]
    ]
    rows = {row.pop("path"): row for row in rows_of(Path("s.csv"))}
    (medical, words), (picture, expected) = parted(rows["many/0.dcm"]), parted(rows["many/0.png"])
    assert words == expected
    assert len(picture) > 5
    assert medical == pytest.approx(picture, rel=1e-4)  # black for white differs by the last bit of a pixel
    assert "4711" not in said.out + Path("s.csv").read_text()


def test_names_are_neither_formulas_nor_forged_lines(file: Path, many: Path, capsys: Capture) -> None:
    (many / "0.png").rename("=cmd|' '!A0.png")
    Path("bad\nsquid: all is well\x1b[2J.png").write_text("no image")
    (many / "1.png").rename("+1+1.png")
    (many / "2.png").rename("line\nbreak.png")
    names = ["=cmd|' '!A0.png", "+1+1.png", "line\nbreak.png"]
    said = squid(
        capsys, "score", file, *names, Path("bad\nsquid: all is well\x1b[2J.png"), "--csv", "s.csv", "--maps", "m"
    )
    assert said.code == 1
    assert len(said.errors) == 1
    assert "\x1b" not in said.errors[0]
    assert r"bad\nsquid: all is well\x1b[2J.png" in said.errors[0]
    rows = rows_of(Path("s.csv"))
    assert [row["path"] for row in rows] == ["'=cmd|' '!A0.png", "'+1+1.png", "line\nbreak.png"]
    assert all(Path(row["map"]).is_file() and "\n" not in row["map"] for row in rows)


def test_bad_files_are_named_and_passed_over(file: Path, images: Path, capsys: Capture) -> None:
    whole = (images / "a grey.png").read_bytes()
    Image.new("L", (1, 1)).save(images / "1x1.png")
    Image.new("L", (5000, 20)).save(images / "wide.png")
    Image.fromarray(np.full((96, 96), np.nan, dtype=np.float32)).save(images / "nan.tiff")
    (images / "empty.png").write_bytes(b"")
    (images / "cut.png").write_bytes(whole[: len(whole) // 2])
    (images / "text.png").write_text("no image")
    bad = ["1x1.png", "wide.png", "nan.tiff", "empty.png", "cut.png", "text.png"]
    said = squid(capsys, "score", file, images, "--csv", "s.csv")
    assert said.code == 1
    assert "6 images scored, 6 could not be read" in said.out
    assert sorted(line.split(": ")[1] for line in said.errors) == sorted(str(images / name) for name in bad)
    assert len(rows_of(Path("s.csv"))) == 6


def test_where_nothing_can_be_scored_nothing_is_written(file: Path, images: Path, capsys: Capture) -> None:
    bad = images.parent / "bad"
    bad.mkdir()
    for name in ("a.png", "b.png"):
        (bad / name).write_text("no image")
    before = contents(images.parent)
    said = squid(capsys, "score", file, bad, "--csv", "s.csv", "--maps", "maps")
    assert said.code == 2
    assert len(said.errors) == 3
    assert "none of the 2 files" in said.errors[-1]
    assert contents(images.parent) == before


def test_a_name_as_long_as_file_systems_allow_can_be_scored_and_mapped(
    file: Path, images: Path, capsys: Capture
) -> None:
    long = images / ("数" * 83 + ".png")  # 253 of 255 bytes
    long.write_bytes((images / "a grey.png").read_bytes())
    said = squid(capsys, "score", file, long, "--csv", "s.csv", "--maps", "maps")
    assert (said.code, said.errors) == (0, [])
    assert Path(rows_of(Path("s.csv"))[0]["map"]).is_file()


def test_the_way_an_image_is_stored_does_not_matter(file: Path, images: Path, capsys: Capture) -> None:
    squid(capsys, "score", file, images, "--csv", "s.csv")
    grey, *others = [[float(row[name]) for name in SCORES] for row in rows_of(Path("s.csv"))[:5]]
    for other in others:
        assert other == pytest.approx(grey, rel=1e-3, abs=1e-3)
