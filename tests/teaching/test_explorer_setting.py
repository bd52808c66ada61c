"""Settings and edits of the explorer: plain values, links that come back as they went, clear refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from digitanatomy import Glyphs
from squidlib.detection.scores import SCORES
from squidlib.teaching.explorer.edits import Origin, apply_edits, check_edits
from squidlib.teaching.explorer.setting import KEPT, SHRINKAGES, THRESHOLDS, Setting, kept, ladder
from squidlib.teaching.memory_sizes import sizes
from tests.helpers import refusal

NORMAL = tuple(Origin(tile + 1) for tile in range(9))
EDITS = st.lists(st.from_regex(r"[bhv][1-9]|s[1-9][1-9]|d[1-9][0-9]", fullmatch=True), max_size=6).map(",".join)
VALUES = st.fixed_dictionaries(
    {
        "image": st.sampled_from(["normal-0", "flipped-19", "upload-0a1b2c3d"]),
        "edits": EDITS,
        "slots": st.integers(1, 350),
        "shrinkage": st.sampled_from(SHRINKAGES),
        "threshold": st.sampled_from(THRESHOLDS),
        "k": st.integers(1, 350),
        "score": st.sampled_from(list(SCORES)),
        "rate": st.sampled_from([0.01, 0.05, 0.2]),
        "tile": st.integers(0, 8),
    }
)


@given(VALUES, VALUES)
def test_a_link_comes_back_as_the_setting_it_was_made_of(values: dict[str, Any], others: dict[str, Any]) -> None:
    setting, start = Setting(**values), Setting(**others)
    assert Setting.from_link(setting.as_link()) == setting
    assert Setting.from_link(setting.as_link(start), start) == setting
    assert Setting.from_link("http://127.0.0.1:8866/?" + setting.as_link()) == setting


def test_a_link_counts_tiles_from_one_and_ignores_what_the_page_needs_for_itself() -> None:
    assert Setting(tile=7).as_link() == "tile=8"
    assert Setting.from_link("http://127.0.0.1:8866/?token=abc&theme=dark&tile=8") == Setting(tile=7)


def test_a_link_holds_only_what_differs() -> None:
    assert Setting().as_link() == ""
    assert Setting(slots=50, k=3).as_link() == "slots=50&k=3"


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ("slots=0", "slots must be at least 1, got 0"),
        ("slots=many", "slots in the link must be a number, got 'many'"),
        ("colour=blue", "a link holds image, hand, edits, slots"),
        ("shrinkage=tight", "shrinkage is soft, hard, topk; got 'tight'"),
        ("threshold=2", "threshold lies in 0..1, got 2.0"),
        ("threshold=nan", "threshold lies in 0..1, got nan"),
        ("rate=0", "rate lies between 0 and 1, got 0.0"),
        ("score=best", "score is one of combined"),
        ("tile=10", "tile lies in 1..9, got 10"),
        ("edits=x5", "edits look like b5, h5, v5, s15 or d53, tiles 1 to 9, joined by commas; got 'x5'"),
        ("hello", "a link holds image, hand, edits, slots"),
    ],
)
def test_a_link_that_cannot_be_used_is_refused_in_a_line(link: str, wanted: str) -> None:
    assert wanted in refusal(lambda: Setting.from_link(link))


def test_the_ladder_offers_every_size_and_never_more_k_than_slots() -> None:
    readings = ladder(350)
    assert {setting.slots for setting in readings} == set(sizes(350))
    assert all(setting.k <= setting.slots for setting in readings if setting.shrinkage == "topk")
    assert len({setting.reading for setting in readings}) == len(readings)
    assert sizes(7)[-1] == kept(7)[-1] == 7


def test_readings_differ_only_where_calibration_would() -> None:
    base = Setting(slots=50)
    assert base.reading == Setting(slots=50, image="novel-3", edits="b1", tile=2, rate=0.1, score="error").reading
    assert base.reading != Setting(slots=50, k=6).reading
    assert Setting(slots=3, k=5).reading == Setting(slots=3, k=200).reading  # all three slots speak in both
    assert Setting(shrinkage="hard", k=1).reading == Setting(shrinkage="hard", k=2).reading
    assert max(KEPT) < 350


def test_every_shrinkage_does_what_its_name_says() -> None:
    weights = torch.tensor([[[0.5, 0.3, 0.2]]])
    assert Setting(shrinkage="soft").shrink()(weights) is weights
    assert Setting(shrinkage="hard", threshold=0.25).shrink()(weights).count_nonzero() == 2
    assert Setting(k=1).shrink()(weights).tolist() == [[[1, 0, 0]]]
    assert Setting(k=99).shrink()(weights).count_nonzero() == 3


def tiles() -> torch.Tensor:
    return torch.rand(9, 32, 32, generator=torch.Generator().manual_seed(0))


def test_edits_do_what_they_say_and_leave_the_image_alone(glyphs: Glyphs) -> None:
    before = tiles()
    kept_as_was = before.clone()
    after = apply_edits(before, NORMAL, "b1,h2,v3,s45,d67", glyphs).tiles
    assert torch.equal(before, kept_as_was)
    assert after[0].count_nonzero() == 0
    assert torch.equal(after[1], before[1].flip(-1))
    assert torch.equal(after[2], before[2].flip(-2))
    assert torch.equal(after[3], before[4])
    assert torch.equal(after[4], before[3])
    assert torch.equal(after[5], glyphs.tiles[glyphs.indices(7)[0]])
    assert torch.equal(after[6:], before[6:])


@given(first=st.integers(1, 9), second=st.integers(1, 9), letter=st.sampled_from("hvs"))
def test_mirroring_or_exchanging_twice_changes_nothing(glyphs: Glyphs, first: int, second: int, letter: str) -> None:
    edit = f"s{first}{second}" if letter == "s" else f"{letter}{first}"
    twice = apply_edits(tiles(), NORMAL, f"{edit},{edit}", glyphs)
    assert torch.equal(twice.tiles, tiles())
    assert not twice.wrong.any()


@pytest.mark.parametrize(
    ("edits", "wrong"),
    [
        ("", []), ("b3", [3]), ("h1", []), ("h8,v8", []), ("h3", [3]), ("v3", []), ("h4", [4]), ("h2,v2", []),
        ("h4,v4", [4]), ("s15", [1, 5]), ("s15,s15", []), ("s55", []), ("d55", []), ("d56", [5]), ("d90", [9]),
        ("b2,d22", []), ("h7,d77", []),
    ],
)  # fmt: skip
def test_the_truth_follows_the_edits(edits: str, wrong: list[int], glyphs: Glyphs) -> None:
    found = apply_edits(tiles(), NORMAL, edits, glyphs).wrong
    assert [tile + 1 for tile in range(9) if found[tile]] == wrong


def test_too_many_edits_are_refused() -> None:
    assert len(check_edits(",".join(["h1"] * 200))) == 200
    assert "at most 200 edits" in refusal(lambda: check_edits(",".join(["h1"] * 201)))
