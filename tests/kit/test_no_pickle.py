"""No file is unpickled, by no part of the kit."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch

import digitanatomy
import squidlib
from tests.helpers import refusal


class Bomb:
    """Unpickling it makes a file: proof that somebody did."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickled_checkpoint_is_refused_and_never_unpickled(tmp_path: Path, zipped: bool) -> None:
    torch.save({"bomb": Bomb(tmp_path / "gone off")}, tmp_path / "model.pt", _use_new_zipfile_serialization=zipped)
    assert "no whole safetensors file" in refusal(lambda: squidlib.load(tmp_path / "model.pt"))
    assert not (tmp_path / "gone off").exists()


def test_no_source_file_can_unpickle() -> None:
    sources = [path for package in (squidlib, digitanatomy) for path in Path(package.__path__[0]).rglob("*.py")]
    assert len(sources) > 40
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text())):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if isinstance(node, ast.ImportFrom):
                named += [f"{node.module}.{name}" for name in named] + [str(node.module)]
            if isinstance(node, ast.Attribute):
                named = [ast.unparse(node)]
            if isinstance(node, ast.keyword):
                named = [str(node.arg)]
            loaders = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "torch.load", "allow_pickle"}
            assert not {part for name in named for part in (name, name.split(".")[0])} & loaders, f"{path}: {named}"
