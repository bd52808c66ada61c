"""The harness: failures are reported and the rest goes on; it resumes; tables say what was found."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from squidlib.benchmark import harness
from squidlib.benchmark.harness import expected, run_jobs, settings_of
from squidlib.benchmark.job import Job, work
from squidlib.benchmark.pictures import auc_chart, reconstructions_picture
from squidlib.benchmark.registry import NAIVE
from squidlib.benchmark.report import as_csv, as_json, as_markdown
from squidlib.benchmark.store import JobResult, Store
from squidlib.benchmark.summary import Row, spread, summarise
from squidlib.training.presets import PRESETS
from tests.benchmark_toys import TOYS, ToySource, toy_figures
from tests.helpers import contents, refusal

SETTINGS = settings_of("digitanatomy", ToySource().test_set(), 0.002, "cpu")
Capture = pytest.CaptureFixture[str]


def run(folder: Path, methods: list[str], seeds: int) -> list[str]:
    store, said = Store(folder), list[str]()
    store.open(SETTINGS)
    chosen = {name: TOYS[name] for name in methods}
    run_jobs(store, ToySource(), PRESETS["laptop"]["digitanatomy"], chosen, seeds, 0.002, "cpu", said.append)
    return said


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Toys in processes of their own; one raises, one is killed, one was done before."""
    folder = tmp_path_factory.mktemp("benchmark")
    Store(folder).open(SETTINGS)
    work(Job("brightness", 0, TOYS["brightness"], PRESETS["laptop"]["digitanatomy"], ToySource(), 0.12, "cpu", folder))
    return folder, run(folder, list(TOYS), 1)


def test_failures_are_reported_and_the_rest_goes_on(ran: tuple[Path, list[str]]) -> None:
    folder, said = ran
    ends = {result.method: result.failure for result in Store(folder).results()}
    assert ends == {
        "SQUID": None,
        "brightness": None,
        "failing": "RuntimeError: the toy is broken",
        "killed": "killed by SIGKILL (out of memory, perhaps)",
    }
    assert "in fit" in Store(folder).log("failing", 0).read_text()
    assert "    failed: RuntimeError: the toy is broken" in said
    assert any(line.startswith("4/4 killed, seed 0 (all done at about ") for line in said)
    rows = summarise(Store(folder), ToySource().test_set(), TOYS)
    assert {row.name for row in rows[:2]} == {"SQUID", "brightness"}
    text = as_markdown(rows, SETTINGS)
    assert "- failing, seed 0: RuntimeError: the toy is broken" in text
    assert "| failing | 1 failed |" in text


