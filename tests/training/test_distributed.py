"""Several processes: two real ones on the CPU, joined by gloo, train to the same result as one."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import torch
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException

from digitanatomy import Glyphs, Jitter
from squidlib.data.base import NormalData
from squidlib.data.chest import ChestData, open_images, zhanglab
from squidlib.data.digits import Digits
from squidlib.training.config import TrainingConfig
from squidlib.training.devices import Layout, layout_of
from squidlib.training.launch import train_by_many
from squidlib.training.presets import PRESETS
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.utils.distributed import local_batch_size
from tests.chest_folders import zhanglab_folder
from tests.conftest import tiny_config
from tests.helpers import Said, contents, refusal, squid
from tests.two_processes import Ended, StreamOfNoise, by_two, die_in, everything, run_in, trained

CONFIG = tiny_config(cosine_memory=True)
TRAINING = TrainingConfig(
    steps=6, schedule_steps=6, batch_size=4, generator_every=2, discriminator_every=3, validate_every=2,
    learning_rate=1e-3,
)  # fmt: skip
WEIGHTS = PRESETS["laptop"]["digitanatomy"].weights
#: Of the runs in folders: every step trains both, the memory is filled anew at the end, the best weights are kept.
RUN_TRAINING = TrainingConfig(steps=6, schedule_steps=6, batch_size=4, refill_memory=True, validate_every=2, patience=9)
SETTINGS = RunSettings(CONFIG, RUN_TRAINING, WEIGHTS, {"data": "noise"})


def new_run(folder: Path) -> Path:
    Run(folder).begin(SETTINGS)
    return folder


class Two(NamedTuple):
    """What two processes gave: each one's training, what each said when one was told to end, the runs' folders."""

    ended: list[Ended]
    said: list[str]
    straight: Path
    stopped: Path


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    folder = tmp_path_factory.mktemp("two")
    straight, stopped = new_run(folder / "straight"), new_run(folder / "stopped")
    results = by_two(everything, (CONFIG, TRAINING, WEIGHTS), SETTINGS, straight, stopped)
    return Two([ended for ended, _ in results], [said for _, said in results], straight, stopped)


@pytest.fixture(scope="module")
def one() -> Ended:
    return trained(None, CONFIG, TRAINING, WEIGHTS)


def differences(own: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> dict[str, float]:
    assert own.keys() == other.keys()
    return {name: float((own[name].double() - other[name].double()).abs().max()) for name in own}


def test_both_processes_hold_the_very_same_bits(two: Two) -> None:
    first, second = two.ended
    assert first[0] == second[0]
    assert set(differences(first[1], second[1]).values()) == {0.0}


def test_two_processes_have_the_losses_of_one_at_every_step(one: Ended, two: Two) -> None:
    assert [len(terms) for terms in one[0]] == [7, 1, 6, 2, 6, 1]  # 6 of the generator, 1 of the other, 1 validation
    for own, other in zip(one[0], two.ended[0][0], strict=True):
        assert other == pytest.approx(own, rel=1e-6)


def test_two_processes_train_to_the_weights_and_the_optimiser_of_one(one: Ended, two: Two) -> None:
    far = {name: value for name, value in differences(one[1], two.ended[0][1]).items() if value > 1e-6}
    assert far == {}


def test_the_queue_holds_what_one_process_would_hold_in_the_same_order(one: Ended, two: Two) -> None:
    name, other = "squid.inpainting.memory", two.ended[0][1]
    assert torch.allclose(one[1][f"{name}.slots"], other[f"{name}.slots"], rtol=1e-6, atol=1e-9)
    assert one[1][f"{name}.pointer"] == other[f"{name}.pointer"]
    assert one[1][f"{name}.filled"] == other[f"{name}.filled"] == CONFIG.slots
    newest_first = one[1][f"{name}.slots"].flip(1)  # the order is compared, too
    assert not torch.allclose(newest_first, other[f"{name}.slots"], rtol=1e-2)


def test_a_signal_for_one_process_ends_both_after_the_same_step_and_nothing_is_lost(two: Two) -> None:
    assert two.said == ["stopped after step 4 of 6; everything is saved"] * 2
    assert contents(two.stopped) == contents(two.straight)


def test_two_processes_of_which_one_was_killed_go_on_bit_identically(two: Two, tmp_path: Path) -> None:
    out = new_run(tmp_path / "run")
    with pytest.raises((ProcessExitedException, ProcessRaisedException), match=r"SIGKILL|by peer"):
        by_two(die_in, SETTINGS, out, 3)
    assert (out / "training.safetensors").is_file()
    assert not (out / "model.safetensors").exists()
    by_two(run_in, SETTINGS, out)
    assert contents(out) == contents(two.straight)


def test_the_command_trains_in_two_processes_and_speaks_once(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = zhanglab_folder(tmp_path / "data"), tmp_path / "rün"
    said: Said = squid(
        capfd, "train", "zhanglab", "--data", folder, "--out", out, "--epochs", 2, "--device", "cpu", "--devices", 2
    )
    assert (said.code, len(said.errors)) == (0, len(set(said.errors)))
    assert all(line.startswith("note: ") for line in said.errors)
    assert said.out.count("by 2 processes") == said.out.count("finished: ") == 1
    assert Run(out).finished
    assert (
        len((out / "log.csv").read_text().splitlines())
        == 1 + json.loads((out / "run.json").read_text())["training"]["steps"]
    )


def begun(process: subprocess.Popen[str]) -> int:
    """How many processes it has started to train in."""
    try:
        return sum("spawn_main" in " ".join(child.cmdline()) for child in psutil.Process(process.pid).children())
    except psutil.NoSuchProcess:  # one has ended meanwhile
        return 0


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C for a group of processes is sent as POSIX has it")
@pytest.mark.parametrize("seconds", [0.0, 1.5])
def test_ctrl_c_while_the_processes_begin_is_one_line(tmp_path: Path, seconds: float) -> None:
    words = ["train", "digitanatomy", "--out", str(tmp_path / "run"), "--device", "cpu", "--devices", "2"]
    command = [str(Path(sys.executable).with_name("squid")), *words, "--epochs", "0.02"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        end = time.monotonic() + 120
        while begun(process) < 2:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, errors.count("\n")) == (130, 1)
    assert errors.startswith("squid: interrupted; what was saved last is kept. Go on with: ")
    assert f"squid {shlex.join(words[:4])} --resume" in errors


@pytest.mark.parametrize("devices", [0, 3, 5])
def test_a_number_of_processes_that_cannot_be_is_named_before_the_folder_is_touched(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, devices: int
) -> None:
    out = tmp_path / "run"
    said = squid(capsys, "train", "digitanatomy", "--out", out, "--device", "cpu", "--devices", devices)
    assert said.code == 2
    assert len(said.errors) == 1
    assert ("1, 2, 4, 8, 16" if devices else "at least 1") in said.errors[0]
    assert not out.exists()


def test_what_the_first_process_refuses_is_said_by_the_parent_in_a_line(tmp_path: Path) -> None:
    out = new_run(tmp_path / "run")
    (out / "training.safetensors").write_text("nothing")
    text = refusal(lambda: train_by_many(Run(out), SETTINGS, noise_of_24, Layout("cpu", 2), progress=False))
    assert "no whole safetensors file" in text


def noise_of_24() -> NormalData:
    return StreamOfNoise(24)


def test_launchers_say_how_many_processes_there_are() -> None:
    torchrun = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"}
    slurm = {"SLURM_NTASKS": "8", "SLURM_NTASKS_PER_NODE": "4", "SLURM_JOB_NAME": "squid"}
    for environment in (torchrun, slurm, slurm | torchrun):
        assert layout_of("cpu", None, environment) == Layout("cpu", 4, 2, joined=True)
        assert "leave it out" in refusal(lambda env=environment: layout_of("cpu", 2, env))  # type: ignore[misc]
    assert layout_of("cpu", None, {}) == layout_of("cpu", "auto", {}) == Layout("cpu", 1)
    assert layout_of("cpu", None, slurm | {"SLURM_JOB_NAME": "bash"}) == Layout("cpu", 1)
    assert layout_of("cpu", 2, {"SLURM_NTASKS": "1"}) == Layout("cpu", 2)
    assert "leave --strategy out" in refusal(lambda: layout_of("cpu", None, torchrun | {"LT_STRATEGY": "ddp"}))
    del slurm["SLURM_NTASKS_PER_NODE"]
    assert "--ntasks-per-node" in refusal(lambda: layout_of("cpu", None, slurm))


def test_a_batch_is_shared_equally_or_not_at_all() -> None:
    assert local_batch_size(16, 4) == 4
    assert "1, 2, 3, 6" in refusal(lambda: local_batch_size(6, 4))


@pytest.mark.parametrize("make", [lambda glyphs, folder: Digits(glyphs, 3, Jitter()), None], ids=["digits", "chest"])
def test_shares_of_a_batch_are_the_batch(
    make: Callable[[Glyphs, Path], NormalData] | None, glyphs: Glyphs, tmp_path: Path
) -> None:
    if make is None:
        data: NormalData = ChestData(open_images(zhanglab(zhanglab_folder(tmp_path)), 32), seed=3)
    else:
        data = make(glyphs, tmp_path)
    for step in (0, 5):
        shares = torch.cat([data.batch(2 * step + rank, 4) for rank in range(2)])
        assert torch.equal(shares, data.batch(step, 8))
