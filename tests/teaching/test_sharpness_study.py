"""The study of sharpness on a generated folder: shortcuts vanish, every condition and method is judged."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from squidlib.baselines import AutoEncoder, MeanImage
from squidlib.data.chest import ChestData, open_images, zhanglab
from squidlib.data.chest.sharpness import gradient, soften
from squidlib.data.chest.spectrum import radial_spectrum
from squidlib.detection.scores import SCORES
from squidlib.teaching.studies import results, sharpness, shortcuts
from squidlib.teaching.studies.results import load_runs, run_all
from squidlib.teaching.studies.sharpness import TESTED, jobs
from squidlib.teaching.studies.shortcuts import AS_IS, BOTH, CONDITIONS, SHARP, SPECTRUM, Images, as_it_is, prepare
from squidlib.training.presets import PRESETS, Preset
from tests.chest_folders import zhanglab_folder

SIDE = 64


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """A generated folder whose abnormal test images are softer and darker than all normal ones."""
    folder = zhanglab_folder(tmp_path_factory.mktemp("chest"))
    data = ChestData(open_images(zhanglab(folder), SIDE))
    images = as_it_is(data)
    abnormal = images.labels == 1
    test = images.test.clone()
    test[abnormal] = 0.8 * soften(test[abnormal], torch.full((int(abnormal.sum()),), 0.7))
    return replace(images, test=test)


def preset() -> Preset:
    short = PRESETS["laptop"]["zhanglab"]
    config = replace(short.config, image_size=SIDE, grid=2)
    return short._replace(config=config, training=replace(short.training, steps=2, schedule_steps=2, batch_size=4))


def test_matching_takes_the_shortcuts_away(raw: Images) -> None:
    softness, dark = "softness: -mean |dx|", "mean intensity"
    plain, sharp, both, _ = (prepare(raw, condition).matching for condition in CONDITIONS)
    assert plain["checks"][softness] == 1
    assert plain["checks"][dark] == 0
    images = prepare(raw, SHARP).images
    level = shortcuts.common_level(raw.train)
    assert sharp["level"] == pytest.approx(level, abs=1e-5)
    for part in (images.train, images.held_out, images.test):
        assert torch.allclose(gradient(part), torch.full((len(part),), level), rtol=1e-3)
    assert sharp["normal training"]["too soft"] == sharp["abnormal test"]["too soft"] == 0
    assert sharp["normal test"]["median blur"] > sharp["abnormal test"]["median blur"] > 0
    assert sharp["checks"][dark] == pytest.approx(0, abs=0.05)
    exposed = prepare(raw, BOTH).images
    assert torch.allclose(gradient(exposed.test), torch.full((14,), both["level"]), atol=1e-5)
    assert exposed.test.mean(dim=(1, 2, 3)).std() < 0.005 < raw.test.mean(dim=(1, 2, 3)).std()
    assert both["normal test"]["images"] == int((raw.labels == 0).sum())
    assert torch.equal(prepare(raw, AS_IS).images.test, raw.test)


def test_one_spectrum_for_all_leaves_no_sharpness_in_whatever_direction(raw: Images) -> None:
    images, found = prepare(raw, SPECTRUM)
    spectra = radial_spectrum(images.test)
    fine = slice(1, SIDE // 2)  # rings that lie within the image's frequencies; the darkest pixels were cut off at 0
    assert ((spectra[:, fine] / radial_spectrum(raw.train).mean(0)[fine]).log().abs().median(0).values < 0.1).all()
    assert abs(found["checks"]["finest detail: -mean |second dx|"] - 0.5) < 0.3
    assert prepare(raw, AS_IS).matching["checks"]["finest detail: -mean |second dx|"] == 1
    assert images.test.min() >= 0
    assert images.test.max() <= 1


def test_the_study_judges_every_condition_and_goes_on_where_it_stopped(
    raw: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(sharpness, "AUGMENTED", 8)
    methods = {"mean image": MeanImage, "auto-encoder": partial(AutoEncoder, steps=1)}
    every = jobs(raw, preset(), methods, seeds=(0, 1))
    run_all("sharpness", {}, every)
    runs = load_runs("sharpness")
    assert list(runs) == list(every)
    for condition in CONDITIONS:
        assert {key for key in runs if key.startswith(f"{condition}: ")} == {
            f"{condition}: {name}"
            for name in ("matching/0", "mean image/0", "auto-encoder/0", "auto-encoder/1", "SQUID/0")
        } | {f"{condition}: SQUID/1"}
        assert set(runs[f"{condition}: SQUID/0"]["scores"]) == set(SCORES)
    assert runs[f"{AS_IS}: matching/0"]["checks"]["softness: -mean |dx|"] == 1
    assert runs[f"{SHARP}: matching/0"]["checks"]["softness: -mean |dx|"] == 0.5
    assert runs[f"{AS_IS}: SQUID/1"][TESTED]["auc"] == runs[f"{AS_IS}: SQUID/1"][TESTED]["scores"]["combined"]
    assert TESTED not in runs[f"{SHARP}: SQUID/0"]
    assert runs[f"{AS_IS}: mean image/0"][TESTED] != runs[f"{SHARP}: mean image/0"]["auc"]
    done: list[str] = []
    run_all("sharpness", {}, every, tell=lambda progress: done.append(progress.key))
    assert done == []


def test_batches_are_a_function_of_seed_and_step(raw: Images) -> None:
    again = replace(raw, seed=0)
    assert torch.equal(raw.batch(3, 5), again.batch(3, 5))
    assert not torch.equal(raw.batch(3, 5), raw.batch(4, 5))
    assert not torch.equal(raw.batch(3, 5), replace(raw, seed=1).batch(3, 5))
    assert raw.batch(0, 5).shape == (5, 1, SIDE, SIDE)
