"""Detector files: a saved detector scores as before, what does not fit is refused."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from squidlib.detection.checkpoint import assemble, load, save
from squidlib.detection.detector import Detector
from squidlib.detection.scores import SCORES
from squidlib.utils.safetensors_io import read_tensors, write_tensors
from tests.conftest import tiny_config
from tests.helpers import noise, refusal, untrained

IMAGES = noise(5, 24, seed=9)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return untrained(tiny_config(), noise(20, 24))


@pytest.fixture
def file(detector: Detector, tmp_path: Path) -> Path:
    save(detector, tmp_path / "detector.safetensors")
    return tmp_path / "detector.safetensors"


def test_a_loaded_detector_is_the_saved_one(detector: Detector, file: Path) -> None:
    loaded = load(file)
    own, other = detector.scores(IMAGES), loaded.scores(IMAGES)
    assert list(own) == list(other) == list(SCORES)
    assert all(torch.equal(own[name], other[name]) for name in own)
    assert torch.equal(detector.anomaly_map(IMAGES), loaded.anomaly_map(IMAGES))
    assert loaded.threshold(0.1) == detector.threshold(0.1)
    assert loaded.config == detector.config
    assert loaded.metadata == detector.metadata


def test_half_precision_is_about_half_as_large_and_scores_alike(detector: Detector, file: Path) -> None:
    half = file.with_name("half.safetensors")
    save(detector, half, half=True)
    assert half.stat().st_size < 0.6 * file.stat().st_size
    loaded = load(half)
    assert all(tensor.dtype != torch.float16 for tensor in loaded.squid.state_dict().values())
    difference = (loaded.reconstruct(IMAGES) - detector.reconstruct(IMAGES)).abs().max()
    assert 0 < difference < 0.01
    spread = detector.normal_scores().std()
    torch.testing.assert_close(loaded.score(IMAGES), detector.score(IMAGES), rtol=0, atol=0.1 * float(spread))


def test_the_teacher_is_not_saved(file: Path) -> None:
    tensors, _ = read_tensors(file)
    assert any(name.startswith("squid.student.") for name in tensors)
    assert not [name for name in tensors if "teacher" in name]
    assert not hasattr(load(file).squid, "teacher")


@pytest.mark.parametrize(
    "changes",
    [{"width": 8}, {"grid": 2}, {"image_size": 48}, {"skip_slots": 4}, {"levels": 1, "skips": 1}, {"slots": 0}],
)
def test_a_configuration_that_does_not_fit_its_weights_is_refused(file: Path, changes: dict[str, int]) -> None:
    tensors, metadata = read_tensors(file)
    write_tensors(file, tensors, metadata | {"config": metadata["config"] | changes})
    text = refusal(lambda: load(file))
    assert "do not fit each other" in text
    assert str(file) in text
    assert "train it again" in text
    assert len(text) < 600


def test_missing_surplus_and_unknown_parts_are_refused(file: Path) -> None:
    tensors, metadata = read_tensors(file)
    without = {name: tensor for name, tensor in tensors.items() if name != "calibration.mean"}
    for wrong_tensors, wrong_facts in (
        (without, metadata),
        (tensors | {"squid.surplus": torch.zeros(1)}, metadata),
        (tensors, {}),
        (tensors, metadata | {"config": metadata["config"] | {"unknown": 1}}),
        (tensors, metadata | {"config": None}),
    ):
        assert "do not fit each other" in refusal(lambda t=wrong_tensors, f=wrong_facts: assemble(t, f, file))


def first(change: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Change the first number of a tensor."""

    def changed(tensor: Tensor) -> Tensor:
        tensor = tensor.clone()
        tensor.flatten()[0] = change(tensor.flatten()[0])
        return tensor

    return changed


NAN = first(lambda number: number * torch.nan)
INFINITE = first(lambda number: number + torch.inf)


