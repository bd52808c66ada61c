"""Runs: a folder is claimed only where nothing is lost, and a saved state goes on as if it had never stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from squidlib.config import LossWeights
from squidlib.data.digits import EPOCH_IMAGES
from squidlib.detection.checkpoint import load
from squidlib.training import trainer as pipeline
from squidlib.training.config import TrainingConfig
from squidlib.training.loop import TrainingState, start, train, unwrapped
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.training.trainer import picture_steps, train_run
from squidlib.utils.safetensors_io import PARTIAL, read_tensors, write_tensors
from tests.conftest import tiny_config
from tests.helpers import NoiseData, contents, refusal

CONFIG = tiny_config()
TRAINING = TrainingConfig(
    steps=6, schedule_steps=6, batch_size=4, warmup_steps=2, discriminator_every=2, refill_memory=True
)
WEIGHTS = LossWeights(position=0.1)
DATA = NoiseData(CONFIG.image_size)
SETTINGS = RunSettings(CONFIG, TRAINING, WEIGHTS, {"data": "noise", "ünï": [1]})
RUN_FILES = (
    "run.json", "log.csv", "training.safetensors", "model.safetensors", "pictures/step_000200.png", "evaluation.json",
    "explorer.safetensors", "detections.png", "tensorboard/events.out.tfevents.1",
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that can be trained."""
    run = Run(tmp_path / "run")
    run.begin(SETTINGS)
    return run


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def stopped_at(step: int) -> TrainingState:
    """A state in which ``step`` steps are done."""
    state = start(CONFIG, TRAINING, "cpu")

    for _ in train(state, DATA, TRAINING, WEIGHTS):
        if state.step == step:
            break
    return state


def to_the_end(state: TrainingState) -> None:
    for _ in train(state, DATA, TRAINING, WEIGHTS):
        pass


def everything(state: TrainingState) -> dict[str, Tensor]:
    found = {f"squid.{name}": tensor for name, tensor in unwrapped(state.squid).state_dict().items()}
    found |= {f"disc.{name}": tensor for name, tensor in unwrapped(state.discriminator).state_dict().items()}
    for name, optimizer in (("a", state.squid_optimizer), ("b", state.discriminator_optimizer)):
        for index, values in optimizer.state_dict()["state"].items():
            found |= {f"{name}.{index}.{key}": torch.as_tensor(value) for key, value in values.items()}
    return found


def test_a_new_and_an_empty_folder_can_be_a_run_and_are_left_alone_until_it_begins(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("new/deep", "empty"):
        Run(tmp_path / name).check_free()
    assert contents(tmp_path) == {"empty": "folder"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_with_other_files_is_never_taken(tmp_path: Path, overwrite: bool) -> None:
    fill(tmp_path, "thesis.tex")
    assert "no run" in refusal(lambda: Run(tmp_path).begin(SETTINGS, overwrite))
    assert "expects a folder" in refusal(lambda: Run(tmp_path / "thesis.tex").begin(SETTINGS, overwrite))
    assert "is a file" in refusal(lambda: Run(tmp_path / "thesis.tex" / "run").begin(SETTINGS, overwrite))
    assert (tmp_path / "thesis.tex").read_text() == "thesis.tex"


def test_a_run_is_replaced_only_when_told_to_and_then_nothing_of_it_is_left(tmp_path: Path) -> None:
    fill(tmp_path, *RUN_FILES, "notes.txt", "pictures/mine.png")
    before = contents(tmp_path)
    text = refusal(lambda: Run(tmp_path).begin(SETTINGS))
    assert "--resume" in text
    assert "--overwrite" in text
    assert contents(tmp_path) == before
    Run(tmp_path).begin(SETTINGS, overwrite=True)
    assert set(contents(tmp_path)) == {"run.json", "notes.txt", "pictures", "pictures/mine.png", "tensorboard"}
    assert Run(tmp_path).read_settings() == SETTINGS


def test_a_start_that_is_killed_while_it_replaces_a_run_leaves_a_folder_that_is_known_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    fill(tmp_path, *RUN_FILES)
    monkeypatch.setattr(Run, "_write_settings", killed)
    with pytest.raises(KeyboardInterrupt):
        Run(tmp_path).begin(SETTINGS, overwrite=True)
    assert {"run.json", "pictures", "tensorboard"} == set(contents(tmp_path))


def test_settings_come_back_as_they_were_written(run: Run) -> None:
    assert run.read_settings() == SETTINGS
    assert run.check_whole() == SETTINGS


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"\xff\xfe", b"null", b'{"config": {}}', b'{"config": {"unknown": 1}}'],
)
def test_damaged_settings_are_refused(run: Run, damage: bytes) -> None:
    run.settings_path.write_bytes(damage)
    assert "is damaged" in refusal(run.read_settings)


