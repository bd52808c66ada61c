"""Text of others: in a spreadsheet no formula, on a terminal no line and no colour of its own."""

from __future__ import annotations

import pytest

from squidlib.utils.text import cell, printable
from tests.helpers import squid


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_what_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(begin: str) -> None:
    assert cell(f"{begin}cmd|' /C calc'!A0") == f"'{begin}cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["", "a=b.png", "images/00001.png", "zwölf ñ 数字.png", "3-4.png"])
def test_ordinary_names_stay_as_they_are(text: str) -> None:
    assert cell(text) == printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nsquid: all is well", r"a\nsquid: all is well"),
        ("\x1b[2J\x07\x7f", r"\x1b[2J\x07\x7f"),
        ("a\rb\tc", r"a\rb\tc"),
        ("left\u202eright\u2028", r"left\u202eright\u2028"),  # turns the direction of writing; parts lines
        ("not UTF-8: \udcff", r"not UTF-8: \udcff"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_an_error_shows_names_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    said = squid(capsys, "bench", "--data", "none\x1b[2J\x07")
    assert said.code == 2
    assert said.errors == [r"squid: none\x1b[2J\x07: a folder with images expected, there is none; give another --data"]
