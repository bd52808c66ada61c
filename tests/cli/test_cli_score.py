"""squid score: the table says what the detector says, bad files are named and passed over, nothing is overwritten; an
interrupted run goes on, and its own maps are no images."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image, ImageOps
from torch import Tensor

from digitanatomy import DigitAnatomy, GlyphSplit
from squidlib.data.images import read_image
from squidlib.detection.checkpoint import save
from squidlib.detection.detector import Detector
from squidlib.detection.prediction import NotFiniteError, Prediction
from squidlib.detection.scores import SCORES
from squidlib.training.presets import PRESETS
from squidlib.utils.plotting import MAP_COLOURS
from tests.helpers import Said, contents, squid, untrained

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def detector(split: GlyphSplit) -> Detector:
    return untrained(
        PRESETS["laptop"]["digitanatomy"].config, DigitAnatomy(split.calibration, {"normal": 20}, seed=5).images()
    )


@pytest.fixture(scope="module")
def file(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("detector") / "digits.safetensors"
    save(detector, path)
    return path


@pytest.fixture
def images(tmp_path: Path, split: GlyphSplit, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder "images", seen from the working folder: one image in many guises, names of many scripts."""
    monkeypatch.chdir(tmp_path)
    folder = Path("images")
    (folder / "ünter ordner").mkdir(parents=True)
    grey = (DigitAnatomy(split.test, {"missing": 1})[0].image[0] * 255).byte().numpy()
    image = Image.fromarray(grey)
    image.save(folder / "a grey.png")
    image.convert("RGB").save(folder / "b rgb.png")
    image.convert("RGBA").save(folder / "c rgba.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(folder / "d 16 bit.png")
    Image.fromarray(grey.astype(np.float32) / 255).save(folder / "e float.tiff")
    image.resize((131, 97)).save(folder / "ünter ordner" / "ödd, sïze 数字 🙂.PNG")
    (folder / "notes.txt").write_text("not an image, and not taken for one")
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_says_what_the_detector_says(detector: Detector, file: Path, images: Path, capsys: Capture) -> None:
    said = squid(capsys, "score", file, images, "--csv", "new/scöres.csv", "--rate", 0.1)
    assert (said.code, said.errors) == (0, [])
    assert "6 images scored, 0 could not be read" in said.out
    rows = rows_of(Path("new/scöres.csv"))
    paths = sorted(path for path in images.rglob("*.*") if path.suffix.lower() in (".png", ".tiff"))
    assert [row["path"] for row in rows] == [str(path) for path in paths]
    assert list(rows[0]) == ["path", "verdict", "score", "threshold", "score_name", *SCORES]
    for row, path in zip(rows, paths, strict=True):
        scores = detector.scores(read_image(path, 96)[None])
        assert [float(row[name]) for name in SCORES] == pytest.approx(
            [float(scores[name]) for name in SCORES], abs=1e-3
        )


@pytest.mark.parametrize("name", SCORES)
def test_the_verdict_is_by_the_score_that_the_table_names(
    detector: Detector, images: Path, split: GlyphSplit, tmp_path: Path, capsys: Capture, name: str
) -> None:
    """It was by "combined", against the threshold of another one: every chest run was hit."""
    save(Detector(detector.squid, detector.discriminator, detector.calibration, {"score": name}), Path("own"))
    for index, image in enumerate(DigitAnatomy(split.test, {"normal": 30}, seed=1).images()):
        Image.fromarray((image[0] * 255).byte().numpy()).save(images / f"{index}.png")
    assert squid(capsys, "score", "own", images, "--csv", "s.csv", "--rate", 0.3).code == 0
    normal = detector.calibration.normal_scores[list(SCORES).index(name)].numpy()
    limit = np.quantile(normal.astype(float), 0.7)
    rows = rows_of(Path("s.csv"))
    assert {row["score_name"] for row in rows} == {name}
    assert all(row["score"] == row[name] for row in rows)
    assert float(rows[0]["threshold"]) == pytest.approx(limit, abs=1e-3)
    judged = [row for row in rows if row["verdict"] != "unlike the training data"]
    clear = [row for row in judged if abs(float(row["score"]) - limit) > 1e-3]
    assert [row["verdict"] == "abnormal" for row in clear] == [float(row["score"]) > limit for row in clear]
    assert len(clear) > 20


def test_the_way_an_image_is_stored_does_not_matter(file: Path, images: Path, capsys: Capture) -> None:
    squid(capsys, "score", file, images, "--csv", "s.csv")
    grey, *others = [[float(row[name]) for name in SCORES] for row in rows_of(Path("s.csv"))[:5]]
    for other in others:
        assert other == pytest.approx(grey, rel=1e-3, abs=1e-3)


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


def test_a_table_that_exists_is_kept_unless_told_otherwise(file: Path, images: Path, capsys: Capture) -> None:
    Path("s.csv").write_text("precious")
    said = squid(capsys, "score", file, images, "--csv", "s.csv")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "--overwrite" in said.errors[0]
    assert Path("s.csv").read_text() == "precious"
    assert squid(capsys, "score", file, images, "--csv", "s.csv", "--overwrite").code == 0
    assert len(rows_of(Path("s.csv"))) == 6


def test_maps_are_written_beside_the_table_and_kept_like_it(
    detector: Detector, file: Path, images: Path, capsys: Capture
) -> None:
    options = ["score", file, images, "--csv", "s.csv", "--maps", "mäps"]
    assert squid(capsys, *options).code == 0
    rows = rows_of(Path("s.csv"))
    assert sorted(str(path) for path in Path("mäps").iterdir()) == sorted(row["map"] for row in rows)
    anomaly = detector.anomaly_map(read_image(images / "a grey.png", 96)[None])[0, 0]
    with Image.open(rows[0]["map"]) as picture:
        assert (picture.size, picture.mode) == ((96, 96), "RGB")
        expected = colormaps[MAP_COLOURS](anomaly.clamp(0, 1).numpy())[..., :3] * 255
        assert expected.std() > 10
        assert np.abs(np.asarray(picture) - expected).mean() < 1
    Path("s.csv").unlink()
    before = contents(Path("mäps"))
    said = squid(capsys, *options)
    assert said.code == 2
    assert "mäps is not empty" in said.errors[0]
    assert (contents(Path("mäps")), Path("s.csv").exists()) == (before, False)
    assert squid(capsys, *options, "--overwrite").code == 0


def test_a_name_as_long_as_file_systems_allow_can_be_scored_and_mapped(
    file: Path, images: Path, capsys: Capture
) -> None:
    long = images / ("数" * 83 + ".png")  # 253 of 255 bytes
    long.write_bytes((images / "a grey.png").read_bytes())
    said = squid(capsys, "score", file, long, "--csv", "s.csv", "--maps", "maps")
    assert (said.code, said.errors) == (0, [])
    assert Path(rows_of(Path("s.csv"))[0]["map"]).is_file()


@pytest.fixture
def many(tmp_path: Path, split: GlyphSplit, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven images, and batches of two."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("squidlib.detection.scores.BATCH", 2)
    Path("many").mkdir()
    for index, image in enumerate(DigitAnatomy(split.test, {"normal": 4, "missing": 3}, seed=2).images()):
        Image.fromarray((image[0] * 255).byte().numpy()).save(f"many/{index}.png")
    return Path("many")


def interrupt_after(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    """Press Ctrl-C while the batch after so many is judged."""
    predict, left = Detector.predict, iter(range(batches))

    def interrupted(self: Detector, images: Tensor, rate: float | None = None) -> Prediction:
        if rate is None:  # loading judges an image, too
            return predict(self, images)
        if next(left, None) is None:
            raise KeyboardInterrupt
        return predict(self, images, rate)

    monkeypatch.setattr(Detector, "predict", interrupted)


def test_an_interrupted_run_keeps_its_rows_and_the_same_command_goes_on(
    file: Path, many: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    squid(capsys, "score", file, many, "--csv", "whole.csv", "--maps", "whole")
    options = ["score", file, many, "--csv", "s.csv", "--maps", "maps"]
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        said = squid(capsys, *options)
    assert said.code == 130
    assert "4 of 7 images are in s.csv; the same command goes on" in said.errors[-2]
    assert len(rows_of(Path("s.csv"))) == 4
    kept = Path("s.csv").read_bytes()
    said = squid(capsys, *options, "--rate", 0.2)
    assert said.code == 2
    assert "begun with another rate" in said.errors[0]
    assert Path("s.csv").read_bytes() == kept
    Path("s.csv").write_bytes(kept[:-30])  # a row that the end of the process cut short
    said = squid(capsys, *options)
    assert (said.code, said.errors) == (0, [])
    assert "3 images are in it already" in said.out
    assert "7 images scored" in said.out
    assert Path("s.csv").read_text().replace("maps/", "whole/") == Path("whole.csv").read_text()
    names = sorted(path.name for path in Path("maps").iterdir())
    assert names == sorted(path.name for path in Path("whole").iterdir())
    assert not [path for path in Path().iterdir() if "s.csv" in path.name and path.name != "s.csv"]
    assert "--overwrite" in squid(capsys, *options).errors[0]  # it is finished now


def test_killed_without_a_word_it_goes_on_likewise(file: Path, many: Path, capsys: Capture) -> None:
    code = "import os, sys; from squidlib.detection import scores; scores.BATCH = 2\n"
    code += "from squidlib.cli import score_table; add = score_table.ScoreTable.add\n"
    code += "score_table.ScoreTable.add = lambda self, rows: (add(self, rows), os.kill(os.getpid(), 9))\n"
    code += "from squidlib.cli.main import main; main()"
    options = ["score", str(file), str(many), "--csv", "s.csv"]
    assert subprocess.run([sys.executable, "-c", code, *options]).returncode == -9
    assert len(rows_of(Path("s.csv"))) == 2
    said = squid(capsys, *options)
    assert (said.code, said.errors) == (0, [])
    assert [row["path"] for row in rows_of(Path("s.csv"))] == [f"many/{index}.png" for index in range(7)]
    assert "2 images are in it already" in said.out


def test_a_table_has_one_writer(file: Path, many: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    predict, others = Detector.predict, list[Said]()

    def meanwhile(self: Detector, images: Tensor, rate: float = 0.05) -> Prediction:
        found = predict(self, images, rate)
        if Path("s.csv").exists() and not others:
            others.append(Said(0, "", []))  # once
            others.append(squid(capsys, "score", file, many, "--csv", "s.csv"))
        return found

    monkeypatch.setattr(Detector, "predict", meanwhile)
    assert squid(capsys, "score", file, many, "--csv", "s.csv").code == 0
    assert others[1].code == 2
    assert "another process is writing s.csv" in others[1].errors[0]
    assert len(rows_of(Path("s.csv"))) == 7


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
    Path("many/scan.dcm").write_text("none")
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
    assert "1 .dcm (save them as PNG first)" in notes[1]
    assert "many/a dark.png: uses 1.6 % of the 16-bit range" in notes[2]
    assert notes[2].endswith("(and 1 more such images)")
    assert "many/pages.tiff: only the first of 3 pictures" in notes[3]
    assert len(notes) == 4


def test_an_overwritten_run_leaves_nothing_of_the_old_one_and_nothing_else_is_touched(
    file: Path, many: Path, capsys: Capture
) -> None:
    assert squid(capsys, "score", file, many, "--csv", "s.csv", "--maps", "maps").code == 0
    Path("maps/notes.txt").write_text("mine")
    Image.new("L", (96, 96)).save("maps/00000_mine.png")
    options = ["score", file, "many/3.png", "--csv", "s.csv", "--overwrite"]
    assert squid(capsys, *options, "--maps", "maps").code == 0
    mine = {"maps/notes.txt", "maps/00000_mine.png"}
    assert {str(path) for path in Path("maps").iterdir()} == mine | {row["map"] for row in rows_of(Path("s.csv"))}
    assert squid(capsys, *options).code == 0  # without maps there are none
    assert {str(path) for path in Path("maps").iterdir()} == mine


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


def test_what_the_detector_cannot_tell_is_said(detector: Detector, file: Path, many: Path, capsys: Capture) -> None:
    assert "note" not in squid(capsys, "score", file, many, "--csv", "s.csv", "--rate", 0.05).out
    said = squid(capsys, "score", file, many, "--csv", "s.csv", "--rate", 0.04, "--overwrite").out
    assert "no image of the 20 that it was calibrated on can tell a rate of 0.04" in said
    blunt = detector.calibration._replace(familiarity=None, std=detector.calibration.std.clone())
    blunt.std[:, 4] = 0
    save(Detector(detector.squid, detector.discriminator, blunt, {}), Path("old"))
    said = squid(capsys, "score", "old", many, "--csv", "s.csv", "--overwrite").out
    assert "cannot tell images that are unlike its training data" in said
    assert "1 of 9 patches have some score that is the same for every image" in said
    assert "positions 4)" in said


def test_an_image_unlike_the_training_data_is_neither_normal_nor_abnormal(
    file: Path, many: Path, capsys: Capture
) -> None:
    with Image.open(many / "0.png") as image:
        ImageOps.invert(image).save(many / "inverted.png")
    said = squid(capsys, "score", file, many, "--csv", "s.csv")
    assert {row["path"]: row["verdict"] for row in rows_of(Path("s.csv"))}["many/inverted.png"] == (
        "unlike the training data"
    )
    assert "1 unlike the training data" in said.out


def test_a_score_that_is_no_number_names_its_image_and_is_no_row(
    file: Path, many: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = Detector.predict

    def broken(self: Detector, images: Tensor, rate: float | None = None) -> Prediction:
        if rate is None:  # loading judges an image, too
            return predict(self, images)
        raise NotFiniteError(1, "error", float("nan"))

    monkeypatch.setattr(Detector, "predict", broken)
    said = squid(capsys, "score", file, many, "--csv", "s.csv")
    assert said.code == 2
    assert said.errors[0].startswith("squid: many/1.png: the score 'error'")
    assert not Path("s.csv").exists()
