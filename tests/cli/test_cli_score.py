"""squid score: the table says what the detector says, and nothing is overwritten."""

from __future__ import annotations

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
from squidlib.utils.plotting import MAP_COLOURS
from tests.cli.score_tables import rows_of
from tests.helpers import contents, squid

Capture = pytest.CaptureFixture[str]


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


def test_one_image_is_one_image(file: Path, images: Path, capsys: Capture) -> None:
    assert "1 image scored, 0 could" in squid(capsys, "score", file, images / "a grey.png", "--csv", "s.csv").out


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


def test_what_the_detector_cannot_tell_is_said(detector: Detector, file: Path, many: Path, capsys: Capture) -> None:
    assert "note" not in squid(capsys, "score", file, many, "--csv", "s.csv", "--rate", 0.05).out
    said = squid(capsys, "score", file, many, "--csv", "s.csv", "--rate", 0.04, "--overwrite").out
    assert "no image of the 20 that it was calibrated on can tell a rate of 0.04" in said
    blunt = detector.calibration._replace(familiarity=None, std=detector.calibration.std.clone())
    blunt.std[:, 4] = 0
    save(Detector(detector.squid, detector.discriminator, blunt, {}), Path("old"))
    said = squid(capsys, "score", "old", many, "--csv", "s.csv", "--overwrite").out
    assert "cannot tell images that are unlike its training data" in said
    assert "its file is of an older version; train it again" in said
    assert "1 of 9 patches have some score that hardly varies" in said
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
