"""What the command line refuses: one line on stderr that names the matter, exit code 2, not a byte changed."""

from __future__ import annotations

import errno
import os
import pathlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import contents, squid

Capture = pytest.CaptureFixture[str]

TABLE = [
    # arguments, what the line must say; "." stands for a space in a name
    ("", "squid: a command is missing; there are demo, lessons, lab"),
    ("conjure", "there is no command 'conjure'; there are demo, lessons, lab"),
    ("trian digitanatomy", "there is no command 'trian' (did you mean train?)"),
    ("train digitanatomy", "squid: squid train needs --out PATH; see the arguments with --help"),
    ("train digitanatomy --outt new", "squid: squid train needs --out PATH; unknown: --outt new; see"),
    ("score fine.png", "squid: squid score needs --csv PATH; see"),
    ("train chest --out new", "'chest'"),
    ("train digitanatomy --out new --seed x", "invalid literal"),
    ("train digitanatomy --out new --seeds 0", "--seeds is the number of runs, at least 1; got 0"),
    ("train digitanatomy --out new --data no_images", "for digits of your own give --glyphs"),
    ("train digitanatomy --out new --contamination 0.1", "--contamination is for chest X-rays"),
    ("train zhanglab --out new --data no_images --contamination 0.6", "--contamination lies in 0..0.5, got 0.6"),
    ("train zhanglab --out new", "--data: the folder of zhanglab is needed; to get it: download"),
    ("train zhanglab --out new --data nowhere", "no such folder; unpack the data set"),
    ("train zhanglab --out new --data no_images", "but there is no train"),
    ("train chexpert --out new --data no_images", "train.csv"),
    ("train pneumoniamnist --out new --data no_images", "allow its download with --download"),
    ("train digitanatomy --out new --tiles 5", "--tiles"),
    ("train digitanatomy --out new --grid 5", "image_size must be a multiple of grid"),
    ("train digitanatomy --out new --seed -1", "seed must be at least 0, got -1"),
    ("train digitanatomy --out new --slots 0", "slots must be at least 1, got 0"),
    ("train digitanatomy --out new --topk 0", "topk must be at least 1, got 0"),
    ("train digitanatomy --out new --slots 3", "topk must be at most the number of slots (3), got 5"),
    ("train digitanatomy --out new --slots 9 --topk 10", "topk must be at most the number of slots (9), got 10"),
    ("train digitanatomy --out new --epochs 0", "--epochs must be more than 0"),
    ("train digitanatomy --out new --epochs nan", "--epochs must be more than 0"),
    ("train digitanatomy --out new --minutes -2", "--minutes must be more than 0"),
    ("train digitanatomy --out new --minutes 1 --epochs 1", "give one of them"),
    ("train digitanatomy --out new --precision 8", "'8'"),
    ("train digitanatomy --out new --device tpu", "--device is auto, cpu, cuda or mps; got 'tpu'"),
    ("train digitanatomy --out new --glyphs nowhere", "got 'nowhere'"),
    ("train digitanatomy --out new --glyphs kmnist", "--download"),
    ("train digitanatomy --out new --glyphs no_images", "no image in no images"),
    ("train digitanatomy --out fine.png", "fine.png is a file"),
    ("train digitanatomy --out fine.png/run", "fine.png is a file"),
    ("train digitanatomy --out folder.png/.. --overwrite", "no run; choose an empty or a new folder"),
    ("train digitanatomy --out done", "already holds a run"),
    ("train digitanatomy --out cut_run", "already holds a run"),
    ("train digitanatomy --out new --resume", "run.json is missing"),
    ("train digitanatomy --out no_images --resume", "run.json is missing"),
    ("train digitanatomy --out done --resume --overwrite", "give one of them"),
    ("train digitanatomy --out damaged_run --resume", "is damaged"),
    ("train digitanatomy --out cut_run --resume", "no whole safetensors file"),
    ("train digitanatomy --out changed_run --resume", "run.json was changed after its run began"),
    ("train digitanatomy --out old_run --resume", "old run was written by an older squid"),
    ("train digitanatomy --out done --resume", "model.safetensors is not of the run in run.json"),
    ("train zhanglab --out cut_run --resume", "go on with: squid train digitanatomy --out 'cut run' --resume"),
    ("train digitanatomy --out misfit_run --resume", "does not fit run.json"),
    ("train digitanatomy --out bad_log --resume", "log.csv is damaged"),
    ("evaluate", "name at least one"),
    ("evaluate cut_run", "finish it with: squid train digitanatomy --out 'cut run' --resume"),
    ("evaluate nowhere", "neither a run's folder, nor a file, nor a shipped checkpoint"),
    ("evaluate cut_run", "holds no finished run"),
    ("evaluate good.safetensors --rate 0", "--rate lies between 0 and 1, got 0.0"),
    ("evaluate good.safetensors --rate 1", "--rate lies between 0 and 1, got 1.0"),
    ("evaluate good.safetensors --device tpu", "got 'tpu'"),
    ("evaluate good.safetensors --json no_images", "no images is a folder"),
    ("evaluate good.safetensors --json fine.png/x.json", "fine.png is a file"),
    ("evaluate cut.safetensors", "no whole safetensors file"),
    ("evaluate empty.safetensors", "no whole safetensors file"),
    ("evaluate text.safetensors", "no whole safetensors file"),
    ("evaluate foreign.safetensors", "was not written by this version of squid"),
    ("evaluate tampered.safetensors", "its hash does not match"),
    ("evaluate misfit.safetensors", "configuration and weights do not fit each other"),
    ("evaluate topk.safetensors", "topk must be at most the number of slots (350), got 351"),
    ("evaluate grid.safetensors", "image_size must be a multiple of"),
    ("evaluate chest.safetensors", "settings of zhanglab with folder and image_size expected"),
    ("evaluate fine.png", "no whole safetensors file"),
    ("score good.safetensors fine.png", "--csv"),
    ("score good.safetensors --csv new.csv", "name at least one image"),
    ("score nowhere fine.png --csv new.csv", "neither a run's folder"),
    ("score cut.safetensors fine.png --csv new.csv", "no whole safetensors file"),
    ("score tampered.safetensors fine.png --csv new.csv", "its hash does not match"),
    ("score good.safetensors fine.png --csv new.csv --rate 2", "got 2.0"),
    ("score good.safetensors fine.png --csv new.csv --device tpu", "got 'tpu'"),
    ("score good.safetensors fine.png --csv no_images", "is a folder"),
    ("score good.safetensors fine.png --csv empty.png", "empty.png exists"),
    ("score good.safetensors fine.png --csv empty.png/new.csv", "empty.png is a file"),
    ("score good.safetensors fine.png --csv new.csv --maps empty.png", "a folder was expected"),
    ("score good.safetensors fine.png --csv new.csv --maps empty.png/maps", "empty.png is a file"),
    ("score good.safetensors fine.png --csv new.csv --maps done", "done is not empty"),
    ("score good.safetensors missing.png --csv new.csv", "missing.png: no such file"),
    ("score good.safetensors fine.png missing.png --csv new.csv --maps maps", "missing.png: no such file"),
    ("score good.safetensors no_images --csv new.csv", "no images: no image in this folder"),
    ("score good.safetensors folder.png --csv new.csv", "folder.png: no image in this folder"),
    ("score good.safetensors empty.png --csv new.csv", "empty.png: the file is empty"),
    ("score good.safetensors tëxt_文.png --csv new.csv", "tëxt 文.png: not an image"),
    ("score good.safetensors cut.png --csv new.csv", "cut.png: the image is damaged"),
    ("score good.safetensors 1x1.png --csv new.csv", "at least 8 pixels a side expected, got 1x1"),
    ("score good.safetensors wide.png --csv new.csv", "a roughly square image expected, got 4000x50"),
    ("score good.safetensors nan.tiff --csv new.csv", "must be finite"),
    ("score good.safetensors good.safetensors --csv new.csv", "not an image"),
    ("digits --out fine.png", "fine.png is a file"),
    ("digits --out done", "not an empty folder"),
    ("digits --out fine.png/new", "fine.png is a file"),
    ("digits --out new --count 0", "--count must be at least 1, got 0"),
    ("digits --out new --severity 10", "severity must be 1..9"),
]


