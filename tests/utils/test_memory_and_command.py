"""Lines about memory that ran out, and hints that can be typed as they stand."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from squidlib.utils.command import command
from squidlib.utils.memory import out_of_memory


def test_torch_and_numpy_say_how_much_they_needed() -> None:
    for ask in (lambda: torch.empty(2**50, dtype=torch.float32), lambda: np.empty(2**50, dtype=np.float32)):
        with pytest.raises((RuntimeError, MemoryError)) as caught:
            ask()
        line = out_of_memory(caught.value)
        assert line is not None
        assert line.startswith(("too little memory: 4194304.00 GiB more", "too little memory: 4.00 PiB more"))
        assert "\n" not in line


def test_a_gpus_words_are_understood_and_other_errors_are_left_alone() -> None:
    said = "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 15 GiB"
    assert "too little CUDA memory: 20.00 MiB more" in str(out_of_memory(torch.cuda.OutOfMemoryError(said)))
    assert out_of_memory(MemoryError()) is not None
    assert out_of_memory(RuntimeError("shapes do not fit")) is None
    assert out_of_memory(ValueError("cannot allocate memory")) is None


@pytest.mark.parametrize(
    ("called", "found", "typed"),
    [
        ("/a/bin/squid", "/a/bin/squid", "squid train x"),
        ("/a/bin/squid", "/b/bin/squid", "/a/bin/squid train x"),
        ("/a b/bin/squid", None, "'/a b/bin/squid' train x"),
        ("/a/lib/squidlib/__main__.py", None, "python -m squidlib train x"),
        ("/a/lib/ipykernel_launcher.py", "/b/bin/squid", "squid train x"),
        ("-c", None, "squid train x"),
    ],
)
def test_a_hint_names_squid_as_it_was_called(
    monkeypatch: pytest.MonkeyPatch, called: str, found: str | None, typed: str
) -> None:
    monkeypatch.setattr(sys, "argv", [called, "train"])
    monkeypatch.setattr(shutil, "which", lambda _: found)
    assert command("train", "x") == typed


def test_words_of_a_hint_are_quoted() -> None:
    assert command("train", Path("my run")).endswith("train 'my run'")
