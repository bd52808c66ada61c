"""The table of methods: a new one is one file and one line; every entry can travel to another process."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from squidlib.baselines import Method
from squidlib.benchmark.registry import FAMILIES, METHODS, OTHER, Entry, Plain, chosen
from squidlib.training.presets import PRESETS
from tests.benchmark_toys import ToySource
from tests.helpers import squid

MINE = '''
class Darkness:
    """The darker, the more abnormal."""

    name = "darkness"

    def fit(self, normals, seed=0, progress=range, augmented=None):
        return self

    def score(self, images):
        return -images.mean(dim=(1, 2, 3))
'''


def test_a_new_method_is_one_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import squidlib.benchmark.source as source

    (tmp_path / "darkness.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    import darkness  # type: ignore[import-not-found]  # written above

    monkeypatch.setitem(METHODS, "darkness", Entry(Plain(darkness.Darkness), OTHER))  # the one line
    monkeypatch.setattr(source, "NamedSource", lambda settings: ToySource())
    out = tmp_path / "out"
    said = squid(
        capsys, "benchmark", "digitanatomy", "--methods", "Darkness", "--seeds", "1", "--minutes-each", "0.001",
        "--out", str(out),
    )  # fmt: skip
    assert said.code == 0, said.errors
    (row,) = json.loads((out / "results.json").read_text())["methods"]
    assert (row["name"], row["family"], row["runs"]["0"]["name"]) == ("darkness", "other", "darkness")
    assert row["runs"]["0"]["auc"]["mean"] < 0.5  # the toys' abnormal images are bright


@pytest.mark.parametrize("name", METHODS)
def test_an_entry_travels_to_another_process_and_builds_its_method(name: str) -> None:
    entry = pickle.loads(pickle.dumps(METHODS[name]))
    assert entry.family in FAMILIES
    method = entry.build(PRESETS["laptop"]["digitanatomy"])
    assert isinstance(method, Method)
    assert type(method) is type(METHODS[name].build(PRESETS["laptop"]["digitanatomy"]))


def test_methods_of_the_data_sets_size_get_the_presets_configuration() -> None:
    preset = PRESETS["laptop"]["zhanglab"]
    memae, neighbours = METHODS["MemAE"].build(preset), METHODS["pixel-kNN"].build(preset)
    assert memae.config.image_size == 128  # type: ignore[attr-defined]
    assert neighbours.grid == 4  # type: ignore[attr-defined]


def test_names_are_found_whatever_their_case_and_stay_in_the_tables_order() -> None:
    assert list(chosen(["padim", " SQUID", "sharpness"])) == ["sharpness", "SQUID", "PaDiM"]
    assert chosen([]) == METHODS
