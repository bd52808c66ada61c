"""The lister of folders: what is an image, what is passed over, and that every pass is counted and named."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from digitanatomy.image_files import ImageFileError
from digitanatomy.image_folders import MAP_MARK, find_images


def put(root: Path, *names: str) -> None:
    """Empty files of those names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in find_images([root]).files]


def test_other_files_are_counted_and_named_by_kind(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "x.jfif", "scan.nii", "deep/scan2.NII", "notes.txt", "README", "photo.heic")
    assert found(tmp_path) == ["a.png", "x.jfif"]
    assert find_images([tmp_path]).passed_over == (
        "1 .heic (save them as PNG first), 2 .nii (save them as PNG first), 1 .txt, 1 without ending: "
        "no image files, passed over",
    )


def test_dicom_files_are_images_where_pydicom_is_installed(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "scan.dcm", "deep/scan2.DCM", "scan.dicom")
    assert found(tmp_path) == ["a.png", "deep/scan2.DCM", "scan.dcm", "scan.dicom"]


def test_without_pydicom_dicom_files_are_passed_over_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    put(tmp_path, "a.dcm", "deep/b.DCM")
    hint = r"2 \.dcm \(to read them: pip install \"squidlib\[dicom\]\"\)"
    with pytest.raises(ImageFileError, match=rf"no image in this folder .*; it has {hint}"):
        find_images([tmp_path])
    put(tmp_path, "a.png")
    assert found(tmp_path) == ["a.png"]
    (line,) = find_images([tmp_path]).passed_over
    assert re.match(hint, line)


def test_hidden_files_and_folders_are_no_images_anywhere(tmp_path: Path) -> None:
    hidden = ("._a.png", ".hidden.png", "__MACOSX/a.png", "__MACOSX/deep/._a.png", ".ipynb_checkpoints/a.png")
    put(tmp_path, "a.png", "sub/b.png", "sub/.DS_Store", "sub/Thumbs.db", "sub/desktop.ini", *hidden)
    assert found(tmp_path) == ["a.png", "sub/b.png"]
    assert find_images([tmp_path]).passed_over == ()


def test_a_hidden_folder_that_is_named_is_read(tmp_path: Path) -> None:
    put(tmp_path, ".cache/a.png")
    assert found(tmp_path / ".cache") == ["a.png"]


@pytest.mark.parametrize("name", ["masks", "Masks", "mask", "ground_truth"])
def test_masks_beside_images_are_left_out_and_said_unless_they_are_named(tmp_path: Path, name: str) -> None:
    put(tmp_path, "images/a.png", f"{name}/a.png", f"{name}/b.png")
    assert found(tmp_path) == ["images/a.png"]
    assert find_images([tmp_path]).passed_over == (f"{tmp_path / name}: masks, left out",)
    assert found(tmp_path / name) == ["a.png", "b.png"]


def test_anomaly_maps_are_left_out_wherever_they_lie_and_counted(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "beside.png")
    mark = PngInfo()
    mark.add_text(*MAP_MARK)
    for name in ("map.png", "maps/map.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name, pnginfo=mark)
    assert found(tmp_path) == ["a.png", "beside.png"]
    assert find_images([tmp_path]).passed_over == ("2 anomaly maps of squid score: no image files, passed over",)


def test_a_linked_folder_is_followed_once(tmp_path: Path) -> None:
    put(tmp_path, "in/a.png", "elsewhere/b.png", "elsewhere/c.png")
    for name in ("link", "same"):
        (tmp_path / "in" / name).symlink_to(tmp_path / "elsewhere")
    assert found(tmp_path / "in") == ["a.png", "link/b.png", "link/c.png"]
    (line,) = find_images([tmp_path / "in"]).passed_over
    assert line == f"{tmp_path / 'in/same'}: a link to a folder that is read already, left out"


def test_a_link_beside_its_folder_reads_the_images_once_and_by_their_own_name(tmp_path: Path) -> None:
    put(tmp_path, "folder/b.png")
    (tmp_path / "a_link").symlink_to(tmp_path / "folder")
    assert found(tmp_path) == ["folder/b.png"]


def test_links_in_circles_end(tmp_path: Path) -> None:
    put(tmp_path, "x/a.png", "y/b.png")
    for name in ("x/y", "y/x", "x/self", "up"):
        target = {"x/y": "y", "y/x": "x", "x/self": "x", "up": "."}[name]
        (tmp_path / name).symlink_to(tmp_path / target)
    (tmp_path / "x/loop.png").symlink_to(tmp_path / "x/loop.png")
    assert found(tmp_path) == ["x/a.png", "x/loop.png", "y/b.png"]  # the reader says what is wrong with the loop
    assert len(find_images([tmp_path]).passed_over) == 4


def test_what_is_no_file_is_never_opened(tmp_path: Path) -> None:
    put(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe.png")  # opening it would wait for ever
    assert found(tmp_path) == ["a.png", "pipe.png"]


def test_outputs_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "out/b.png", "c.png")
    assert find_images([tmp_path], [tmp_path / "out", tmp_path / "c.png"]).files == [tmp_path / "a.png"]
