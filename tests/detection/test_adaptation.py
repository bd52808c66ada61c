"""Adaptation: the new site's normals become normal, nothing is trained, and the given detector stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from squidlib.detection.adaptation import adapted, recalibrated
from squidlib.detection.calibration import calibrate
from squidlib.detection.checkpoint import load, save
from squidlib.detection.detector import Detector
from tests.conftest import tiny_config
from tests.helpers import noise, refusal, squid, untrained


@pytest.fixture(scope="module")
def detector() -> Detector:
    return untrained(tiny_config(), noise(40, 24))


def site(count: int, seed: int) -> Tensor:
    """Of more contrast than what the detector knows."""
    return (noise(count, 24, seed) > 0.5).float()


def test_false_alarms_of_the_new_site_go_and_weights_stay(detector: Detector) -> None:
    others, normals = site(200, 1), site(40, 2)
    before = float(detector.predict(others).abnormal.float().mean())
    new = adapted(detector, normals)
    assert before > 0.5
    assert float(new.predict(others).abnormal.float().mean()) < 0.15  # 5 % were asked for, 40 images say so
    for name, weight in detector.squid.named_parameters():
        assert torch.equal(weight, new.squid.get_parameter(name))
    old, held = detector.squid.inpainting.memory.contents(), new.squid.inpainting.memory.contents()
    assert torch.equal(held[:, : old.shape[1]], old)  # nothing of the old memory is lost
    assert held.shape[1] == old.shape[1] + 40
    assert torch.equal(held[:, old.shape[1] :].transpose(0, 1), new.squid.eval().query(normals))
    assert new.metadata["adapted"] == [40]
    assert "adapted" not in detector.metadata


def test_calibrating_alone_leaves_the_memory_as_it_is(detector: Detector) -> None:
    others, normals = site(200, 1), site(40, 2)
    new = recalibrated(detector, normals)
    held = new.squid.inpainting.memory.contents()
    assert torch.equal(held, detector.squid.inpainting.memory.contents())
    assert new.metadata["recalibrated"] == [40]
    assert float(new.predict(others).abnormal.float().mean()) < 0.15
    kept, remembering = (float(some.raw_scores(others).distance.mean()) for some in (new, adapted(detector, normals)))
    assert remembering < kept  # its normals are nearer to what the memory holds now


def test_an_image_is_scored_by_a_memory_that_does_not_hold_it(detector: Detector) -> None:
    normals = site(20, 3)
    held = adapted(detector, normals)
    distances = held.raw_scores(normals).distance
    assert float(held.normal_scores("distance").median()) > float(
        ((distances - held.calibration.mean[3]) / held.calibration.std[3]).amax(1).median()
    )


@pytest.mark.parametrize(("count", "most"), [(5, 0.25), (10, 0.15)])
def test_few_images_do_not_promise_fewer_false_alarms_than_new_images_bring(
    detector: Detector, count: int, most: float
) -> None:
    """5 % were asked for; standardised by themselves, five images promised 5 % and gave 39 %, ten gave 21 %."""
    others = site(200, 11)
    made = [adapted(detector, site(count, 20 + seed)) for seed in range(6)]
    assert sum(float(new.predict(others, 0.05).abnormal.float().mean()) for new in made) / 6 < most


def test_a_position_that_few_images_cannot_tell_keeps_most_of_its_standard_deviation(detector: Detector) -> None:
    alike = site(1, 4).expand(4, -1, -1, -1)
    new = adapted(detector, alike)
    assert (new.calibration.std / detector.calibration.std).min() > 0.9  # sqrt(30 / 34) = .94
    own = calibrate(new.squid, new.discriminator, alike)
    assert (own.std / detector.calibration.std).max() < 0.9


def test_the_command_writes_a_run_that_can_be_adapted_again(
    detector: Detector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(detector, tmp_path / "model.safetensors")
    (tmp_path / "normals").mkdir()
    for index, image in enumerate(site(12, 5)):
        Image.fromarray((image[0] * 255).byte().numpy()).save(tmp_path / f"normals/{index}.png")
    (tmp_path / "normals/bad.png").write_text("no image")
    asked = ["adapt", tmp_path / "model.safetensors", "--normals", tmp_path / "normals", "--out", tmp_path / "new"]
    said = squid(capsys, *asked)
    assert said.code == 0
    assert "1 of 13 files could not be read" in said.out
    assert load(tmp_path / "new").metadata["adapted"] == [12]
    assert "holds a run" in squid(capsys, *asked).errors[0]
    alone = squid(capsys, *asked[:-1], tmp_path / "alone", "--keep-memory")
    assert alone.code == 0
    assert load(tmp_path / "alone").metadata["recalibrated"] == [12]
    asked[1], asked[-1] = tmp_path / "new", tmp_path / "again"
    assert squid(capsys, *asked).code == 0
    assert load(tmp_path / "again").metadata["adapted"] == [12, 12]


def test_too_few_images_and_other_shapes_are_refused(detector: Detector) -> None:
    assert "at least 4 normal images are needed to adapt to a site, got 3" in refusal(
        lambda: adapted(detector, site(3, 1))
    )
    assert "scale them to 24 x 24 pixels first" in refusal(lambda: adapted(detector, noise(8, 32)))
