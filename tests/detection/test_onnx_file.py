"""A detector as an ONNX file: onnxruntime says what torch says, of any number of images."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from squidlib.detection.calibration import calibrate
from squidlib.detection.checkpoint import save
from squidlib.detection.detector import Detector
from squidlib.detection.onnx_file import INPUT, OUTPUTS, Judge, export, halve
from squidlib.discriminator import Discriminator
from squidlib.squid import Squid, fill_memory
from tests.conftest import tiny_config
from tests.helpers import Said, noise, refusal, squid

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def detector() -> Detector:
    torch.manual_seed(0)
    config = tiny_config(context=True, directions=8)
    squid, discriminator = Squid(config).eval(), Discriminator(config.image_shape).eval()
    fill_memory(squid, noise(9, 24, seed=3))
    return Detector(squid, discriminator, calibrate(squid, discriminator, noise(40, 24, seed=4)), {"score": "either"})


@pytest.fixture(scope="module")
def files(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two files of one detector, with weights of 32 and of 16 bits."""
    folder = tmp_path_factory.mktemp("onnx")
    jaxtyping.config.update("jaxtyping_disable", True)  # the exporter traces with things that are no tensors
    try:
        export(detector, folder / "whole.onnx", rate=0.1)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
    model = onnx.load(folder / "whole.onnx")
    halve(model)
    onnx.save(model, folder / "half.onnx")
    return {path.stem: path for path in folder.iterdir()}


def test_exporting_leaves_the_detector_as_it_was(detector: Detector, files: dict[str, Path]) -> None:
    judge = Judge(detector, 0.1)
    for own, copied in ((detector.squid, judge.squid), (detector.discriminator, judge.discriminator)):
        for parameter, other in zip(own.parameters(), copied.parameters(), strict=True):
            assert parameter.data_ptr() != other.data_ptr()  # moving the copy to a device moves no detector


def told(path: Path, images: torch.Tensor) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return dict(zip(OUTPUTS, session.run(None, {INPUT: images.numpy()}), strict=True))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_it_says_what_the_detector_says_whatever_the_number_of_images(
    detector: Detector, files: dict[str, Path], count: int
) -> None:
    images = torch.cat([noise(count, 24, seed=9)[: count - 1], torch.zeros(1, 1, 24, 24)])  # the last one is unlike
    expected, found = detector.predict(images, 0.1), told(files["whole"], images)
    for name in OUTPUTS:
        own = getattr(expected, name).numpy()
        assert found[name].shape == own.shape
        assert np.allclose(found[name], own, atol=1e-4, rtol=1e-4), name
    assert found["unlike"][-1]


def test_weights_of_16_bits_make_a_smaller_file_with_nearly_the_same_scores(
    detector: Detector, files: dict[str, Path]
) -> None:
    images = noise(5, 24, seed=10)
    assert files["half"].stat().st_size < files["whole"].stat().st_size
    assert np.allclose(told(files["half"], images)["score"], detector.score(images).numpy(), atol=0.05)


def test_the_file_says_what_it_is_of_and_that_it_is_no_medical_device(
    detector: Detector, files: dict[str, Path]
) -> None:
    model = onnx.load(files["whole"])
    onnx.checker.check_model(model)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert "(B, 1, 24, 24)" in facts["squid.input"]
    assert "0..1" in facts["squid.input"]
    assert facts["squid.score"] == "either"
    assert float(facts["squid.threshold"]) == pytest.approx(detector.threshold(0.1))
    assert json.loads(facts["squid.grid"]) == [3, 3]
    assert "no medical device" in facts["squid.use"]
    assert facts["squid.licence"] in (Path(__file__).resolve().parents[2] / "LICENSE").read_text()


def test_the_command_writes_a_file_and_refuses_what_it_cannot_write(
    detector: Detector, tmp_path: Path, capsys: Capture, as_users: None
) -> None:
    save(detector, tmp_path / "own.safetensors")
    own, out = tmp_path / "own.safetensors", tmp_path / "own.onnx"
    said: Said = squid(capsys, "export", own, "--onnx", out)
    assert said.code == 0, said.errors
    assert "MB; largest difference to torch" in said.out
    written = out.read_bytes()
    for arguments, line in (
        ((own, "--onnx", out), "exists; choose another file or allow --overwrite"),
        ((own, "--onnx", tmp_path), "is a folder"),
        ((own, "--onnx", tmp_path / "new.onnx", "--rate", "1.5"), "--rate lies between 0 and 1"),
        (("nothing", "--onnx", tmp_path / "new.onnx"), "neither a run's folder"),
    ):
        said = squid(capsys, "export", *arguments)
        assert said.code == 2
        assert len(said.errors) == 1
        assert line in said.errors[0]
    assert out.read_bytes() == written
    assert not (tmp_path / "new.onnx").exists()


def test_without_the_extra_a_line_says_what_to_install(
    detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("onnx"):
            raise ImportError(name)
        return found(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "squidlib[onnx]" in refusal(lambda: export(detector, tmp_path / "new.onnx"))
