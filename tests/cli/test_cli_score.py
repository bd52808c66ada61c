"""squid score: the table says what the detector says, bad files are named and passed over, nothing is overwritten."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from digitanatomy import DigitAnatomy, GlyphSplit
from squidlib.config import SquidConfig
from squidlib.data.images import read_image
from squidlib.detection.checkpoint import save
from squidlib.detection.detector import Detector
from squidlib.detection.scores import SCORES
from squidlib.utils.plotting import MAP_COLOURS
from tests.helpers import contents, squid, untrained

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def detector(split: GlyphSplit) -> Detector:
    return untrained(SquidConfig.laptop(), DigitAnatomy(split.calibration, {"normal": 20}, seed=5).images())


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
    assert list(rows[0]) == ["path", "verdict", "threshold", *SCORES]
    threshold = detector.threshold(0.1)
    for row, path in zip(rows, paths, strict=True):
        scores = detector.scores(read_image(path, 96)[None])
        assert {name: row[name] for name in SCORES} == {name: f"{float(scores[name]):.4f}" for name in SCORES}
        assert row["verdict"] == ("abnormal" if scores["combined"] > threshold else "normal")
        assert row["threshold"] == f"{threshold:.4f}"


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