@pytest.mark.parametrize(("arguments", "fragment"), TABLE, ids=[row[0] for row in TABLE])
def test_it_is_refused_in_one_line_and_nothing_changes(
    world: Path, arguments: str, fragment: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    before = contents(world)
    words = [word if word.startswith("--") else word.replace("_", " ") for word in arguments.split()]
    code, out, errors = squid(capsys, *words)
    assert code == 2
    assert len(errors) == 1, errors
    assert errors[0].startswith("squid: ")
    assert fragment in errors[0]
    assert "finished" not in out
    assert "scored" not in out
    assert contents(world) == before


@pytest.mark.parametrize(
    "arguments",
    [
        "train digitanatomy --out new",
        "train digitanatomy --out done --overwrite",
        "digits --out new",
        "evaluate good.safetensors --json new/x.json",
        "score good.safetensors fine.png --csv new.csv",
    ],
)
def test_an_output_folder_without_the_right_to_write_is_refused_before_the_work(
    world: Path, arguments: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    monkeypatch.setattr(os, "access", lambda *_: False)  # a real one would not stop root, who runs many a CI
    before = contents(world)
    code, _, errors = squid(capsys, *arguments.split())
    assert (code, len(errors)) == (2, 1)
    assert "may not be written" in errors[0]
    assert contents(world) == before


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(
    world: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.chdir(world)
    monkeypatch.setattr(os, "fsync", full)
    before = contents(world)
    code, _, errors = squid(capsys, "score", "good.safetensors", "fine.png", "--csv", "new.csv")
    assert (code, len(errors)) == (2, 1)
    assert "free some space" in errors[0]
    assert contents(world) == before


def test_a_folder_that_cannot_be_listed_is_told_in_one_line(
    world: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.chdir(world)
    monkeypatch.setattr(pathlib.Path, "iterdir", refuse)
    code, _, errors = squid(capsys, "digits", "--out", "no images")
    assert (code, len(errors)) == (2, 1)
    assert "Permission denied: 'no images'" in errors[0]


def test_the_real_process_says_the_same(world: Path) -> None:
    command = [sys.executable, "-m", "squidlib", "score", "good.safetensors", "tëxt 文.png", "--csv", "new.csv"]
    done = subprocess.run(command, cwd=world, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert all(line.startswith("note: ") for line in done.stdout.splitlines())
    assert done.stderr.splitlines() == [
        line for line in done.stderr.splitlines() if "tëxt 文.png: not an image" in line
    ]
    assert len(done.stderr.splitlines()) == 1
    assert not (world / "new.csv").exists()
