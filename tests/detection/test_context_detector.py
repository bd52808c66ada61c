"""A detector that has learned what belongs together: two scores more, saved and loaded, chosen without labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from squidlib.detection.adaptation import adapted, recalibrated
from squidlib.detection.calibration import calibrate
from squidlib.detection.checkpoint import load, save
from squidlib.detection.detector import Detector
from squidlib.detection.score_selection import choose_score
from squidlib.detection.scores import ALL_SCORES, SCORES
from squidlib.detection.synthetic_anomalies import transplanted
from squidlib.training import context as training_context
from squidlib.training.loop import start, train
from squidlib.training.presets import PRESETS
from squidlib.training.trainer import finish
from squidlib.utils.safetensors_io import read_tensors, write_tensors
from tests.conftest import tiny_config
from tests.helpers import refusal, untrained

CONFIG = replace(tiny_config(), context=True, topk=1)


class Stripes:
    """Images (N, 1, 24, 24) in whose nine patches the same stripes are seen, as bright and as wide in all of them."""

    def images(self, count: int, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        bright = 0.2 + 0.8 * torch.rand(count, 1, 1, generator=generator)
        wide = 1 + torch.randint(4, (count, 1, 1), generator=generator)
        columns = torch.arange(24)[None, None] % 8
        clean = torch.where(columns < wide, bright, torch.zeros(())).expand(-1, 24, -1)
        return (clean + 0.05 * torch.rand(count, 24, 24, generator=generator)).clamp(0, 1)[:, None]

    def batch(self, step: int, size: int) -> Tensor:
        return self.images(size, step)

    def reference(self) -> Tensor:
        return self.images(6, 10_000)

    def calibration(self) -> Tensor:
        return self.images(60, 10_001)


@pytest.fixture(scope="module")
def detector() -> Detector:
    patch = pytest.MonkeyPatch()
    patch.setattr(training_context, "STEPS", 400)
    patch.setattr(training_context, "IMAGES", 640)
    preset = PRESETS["laptop"]["digitanatomy"]
    training = replace(preset.training, steps=40, schedule_steps=40, warmup_steps=2, batch_size=8)
    state = start(CONFIG, training, "cpu")
    for _ in train(state, Stripes(), training, preset.weights):
        pass
    made = finish(state, Stripes(), {"seed": 0}, choose=True)
    patch.undo()
    return made


def transplants(images: Tensor) -> Tensor:
    return transplanted(images, torch.Generator().manual_seed(1), 3)


def test_one_patch_and_no_other_is_another_images() -> None:
    images = torch.arange(4.0)[:, None, None, None].expand(4, 1, 24, 24).contiguous()
    found = transplants(images)
    for number in range(4):
        other = found[number] == (number - 1) % 4
        rows, columns = torch.nonzero(other[0], as_tuple=True)
        assert len(rows) == 64
        assert (int(rows.max() - rows.min()), int(columns.max() - columns.min())) == (7, 7)
        assert int(rows.min()) % 8 == int(columns.min()) % 8 == 0
        assert (found[number][~other] == number).all()


def test_a_patch_of_another_image_is_found_by_what_belongs_together(detector: Detector) -> None:
    images = Stripes().images(200, 77)
    scores, changed = detector.scores(images), detector.scores(transplants(images))
    assert list(scores) == list(detector.score_names) == list(ALL_SCORES)
    higher = {name: float((changed[name] > scores[name]).float().mean()) for name in ("context", "either")}
    assert higher["context"] > 0.7
    assert higher["either"] > 0.6


def test_either_is_the_higher_of_the_two_in_units_of_normal_images(detector: Detector) -> None:
    normal, found = detector.calibration, detector.scores(Stripes().images(50, 5))
    units = []
    for name in ("combined", "context"):
        known = normal.scores_of_normals(name)
        units.append((found[name] - known.mean()) / known.std())
    assert torch.allclose(found["either"], torch.maximum(*units), atol=1e-4)


def test_the_patch_that_does_not_belong_is_the_worst_of_its_image(detector: Detector) -> None:
    images = Stripes().images(200, 78)
    changed = transplants(images)
    wrong = torch.nn.functional.max_pool2d((changed != images).float(), 8).flatten(1) > 0
    gain = detector.predict(changed).patch_scores - detector.predict(images).patch_scores
    assert float(gain[wrong].mean()) > 2 * float(gain[~wrong].mean().abs())


def test_it_comes_back_from_its_file_as_it_was(detector: Detector, tmp_path: Path) -> None:
    save(detector, tmp_path / "model.safetensors")
    again, images = load(tmp_path / "model.safetensors"), Stripes().images(5, 9)
    assert again.config.context
    for name, values in detector.scores(images).items():
        assert torch.equal(again.scores(images)[name], values)
    assert again.threshold(0.1, "either") == detector.threshold(0.1, "either")


@pytest.mark.parametrize("lost", ["calibration.image_scale", "squid.context.answer.0.weight"])
def test_a_file_without_a_part_of_it_is_refused(detector: Detector, tmp_path: Path, lost: str) -> None:
    path = tmp_path / "model.safetensors"
    save(detector, path)
    tensors, metadata = read_tensors(path)
    del tensors[lost]
    metadata.pop("content_hash", None)
    write_tensors(path, tensors, metadata)
    assert "do not fit each other" in refusal(lambda: load(path))


def test_a_detector_without_it_has_the_six_scores_and_says_which() -> None:
    plain = untrained(tiny_config(), Stripes().images(4, 1))
    assert plain.score_names == tuple(SCORES)
    assert "scores are combined, error" in refusal(lambda: plain.score(Stripes().images(1, 2), "context"))


def test_the_score_is_chosen_among_all_of_them_and_transplants_are_asked_for(detector: Detector) -> None:
    choice = choose_score(detector.squid, detector.discriminator, Stripes().calibration())
    assert set(choice.aucs) == set(ALL_SCORES)
    assert detector.default_score == choice.best


def test_it_adapts_to_a_new_site_like_any_other(detector: Detector) -> None:
    site = Stripes().images(20, 33) * 0.8
    for made in (adapted(detector, site), recalibrated(detector, site)):
        assert made.score_names == tuple(ALL_SCORES)
        assert torch.isfinite(made.score(site, "either")).all()
        assert made.calibration.normal_scores.shape == (len(ALL_SCORES), 20)


def test_shifted_images_give_a_threshold_of_every_score(detector: Detector) -> None:
    normals = Stripes().calibration()
    found = calibrate(detector.squid, detector.discriminator, normals, [normals * 0.5])
    assert found.shifted_scores is not None
    assert found.shifted_scores.shape == (len(ALL_SCORES), 1, len(normals))
    assert found.threshold("either", 0.05) >= float(found.shifted_scores[-1, 0].quantile(0.9))
