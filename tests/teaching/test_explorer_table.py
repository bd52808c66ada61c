"""The explorer's table of AUCs by memory size and shrinkage."""

from __future__ import annotations

import re

import pytest

from squidlib.teaching.explorer.begin import load_state
from squidlib.teaching.explorer.sections import heat, shrunk
from squidlib.teaching.explorer.setting import Setting
from squidlib.teaching.memory_sizes import sizes


@pytest.mark.parametrize("shrinkage", ["soft", "hard", "topk"])
def test_the_table_holds_the_aucs_and_marks_the_setting(shrinkage: str) -> None:
    state = load_state()
    setting = Setting(slots=50, shrinkage=shrinkage, threshold=0.01, k=10)
    text = heat(state.effect, state.most_slots, setting, "flipped")
    auc = state.effect.auc(setting, "flipped")
    marked = re.findall(r'class="squid-here"[^>]*>([\d.]+)<', text)
    assert marked == [f"{auc:.3f}"]
    assert text.count('<th scope="col">') == len(sizes(350))


def test_a_score_that_was_not_studied_is_said_to_be() -> None:
    assert "Not studied" in shrunk("discriminator", 50)
    assert "Not studied" not in shrunk("combined", 50)