def test_what_is_done_is_not_done_again_and_what_failed_is(
    ran: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = ran
    before, asked = contents(folder), list[str]()

    def instead(work: Any, job: Any, log: Path, limit: float) -> str | None:
        asked.append(f"{job.name}/{job.seed}")
        assert limit > 8 * job.budget
        return "again"

    monkeypatch.setattr(harness, "run_apart", instead)
    run(folder, list(TOYS), 1)
    assert asked == ["failing/0", "killed/0"]
    after = contents(folder)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {"jobs/failing-0.json", "jobs/killed-0.json"}


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def instead(work: Any, job: Any, log: Path, limit: float) -> str | None:
        calls.append(job.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        work(job)
        return None

    monkeypatch.setattr(harness, "run_apart", instead)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, ["SQUID", "brightness"], 2)
    assert [(result.method, result.seed) for result in Store(tmp_path).results()] == [("SQUID", 0)]
    run(tmp_path, ["SQUID", "brightness"], 2)
    assert calls == ["SQUID", "brightness", "brightness", "SQUID", "brightness"]  # a seed of all, then the next


def test_other_settings_are_refused_and_overwrite_begins_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.open(SETTINGS)
    store.write_result(JobResult("SQUID", 0, None, "no", 1.0))
    (tmp_path / "mine.txt").write_text("not the benchmark's")
    before = contents(tmp_path)
    said = refusal(lambda: store.open(SETTINGS | {"minutes_each": 5.0}))
    assert "minutes_each was 0.002, now 5.0" in said
    assert "--overwrite" in said
    assert contents(tmp_path) == before
    store.open(SETTINGS | {"minutes_each": 5.0}, overwrite=True)
    assert store.results() == []
    assert (tmp_path / "mine.txt").is_file()
    (tmp_path / "settings.json").write_text("{")
    assert "is damaged" in refusal(lambda: store.open(SETTINGS))


def test_patients_pictures_are_kept_out_of_git(tmp_path: Path) -> None:
    Store(tmp_path / "digits").open(SETTINGS)
    Store(tmp_path / "chest").open(SETTINGS, private=True)
    assert not (tmp_path / "digits/.gitignore").exists()
    assert (tmp_path / "chest/.gitignore").read_text().split() == ["pictured/", "methods.png"]


def test_tables_say_what_was_found_beside_what_the_paper_prints() -> None:
    rows = [
        Row("PaDiM", runs={0: toy_figures(0.8), 1: toy_figures(0.9)}),
        Row("sharpness", NAIVE, runs={0: toy_figures(0.7) | {"name": "sharpness"}, 1: toy_figures(0.7)}),
        Row("IGD", failures={1: "ValueError: no"}),
    ]
    settings = SETTINGS | {"data": "zhanglab", "test_images": {"normal": 3, "abnormal": 4}}
    text = as_markdown(rows, settings)
    lines = text.splitlines()
    assert "| PaDiM (random weights) | 2 | 0.850 ± 0.071 | – | – | 71.4±3.4 | 72.9±2.4 | 80.7±1.2 |" in lines
    assert "| sharpness † | 2 | 0.700 | – | – | – | – | – |" in lines  # a deviation of 0 is none
    assert "| PaDiM (random weights) | 0.500 | 0.250 | 0.750 | 0.125 | 0.625 | 0.250 |" in lines
    assert "| PaDiM (random weights) | 1,234 | 10 | 321 | 5.50 | 1.50 | – |" in lines
    assert "cannot be right" in text
    assert "3 normal, 4 abnormal" in text
    assert "paper" not in as_markdown(rows, SETTINGS)
    assert "the processor's own" not in text
    rows[0].runs[0]["threads"] = 1
    assert "Seconds are the processor's own" in as_markdown(rows, settings)
    table = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert [line["auc.mean"] for line in table] == ["0.8", "0.9", "0.7", "0.7", ""]
    assert table[-1]["failure"] == "ValueError: no"
    plain = json.loads(as_json(rows, settings))
    assert plain["methods"][0]["runs"]["1"]["auc"]["mean"] == 0.9
    assert plain["methods"][0]["paper"]["auc"] == "71.4±3.4"


def test_every_method_is_compared_with_squid(tmp_path: Path) -> None:
    import torch

    store, test_set = Store(tmp_path), ToySource().test_set()
    labels, random = test_set.labels.float(), np.random.default_rng(0)
    for seed in range(3):
        for name, skill in (("SQUID", 3.0), ("poor", 0.0), ("other", 2.9)):
            scores = skill * labels + torch.from_numpy(random.normal(size=len(labels))).float()
            store.write(JobResult(name, seed, toy_figures(0.5), None, 1.0), {"scores": scores}, {})
    rows = {row.name: row for row in summarise(store, test_set, TOYS)}
    assert rows["SQUID"].comparison is None
    assert rows["poor"].comparison is not None
    assert rows["other"].comparison is not None
    assert rows["poor"].comparison.difference < -0.2
    assert rows["poor"].corrected_p == pytest.approx(min(1.0, 2 * rows["poor"].comparison.p))
    assert rows["poor"].corrected_p < 0.05 < rows["other"].corrected_p


def test_the_chart_marks_squid_and_the_naive_ones(ran: tuple[Path, list[str]]) -> None:
    rows = summarise(Store(ran[0]), ToySource().test_set(), TOYS)
    figure = auc_chart(rows, "digitanatomy")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["SQUID", "naive: learns (next to) nothing"]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == [row.name for row in rows if row.runs]


def test_the_picture_has_a_column_for_every_method_that_reconstructs(ran: tuple[Path, list[str]]) -> None:
    test_set = ToySource().test_set()
    rows = summarise(Store(ran[0]), test_set, TOYS)
    figure = reconstructions_picture(rows, Store(ran[0]), test_set)
    assert figure is not None
    assert [axis.get_title() for axis in figure.axes[:3]] == ["input", *(row.name for row in rows[:2])]
    for number, index in enumerate(test_set.pictured):
        shown = [np.asarray(axis.images[0].get_array()) for axis in figure.axes[3 * number : 3 * number + 3]]
        assert np.allclose(shown[0], test_set.images[index, 0])
        assert np.allclose(shown[1], 1 - test_set.images[index, 0])


def test_the_expected_time_is_what_a_method_took_before() -> None:
    assert expected("a", {"a": [10.0, 20.0]}, 100.0) == 15.0
    assert expected("b", {"a": [10.0]}, 100.0) == 100.0 + harness.OVERHEAD


def test_spread() -> None:
    assert spread([0.5, 0.7]) == "0.600 ± 0.141"
    assert spread([0.5, 0.5]) == spread([0.5]) == "0.500"
    assert spread([]) == "–"