def test_impossible_settings_and_missing_ones_are_refused(run: Run) -> None:
    settings = json.loads(run.settings_path.read_text())
    settings["config"]["topk"] = 100
    run.settings_path.write_text(json.dumps(settings))
    assert "topk must be at most" in refusal(run.read_settings)
    assert "run.json is missing" in refusal(Run(run.folder / "none").read_settings)


def test_training_on_from_a_saved_state_equals_training_straight_through(run: Run) -> None:
    straight = start(CONFIG, TRAINING, "cpu")
    to_the_end(straight)
    run.save_state(stopped_at(3), SETTINGS.run_id)
    resumed = start(CONFIG, TRAINING, "cpu")
    run.load_state(resumed, SETTINGS.run_id)
    assert resumed.step == 3
    torch.rand(5)  # the global generator must not matter
    to_the_end(resumed)
    own, other = everything(straight), everything(resumed)
    assert own.keys() == other.keys()
    assert [name for name in own if not torch.equal(own[name], other[name])] == []
    assert own["squid.inpainting.memory.slots"].shape[1] == len(DATA.reference())


def test_a_run_that_saved_nothing_starts_at_step_0(run: Run) -> None:
    state = start(CONFIG, TRAINING, "cpu")
    before = everything(state)
    run.load_state(state, SETTINGS.run_id)
    assert state.step == 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in everything(state).items())


def test_a_state_of_another_network_and_a_damaged_one_are_refused(run: Run) -> None:
    run.save_state(stopped_at(1), SETTINGS.run_id)
    other, fresh = start(tiny_config(width=8), TRAINING, "cpu"), start(CONFIG, TRAINING, "cpu")
    assert "does not fit run.json" in refusal(lambda: run.load_state(other, SETTINGS.run_id))
    tensors, _ = read_tensors(run.state_path)
    write_tensors(run.state_path, tensors, {"config": {}})  # a checkpoint, but of something else
    assert "no saved training of the run in run.json" in refusal(lambda: run.load_state(fresh, SETTINGS.run_id))
    run.state_path.write_bytes(run.state_path.read_bytes()[:-1])
    assert "no whole safetensors file" in refusal(lambda: run.load_state(fresh, SETTINGS.run_id))


def test_a_finished_run_holds_a_detector_and_no_leftovers(run: Run) -> None:
    (run.folder / f"{PARTIAL}of a killed process").write_text("half a file")
    detector = train_run(run, SETTINGS, DATA, "cpu", progress=False)
    assert run.finished
    assert {path.name for path in run.folder.iterdir()} - {"tensorboard"} == {
        "run.json",
        "log.csv",
        "model.safetensors",
    }
    images = DATA.batch(77, 3)
    assert torch.equal(load(run.folder).score(images), detector.score(images))
    rows = run.log_path.read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "0", "1", "2", "3", "4", "5"]


class EightImages(NoiseData):
    """An epoch of which is 2 steps of 4 images."""

    epoch_images = 8


def test_every_epoch_is_drawn_but_short_ones_not_each(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    data = EightImages(CONFIG.image_size)
    assert picture_steps(data, TRAINING) == pipeline.PICTURE_LEAST
    assert picture_steps(DATA, TRAINING) == EPOCH_IMAGES // 4
    monkeypatch.setattr(pipeline, "PICTURE_LEAST", 1)
    train_run(run, SETTINGS, data, "cpu", progress=False)
    drawn = sorted(path.name for path in (run.folder / "pictures").iterdir())
    assert drawn == ["step_000002.png", "step_000004.png", "step_000006.png"]
