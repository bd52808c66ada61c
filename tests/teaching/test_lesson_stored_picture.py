"""Stored picture: the file that the benchmark drew, as it is, with a text beside it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import IPython.display
import pytest

from squidlib.benchmark import stored as stored_module
from squidlib.benchmark.stored import folder_of
from squidlib.teaching.lesson.stored_picture import show_stored_picture
from squidlib.utils.errors import UserError


def test_it_shows_the_file_and_says_what_is_to_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[dict[str, str], dict[str, Any]]] = []
    monkeypatch.setattr(IPython.display, "display", lambda data, metadata, raw: shown.append((data, metadata)))
    show_stored_picture("digitanatomy", alt="a picture of all methods")
    ((data, metadata),) = shown
    assert base64.b64decode(data["image/png"]) == (folder_of("digitanatomy") / "methods.png").read_bytes()
    assert data["text/plain"] == "a picture of all methods"
    assert metadata == {"image/png": {"alt": "a picture of all methods"}}


def test_where_there_is_none_it_says_so_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_module, "FOLDER", tmp_path)
    with pytest.raises(UserError, match=r"no picture of all methods on 'zhanglab'.*make benchmark"):
        show_stored_picture("zhanglab", alt="nothing to be seen")
