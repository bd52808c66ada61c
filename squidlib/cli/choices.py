"""Choices of the command line that come from a table: one place for each, and light to import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from tyro.conf import arg

from squidlib.data.registry import DATASETS

if TYPE_CHECKING:
    DatasetName: TypeAlias = str
else:
    DatasetName = Literal[tuple(DATASETS)]

#: Arguments without a name of their own: what their help calls them.
RunName = Annotated[str, arg(metavar="RUN")]
RunOrDefault = Annotated[str, arg(metavar="[RUN]")]
Folder = Annotated[Path, arg(metavar="FOLDER")]
FolderOrDefault = Annotated[Path, arg(metavar="[FOLDER]")]
RunNames = Annotated[tuple[str, ...], arg(metavar="RUN ...")]
Paths = Annotated[tuple[Path, ...], arg(metavar="PATH ...")]
