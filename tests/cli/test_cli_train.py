"""``squid train``: helps that read well, hints that can be typed, one run a folder, and little memory."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from squidlib.cli import bench, benchmark, contamination, demo, digits, doctor, evaluate, explore, lab, score, train
from squidlib.cli.main import parse
from squidlib.cli.train import Train
from squidlib.detection.checkpoint import load
from squidlib.teaching.studies.variants import STUDIED
from squidlib.training.presets import PRESETS
from squidlib.utils import command as calling
from tests.helpers import contents, squid

Capture = pytest.CaptureFixture[str]
COMMANDS = [bench, benchmark, contamination, demo, digits, doctor, evaluate, explore, lab, score, train]
SHORT = ("--glyphs", "sklearn_digits", "--epochs", 0.02, "--device", "cpu")


@pytest.mark.parametrize("module", COMMANDS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_help_reads_well(module: ModuleType, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        parse([module.__name__.rpartition(".")[2], "--help"])
    said = capsys.readouterr().out
    assert "--help" in said
    assert "None" not in said
    assert not re.search(r"--no-.*True", said), "an option that takes something away reads as if it gave"
    assert not re.search(r"\d,\W*\n\W*\d", said), "a number is broken over two lines"


@pytest.mark.parametrize("module", COMMANDS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_help_of_an_option_is_one_line_of_source(module: ModuleType) -> None:
    """tyro keeps a line break of the source, which then stands somewhere in a line of the screen."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(each) for each in node.decorator_list):
            helps = [each.value for each in node.body[1:] if isinstance(each, ast.Expr)]
            broken = [ast.unparse(text)[:60] for text in helps if text.lineno != text.end_lineno]
            assert broken == []


def test_an_option_that_is_not_given_is_none_and_no_word_stands_for_that() -> None:
    words = ["train", "folder", "--out", "run"]
    plain = parse(words)
    assert plain == Train(dataset="folder", out=Path("run"))
    given = parse([*words, "--size", "64", "96", "--devices", "auto", "--epochs", "0.5", "--precision", "16-mixed"])
    assert (given.size, given.devices, given.epochs, given.precision) == ((64, 96), "auto", 0.5, "16-mixed")
    assert parse([*words, "--devices", "3", "--size", "64"]).devices == 3
    with pytest.raises(ValueError, match="None"):
        parse([*words, "--epochs", "None"])


def test_a_run_of_other_data_is_refused_and_the_hint_goes_on_with_it(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a run"
    assert squid(capsys, "train", "digitanatomy", "--out", out, *SHORT).code == 0
    before = contents(out)
    monkeypatch.setattr(calling.sys, "argv", ["/opt/kit/bin/squid"])  # type: ignore[attr-defined]
    said = squid(capsys, "train", "zhanglab", "--out", out, "--resume")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "is trained on digitanatomy, not on zhanglab" in said.errors[0]
    typed = shlex.split(said.errors[0].partition("go on with: ")[2])
    assert typed == ["/opt/kit/bin/squid", "train", "digitanatomy", "--out", str(out), "--resume"]
    assert contents(out) == before
    assert squid(capsys, *typed[1:]).code == 0


def test_the_memory_has_as_many_slots_as_were_asked_for(tmp_path: Path, capsys: Capture) -> None:
    said = squid(capsys, "train", "digitanatomy", "--slots", 12, "--out", tmp_path / "run", *SHORT)
    assert said.code == 0, said.errors
    assert load(tmp_path / "run").squid.inpainting.memory.contents().shape[1] == 12


def test_nothing_of_an_overwritten_run_is_left(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "run"
    assert squid(capsys, "train", "digitanatomy", "--out", out, *SHORT).code == 0
    for name in ("evaluation.json", "explorer.safetensors", "detections.png", "notes.txt"):
        (out / name).write_text("of the old run")
    (out / "pictures").mkdir()
    (out / "pictures" / "step_000050.png").write_text("of the old run")
    said = squid(capsys, "train", "digitanatomy", "--out", out, "--seed", 1, "--overwrite", *SHORT)
    assert said.code == 0, said.errors
    files = {path.name for path in out.rglob("*") if path.is_file()}
    assert files == {"run.json", "log.csv", "model.safetensors", "notes.txt"}
    assert json.loads((out / "run.json").read_text())["training"]["seed"] == 1


def test_the_seeds_before_leave_no_table_either(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "evaluation.json").write_text("of old runs")
    said = squid(capsys, "train", "digitanatomy", "--out", tmp_path, "--seeds", 2, "--overwrite", "--minutes", -1)
    assert said.code == 2
    assert not (tmp_path / "evaluation.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
@pytest.mark.parametrize("mebibytes", [150, 400, 1000, 2000])
def test_too_little_memory_is_told_in_a_line(tmp_path: Path, mebibytes: int) -> None:
    words = [sys.executable, "-m", "squidlib", "score", "digitanatomy", "none.png", "--csv", "s.csv"]
    limited = ["sh", "-c", f'ulimit -v {mebibytes * 1024}; exec "$@"', "sh", *words]  # preexec_fn could hang: threads
    done = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "squid: too little memory to begin: about 1 GiB is needed, and more for the work\n"


def test_memory_that_runs_out_while_training_is_a_line_that_says_how_to_go_on(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from squidlib.training import trainer

    def greedy(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 3221225472 bytes.")

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "finish", greedy)
        said = squid(capsys, "train", "digitanatomy", "--out", out, *SHORT)
    (line,) = [line for line in said.errors if line.startswith("squid: ")]  # a progress bar may stand beside it
    assert said.code == 2
    assert "too little memory: 3.00 GiB more were needed" in line
    assert (out / "training.safetensors").is_file()
    typed = shlex.split(line.partition("Go on with: ")[2])
    assert squid(capsys, *typed[1:]).code == 0
    assert (out / "model.safetensors").is_file()


def test_a_run_too_brief_to_tell_patches_apart_says_so(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS["laptop"], "digitanatomy", STUDIED)  # without edges, a dozen steps leave patches alike
    said = squid(capsys, "train", "digitanatomy", *SHORT, "--epochs", 0.12, "--out", tmp_path / "run")
    assert said.code == 0
    assert said.errors[-1] == (
        "note: some score hardly varies over the images that it was calibrated on, whatever the patch: it was trained "
        "too briefly, or the images are all alike"
    )
