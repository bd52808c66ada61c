"""Within one source: only images of equal sources are compared, and JSON and table tell how many they are."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import Tensor

from squidlib.baselines.naive import Sharpness
from squidlib.benchmark.evaluate import evaluate
from squidlib.benchmark.same_source import SOURCE_ALONE, same_source
from squidlib.benchmark.tables import auc_cells, same_source_cells
from squidlib.data.base import TestSet
from tests.conftest import tiny_config
from tests.helpers import NoiseData, noise, untrained


class Noise(NoiseData):
    """Noise as a whole ``Dataset`` without test images of its own."""

    settings, notes, photographic, epoch_images = {"data": "noise"}, (), False, 8
    image_shape = (1, 24, 24)

    def validation(self) -> Tensor:
        return noise(4, self.size)

    def test(self) -> None:
        return None


TYPES = ["normal", "normal", "normal", "odd", "odd", "far"]
SOURCES = ["a", "a", "b", "a", "b", "c"]


def images_of(sources: list[str]) -> TestSet:
    rarity = torch.tensor([0.0, 0.0, 0.5, 0.0, 0.5, 1.0]) if sources else None
    return TestSet(noise(6, tiny_config().image_size), TYPES, sources=sources, source_rarity=rarity)


def test_only_images_of_one_source_are_compared() -> None:
    # Of a: normals 1 and 3, odd 2; of b: normal 9, odd 4. Far images have a source that no normal one has.
    found = same_source(images_of(SOURCES), np.array([1.0, 3.0, 9.0, 2.0, 4.0, 99.0]))
    assert {name: row.auc.value for name, row in found.items()} == {"odd (a)": 0.5, "odd (b)": 0.0}
    assert [(row.normal, row.abnormal) for row in found.values()] == [(2, 1), (1, 1)]


def test_without_sources_there_is_nothing_to_compare() -> None:
    assert same_source(images_of([]), np.arange(6.0)) == {}


@pytest.mark.parametrize("sources", [SOURCES, []])
def test_evaluation_has_the_source_alone_beside_the_baselines(sources: list[str]) -> None:
    config = tiny_config()
    data = Noise(config.image_size)
    found = evaluate(untrained(config, data.reference()), data, images_of(sources), baselines=[Sharpness()])
    plain = json.loads(json.dumps(found.as_json()))
    assert (SOURCE_ALONE in found.baselines) == bool(sources)
    assert list(plain["same_source"]) == (["odd (a)", "odd (b)"] if sources else [])
    if not sources:
        assert same_source_cells([found])[0] == ["within one source"]
        return
    # Rarity: normals 0, 0, .5; odd 0, .5: pairs 1/2, 1/2, 0, 1, 1, 1/2 of six; far 1: all three.
    row = found.baselines[SOURCE_ALONE]
    assert {name: interval.value for name, interval in row.kinds.items()} == {"odd": pytest.approx(3.5 / 6), "far": 1}
    assert plain["same_source"]["odd (a)"]["normal"] == 2
    assert any(cells[0] == SOURCE_ALONE for cells in auc_cells([found]))
    table = same_source_cells([found, found])
    assert table[0] == ["within one source", "odd (a)", "odd (b)"]
    assert table[1][1].endswith("± 0.000")
    assert table[2][1:] == ["2 normal, 1 abnormal", "1 normal, 1 abnormal"]
