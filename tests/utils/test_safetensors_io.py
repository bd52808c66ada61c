"""Tensor files: what is written is read again, whatever was changed is noticed, the old file survives."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from squidlib.utils.safetensors_io import check_writable, read_tensors, write_atomically, write_tensors
from tests.helpers import contents, refusal

TENSORS = {
    "weights": torch.arange(6.0).reshape(2, 3),
    "half": torch.tensor([0.5, 0.25], dtype=torch.float16),
    "brain": torch.tensor([1.5], dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "mask": torch.tensor([True, False]),
    "transposed": torch.arange(6).reshape(2, 3).T,
    "empty": torch.empty(0, 3),
}
FACTS = {"step": 3, "name": "ünï", "nested": {"list": [1, 2.5, None]}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tensors.safetensors"
    write_tensors(path, TENSORS, FACTS)
    return path


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(
        torch.equal(left[name], right[name]) and left[name].dtype == right[name].dtype for name in left
    )


def test_tensors_and_facts_come_back_as_they_were_written(file: Path) -> None:
    tensors, metadata = read_tensors(file)
    assert same(tensors, TENSORS)
    assert metadata == FACTS


def test_the_same_content_gives_the_same_hash_and_the_same_bytes(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    for _ in range(8):  # what is random in a file would be equal by chance now and then
        digest = write_tensors(again, dict(reversed(TENSORS.items())), dict(reversed(FACTS.items())))
        assert again.read_bytes() == file.read_bytes()
    assert digest == write_tensors(again, TENSORS, FACTS)
    assert digest != write_tensors(again, TENSORS | {"count": torch.tensor(8)}, FACTS)
    assert digest != write_tensors(again, TENSORS, FACTS | {"step": 4})


@pytest.mark.parametrize("place", [1, 20, -1])
def test_a_flipped_bit_in_the_data_is_noticed(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    content[header + place if place > 0 else place] ^= 1
    file.write_bytes(content)
    assert "its hash does not match" in refusal(lambda: read_tensors(file))


def test_edited_facts_are_noticed(file: Path) -> None:
    content = file.read_bytes()
    assert b'\\"step\\": 3' in content
    file.write_bytes(content.replace(b'\\"step\\": 3', b'\\"step\\": 4'))
    assert "its hash does not match" in refusal(lambda: read_tensors(file))


def test_a_renamed_tensor_is_noticed(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"count"', b'"cOunt"'))
    assert "its hash does not match" in refusal(lambda: read_tensors(file))


@pytest.mark.parametrize("share", [0, 0.05, 0.5, 0.99])
def test_a_truncated_file_is_refused(file: Path, share: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "no whole safetensors file" in refusal(lambda: read_tensors(file))


def test_text_and_pickle_are_refused(file: Path) -> None:
    for content in (b"not a checkpoint", json.dumps(FACTS).encode(), pickle.dumps(FACTS)):
        file.write_bytes(content)
        assert "no whole safetensors file" in refusal(lambda: read_tensors(file))


def test_a_safetensors_file_of_another_program_is_refused(file: Path) -> None:
    from safetensors.torch import save_file

    save_file({"weights": torch.zeros(2)}, file)
    assert "was not written by this version of squid" in refusal(lambda: read_tensors(file))
    save_file({"weights": torch.zeros(2)}, file, metadata={"format": "squidlib-0"})
    assert "got 'squidlib-0'" in refusal(lambda: read_tensors(file))


@pytest.mark.parametrize("text", [None, "", "[1, 2]", "{", "[" * 100_000, "null"])
def test_a_file_that_does_not_say_what_it_holds_is_refused(file: Path, text: str | None) -> None:
    digest = hashlib.sha256((text or "").encode()).hexdigest()  # right for a file without a tensor
    facts = {} if text is None else {"facts": text}
    save_file({}, file, {"format": "squidlib-1", "sha256": digest, **facts})
    assert "does not say what it holds" in refusal(lambda: read_tensors(file))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "is not a file" in refusal(lambda: read_tensors(tmp_path / "none.safetensors"))
    assert "is not a file" in refusal(lambda: read_tensors(tmp_path))


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    file: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents(file.parent)
    monkeypatch.setattr(os, call, full)
    text = refusal(lambda: write_tensors(file, {"weights": torch.ones(3)}, {}))
    assert os.strerror(errno.ENOSPC) in text
    assert contents(file.parent) == before


def test_ctrl_c_while_writing_leaves_the_old_file_and_nothing_else(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = contents(file.parent)
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_tensors(file, {"weights": torch.ones(3)}, {})
    assert contents(file.parent) == before


def test_a_write_replaces_the_file_makes_its_folder_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ünïcödé" / "file.txt"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664), (0o027, 0o640)])
def test_who_may_read_a_file_is_what_the_users_umask_says(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file.txt", b"")
        write_atomically(tmp_path / "own.txt", b"", 0o600)
    finally:
        os.umask(before)
    assert (tmp_path / "file.txt").stat().st_mode & 0o777 == mode
    assert (tmp_path / "own.txt").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_is_refused_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("a file and no folder")
    below = tmp_path / "file" / "sub" / "x.txt"
    assert "cannot write to the folder" in refusal(lambda: write_atomically(below, b""))
    assert "file is a file" in refusal(lambda: check_writable(below.parent))
    check_writable(tmp_path / "new" / "folder")
    monkeypatch.setattr(os, "access", lambda *_: False)  # as for a user without the right, also where root runs this
    assert "may not be written" in refusal(lambda: check_writable(tmp_path / "new"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