@pytest.mark.parametrize("slots", [3, 11])
def test_a_memory_of_another_length_than_the_configuration_began_with_is_loaded(file: Path, slots: int) -> None:
    detector = load(file)
    detector.squid.inpainting.memory.resize(slots)
    save(detector, file)
    assert load(file).squid.inpainting.memory.slots.shape == (9, slots, 8)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("squid.student.last.weight", NAN, "holds NaN"),
        ("squid.inpainting.memory.slots", INFINITE, "holds NaN or infinity"),
        ("discriminator.convs.0.weight", NAN, "holds NaN"),
        ("squid.inpainting.memory.filled", torch.zeros_like, "holds 0 features"),
        ("squid.inpainting.memory.filled", lambda tensor: tensor + 100, "1..6 expected"),
        ("squid.inpainting.memory.pointer", lambda tensor: tensor - 100, "0..5 expected"),
        ("squid.inpainting.memory.slots", lambda tensor: tensor[:, :2], "1..2 expected"),
        ("squid.inpainting.memory.slots", lambda tensor: tensor[:4], "has shape (4, 6, 8), not (9, 6, 8)"),
        ("squid.inpainting.memory.slots", lambda tensor: tensor[0], "has shape (6, 8), not (9, 6, 8)"),
        ("squid.student.last.weight", lambda tensor: tensor.long(), "torch.int64"),
        ("calibration.mean", NAN, "holds NaN"),
        ("calibration.mean", lambda tensor: tensor[:, :4], "(4, 4), not (4, 9)"),
        ("calibration.std", lambda tensor: tensor[:, :1], "(4, 1), not (4, 9)"),
        ("calibration.std", lambda tensor: tensor[:0], "shape (0, 9)"),
        ("calibration.std", lambda tensor: tensor[0], "shape (9,)"),
        ("calibration.discriminator", lambda tensor: tensor[:1], "standard deviations"),
        ("calibration.normal_scores", lambda tensor: tensor[:, :0], "(6, 0), not (6, 2)"),
        ("calibration.normal_scores", lambda tensor: tensor[:4], "(4, 20), not (6, 20)"),
        ("calibration.normal_scores", INFINITE, "infinity"),
        ("calibration.familiarity.limits", lambda tensor: tensor[:, :1], "limits have shape (2, 1)"),
        ("calibration.familiarity.typical", lambda tensor: tensor[:5], "typical have shape (5,)"),
        ("calibration.familiarity.components", lambda tensor: tensor[:, :5], "components have shape"),
        ("discriminator.convs.2.weight", lambda tensor: tensor * 0 + 1e38, "no verdict"),
        ("discriminator.convs.3.running_var", lambda tensor: tensor - 10, "negative variance"),
        ("squid.surplus", lambda _: torch.zeros(2), "no part of a detector"),
        ("surplus", lambda _: torch.zeros(2), "no part of a detector"),
    ],
)
def test_what_could_not_score_is_not_loaded(
    file: Path, name: str, change: Callable[[Tensor], Tensor], said: str
) -> None:
    tensors, metadata = read_tensors(file)
    write_tensors(file, tensors | {name: change(tensors.get(name, torch.zeros(1)))}, metadata)
    text = refusal(lambda: load(file))
    assert said in text
    assert str(file) in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"levels": 10**9}, "levels must be at most"),
        ({"width": 100_000}, "has shape"),
        ({"slots": 50_000, "image_size": 96, "grid": 12}, "shape"),
        ({"mask_probability": float("nan")}, "mask_probability"),
        ({"topk": "2"}, "whole number"),
        ({"grid": [3, 3, 3]}, "one number or two"),
    ],
)
def test_numbers_beyond_reason_are_refused_before_memory_is_taken(
    file: Path, changes: dict[str, Any], said: str
) -> None:
    tensors, metadata = read_tensors(file)
    write_tensors(file, tensors, metadata | {"config": metadata["config"] | changes})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert said in refusal(lambda: load(file))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB; the widest asks for 300 GB


def test_an_unknown_default_score_is_refused_with_the_file_s_name(file: Path) -> None:
    tensors, metadata = read_tensors(file)
    write_tensors(file, tensors, metadata | {"score": "beauty"})
    text = refusal(lambda: load(file))
    assert "beauty" in text
    assert str(file) in text


def test_loading_takes_no_compiler_along() -> None:
    code = (
        "import sys, squidlib; squidlib.load('digitanatomy'); assert not {'torch._dynamo', 'sympy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_loading_leaves_the_random_numbers_as_they_were(file: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load(file)
    assert torch.equal(torch.rand(3), expected)
