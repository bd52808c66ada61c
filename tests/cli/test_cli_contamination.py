"""``squid contamination`` on a generated folder: sizes, dirt, tables and figures, going on where it stopped."""

from __future__ import annotations

import csv
import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from squidlib.data.chest import ChestData, open_images, zhanglab
from squidlib.teaching.studies import chest_contamination as study
from squidlib.teaching.studies.results import Progress, read_runs, run_all, seconds_left
from squidlib.training.presets import PRESETS
from squidlib.training.run_dir import Run
from squidlib.utils.errors import UserError
from tests.chest_folders import zhanglab_folder
from tests.helpers import Said, refusal, squid

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def few_images_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset with batches of four images of 64 px, and 16 augmented images for the baselines."""
    preset = PRESETS["laptop"]["zhanglab"]
    short = preset._replace(
        config=replace(preset.config, image_size=64, grid=2), training=replace(preset.training, batch_size=4)
    )
    monkeypatch.setitem(PRESETS["laptop"], "zhanglab", short)
    monkeypatch.setattr(study, "AUGMENTED", 16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return zhanglab_folder(tmp_path / "data")


def chest(folder: Path) -> ChestData:
    return ChestData(open_images(zhanglab(folder), 32))


def contamination(capsys: Capture, folder: Path, out: Path, *more: object) -> Said:
    given = {"--shares": "100,50", "--seeds": 1, "--steps": 2, "--baseline-steps": 1} | dict(
        zip(more[::2], more[1::2], strict=True)
    )
    options = [part for pair in given.items() for part in pair]
    return squid(capsys, "contamination", "zhanglab", "--data", folder, "--out", out, *options)


def test_tables_and_figures_hold_every_method_and_share(capsys: Capture, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = contamination(capsys, folder, out, "--seeds", 2)
    assert said.code == 0, said.errors
    assert "min left" in said.out
    assert "AUC" in said.out
    stored = read_runs(out / "results.json", "")
    assert len(stored.runs) == 2 * 2 * 6
    assert stored.metadata["test"] == {"normal": 6, "abnormal": 8}
    rows = list(csv.reader((out / "table.csv").open()))
    assert rows[0] == ["normal images", "100 %", "50 %"]
    names = [row[0] for row in rows[1:]]
    assert names[:6] == ["SQUID", "MemAE", "auto-encoder", "pixel kNN", "mean image", "sharpness"]
    assert "SQUID, discriminator" in names
    clean = [stored.runs[f"mean image 100/{seed}"]["auc"] for seed in (0, 1)]
    row = rows[1 + names.index("mean image")]
    assert row[1] == f"{np.mean(clean):.3f} ± {np.std(clean, ddof=1):.3f}"
    assert len({*rows[1 + names.index("sharpness")][1:]}) == 1  # it learns nothing, so dirt is nothing to it
    assert "| mean image | " + row[1] in (out / "table.md").read_text()
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert "auto-encoder" in (out / "figure.svg").read_text()
    assert not list((out / "running").glob("*"))


def test_after_ctrl_c_the_same_command_ends_as_if_nothing_had_happened(
    capsys: Capture, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "stopped"
    assert contamination(capsys, folder, whole, "--steps", 4).code == 0
    given = ChestData.batch

    def stopping(self: ChestData, step: int, size: int) -> Tensor:
        if self.contaminated_rows.any() and step == 2:
            signal.raise_signal(signal.SIGINT)  # during the third step of the second share
        return given(self, step, size)

    monkeypatch.setattr(ChestData, "batch", stopping)
    said = contamination(capsys, folder, out, "--steps", 4)
    assert said.code == 130
    assert "same command" in said.errors[-1]
    assert list(read_runs(out / "results.json", "").runs) == [
        f"{name} 100/0" for name in ("SQUID", "MemAE", "auto-encoder", "pixel kNN", "mean image", "sharpness")
    ]
    assert (out / "table.md").is_file()
    assert Run(out / "running" / "SQUID_50_seed_0").state_path.is_file()
    asked = []

    def counting(self: ChestData, step: int, size: int) -> Tensor:
        asked.extend([step] if size == 4 else [])  # of SQUID's training
        return given(self, step, size)

    monkeypatch.setattr(ChestData, "batch", counting)
    said = contamination(capsys, folder, out, "--steps", 4)
    assert said.code == 0, said.errors
    assert "SQUID 100/0" not in said.out  # it was not trained again
    assert asked == [3]  # and of the other only what was missing
    assert figures(out) == figures(whole)


def figures(out: Path) -> dict[str, Any]:
    """All figures but the times."""
    runs = read_runs(out / "results.json", "").runs
    return {key: {name: value for name, value in run.items() if name != "seconds"} for key, run in runs.items()}


def test_every_share_and_seed_has_the_same_largest_size_that_all_can_have(folder: Path) -> None:
    data = chest(folder)  # many abnormals: the size is the clean set's
    assert study.common_size(data, (100, 50), range(2)) == len(data)
    few = replace(data.arrays, abnormals=lambda: _first(data, 6))
    short = ChestData(few)
    size = study.common_size(short, (100, 50), range(3))
    assert 2 < size < len(data)
    for seed in range(3):
        assert len(short.contaminated(50, seed, size)) == len(short.contaminated(100, seed, size)) == size
        assert short.contaminated(50, seed, size).contaminated_rows.sum() == round(size / 2)
    with pytest.raises(UserError):  # 16 images lose one a step: the next larger size was tried
        study.check_size(short, (100, 50), range(3), size + 1)
    none = ChestData(replace(data.arrays, abnormals=lambda: _first(data, 0)))
    assert "abnormal images" in refusal(lambda: study.common_size(none, (50,), range(1)))


def _first(data: ChestData, count: int) -> Any:
    every = data.arrays.abnormals()
    return every._replace(images=every.images[:count], patients=every.patients[:count])


def test_more_seeds_can_be_added_but_other_settings_are_refused(capsys: Capture, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert contamination(capsys, folder, out, "--shares", "100", "--images", 12).code == 0
    before = figures(out)
    assert contamination(capsys, folder, out, "--shares", "100", "--images", 12, "--seeds", 2).code == 0
    after = figures(out)
    assert len(after) == 2 * len(before)
    assert {key: after[key] for key in before} == before
    said = contamination(capsys, folder, out, "--shares", "100", "--images", 12, "--steps", 3)
    assert said.code == 2
    assert "other settings" in said.errors[0]
    assert figures(out) == after


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("digitanatomy",), "python -m squidlib.teaching.studies.contamination"),
        (("zhanglab",), "--data"),
        (("zhanglab", "--data", "none", "--shares", "100,x"), "whole numbers"),
        (("zhanglab", "--data", "none", "--shares", "100,0"), "1..100"),
        (("zhanglab", "--data", "none", "--seeds", "0"), "--seeds"),
        (("zhanglab", "--data", "none", "--steps", "2", "--minutes", "1"), "one of them"),
        (("zhanglab", "--data", "none"), "no such folder"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: tuple[str, ...], expected: str, capsys: Capture, tmp_path: Path) -> None:
    said = squid(capsys, "contamination", *arguments, "--out", tmp_path / "out")
    assert said.code == 2
    assert len(said.errors) == 1
    assert expected in said.errors[0]
    assert not (tmp_path / "out").exists()


def test_a_size_that_cannot_be_had_is_refused_before_anything_is_trained(
    capsys: Capture, folder: Path, tmp_path: Path
) -> None:
    for pneumonia in sorted((folder / "train/PNEUMONIA").iterdir())[4:]:
        pneumonia.unlink()
    for images in (12, 1000):
        said = contamination(capsys, folder, tmp_path / "out", "--images", images)
        assert said.code == 2
        assert len(said.errors) == 1
    assert not (tmp_path / "out").exists()


def test_a_study_elsewhere_keeps_runs_that_nobody_asks_for_now_and_tells_the_time_left(tmp_path: Path) -> None:
    path, told = tmp_path / "results.json", []

    def job() -> dict[str, float]:
        return {"mean": 1.0}

    run_all("trial", {}, {"a 1/0": job, "b 1/0": job}, path, told.append)
    run_all("trial", {}, {"a 1/1": job}, path, told.append)
    assert list(json.loads(path.read_text())["runs"]) == ["a 1/1", "a 1/0", "b 1/0"]
    assert [(progress.done, progress.total) for progress in told] == [(1, 2), (2, 2), (1, 1)]
    assert isinstance(told[0], Progress)
    runs = {"a 1/0": {"seconds": 10.0}, "a 2/0": {"seconds": 20.0}, "b 1/0": {"seconds": 3.0}}
    assert seconds_left(runs, ["a 1/0", "a 3/0", "b 2/0"]) == 15 + 3
    assert seconds_left(runs, ["c/0"]) == 11
    assert seconds_left({}, ["a/0"]) == 0
