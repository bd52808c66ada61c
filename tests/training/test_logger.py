"""The log of losses: it ends where the saved state does, and what is missing or damaged is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from squidlib.training.logger import Logbook
from tests.helpers import refusal

HEADER = "step,total,reconstruction,teacher,distillation,adversarial,position,discriminator,validation"


def rows(*steps: int) -> str:
    return "\n".join([HEADER, *(f"{step},1,2,3,4,5,6,7," for step in steps)]) + "\n"


def test_the_logbook_drops_rows_beyond_the_saved_state_and_counts_what_is_missing(tmp_path: Path) -> None:
    path, board = tmp_path / "log.csv", tmp_path / "board"
    path.write_text(rows(0, 1, 2))
    assert [row[0] for row in Logbook(path, 2, board).rows] == ["0", "1"]
    assert Logbook(path, 2, board).missing == 0
    assert Logbook(path, 5, board).missing == 2  # cut
    path.write_text("")
    assert Logbook(path, 5, board).missing == 5
    path.unlink()
    assert Logbook(path, 5, board).missing == 5


@pytest.mark.parametrize(
    "damage",
    [
        HEADER + "\nnone,1,2,3,4,5,6,7,\n",
        HEADER + "\n\n",
        "step,total\n0,1\n",
        rows(2, 1, 0),
        rows(0, 1, 1),
        rows(-1, 0),
        HEADER + "\n0,1,2\n",
        "\n".join(reversed(rows(0, 1).splitlines())),
    ],
    ids=["words", "empty line", "header", "reversed", "twice", "negative", "half a line", "whole file reversed"],
)
def test_a_damaged_log_is_refused(tmp_path: Path, damage: str) -> None:
    (tmp_path / "log.csv").write_text(damage)
    assert "is damaged" in refusal(lambda: Logbook(tmp_path / "log.csv", 2, tmp_path / "board"))
