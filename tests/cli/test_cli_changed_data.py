"""A run whose data changed: gone on with never, evaluated with a note; older runs still load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from squidlib.training.run_dir import Run
from squidlib.training.settings import id_of
from tests.chest_folders import write_image, zhanglab_folder
from tests.helpers import contents, shorten, squid

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset, for two steps of four images."""
    shorten(monkeypatch, "zhanglab")


@pytest.fixture
def trained(tmp_path: Path, capsys: Capture) -> tuple[Path, Path]:
    """Folders of the data and of a run that was trained on them."""
    folder, out = zhanglab_folder(tmp_path / "data"), tmp_path / "run"
    said = squid(capsys, "train", "zhanglab", "--data", folder, "--out", out, "--cache", tmp_path / "cache")
    assert said.code == 0, said.errors
    return folder, out


def unfinished(out: Path) -> None:
    """As if it had been stopped before its end."""
    (out / "model.safetensors").unlink()


def test_run_json_holds_counts_and_a_hash_of_each_part(trained: tuple[Path, Path]) -> None:
    content = json.loads((trained[1] / "run.json").read_text())["facts"]["content"]
    assert content["training"]["images"] + content["calibration"]["images"] == 16
    assert content["test"]["images"] == 14
    assert all(len(part["hash"]) == 16 for part in content.values())


def test_a_run_goes_on_where_nothing_changed_also_from_another_folder(
    trained: tuple[Path, Path], capsys: Capture, tmp_path: Path
) -> None:
    folder, out = trained
    unfinished(out)
    assert squid(capsys, "train", "zhanglab", "--out", out, "--resume").code == 0
    unfinished(out)
    moved = folder.rename(tmp_path / "moved")
    said = squid(capsys, "train", "zhanglab", "--out", out, "--data", moved, "--resume")
    assert said.code == 0, said.errors
    assert "data changed" not in squid(capsys, "evaluate", out, "--data", moved).out


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ("test/NORMAL/IM-0599-0001.jpeg", "(test images: 14 then, 15 now)"),
        ("train/NORMAL/IM-0100-0002.jpeg", "now"),  # to train on or to calibrate with, whichever its patient is
    ],
)
def test_an_added_image_stops_a_resume_in_one_line_and_is_noted_by_evaluate(
    trained: tuple[Path, Path], capsys: Capture, added: str, says: str
) -> None:
    folder, out = trained
    write_image(folder / added)
    said = squid(capsys, "evaluate", out)
    assert said.code == 0, said.errors
    (note,) = [line for line in said.out.splitlines() if "data changed" in line]
    assert note.startswith(f"note: {out}: the data changed since the run began (")
    assert says in note
    unfinished(out)
    before = contents(out)
    said = squid(capsys, "train", "zhanglab", "--out", out, "--resume")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "the data changed since the run began" in said.errors[0]
    assert says in said.errors[0]
    assert "bring back the files as they were, or start again with what is there now (--overwrite)" in said.errors[0]
    assert contents(out) == before
    (folder / added).unlink()
    assert squid(capsys, "train", "zhanglab", "--out", out, "--resume").code == 0


def test_other_pixels_of_as_many_images_are_noticed(trained: tuple[Path, Path], capsys: Capture) -> None:
    folder, out = trained
    one, two = sorted((folder / "train/NORMAL").iterdir())[:2]
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(first[:-2] + b"more than the image" + first[-2:])  # the pixels stay what they are
    unfinished(out)
    assert squid(capsys, "train", "zhanglab", "--out", out, "--resume").code == 0
    unfinished(out)
    one.write_bytes(second)
    two.write_bytes(first)
    said = squid(capsys, "train", "zhanglab", "--out", out, "--resume")
    assert said.code == 2
    assert "but other pixels, order or labels" in said.errors[0]


def test_a_run_of_an_older_squid_goes_on_and_says_what_is_not_known(
    trained: tuple[Path, Path], capsys: Capture
) -> None:
    _, out = trained
    plain = json.loads((out / "run.json").read_text())
    del plain["facts"]["content"]
    (out / "run.json").write_text(json.dumps(plain | {"id": id_of(plain)}))
    unfinished(out)
    assert "content" not in Run(out).check_whole().metadata
    said = squid(capsys, "train", "zhanglab", "--out", out, "--resume")
    assert said.code == 0, said.errors
    assert f"note: {out} was begun by an older squid: whether its data changed since is not known" in said.out
    assert "data changed" not in squid(capsys, "evaluate", out).out


def test_what_the_shipped_detector_was_trained_on_cannot_change(capsys: Capture, tmp_path: Path) -> None:
    words = ("train", "digitanatomy", "--glyphs", "sklearn_digits", "--epochs", 0.01, "--out", tmp_path / "digits")
    assert squid(capsys, *words).code == 0
    assert "content" not in json.loads((tmp_path / "digits/run.json").read_text())["facts"]
