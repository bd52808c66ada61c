"""A detector and images to score, and one folder with everything that can be wrong."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitanatomy import DigitAnatomy, GlyphSplit
from squidlib.config import LossWeights, SquidConfig, as_plain
from squidlib.detection.checkpoint import save
from squidlib.detection.detector import Detector
from squidlib.training.config import TrainingConfig
from squidlib.training.loop import start
from squidlib.training.presets import PRESETS
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.utils.safetensors_io import read_tensors, write_tensors
from tests.helpers import untrained


@pytest.fixture(scope="module")
def detector(split: GlyphSplit) -> Detector:
    return untrained(
        PRESETS["laptop"]["digitanatomy"].config, DigitAnatomy(split.calibration, {"normal": 20}, seed=5).images()
    )


@pytest.fixture(scope="module")
def file(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("detector") / "digits.safetensors"
    save(detector, path)
    return path


@pytest.fixture
def images(tmp_path: Path, split: GlyphSplit, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder "images", seen from the working folder: one image in many guises, names of many scripts."""
    monkeypatch.chdir(tmp_path)
    folder = Path("images")
    (folder / "ünter ordner").mkdir(parents=True)
    grey = (DigitAnatomy(split.test, {"missing": 1})[0].image[0] * 255).byte().numpy()
    image = Image.fromarray(grey)
    image.save(folder / "a grey.png")
    image.convert("RGB").save(folder / "b rgb.png")
    image.convert("RGBA").save(folder / "c rgba.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(folder / "d 16 bit.png")
    Image.fromarray(grey.astype(np.float32) / 255).save(folder / "e float.tiff")
    image.resize((131, 97)).save(folder / "ünter ordner" / "ödd, sïze 数字 🙂.PNG")
    (folder / "notes.txt").write_text("not an image, and not taken for one")
    return folder


@pytest.fixture
def many(tmp_path: Path, split: GlyphSplit, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven images, and batches of two."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("squidlib.detection.scores.BATCH", 2)
    Path("many").mkdir()
    for index, image in enumerate(DigitAnatomy(split.test, {"normal": 4, "missing": 3}, seed=2).images()):
        Image.fromarray((image[0] * 255).byte().numpy()).save(f"many/{index}.png")
    return Path("many")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, split: GlyphSplit) -> Path:
    """One folder with everything that can be wrong."""
    world = tmp_path_factory.mktemp("wörld")
    good = world / "good.safetensors"
    normals = DigitAnatomy(split.calibration, {"normal": 8}, seed=5).images()
    save(untrained(PRESETS["laptop"]["digitanatomy"].config, normals), good)
    tensors, metadata = read_tensors(good)
    content = good.read_bytes()
    (world / "cut.safetensors").write_bytes(content[:-5])
    (world / "empty.safetensors").write_bytes(b"")
    (world / "text.safetensors").write_text("no checkpoint")
    (world / "tampered.safetensors").write_bytes(content[:-5] + bytes([content[-5] ^ 1]) + content[-4:])
    write_tensors(world / "misfit.safetensors", tensors, metadata | {"config": metadata["config"] | {"width": 16}})
    write_tensors(world / "topk.safetensors", tensors, metadata | {"config": metadata["config"] | {"topk": 351}})
    write_tensors(world / "grid.safetensors", tensors, metadata | {"config": metadata["config"] | {"grid": 5}})
    write_tensors(world / "chest.safetensors", tensors, metadata | {"data": "zhanglab"})
    (world / "foreign.safetensors").write_bytes(content.replace(b'"format":"squidlib-1"', b'"format":"squidlib-0"'))

    Image.new("L", (96, 96), 99).save(world / "fine.png")
    Image.new("L", (1, 1)).save(world / "1x1.png")
    Image.new("RGB", (4000, 50)).save(world / "wide.png")
    Image.fromarray(np.full((96, 96), np.nan, dtype=np.float32)).save(world / "nan.tiff")
    (world / "empty.png").write_bytes(b"")
    (world / "tëxt 文.png").write_text("no image")
    (world / "cut.png").write_bytes((world / "fine.png").read_bytes()[:-30])
    (world / "folder.png").mkdir()
    (world / "no images").mkdir()

    preset = PRESETS["laptop"]["digitanatomy"]
    training = TrainingConfig(steps=2, batch_size=2)
    metadata = {"data": "digitanatomy", "glyphs": "mnist5000", "jitter": as_plain(preset.jitter)}
    state = start(preset.config, training, "cpu")
    for name, config in (("cut run", preset.config), ("misfit run", SquidConfig(width=4)), ("done", preset.config)):
        run, settings = Run(world / name), RunSettings(config, training, LossWeights(), metadata)
        run.begin(settings)
        run.save_state(state, settings.run_id)
    os.truncate(world / "cut run" / "training.safetensors", 5000)
    shutil.copytree(world / "cut run", world / "bad log")
    shutil.copy(world / "done" / "training.safetensors", world / "bad log" / "training.safetensors")
    (world / "bad log" / "log.csv").write_text("step,total\nnonsense\n")
    shutil.copy(good, world / "done" / "model.safetensors")
    shutil.copytree(world / "cut run", world / "changed run")
    plain = json.loads((world / "cut run" / "run.json").read_text())
    plain["training"]["seed"] = 5
    (world / "changed run" / "run.json").write_text(json.dumps(plain))
    shutil.copytree(world / "cut run", world / "old run")
    del plain["id"]
    (world / "old run" / "run.json").write_text(json.dumps(plain))
    (world / "damaged run").mkdir()
    (world / "damaged run" / "run.json").write_text("{")
    return world
