"""``squid train zhanglab|chexpert|pneumoniamnist``, on small generated folders of their layouts, end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from squidlib.cli.prepare import preset_of
from squidlib.cli.train import Train
from squidlib.data.chest import ChestData
from squidlib.data.registry import open_dataset, where_to_get
from squidlib.detection.checkpoint import load
from squidlib.training.run_dir import Run
from tests.chest_folders import chexpert_authors_folder, chexpert_folder, zhanglab_authors_folder, zhanglab_folder
from tests.helpers import shorten, squid

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset, for two steps of four images."""
    shorten(monkeypatch, "zhanglab", "chexpert", "pneumoniamnist")


def test_zhanglab_is_trained_evaluated_and_every_score_stands_beside_the_baselines(
    capsys: Capture, tmp_path: Path
) -> None:
    folder, out = zhanglab_folder(tmp_path / "data"), tmp_path / "run"
    said = squid(capsys, "train", "zhanglab", "--data", folder, "--out", out, "--cache", tmp_path / "cache")
    assert said.code == 0, said.errors
    assert Run(out).finished
    said = squid(capsys, "evaluate", out)
    assert said.code == 0, said.errors
    metadata = load(out).metadata
    assert metadata["pretended"][metadata["score"]] == max(metadata["pretended"].values())
    for name in (f"{metadata['score']} (default)", "combined", "discriminator", "sharpness", "pixel kNN", "abnormal"):
        assert name in said.out
    assert "Where it is wrong" not in said.out
    (figures,) = json.loads((out / "evaluation.json").read_text()).values()
    assert set(figures["images"]) == {"normal", "abnormal"}


def test_three_seeds_are_three_runs_and_one_table(capsys: Capture, tmp_path: Path) -> None:
    folder, out = zhanglab_folder(tmp_path / "data"), tmp_path / "runs"
    arguments = ("train", "zhanglab", "--data", folder, "--out", out, "--seeds", 3)
    said = squid(capsys, *arguments)
    assert said.code == 0, said.errors
    assert "mean ± standard deviation of 3 runs" in said.out
    assert len(json.loads((out / "evaluation.json").read_text())) == 3
    seeds = [json.loads((out / f"seed_{seed}" / "run.json").read_text())["training"]["seed"] for seed in range(3)]
    assert seeds == [0, 1, 2]
    (out / "seed_2" / "model.safetensors").unlink()
    kept = (out / "seed_1" / "model.safetensors").stat().st_mtime_ns
    assert squid(capsys, *arguments).code == 2  # the runs are there, and nobody said to replace them
    again = squid(capsys, *arguments, "--resume")
    assert again.code == 0, again.errors
    assert (out / "seed_1" / "model.safetensors").stat().st_mtime_ns == kept
    assert (out / "seed_2" / "model.safetensors").is_file()


def test_chexpert_with_the_official_columns_is_trained_and_evaluated(capsys: Capture, tmp_path: Path) -> None:
    folder, out = chexpert_folder(tmp_path / "data"), tmp_path / "run"
    said = squid(capsys, "train", "chexpert", "--data", folder, "--out", out)
    assert said.code == 2
    assert "--test-each" in said.errors[0]
    said = squid(capsys, "train", "chexpert", "--data", folder, "--out", out, "--test-each", 5)
    assert said.code == 0, said.errors
    said = squid(capsys, "evaluate", out)
    assert said.code == 0, said.errors
    assert "5 normal, 5 abnormal" in said.out


@pytest.mark.parametrize(
    ("name", "make"), [("zhanglab", zhanglab_authors_folder), ("chexpert", chexpert_authors_folder)]
)
def test_the_authors_layouts_are_known_by_their_folders(name: str, make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    metadata = {"data": name, "folder": str(make(tmp_path / "data")), "image_size": 32}
    data = open_dataset(metadata, seed=3)
    assert isinstance(data, ChestData)
    assert data.batch(0, 2).shape == (2, 1, 32, 32)
    assert data.seed == 3


def test_contamination_mixes_that_share_of_abnormal_images_into_training(capsys: Capture, tmp_path: Path) -> None:
    folder, out = zhanglab_folder(tmp_path / "data"), tmp_path / "run"
    arguments = ("--cache", tmp_path / "cache", "--contamination", 0.25)
    said = squid(capsys, "train", "zhanglab", "--data", folder, "--out", out, *arguments)
    assert said.code == 0, said.errors
    metadata = json.loads((out / "run.json").read_text())["facts"]
    dirty, clean = open_dataset(metadata, 0), open_dataset(metadata | {"contamination": 0}, 0)
    assert isinstance(dirty, ChestData)
    assert isinstance(clean, ChestData)
    assert dirty.contaminated_rows.mean() == pytest.approx(0.25, abs=0.5 / len(dirty))
    assert not clean.contaminated_rows.any()
    assert squid(capsys, "evaluate", out).code == 0


def test_a_folder_that_was_moved_is_found_again(capsys: Capture, tmp_path: Path) -> None:
    folder, out = zhanglab_folder(tmp_path / "data"), tmp_path / "run"
    assert squid(capsys, "train", "zhanglab", "--data", folder, "--out", out, "--cache", tmp_path / "cache").code == 0
    moved = folder.rename(tmp_path / "moved")
    said = squid(capsys, "evaluate", out)
    assert said.code == 2
    assert "no such folder" in said.errors[0]
    assert squid(capsys, "evaluate", out, "--data", moved).code == 0


def test_a_damaged_image_is_refused_and_left_out_when_asked(capsys: Capture, tmp_path: Path) -> None:
    folder = zhanglab_folder(tmp_path / "data")
    bad = sorted((folder / "train" / "NORMAL").iterdir())[0]
    bad.write_bytes(bad.read_bytes()[:40])
    said = squid(capsys, "train", "zhanglab", "--data", folder, "--out", tmp_path / "run")
    assert said.code == 2
    assert len(said.errors) == 1
    assert bad.name in said.errors[0]
    assert not (tmp_path / "run").exists()
    said = squid(capsys, "train", "zhanglab", "--data", folder, "--out", tmp_path / "run", "--skip-bad")
    assert said.code == 0, said.errors
    assert f"note: {bad}" in said.out


def test_every_chest_data_set_says_where_it_comes_from() -> None:
    assert all(where_to_get(name) for name in ("zhanglab", "chexpert", "pneumoniamnist"))


@pytest.mark.parametrize(("name", "steps"), [("zhanglab", 200), ("chexpert", 200 * 84)])
def test_the_published_settings_last_200_epochs(name: str, steps: int, tmp_path: Path) -> None:
    made = preset_of(Train(dataset=name, out=tmp_path, preset="paper"))  # type: ignore[arg-type]
    assert made.steps_of(made.epochs, 16) == steps  # 16 images are a batch, which CheXpert's epoch does not depend on
