"""Choices of the command line that come from a table: one place for each, and light to import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from squidlib.data.registry import DATASETS

if TYPE_CHECKING:
    DatasetName: TypeAlias = str
else:
    DatasetName = Literal[tuple(DATASETS)]
