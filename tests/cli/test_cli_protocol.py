"""squid evaluate --protocol: one table a way of testing, on small generated folders, end to end."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from digitanatomy.other_pens import WAYS
from squidlib.data.chest.acquisition import SHIFTS
from squidlib.detection.checkpoint import load
from tests.chest_folders import zhanglab_folder
from tests.helpers import Said, shorten, squid

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset, for two steps of four images; no network that saw ImageNet, which takes long."""
    shorten(monkeypatch, "zhanglab")
    monkeypatch.setattr("squidlib.benchmark.simple_methods.pretrained_methods", list)


def told(capsys: Capture, root: Path, *more: object) -> Said:
    folder, out = root / "data", root / "run"
    if not folder.exists():
        zhanglab_folder(folder)
    said = squid(capsys, "train", "zhanglab", "--data", folder, "--out", out, "--overwrite", *more)
    assert said.code == 0, said.errors
    return said


def trained(capsys: Capture, root: Path, *more: object) -> Path:
    told(capsys, root, *more)
    return root / "run"


def test_shifts_and_types_each_have_a_row_with_false_alarms_and_simple_methods(capsys: Capture, tmp_path: Path) -> None:
    out = trained(capsys, tmp_path)
    wanted = {
        "acquisition": ["as they are", *SHIFTS, "spectrum matched"],
        "types": ["bacteria", "virus"],
        "patients": ["as they are"],
    }
    for protocol, rows in wanted.items():
        said = squid(capsys, "evaluate", out, "--protocol", protocol, "--json", tmp_path / "f.json")
        assert said.code == 0, said.errors
        figures = json.loads((tmp_path / "f.json").read_text())
        assert list(figures) == [*rows, "runs"]
        for name in (*rows, "false alarms", "sharpness", "pixel kNN"):
            assert name in said.out
        for name in rows:
            (row,) = figures[name]
            assert 0 <= row["auc"]["low"] <= row["auc"]["value"] <= row["auc"]["high"] <= 1
            assert row["images"] == [6, 4 if protocol == "types" else 8]
    assert figures["as they are"][0]["false_alarms"] in [count / 6 for count in range(7)]


def test_series_out_is_for_runs_that_were_trained_so(capsys: Capture, tmp_path: Path) -> None:
    out = trained(capsys, tmp_path)
    refused = squid(capsys, "evaluate", out, "--protocol", "series")
    assert (refused.code, len(refused.errors)) == (2, 1)
    assert "squid train zhanglab --series IM" in refused.errors[0]
    assert "--protocol" not in told(capsys, tmp_path).out
    trained_on_im = told(capsys, tmp_path, "--series", "IM")
    hint = shlex.split(trained_on_im.out.partition("On its test images: ")[2].splitlines()[0])
    assert hint[-4:] == ["evaluate", str(out), "--protocol", "series"]
    said = squid(capsys, *hint[-4:], "--json", tmp_path / "f.json")
    assert said.code == 0, said.errors
    (row,) = json.loads((tmp_path / "f.json").read_text())["trained on IM, tested with others"]
    assert row["images"] == [8 + 3, 8]  # NORMAL2: 8 in train, 3 in test


def test_figures_lie_beside_the_run_and_an_adapted_one_says_what_flatters_it(capsys: Capture, tmp_path: Path) -> None:
    out = trained(capsys, tmp_path, "--series", "IM")
    said = squid(capsys, "evaluate", out, "--protocol", "series")
    assert said.code == 0, said.errors
    assert "adapted" not in said.out
    assert list(json.loads((out / "protocol_series.json").read_text())) == ["trained on IM, tested with others", "runs"]
    site = tmp_path / "site"
    site.mkdir()
    for number, path in enumerate(sorted((tmp_path / "data" / "train" / "NORMAL").glob("NORMAL2*"))[:5]):
        (site / f"{number}{path.suffix}").write_bytes(path.read_bytes())
    assert squid(capsys, "adapt", out, "--normals", site, "--out", tmp_path / "ours").code == 0
    for protocol in (["--protocol", "series"], []):
        said = squid(capsys, "evaluate", tmp_path / "ours", *protocol)
        assert said.code == 0, said.errors
        assert "was adapted with 5 normal images; whichever of them are test images flatter it" in said.out


def test_variation_of_acquisition_is_the_presets_or_as_asked(capsys: Capture, tmp_path: Path) -> None:
    for asked, wanted in (((), True), (("--acquisition", "plain"), False), (("--acquisition", "varied"), True)):
        out = trained(capsys, tmp_path, *asked)
        facts = json.loads((out / "run.json").read_text())["facts"]
        assert facts.get("acquisition", False) is wanted
        assert (load(str(out)).calibration.shifted_scores is not None) is wanted
    said = squid(capsys, "train", "digitanatomy", "--acquisition", "varied", "--out", tmp_path / "digits")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "--acquisition varied varies X-rays as other machines would; digitanatomy has none" in said.errors[0]


def test_series_of_other_data_is_refused(capsys: Capture, tmp_path: Path) -> None:
    said = squid(capsys, "train", "digitanatomy", "--series", "IM", "--out", tmp_path / "run")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "--series is for zhanglab" in said.errors[0]


def test_digits_are_judged_as_other_pens_give_them_and_xrays_are_not(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, "digitanatomy")
    monkeypatch.setattr("squidlib.data.digits.TEST_COUNTS", {"normal": 6, "missing": 3})
    assert squid(capsys, "train", "digitanatomy", "--out", tmp_path / "digits").code == 0
    said = squid(capsys, "evaluate", tmp_path / "digits", "--protocol", "pens")
    assert said.code == 0, said.errors
    figures = json.loads((tmp_path / "digits" / "protocol_pens.json").read_text())
    assert list(figures) == ["as they are", *WAYS, "scikit-learn's digits", "runs"]
    assert all(figures[name][0]["images"] == [6, 3] for name in figures if name != "runs")
    assert len({figures[name][0]["baselines"]["mean image"] for name in WAYS}) > 1  # they are other images
    refused = squid(capsys, "evaluate", trained(capsys, tmp_path), "--protocol", "pens")
    assert (refused.code, len(refused.errors)) == (2, 1)
    assert "--protocol acquisition" in refused.errors[0]
